--- One sentence on the whole: does the run learn, and if not, why.
local facts_of = require "lossdbg.diagnose.facts"
local movement = require "lossdbg.diagnose.movement"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {}

local LADDER = require("lossdbg.diagnose.severity").LADDER

local number = numfmt.number

local function near(a, b)
  return a and b and math.abs(a - b) <= math.max(0.005 * math.abs(b), 1e-9)
end

local function constant(f)
  local m, level = f.status.movement, f.level
  if near(level, f.baseline) then
    return string.format("loss constant at %s = %s", number(level),
      f.signals.baseline_name or "the best constant answer")
  end
  if f.constant then return "loss constant at " .. number(level) end
  if m.verdict == "still" and f.skill and f.skill >= 0.1 then
    local init = f.signals.init or {}
    return string.format("the loss hardly moved, %s to %s", number(init.loss or m.first),
      number(level))
  end
  if f.baseline and level then
    return string.format("loss %s against %s for a constant answer", number(level),
      number(f.baseline))
  end
  return "loss constant at " .. number(level)
end

local function task_words(f)
  local task = f.status.task
  if not task.train then return nil end
  if task.measure == "accuracy" and task.accuracy then
    return string.format("accuracy %s%s", number(task.accuracy), task.majority
      and string.format(" (commonest answer %s)", number(task.majority)) or "")
  end
  return "R2 " .. number(task.train)
end

