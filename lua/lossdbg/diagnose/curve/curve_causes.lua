--- What a curve speaks for: candidates per state, each with what the curve shows for it. A row
-- whose `shows` says nothing keeps its place at the end of the list, as possible and not
-- contradicted; a row may answer false where the curve contradicts it, and one that is marked needs
-- what it shows. Order is all: no number here is a rate that was measured.
local M = {}

local function number(x) return string.format("%.4g", x) end

local function exact(c)
  return c.shape.still and "the loss repeats to the last digit: no weight changes" or nil
end

local function level(...)
  local wanted = { ... }
  return function(c)
    for _, found in ipairs(c.levels) do
      for _, name in ipairs(wanted) do
        if found.name == name then
          return ("it stands at %s, %s"):format(number(found.value), found.text)
        end
      end
    end
  end
end

local function blown(c)
  return c.shape.blown > 0
    and ("it began at %s and fell to %s at once: blown up by the first steps"):format(
      number(c.shape.first), number(c.shape.start)) or nil
end

local function wobbles(c)
  return not c.shape.still and "it moves within its noise: weights change, the loss does not"
end

local function above_baseline(c)
  return c.baseline and not c.shape.still and c.shape.stop > 1.05 * c.baseline
    and ("it stands at %s, above the %s of a constant answer"):format(number(c.shape.stop),
      number(c.baseline)) or nil
end

local function tiny_rate(c)
  local lr = c.facts.lr
  if not lr then return nil end
  if lr == 0 then return "the logged rate is 0" end
  return lr <= 1e-5 and "the logged rate is " .. number(lr) or nil
end

local function from_first(c)
  if c.facts.nonfinite_data ~= nil then
    return c.facts.nonfinite_data and c.facts.nonfinite_data .. " holds NaN or infinity"
  end
  return c.shape.nonfinite_at == 1 and "it is NaN from the first point on"
end

local function after_finite(c)
  local at = c.shape.nonfinite_at
  if at == 1 then return c.axis == "step" and false or nil end
  return at and ("it is finite up to point %d"):format(at - 1) or nil
end

local function straight(c)
  return c.shape.verdict == "crawling" and "it falls evenly, and hardly" or nil
end

local function stopped(c)
  return c.shape.abrupt and "it stopped to the last digit, from one point to the next" or nil
end

