--- The arithmetic of a trial: pure functions over what runs ended with. No run is made here.
--
-- Compared is the task skill (accuracy over the commonest answer, R2), which is the same measure
-- whatever head and loss a fix brings; where it is not known or does not differ, the skill of the
-- loss against the best constant answer, if both arms have the same loss.
local M = {}

local huge = math.huge

--- name = { limit, why }
M.limits = {
  least = { 0.05, "of skill in the median: less is not worth a change of the program" },
  clear = { 0.25, "of skill in each of the first seeds: the other seeds could change no answer" },
  same = { 0.02, "of task skill: a few rows of a probe" },
  constant = { 0.05, "of skill: no better than the best constant answer" },
}

local function limit(name) return M.limits[name][1] end

--- What a run ended with.
---@class lossdbg.Outcome
---@field task number?  task skill; nil where it is not defined
---@field level number? skill of the loss; -inf when the run ended in NaN
---@field loss number

---@param run lossdbg.Run
---@param part "train"|"val"
---@return lossdbg.Outcome
function M.of(run, part)
  local signals = run.signals
  local s = part == "val" and signals.val_skill or part ~= "val" and signals.skill or nil
  local t = signals.task_skill or {}
  local level, task = s and s.value, part == "val" and t.val or part ~= "val" and t.train or nil
  if run.stopped == "nonfinite_loss" or level ~= level then level, task = -huge, -huge end
  if task and task ~= task then task = nil end
  local name = part == "val" and "val_loss" or "loss"
  local history = run.history[name]
  return { loss = s and s.loss or history and history[#history] or 0 / 0, level = level,
    task = task, curve = history }
end

--- What a trial needs of a run, as plain data.
---@param run lossdbg.Run
---@return { train: lossdbg.Outcome, val: lossdbg.Outcome, steps: integer }
function M.both(run)
  return { train = M.of(run, "train"), val = M.of(run, "val"), steps = run.n_steps }
end

--- The one number that an outcome is told by.
---@param o lossdbg.Outcome
---@return number?
function M.skill(o) return o.task or o.level end

local function difference(a, b)
  if not a or not b then return nil end
  local d = math.max(a, -1) - math.max(b, -1) -- how bad a failure is makes no better fix
  return d == d and d or 0
end

--- By how much one outcome is better than another; nil when they cannot be compared.
---@param after lossdbg.Outcome
---@param before lossdbg.Outcome
---@param same_loss boolean
---@return number?
function M.gain(after, before, same_loss)
  local task = difference(after.task, before.task)
  local level = (same_loss or not task) and difference(after.level, before.level) or nil
  if task and math.abs(task) > limit "same" then return task end
  return level or task
end

function M.median(list)
  local sorted, n = {}, 0
  for _, value in ipairs(list) do
    n = n + 1
    sorted[n] = value == value and value or huge -- a run without a loss is never the better one
  end
  if n == 0 then return 0 / 0 end
  table.sort(sorted)
  local m = n % 2 == 1 and sorted[n // 2 + 1] or (sorted[n // 2] + sorted[n // 2 + 1]) / 2
  return m ~= huge and m or 0 / 0
end

local function column(pairs_, read)
  local list = {}
  for _, p in ipairs(pairs_) do list[#list + 1] = read(p) end
  return list
end

---@class lossdbg.TrialPair one seed: the experiment as it is, with the fix, and started anew
---@field before lossdbg.Outcome
---@field after lossdbg.Outcome
---@field placebo lossdbg.Outcome?

---@class lossdbg.TrialVerdict
---@field verified boolean
---@field decided boolean no further seed would change the answer
---@field gain number? median over the experiment as it is
---@field over_placebo number? median
---@field why string? why it is not verified

local function refused(why, gain, over)
  return { verified = false, decided = true, why = why, gain = gain, over_placebo = over }
end

--- Judges the seeds so far of `n`. Verified: better than as it is and than the placebo in every
--- seed, by `least` in the median, and better than the best constant answer at the end.
---@param seeds lossdbg.TrialPair[]
---@param n integer seeds that the trial was planned with
---@param same_loss boolean
---@return lossdbg.TrialVerdict
function M.judge(seeds, n, same_loss)
  local gains, over = {}, {}
  local least_gain = huge
  for i, p in ipairs(seeds) do
    local gain = M.gain(p.after, p.before, same_loss)
    if not gain then return refused "the runs cannot be compared" end
    gains[i] = gain
    if gain <= 0 then return refused("no better than as it is", M.median(gains)) end
    local beyond = p.placebo and M.gain(p.after, p.placebo, same_loss)
    over[#over + 1] = beyond
    if beyond and beyond <= 0 then
      return refused("no better than placebo", M.median(gains), M.median(over))
    end
    least_gain = math.min(least_gain, gain, beyond or huge)
  end
  local gain, beyond = M.median(gains), M.median(over)
  local whole = #seeds == n
  local clear = #seeds >= 2 and least_gain >= limit "clear"
  if #over < #seeds or not (whole or clear) then
    return { verified = false, decided = false, gain = gain, over_placebo = beyond,
      why = "not tried in every seed" }
  end
  if gain < limit "least" or beyond < limit "least" then
    return refused(("better by less than %g of skill"):format(limit "least"), gain, beyond)
  end
  if M.median(column(seeds, function(p) return M.skill(p.after) end)) < limit "constant" then
    return refused("still no better than a constant answer", gain, beyond)
  end
  return { verified = true, decided = true, gain = gain, over_placebo = beyond }
end

--- The medians that a report tells.
---@param seeds lossdbg.TrialPair[]
---@return table
function M.summary(seeds)
  local function median(arm, key)
    return M.median(column(seeds, function(p)
      local o = p[arm]
      if not o then return nil end
      return key == "loss" and o.loss or M.skill(o)
    end))
  end
  local first, has_placebo = seeds[1], seeds[1] and seeds[1].placebo
  return {
    before = median("before", "loss"), after = median("after", "loss"),
    placebo = has_placebo and median("placebo", "loss") or nil,
    seeds = column(seeds, function(p) return p.after.loss end),
    skill = { before = median("before", "skill"), after = median("after", "skill"),
      placebo = has_placebo and median("placebo", "skill") or nil },
    measure = first and first.after.task and "task" or "loss",
    curves = first and { before = first.before.curve, after = first.after.curve,
      placebo = has_placebo and first.placebo.curve or nil } or {},
  }
end

return M
