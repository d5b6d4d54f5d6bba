--- What a recorded curve alone can say: its state, an honest "cannot tell", recognised levels, the
-- likeliest causes in order with what speaks for each, and the one thing to log next.
local causes = require "lossdbg.diagnose.curve.curve_causes"
local curve_levels = require "lossdbg.diagnose.curve.curve_levels"
local curve_skill = require "lossdbg.diagnose.curve.curve_skill"
local robust = require "lossdbg.diagnose.robust"
local shape_of = require "lossdbg.diagnose.curve.shape"
local state = require "lossdbg.diagnose.state"

local M = {}

--- name = { limit, why }
M.limits = {
  val_alarm = { 1.3, "times the best validation loss: sound runs of real data stay below" },
  val_alarm_kept = { 2, "times the best where validation accuracy stayed: too sure, no worse" },
  kept = { 0.03, "of validation accuracy lost since then: less is a row or two" },
  done = { 0.9, "of the start was lost: what is left is little, whatever the task" },
  came_down = { 0.65, "of the start was lost, point by point, and nothing speaks against it" },
  points_down = { 3, "points on the way down: fewer were blown up at the start" },
  hardly = { 0.1, "of the start was lost, and it settled there: next to nothing" },
  rate_gone = { 1e-3, "of the first rate, from half way on: nothing is moved any more" },
  left = { 0.3, "of skill, and settled there: few data leave so much" },
}

local function limit(name) return M.limits[name][1] end

local ALARM = { nan = true, diverging = true, constant = true, too_slow = true,
  oscillating = true }

