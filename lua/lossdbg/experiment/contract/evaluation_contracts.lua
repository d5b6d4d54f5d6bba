--- Contracts about the mode of passes and about evaluation.
local core = require "lossdbg.core"
local tensors = require "lossdbg.tensor"

local version = core.train.version

-- Which passes a backward pass belongs to is not told; one of them in training mode is enough, the
-- others are evaluations that were not wrapped in no_grad.
local function training_mode(s, modes)
  if not s.two_modes or modes.training + modes.evaluation == 0 then return nil end
  return modes.training > 0 or {}
end

local function evaluation_mode(s, pass)
  if pass.grad or not s.two_modes then return nil end
  return not pass.training or {}
end

-- Versions of all tensors of a model, statistics too.
local function versions(model)
  local list = {}
  for _, layer in ipairs(model.list) do
    for _, parameter in ipairs(layer.parameters) do
      list[#list + 1] = version(parameter.tensor)
    end
  end
  return list
end

local function first_changed(model, before)
  local i = 0
  for _, layer in ipairs(model.list) do
    for _, parameter in ipairs(layer.parameters) do
      i = i + 1
      if before[i] ~= version(parameter.tensor) then return layer, parameter end
    end
  end
end

local function changes_nothing(s, pass)
  if pass.grad or not pass.before then return nil end
  local layer, parameter = first_changed(s.model, pass.before)
  if not layer then return true end
  return { layer = layer.path, cause = pass.training and "train_mode_in_evaluation" or nil,
    text = ("%s/%s was written by a pass without gradients%s"):format(layer.path, parameter.name,
      pass.training and ", in training mode" or "") }
end

local function same(a, b)
  local equal = a:eq(b):cast("f32"):add(a:ne(a):cast "f32") -- NaN is NaN in both
  return equal:min():item() > 0
end

-- The first layer of a chain whose outputs are not the same twice.
local function first_unequal(model, x, logits)
  local function outputs()
    local list = {}
    model:forward(x, { logits = logits, tap = function(layer, when, y)
      if when == "after" and core.tensor.is_tensor(y) then
        list[#list + 1] = { path = layer.path, y = y:detach():clone() }
      end
    end })
    return list
  end
  local a, b = outputs(), outputs()
  for i, one in ipairs(a) do
    local other = b[i]
    if not other then return nil end
    if not same(one.y, other.y) then return one.path end
  end
  return nil
end

local function repeats(s, fact)
  if not fact.probe then return nil end
  return tensors.no_grad(function()
    local function pass() return s.model:forward(fact.probe.x, { logits = fact.logits }) end
    local a, b = pass(), pass()
    if not core.tensor.is_tensor(a) then return nil end
    if same(a, b) then return true end
    return { layer = first_unequal(s.model, fact.probe.x, fact.logits),
      text = "two evaluation passes of the same rows differ" }
  end)
end

return {
  versions = versions,
  { id = "training_mode", at = "gradients", cause = "batchnorm_statistics_lag",
    check = training_mode,
    says = "a pass that is learnt from is in training mode",
    fix = "model(x, { training = true })" },
  { id = "evaluation_mode", at = "pass", cause = "train_mode_in_evaluation",
    check = evaluation_mode, says = "a pass that is not learnt from is in evaluation mode",
    fix = "leave out { training = true } where nothing is trained" },
  { id = "evaluation_changes_nothing", at = "pass", cause = "weights_changed_outside",
    check = changes_nothing, says = "evaluation changes no weight and no statistic",
    fix = "let layers write only where context.training is true" },
  { id = "evaluation_repeats", at = "finish", cause = "train_mode_in_evaluation", check = repeats,
    says = "two evaluation passes of the same rows agree",
    fix = "make noise depend on context.training" },
}