local function falling(f)
  local trend, epochs = f.signals.trend or {}, f.signals.epoch_loss
  local first, last = epochs and epochs[1] or trend.first, epochs and epochs[#epochs] or trend.last
  if f.outliers then
    return string.format("training loss %s to %s; few rows carry the mean over the probe to %s",
      number(first), number(last), number(f.level))
  end
  local text = "loss " .. number(f.level)
  if first and last and f.level and last < first and f.level >= first then
    -- what the steps fed and what the data hold are two measurements
    text = string.format("the losses of the steps fall, %s to %s, and the loss on the data is %s",
      number(first), number(last), number(f.level))
  elseif first then
    text = string.format("loss %s to %s", number(first), number(f.level))
  end
  if f.skill then
    text = text .. string.format(", %s of the baseline removed",
      numfmt.percent(math.max(0, f.skill)))
  end
  if f.status.bad_loss then
    return string.format("the task is learnt, %s, though the loss %s against %s for a constant "
      .. "answer is not", task_words(f), number(f.level), number(f.baseline or 0 / 0))
  end
  return text
end

-- The place that the graph found, else the first bad entry of the curve.
local function first_nonfinite(f)
  local bad, at = f.signals.nonfinite, f.status.movement.nonfinite_at
  if type(bad) ~= "table" then
    return at and string.format("NaN or infinity from step %d", at) or "NaN or infinity"
  end
  local place = {}
  if bad.op then place[1] = "op " .. bad.op end
  place[#place + 1] = bad.layer
  place[#place + 1] = bad.line
  local text = bad.step and string.format("NaN or infinity from step %d", bad.step)
    or "NaN or infinity"
  return text .. (#place > 0 and ", first in " .. table.concat(place, ", ") or "")
end

local function rise(f)
  local m = f.status.movement
  if m.leaps >= 2 then
    return string.format("the loss leaps up to %s", number(f.worst))
  end
  local best = f.signals.trend and f.signals.trend.best
  if best and m.first and best < m.first or not m.first then
    return string.format("the loss rises, best %s, last %s", number(best or 0),
      number(m.last or f.level))
  end
  return string.format("the loss rises, %s to %s", number(m.first), number(m.last or f.level))
end

local STATE = {
  nan = function(f) return "not learning: " .. first_nonfinite(f) end,
  diverging = function(f) return "not learning: " .. rise(f) end,
  constant = function(f)
    local beaten = f.skill_verdict == "better"
    return (beaten and "hardly learning: " or "not learning: ") .. constant(f)
  end,
  too_slow = function(f) return "learning too slowly: " .. falling(f) end,
  oscillating = function(f)
    return "not settling: the loss of whole epochs jumps up and down, last " .. number(f.level)
  end,
  plateau_after_progress = function(f)
    local removed = f.skill and string.format(", %s of the baseline removed",
      numfmt.percent(math.max(0, f.skill))) or ""
    return string.format("learning stopped half way: loss %s%s", number(f.level), removed)
  end,
  overfitting = function(f)
    local task = f.status.task
    if task.train and task.val then
      return string.format("learning the training rows only: skill %s on them, %s on validation"
        .. " rows", number(task.train), number(task.val))
    end
    return "overfitting: " .. falling(f)
  end,
  still_falling = function(f) return "learning, not finished: " .. falling(f) end,
  healthy = function(f) return "learning: " .. falling(f) end,
  cannot_tell = function(f)
    local more = f.status.movement.more_steps
    local updates = f.signals.loop and f.signals.loop.steps or 0
    if f.steps == 0 and updates > 0 then
      return ("not judged: %d updates were seen, but watch:step(loss) was never called"):format(
        updates)
    end
    if f.steps == 0 and not more then return "not judged: nothing was trained" end
    return string.format("too short to judge%s%s", f.steps > 0 and ": " .. f.steps .. " steps"
      or "", more and string.format(", about %s more would do", number(math.ceil(more))) or "")
  end,
}

---What the run shows, in words.
---@param f lossdbg.facts
---@return string
function M.state_words(f) return STATE[f.state](f) end

---The same for a run that nobody diagnosed; nil where neither loss nor trend was measured.
---@param run table
---@return string?
function M.of_run(run)
  local signals, description = {}, run.description or {}
  for key, value in pairs(run.signals or {}) do signals[key] = value end
  signals.epoch_loss = signals.epoch_loss or run.history and run.history.loss
  signals.trend = signals.trend or movement.trend(signals.loss, description.steps_per_epoch)
  if not (signals.trend or signals.epoch_loss or signals.nonfinite or signals.skill) then
    return nil
  end
  return M.state_words(facts_of.of { description = description, signals = signals })
end

---The finding that names the reason, or nil.
local function reason(ranked)
  for _, f in ipairs(ranked) do
    if f.severity == "error" then
      if f.role == "cause" or f.cause then return f end
    end
  end
  return nil
end

--- Consequences worth a place in the sentence, best first.
local CHAIN = { "dying_relu", "saturating_hidden_activation", "vanishing_gradient",
  "zero_gradient_layer", "exploding_gradient", "update_ratio_too_large" }

---The consequence that leads from the cause to what is seen, or nil.
local function consequence(ranked, cause)
  for _, rule in ipairs(CHAIN) do
    for _, f in ipairs(ranked) do
      if f.rule == rule and f.role == "consequence" and LADDER[f.severity] >= LADDER.error then
        for _, id in ipairs(f.explained_by or {}) do
          if id == cause.rule then return f end
        end
      end
    end
  end
  return nil
end

---Builds the verdict.
---@param ranked table[] findings in the order of rank.order
---@param case { description: table, signals: table }
---@return { text: string, healthy: boolean, state: string, probability: number|nil }
function M.build(ranked, case)
  local f = facts_of.of(case)
  local cause = reason(ranked)
  local text = STATE[f.state](f)
  local grave = 0
  for _, finding in ipairs(ranked) do
    if finding.severity == "error" then grave = grave + 1 end
  end
  if cause then
    local joint = f.learned and ", but " or f.state == "cannot_tell" and "; " or ", because "
    text = text .. joint .. cause.title
    local next_one = consequence(ranked, cause)
    if next_one then text = text .. " (so that " .. next_one.title .. ")" end
  elseif f.failed then
    text = text .. "; no cause was found"
  elseif ranked[1] and ranked[1].severity == "warning"
    and ranked[1].part == "validation" then
    text = text .. ", but " .. ranked[1].title -- the training rows are learnt; others may not be
  end
  local plain = case.signals.reference
  if plain and plain.gap and plain.gap > 0.1 and not (cause and cause.rule == "behind_reference")
  then
    text = text .. string.format("; skill %s, where %s reaches %s", number(plain.own), plain.name,
      number(plain.skill))
  end
  return {
    text = text, state = f.state, healthy = grave == 0 and not f.failed,
    probability = cause and cause.probability or nil,
  }
end

return M
