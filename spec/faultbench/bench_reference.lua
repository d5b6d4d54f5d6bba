--- Verdicts on trained cases, as the benchmark defines them, and their comparison with those of the
-- reference trainer.
local grid = require "lossdbg.view.table"

local M = {}

local nan = 0 / 0

local function number(x) return type(x) == "number" and x or nan end

local function median(list)
  local sorted = {}
  for _, x in ipairs(list) do
    if x == x then sorted[#sorted + 1] = x end
  end
  table.sort(sorted)
  local n = #sorted
  if n == 0 then return nan end
  return n % 2 == 1 and sorted[n // 2 + 1] or (sorted[n // 2] + sorted[n // 2 + 1]) / 2
end

-- Why a run counts as failed, or nil.
function M.failure(run)
  local final, skill = number(run.final), number(run.skill)
  if type(run.nan_step) == "number" or final ~= final then return "nan" end
  if final < 0 then return "negative_loss" end
  if math.abs(final - number(run.initial)) <= 1e-3 * math.abs(number(run.initial)) then
    return "constant_loss"
  end
  if skill ~= skill or skill < 0.1 then return "no_skill" end
  if final >= number(run.baseline) then return "at_baseline" end
  if skill < 0.3 then return "little_skill" end
  if number(run.val_skill) < skill - 0.2 then return "validation_gap" end
  return nil
end

local function trains(run)
  return not (type(run.nan_step) == "number") and number(run.skill) >= 0.5
    and not (number(run.final) > 0.9 * number(run.baseline))
end

-- The error that remains is clearly larger than that of the repaired program.
local function worse(run, repaired)
  local left, best = 1 - number(run.skill), 1 - number(repaired and repaired.skill)
  if best ~= best then return false end
  return left ~= left or left > 1.5 * best + 0.05
end

local function share(list, fits)
  local n = 0
  for i, item in ipairs(list) do n = n + (fits(item, i) and 1 or 0) end
  return n, #list
end

--- The verdict on the runs of a case. A program whose only fault is the number it reports trains
--- like its repair; so does one whose fault did not show.
---@param runs table[]
---@param repaired table[]|nil runs of the repaired program
---@param healthy boolean
function M.verdict(runs, repaired, healthy)
  if healthy then
    local good, n = share(runs, trains)
    return good == n and "trains" or good == 0 and "does_not_train" or "seed_dependent"
  end
  local failed, n = share(runs, function(run) return M.failure(run) ~= nil end)
  if failed * 3 >= 2 * n then return "fails" end
  local behind = share(runs, function(run, i) return worse(run, repaired and repaired[i]) end)
  if behind * 3 >= 2 * n then return "worse_than_repaired" end
  return "trains_like_repair"
end

local alike = { not_reproduced = "trains_like_repair", reading_only = "trains_like_repair" }

local function finals(runs)
  local list = {}
  for i, run in ipairs(runs) do list[i] = number(run.final) end
  return list
end

-- Whether x lies between the smallest and the largest of a list.
local function within(x, list)
  local low, high = math.huge, -math.huge
  for _, value in ipairs(list) do
    if value == value then low, high = math.min(low, value), math.max(high, value) end
  end
  return low <= x and x <= high
end

local function skills(runs)
  local words = {}
  for i, run in ipairs(runs) do
    words[i] = type(run.nan_step) == "number" and "nan@" .. run.nan_step
      or ("%.2f"):format(number(run.skill))
  end
  return table.concat(words, " ")
end

-- Our runs of the repaired program; the reference's where it was not trained here.
local function repaired_runs(reference, by_id, check)
  local id = reference.repaired
  local twin = id ~= nil and (by_id[id] or check[id])
  return twin and twin.runs
end

local function compare(result, by_id, check)
  local reference, runs = check[result.id], result.runs or {}
  local ours = result.error and "error" or M.verdict(runs,
    repaired_runs(reference, by_id, check), reference.seeds_that_train ~= nil)
  local theirs = alike[reference.verdict] or reference.verdict
  local a, b = median(finals(runs)), median(finals(reference.runs))
  return { id = result.id, ours = ours, theirs = theirs, same = ours == theirs,
    by_seed = reference.verdict == "seed_dependent", a = a, b = b,
    ratio = math.max(a / b, b / a), inside = within(b, finals(runs)), skills = skills(runs),
    their_skills = skills(reference.runs), error = result.error }
end

--- Text of the comparison, one line per disagreement.
---@param results table[] of bench_train.case
---@param check table<string, table> check.json
---@return string
function M.text(results, check)
  local by_id, rows, lines = {}, {}, {}
  local known = {}
  for _, r in ipairs(results) do
    by_id[r.id] = r
    if check[r.id] then
      known[#known + 1] = r
    else
      lines[#lines + 1] = r.id .. ": the reference has not seen it"
    end
  end
  local same, n, close, inside, trained = 0, 0, 0, 0, 0
  for _, r in ipairs(known) do
    local c = compare(r, by_id, check)
    if not c.by_seed then
      n, same = n + 1, same + (c.same and 1 or 0)
    end
    local both = c.theirs == "trains" and not c.by_seed
    if both then
      trained, close = trained + 1, close + (c.ratio <= 1.25 and 1 or 0)
      inside = inside + ((c.ratio <= 1.25 or c.inside) and 1 or 0)
    end
    if (not c.same and not c.by_seed) or (both and not (c.ratio <= 1.25)) then
      rows[#rows + 1] = { c.id, c.ours, c.theirs, ("%.4g"):format(c.a), ("%.4g"):format(c.b),
        c.inside and "yes" or "no", c.skills, c.their_skills }
    end
    if c.error then lines[#lines + 1] = c.id .. ": " .. c.error end
  end
  lines[#lines + 1] = grid.render(rows, { width = 140, header = { "differs", "verdict",
    "reference", "final", "reference", "in our range", "skill per seed", "reference" } })
  lines[#lines + 1] = ("faultbench: same verdict %d/%d, final loss within 1.25 on %d/%d that " ..
    "train, %d with those inside the range of our seeds"):format(same, n, close, trained, inside)
  return table.concat(lines, "\n")
end

return M