local function rate_fell(c)
  local first, last = c.rates and c.rates[1], c.rates and c.rates[#c.rates]
  return first and last < 0.1 * first
    and ("the rate fell from %s to %s"):format(number(first), number(last)) or nil
end

local function little(c)
  return c.hardly and ("it lost %.0f %% and settled: little of the targets follows from the inputs")
    :format(100 * c.shape.fall) or nil
end

local function val_turned(c)
  return c.val_best and ("validation loss was lowest at point %d and rose %.2f times from there")
    :format(c.val_best, c.val_rise) or nil
end

local function decoupled(c) return c.decoupled end

local function shrinks(c)
  return c.shape.shrinks_back and "it falls by the same factor over decades, from "
    .. number(c.shape.first) .. ": weights that a first step blew up shrink back" or nil
end

local function large(c)
  return not c.facts.classes and c.shape.start and c.shape.start > 100
    and "it began at " .. number(c.shape.start) .. ": large, if targets are to be predicted" or nil
end

local function one_unit_softmax(c)
  return c.facts.units == 1 and c.facts.activation == "softmax"
    and "the output is a softmax over one unit: always 1" or nil
end

local BOUNDED = { relu = true, sigmoid = true, softmax = true, tanh = true, softplus = true }

local function bounded_output(c)
  local f = c.facts
  return (f.family == "squared" or f.family == "absolute") and BOUNDED[f.activation or ""]
    and ("the output is a %s, which cannot reach every target"):format(f.activation) or nil
end

local function saturated(c)
  return level("saturated", "binary_saturated", "binary_saturated_torch")(c) or bounded_output(c)
end

--- state -> { cause, shows, only }[], likeliest first where nothing is shown; only: not without
M.rows = {
  nan = {
    { "nan_in_data", from_first }, { "lr_too_high", after_finite },
    { "unnormalised_inputs", after_finite }, { "exploding_gradient", after_finite },
    { "log_of_zero", nil },
  },
  diverging = {
    { "lr_too_high", nil }, { "unnormalised_inputs", blown }, { "exploding_gradient", nil },
    { "gradient_sign_flipped", nil },
  },
  constant = {
    { "softmax_single_unit", one_unit_softmax, true },
    { "wrong_output_activation", saturated, true },
    { "unnormalised_inputs", blown }, { "dying_relu", blown },
    { "output_range_mismatch", above_baseline, true },
    { "lr_too_low", tiny_rate }, { "frozen_parameters", exact },
    { "parameters_not_in_optimizer", exact },
    { "misaligned_labels", level("class_entropy", "binary_entropy", "variance") },
    { "uninformative_labels", wobbles },
    { "symmetric_init", level("uniform_guess", "binary_chance"), true },
    { "vanishing_gradient", nil },
  },
  too_slow = {
    { "lr_too_low", straight }, { "vanishing_gradient", nil },
    { "symmetric_init", level("uniform_guess", "class_entropy", "binary_chance"), true },
    { "unscaled_targets", large, true }, { "too_few_epochs", nil },
  },
  oscillating = {
    { "lr_too_high", nil }, { "bad_batch_size", nil }, { "unshuffled_data", nil },
    { "unnormalised_inputs", blown, true },
  },
  overfitting = {
    { "overfitting", val_turned }, { "missing_regularisation", val_turned },
    { "misaligned_labels", nil },
  },
  plateau_after_progress = {
    { "double_softmax", level("double_softmax", "double_sigmoid"), true },
    { "misaligned_labels", level("class_entropy", "binary_entropy", "variance"), true },
    { "misaligned_labels", little, true },
    { "loss_floor_soft_targets", level("smoothing_floor", "binary_smoothing_floor"), true },
    { "lr_too_low", rate_fell, true }, { "lr_too_low", stopped, true },
    { "over_regularisation", nil },
    { "too_few_units", nil }, { "dying_relu", blown },
  },
  still_falling = {
    { "unnormalised_inputs", shrinks, true }, { "softmax_single_unit", one_unit_softmax, true },
    { "wrong_metric", decoupled, true }, { "too_few_epochs", nil },
  },
  healthy = { { "softmax_single_unit", one_unit_softmax, true },
    { "wrong_metric", decoupled, true } },
  cannot_tell = {},
}

---Candidates of a state, with what speaks for each; those that the curve contradicts are left out.
---@param state string
---@param c table shape, levels, facts, baseline, axis, ...
---@return { cause: string, speaks: string|nil }[]
function M.list(state, c)
  local with, without, seen = {}, {}, {}
  for _, row in ipairs(M.rows[state] or {}) do
    local cause, shows, only = row[1], row[2], row[3]
    local text = shows and shows(c)
    local into = text and with or text == nil and not only and without or nil
    if into and not seen[cause] then
      seen[cause] = true
      into[#into + 1] = { cause = cause, speaks = text or nil }
    end
  end
  return table.move(without, 1, #without, #with + 1, with)
end

--- What the curve alone cannot decide, and the one thing that would.
M.undecided = {
  nan = { "which layer or row brought the first NaN",
    "the loss of every step of the first epoch, and whether x and y hold NaN" },
  diverging = { "whether the rate is too high or the data are unscaled",
    "the range of the inputs, and the gradient norm of every step" },
  constant = { "whether no weight moves or the moves are in vain",
    "gradient norm and update size of every layer: one step decides" },
  too_slow = { "whether the rate or the gradient is too small",
    "a rate test (lossdbg lr-find), or gradient norms by layer" },
  oscillating = { "whether the rate is too high or the batches differ",
    "a run at a third of the rate" },
  overfitting = { "whether the rows are too few or the labels wrong",
    "the accuracy on training and validation rows" },
  plateau_after_progress = { "whether this is the best that the data allow",
    "the labels (--counts or y.npy): they give the levels that mean something" },
  still_falling = { "how far it would fall", "more epochs" },
  healthy = { "whether the answers are right: a loss is no accuracy",
    "the accuracy on rows that were not trained on" },
  cannot_tell = { "the state", "more points of the loss" },
}

return M
