--- The table of a run of the benchmark: our scores with their intervals, by cause, beside a
-- constant answer and the published tools.
local grid = require "lossdbg.view.table"
local logs = require "bench_logs"
local published = require "bench_published"
local score = require "bench_score"

local M = {}

local function share(pair)
  if pair[2] == 0 then return "-" end
  local low, high = score.interval(pair[1], pair[2])
  return ("%d/%d  %.0f %%  [%.0f, %.0f]"):format(pair[1], pair[2], 100 * pair[1] / pair[2],
    100 * low, 100 * high)
end

local function answers_of(results, with_remarks)
  local out = {}
  for _, r in ipairs(results) do
    out[r.id] = {}
    for _, list in ipairs { r.causes, with_remarks and r.remarks or {} } do
      for _, cause in ipairs(list) do table.insert(out[r.id], cause.id) end
    end
  end
  return out
end

local function quantile(list, p)
  if #list == 0 then return 0 / 0 end
  table.sort(list)
  return list[math.max(1, math.ceil(p * #list))]
end

local function costs(results)
  local seconds, memory = {}, {}
  for _, r in ipairs(results) do
    seconds[#seconds + 1], memory[#memory + 1] = r.seconds, r.peak_mb
  end
  return { median = quantile(seconds, 0.5), p90 = quantile(seconds, 0.9),
    longest = quantile(seconds, 1), peak_mb = quantile(memory, 1) }
end

-- Of the scored faulty programs: how many have a fix that its trial verified.
local function verified(results, truth)
  local hits, n = 0, 0
  for _, r in ipairs(results) do
    local t = truth[r.id]
    if t and t.scored and not t.healthy then
      n = n + 1
      for _, fix in ipairs(r.fixes or {}) do
        if fix.verified then hits = hits + 1 break end
      end
    end
  end
  return { hits, n }
end

local function main_table(s, fixes)
  local rows = {}
  local function row(name, read)
    rows[#rows + 1] = { name, share(read(s.all)), share(read(s.real)), share(read(s.injected)) }
  end
  row("detected", function(r) return r.detected end)
  for level, name in ipairs(score.levels) do
    row("first cause, " .. name, function(r) return r[level][1] end)
    row("first three, " .. name, function(r) return r[level][3] end)
  end
  row("precision of the first three", function(r) return r.precision end)
  row("false alarms, errors", function(r) return r.false_alarms end)
  row("false alarms, with warnings", function(r) return r.false_warnings end)
  rows[#rows + 1] = { "faulty, with a verified fix", share(fixes), "", "" }
  return grid.render(rows, { header = { "", "all", "real", "injected" }, width = 110 })
end

local function cause_table(truth, causes, answers)
  local rows = {}
  for i, r in ipairs(score.by_cause(truth, causes, answers)) do
    rows[i] = { r.cause, r.n, r.detected, r[1], r[3] }
  end
  return grid.render(rows, { width = 110, header = { "first cause in truth (with equivalents)",
    "faulty", "detected", "first", "first three" } })
end

-- The truth of the cases that were run.
local function chosen(truth, results)
  local part = {}
  for _, r in ipairs(results) do part[r.id] = truth[r.id] end
  return part
end

local function failures(results)
  local lines = {}
  for _, r in ipairs(results) do
    if r.error then lines[#lines + 1] = ("  %s: %s"):format(r.id, r.error) end
  end
  if #lines > 0 then table.insert(lines, 1, ("not diagnosed: %d"):format(#lines)) end
  return lines
end

local function untold(results)
  local lines = failures(results)
  for _, r in ipairs(results) do
    local names = {}
    for i, cause in ipairs(r.causes) do names[i] = cause.id end
    lines[#lines + 1] = ("%s  %s"):format(r.id, r.error and "error"
      or #names > 0 and table.concat(names, ", ") or "no fault")
  end
  local c = costs(results)
  lines[#lines + 1] = ("faultbench: %d cases, median %.1f s"):format(#results, c.median)
  return table.concat(lines, "\n")
end

-- Verified fixes beside as many random patches, over the faulty programs that have trials.
local function control(results, truth)
  local n, arms, tried = 0, 0, 0
  local hits = { doctor = { first = 0, any = 0 }, random = { first = 0, any = 0 } }
  for _, r in ipairs(results) do
    local t = truth[r.id]
    if r.random and t and t.scored and not t.healthy then
      n, arms, tried = n + 1, arms + r.random.arms, tried + r.random.tried
      for who, h in pairs(hits) do
        for key in pairs(h) do h[key] = h[key] + (r[who][key] and 1 or 0) end
      end
    end
  end
  return n, hits, arms, tried
end

local function control_table(results, truth)
  local n, hits, arms, tried = control(results, truth)
  local rows = {}
  if n == 0 then return nil end
  for i, key in ipairs { "first", "any" } do
    rows[i] = { key == "first" and "the first fix is verified" or "any fix is verified",
      share { hits.doctor[key], n }, share { hits.random[key], n } }
  end
  return grid.render(rows, { header = { "at equal budget", "doctor", "random search" },
    width = 110 }) .. ("\n%d faulty programs with trials; %d fixes tried, %d random patches")
    :format(n, arms, tried)
end

local function last_line(s, fixes, c)
  return ("faultbench: detected %d/%d, first %d/%d, three %d/%d, false_alarms %d/%d, " ..
    "verified %d/%d, median %.1f s"):format(s.detected[1], s.detected[2], s[2][1][1], s[2][1][2],
    s[2][3][1], s[2][3][2], s.false_alarms[1], s.false_alarms[2], fixes[1], fixes[2], c.median)
end

--- The counts of the last line by name.
---@param results table[]
---@param truth table<string, table>
---@param causes table<string, table>
---@return table<string, integer>
function M.counts(results, truth, causes)
  truth = chosen(truth, results)
  local s = score.score(truth, causes, answers_of(results, false), answers_of(results, true)).all
  local n, hits = control(results, truth)
  return { over_random = n > 0 and hits.doctor.first - hits.random.first or nil,
    detected = s.detected[1], first = s[2][1][1], three = s[2][3][1],
    false_alarms = s.false_alarms[1], verified = verified(results, truth)[1] }
end

--- The report. Without truth: what was answered.
---@param results table[]
---@param truth table<string, table>|nil
---@param causes table<string, table>
---@param others table? what log-only tools say of the same runs
---@return string
function M.text(results, truth, causes, others)
  if not truth then return untold(results) end
  truth = chosen(truth, results)
  local answers = answers_of(results, false)
  local s = score.score(truth, causes, answers, answers_of(results, true))
  local fixes, c = verified(results, truth), costs(results)
  local lines = failures(results)
  lines[#lines + 1] = main_table(s, fixes)
  lines[#lines + 1] = "\nshares with their 95 % intervals (Wilson); "
    .. (#s.all.alarms > 0 and "false alarms on: " .. table.concat(s.all.alarms, " ")
      or "no false alarms")
  for _, level in ipairs { 1, 2 } do
    local best = score.constant(truth, causes, level)
    lines[#lines + 1] = ("always answering %s: first cause %d/%d %s"):format(best.cause, best.hits,
      best.n, score.levels[level])
  end
  lines[#lines + 1] = ("time per case: median %.1f s, 90th percentile %.1f s, longest %.1f s; " ..
    "most memory %.0f MB"):format(c.median, c.p90, c.longest, c.peak_mb)
  lines[#lines + 1] = "\n" .. cause_table(truth, causes, answers)
  lines[#lines + 1] = "\n" .. published.text(truth, causes, answers)
  lines[#lines + 1] = "\n" .. logs.text(others, score.ids(truth, false, "all"),
    score.ids(truth, true, "all"), { faulty = ("%d/%d"):format(table.unpack(s.all.detected)),
      sound = ("%d/%d"):format(table.unpack(s.all.false_alarms)) })
  local beside = control_table(results, truth)
  if beside then lines[#lines + 1] = "\n" .. beside end
  lines[#lines + 1] = last_line(s.all, fixes, c)
  return table.concat(lines, "\n")
end

return M
