--- What trials prove: experiment before argument. A cause whose fix is verified goes before those
-- whose fixes are not, and a warning of it becomes an error; a warning whose fixes were all tried
-- in vain, or where a plain recipe reaches no more than the run, becomes a remark.
local outcome = require "lossdbg.experiment.trial.trial_outcome"
local registry = require "lossdbg.diagnose.registry"
local severity = require "lossdbg.diagnose.severity"
local states = require "lossdbg.diagnose.state"

local M = {}

--- name = { limit, why }
M.limits = {
  gain = { 0.1, "of skill: what a warning must bring to be called an error" },
  rows = { 5, "right answers more: fewer are chance, whatever share of the rare ones they are" },
  share = { 0.3, "of the room that the run left: less is tuning, not repair" },
  closed = { 0.67, "of what a plain recipe reaches more: less leaves the main cause to be found" },
  beyond = { 0.2, "of skill more than another fix brings: goes before it" },
}

local function limit(name) return M.limits[name][1] end

local weight = severity.LADDER

local function verified_fix(f)
  for i, fix in ipairs(f.fixes or {}) do
    if fix.trial and fix.trial.verified then return fix, i end
  end
  return nil
end

-- Whether all fixes of a finding were tried and none helped.
local function refuted(f)
  local count = 0
  for _, fix in ipairs(f.fixes or {}) do
    if fix.trial and fix.trial.verified then return false end
    if fix.trial and not fix.trial.reason then count = count + 1 end
  end
  return count > 0
end

-- Right answers that a gain of skill stands for; only accuracy counts answers.
local function answers(t, task)
  local rows = t.part == "val" and task.val_rows or t.part ~= "val" and task.train_rows or nil
  if task.measure ~= "accuracy" or t.measure ~= "task" or not rows then return math.huge end
  return t.gain * (1 - (task.majority or 0)) * rows
end

--- Whether what a fix brought makes a warning of its cause an error.
---@param fix table
---@param status lossdbg.State
---@return boolean
function M.proves(fix, status)
  local t = fix.trial
  if not (t and t.verified and t.gain) then return false end
  local lower = status.task.lower or status.skill
  if not lower or lower >= states.limits.fitted[1] then return false end
  if answers(t, status.task) < limit "rows" then return false end
  return t.gain >= limit "gain" and t.gain >= limit "share" * (1 - math.max(lower, 0))
end

-- Skill that the verified fix of a finding brings; of the task only, since losses do not compare.
local function gain(f)
  local fix = verified_fix(f)
  local t = fix and fix.trial
  return t and t.measure == "task" and t.gain or nil
end

--- Whether a fix of any of these findings helps.
---@param findings table[]
---@return boolean
function M.helped(findings)
  for _, f in ipairs(findings) do
    if verified_fix(f) then return true end
  end
  return false
end

--- The most that any verified fix brings.
---@param findings table[]
---@return number of task skill, 0 where none was measured in it
function M.best_gain(findings)
  local best = 0
  for _, f in ipairs(findings) do best = math.max(best, gain(f) or 0) end
  return best
end

-- Whether the fix of f brings much more than that of g.
local function far_better(f, g)
  local a, b = gain(f), gain(g)
  return a and b and a - b > limit "beyond"
end

-- The place of a finding by severity.
local function place(findings, at)
  local f = findings[at]
  local to = at
  while to > 1 do
    local g = findings[to - 1]
    local graver = weight[g.severity] > weight[f.severity]
    local proved = verified_fix(g) ~= nil and not far_better(f, g)
    if graver or proved and weight[g.severity] >= weight[f.severity] then break end
    if weight[g.severity] == weight[f.severity] and not refuted(g) and g.class == "exact" then
      break -- what is true by construction needs no trial
    end
    to = to - 1
  end
  table.remove(findings, at)
  table.insert(findings, to, f)
end

--- Takes warnings back to remarks where the run does not fail and trials or the plain recipe say
--- that there is nothing to repair. What is true by construction stays.
---@param findings table[] changed
---@param status lossdbg.State
---@param reached boolean a plain recipe reaches no more than the run
function M.calm(findings, status, reached)
  if status.fails then return end
  for _, f in ipairs(findings) do
    local helped = verified_fix(f) and not f.tuning
    if f.severity == "warning" and f.class ~= "exact" and not helped
      and (reached or refuted(f)) then
      f.severity, f.calmed = "info", true
    end
  end
end

--- A fault of a loop is proved by a loop without it: where the copy that a plain loop trained on
--- the same data, in two orders of its rows, does far better, and one cause alone can be what that
--- loop does not do, its fix is verified. Several such causes would share the merit: none gets it.
---@param findings table[] ranked; changed
---@param signals table outside.gain is there only after two fits where it is large (see closing)
function M.by_plain_loop(findings, signals)
  local reference = (signals.outside or {}).reference
  local losses = reference and reference.losses or {}
  if #losses < 2 or reference.skill < outcome.limits.constant[1] then return end
  local named
  for _, f in ipairs(findings) do
    if registry.get(f.rule).plain_loop and weight[f.severity] == weight.error then
      if named and named.cause ~= f.cause then return end
      named = named or f
    end
  end
  if not named or #named.fixes == 0 then return end
  named.fixes[1].trial = { verified = true, measure = "loss", part = "train",
    before = signals.final.loss, after = (losses[1] + losses[2]) / 2, seeds = losses,
    gain = signals.outside.gain, steps = reference.steps, by = "a plain loop on the same data" }
end

--- Where a plain recipe reaches no more in as many steps, more of them are no repair.
---@param findings table[] changed
function M.reached(findings)
  for _, f in ipairs(findings) do
    if f.cause == "too_few_epochs" then f.tuning = true end
  end
end

--- Experiment before argument: verified fixes come first, in their finding and among findings of
--- one severity; warnings that are proved become errors.
---@param findings table[] ranked; changed
---@param status lossdbg.State
function M.heed(findings, status)
  for i, f in ipairs(findings) do
    local fix, at = verified_fix(f)
    if fix then
      table.remove(f.fixes, at)
      table.insert(f.fixes, 1, fix)
      local counts = f.cause and f.role ~= "symptom" and not f.tuning
      if counts and weight[f.severity] < weight.error and M.proves(fix, status) then
        f.severity, f.proved = "error", true
      end
      if f.role ~= "symptom" then place(findings, i) end
    end
  end
end

return M