local function validation(c)
  local turned, best = state.turned(c.val, c.loss)
  if turned then
    c.val_best = best
    c.val_rise = c.val[#c.val] / c.val[best]
    c.val_kept = curve_skill.kept(c.val_accuracy, best, limit "kept")
  end
end

-- What is learnt decides where the loss stands still or crawls: a first epoch may have learnt it.
local LEARNT = { still = "settled", crawling = "falling" }

local function movement_of(c)
  local skill = c.skill.train
  local verdict = skill and skill >= state.limits.learnt[1] and LEARNT[c.shape.verdict]
  return verdict and setmetatable({ verdict = verdict }, { __index = c.shape }) or c.shape
end

-- Facts of levels count where the curve has settled; a falling one is judged by its movement.
local function state_of(c)
  local settled = c.shape.verdict == "settled" or c.shape.verdict == "still"
  local s = state.judge { movement = movement_of(c), epochs = c.loss, val_losses = c.val,
    baseline = settled and c.baseline or nil, level = settled and c.shape.stop or nil,
    task = c.skill }
  local id = s.id
  if id == "cannot_tell" and c.saturated then id = "constant" end
  return id, s
end

local MISTAKEN = { uniform_guess = true, binary_chance = true, double_softmax = true,
  double_sigmoid = true, saturated = true, binary_saturated = true, binary_saturated_torch = true }

local function mistaken_level(c)
  for _, level in ipairs(c.levels) do
    if MISTAKEN[level.name] then return level end
  end
end

local function rate_gone(c)
  local rates = c.rates
  if not rates or #rates < 4 or not (rates[1] > 0) then return false end
  return rates[#rates // 2 + 1] <= limit "rate_gone" * rates[1]
    and rates[#rates] <= limit "rate_gone" * rates[1]
end

---Whether something is wrong: true, false, or nil where the curve cannot show it.
local function fault_of(id, c)
  if ALARM[id] then return true end
  if c.shape.shrinks_back or c.decoupled then return true end
  if c.accuracy and c.shape.stop < 0 then return true end
  if id == "overfitting" then
    local kept = c.val_kept and "val_alarm_kept" or "val_alarm"
    if c.val_rise and c.val_rise >= limit(kept) then return true end
    return nil
  end
  if id == "plateau_after_progress" then
    if mistaken_level(c) or c.shape.abrupt or rate_gone(c) then return true end
    local skill = c.skill.train
    if skill and skill < limit "left" then return true end
    if not skill and c.hardly and not curve_skill.gained(c.accuracy) then return true end
    return nil
  end
  if id == "cannot_tell" then return nil end
  return false
end

-- Points on the way down, neither at the top nor at the bottom.
local function points_down(c)
  local top, drop = c.shape.start, c.shape.start - c.shape.stop
  local n = 0
  for i = c.shape.blown + 1, #c.loss do
    local share = (top - c.loss[i]) / drop
    if share > 0.1 and share < 0.9 then n = n + 1 end
  end
  return n
end

-- Whether what settled is the end of learning rather than a stop half way: where no best constant
-- answer is known, the start stands for it.
local function came_down(c, judged)
  if c.baseline or judged.skill or c.near_level then return false end
  if c.shape.fall >= limit "done" then return true end
  return c.shape.fall >= limit "came_down" and points_down(c) >= limit "points_down"
    and fault_of("plateau_after_progress", c) ~= true and curve_skill.gained(c.accuracy) ~= false
end

local function number(x) return ("%.4g"):format(x) end

local function range(c)
  return ("%s to %s in %d %ss"):format(number(c.shape.first), number(c.loss[#c.loss]), #c.loss,
    c.axis)
end

local TEXT = {
  nan = function(c)
    return ("not learning: the loss is NaN or infinite from %s %d on"):format(c.axis,
      c.shape.nonfinite_at)
  end,
  diverging = function(c) return "not learning: the loss grows, " .. range(c) end,
  constant = function(c) return "not learning: the loss stays at " .. number(c.shape.stop) end,
  too_slow = function(c) return "hardly learning: the loss falls, but hardly: " .. range(c) end,
  oscillating = function(c) return "the loss jumps up and down: " .. range(c) end,
  overfitting = function(c)
    return ("learns the training rows, and forgets the others: validation loss rose %.2f times "
      .. "since %s %d"):format(c.val_rise, c.axis, c.val_best)
  end,
  plateau_after_progress = function(c)
    return "learning stopped half way: " .. range(c) .. ", and settled"
  end,
  still_falling = function(c) return "learning, and not done: " .. range(c) end,
  healthy = function(c) return "learning: " .. range(c) .. ", and settled" end,
  cannot_tell = function(c)
    if c.rivals then
      return ("%s and %s play against each other: neither curve shows whether both learn"):format(
        c.rivals[1], c.rivals[2])
    end
    return ("too short or too noisy to judge: %d %ss"):format(#c.loss, c.axis)
  end,
}

local function text_of(id, c)
  local text = TEXT[id](c)
  local level = c.levels[1]
  if level and id ~= "nan" then
    text = ("%s = %s"):format(text, level.text)
    if level.classes then text = text .. (" if there are %d classes"):format(level.classes) end
  end
  if c.decoupled then text = text .. ", but " .. c.decoupled end
  if c.shape.shrinks_back then text = text .. ", from weights that blew up at the start" end
  return text
end

---@class lossdbg.CurveDiagnosis
---@field state string one of state.states
---@field text string
---@field fault boolean|nil nil: the curve cannot show it
---@field shape lossdbg.CurveShape
---@field levels table[] recognised
---@field causes { cause: string, speaks: string|nil }[] likeliest first
---@field undecided string what the curve cannot decide
---@field next string the one thing that would

---Judges a run by its curves.
---@param run lossdbg.Run with history.loss
---@param facts? lossdbg.CurveFacts
---@return lossdbg.CurveDiagnosis
function M.judge(run, facts)
  facts = facts or {}
  local curves = run.curves or {}
  local c = { loss = run.history.loss, axis = run.axis or "epoch", facts = facts,
    val = curves.val_loss and curves.val_loss.y or run.history.val_loss,
    rates = curves.lr and curves.lr.y or run.history.lr, accuracy = run.history.accuracy,
    val_accuracy = run.history.val_accuracy }
  c.shape = shape_of.of(c.loss, c.axis)
  if c.accuracy and robust.finite(c.accuracy[#c.accuracy]) then
    facts.wrong = facts.wrong or 1 - c.accuracy[#c.accuracy]
  end
  if c.rates and #c.rates > 0 then facts.lr = c.rates[#c.rates] end
  c.baseline, c.baseline_name = curve_levels.baseline(facts)
  c.levels, c.skill = {}, curve_skill.of(run.history)
  c.decoupled = curve_skill.decoupled(c.accuracy, c.shape)
  c.hardly = (c.shape.fall or 1) < limit "hardly"
  c.saturated = curve_skill.saturated(c.loss, c.accuracy)
  validation(c)
  local id, judged = state_of(c)
  c.rivals = run.recorded and run.recorded.rivals
  if c.rivals and id ~= "nan" then id = "cannot_tell" end
  if id == "constant" or id == "plateau_after_progress" or id == "too_slow" then
    c.levels, c.near_level = curve_levels.find(c.shape, facts)
  end
  if id == "plateau_after_progress" and came_down(c, judged) then id, c.levels = "healthy", {} end
  local known = causes.undecided[id]
  return { state = id, text = text_of(id, c), fault = fault_of(id, c), shape = c.shape,
    levels = c.levels, causes = causes.list(id, c), undecided = known[1], next = known[2],
    baseline = c.baseline, baseline_name = c.baseline_name, skill = judged.skill,
    val_best = c.val_best, val_rise = c.val_rise, axis = c.axis, facts = facts }
end

return M
