--- Scores of answers, defined as score.py of the benchmark does: over the scored cases, detection,
-- the right cause among the first k, precision of the first three, false alarms on sound programs.
local M = {}

local function set(list)
  local out = {}
  for _, item in ipairs(list or {}) do out[item] = true end
  return out
end

M.levels = { "strict", "with equivalents", "with measured repairs" }

--- Whether a cause is right for a case: its own causes and `also`; from level 2 equivalents; at
--- level 3 causes whose repair alone was measured to be enough.
function M.right(truth, causes, answer, level)
  if set(truth.causes)[answer] or set(truth.also)[answer] then return true end
  if level >= 2 then
    for _, cause in ipairs(truth.causes) do
      if set(causes[cause] and causes[cause].equivalents)[answer] then return true end
    end
  end
  return level >= 3 and set(truth.single_repairs)[answer] or false
end

--- Wilson's interval of a share, 95 %.
---@return number low
---@return number high
function M.interval(hits, n)
  if n == 0 then return 0, 1 end
  local z = 1.959964
  local p, zz = hits / n, z * z / n
  local middle = (p + zz / 2) / (1 + zz)
  local half = z * math.sqrt(p * (1 - p) / n + zz / (4 * n)) / (1 + zz)
  return math.max(0, middle - half), math.min(1, middle + half)
end

local function first(list, k) return table.move(list, 1, math.min(k, #list), 1, {}) end

local function count(list, fits)
  local n = 0
  for _, item in ipairs(list) do
    if fits(item) then n = n + 1 end
  end
  return n
end

local function is(truth, healthy, origin)
  return truth.scored and truth.healthy == healthy and (origin == "all" or truth.origin == origin)
end

local function ids_of(truth, healthy, origin)
  local ids = {}
  for id, t in pairs(truth) do
    if is(t, healthy, origin) then ids[#ids + 1] = id end
  end
  table.sort(ids)
  return ids
end

local function precision(ids, truth, causes, answers)
  local hits, n = 0, 0
  for _, id in ipairs(ids) do
    for _, answer in ipairs(first(answers[id] or {}, 3)) do
      n = n + 1
      local t = truth[id]
      if M.right(t, causes, answer, 2) or set(t.tolerated)[answer] then hits = hits + 1 end
    end
  end
  return { hits, n }
end

local function faulty_scores(ids, truth, causes, answers)
  local r = { faulty = #ids }
  r.detected = { count(ids, function(id) return #(answers[id] or {}) > 0 end), #ids }
  for level in ipairs(M.levels) do
    r[level] = {}
    for _, k in ipairs { 1, 3 } do
      r[level][k] = { count(ids, function(id)
        return count(first(answers[id] or {}, k), function(answer)
          return M.right(truth[id], causes, answer, level)
        end) > 0
      end), #ids }
    end
  end
  r.precision = precision(ids, truth, causes, answers)
  return r
end

--- Ids of sound programs for which a fault is named that is not a true side remark.
function M.false_alarms(ids, truth, answers)
  local list = {}
  for _, id in ipairs(ids) do
    local tolerated = set(truth[id].tolerated)
    if count(answers[id] or {}, function(answer) return not tolerated[answer] end) > 0 then
      list[#list + 1] = id
    end
  end
  return list
end

--- All scores. Pairs are { hits, of }.
---@param truth table<string, table>
---@param causes table<string, table> vocabulary
---@param answers table<string, string[]> causes by id, best first
---@param remarks? table<string, string[]> the same with warnings
---@return table scores { all =, real =, injected = }
function M.score(truth, causes, answers, remarks)
  local out = {}
  for _, origin in ipairs { "all", "real", "injected" } do
    local r = faulty_scores(ids_of(truth, false, origin), truth, causes, answers)
    local sound = ids_of(truth, true, origin)
    r.alarms = M.false_alarms(sound, truth, answers)
    r.false_alarms = { #r.alarms, #sound }
    r.false_warnings = { #M.false_alarms(sound, truth, remarks or answers), #sound }
    out[origin] = r
  end
  return out
end

--- The answer that is best when it is always given, and its share of right first answers.
function M.constant(truth, causes, level)
  local ids, best = ids_of(truth, false, "all"), { hits = -1 }
  for cause in pairs(causes) do
    local hits = count(ids, function(id) return M.right(truth[id], causes, cause, level) end)
    if hits > best.hits or (hits == best.hits and cause < best.cause) then
      best = { cause = cause, hits = hits, n = #ids }
    end
  end
  return best
end

--- First causes of the faulty programs: { cause, n, detected, first, three }, most frequent first.
function M.by_cause(truth, causes, answers)
  local rows, of = {}, {}
  for _, id in ipairs(ids_of(truth, false, "all")) do
    local t = truth[id]
    local row = of[t.causes[1]] or { cause = t.causes[1], n = 0, detected = 0, [1] = 0, [3] = 0 }
    if not of[row.cause] then of[row.cause], rows[#rows + 1] = row, row end
    local given = answers[id] or {}
    row.n, row.detected = row.n + 1, row.detected + (#given > 0 and 1 or 0)
    for _, k in ipairs { 1, 3 } do
      local right = count(first(given, k), function(a) return M.right(t, causes, a, 2) end) > 0
      row[k] = row[k] + (right and 1 or 0)
    end
  end
  table.sort(rows, function(a, b)
    if a.n ~= b.n then return a.n > b.n end
    return a.cause < b.cause
  end)
  return rows
end

M.ids = ids_of

return M
