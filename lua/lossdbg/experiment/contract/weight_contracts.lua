--- Contracts about weights: who may move them, and what moves.
local core = require "lossdbg.core"
local rates = require "lossdbg.optim.rate"

local is_tensor, version = core.tensor.is_tensor, core.train.version

local KEPT = 256 -- values of a weight that are kept to tell how it changed

-- A number that changes with any bit of a tensor.
local function digest(tensor)
  return core.diagnose.row_hashes(tensor:detach():contiguous():reshape { 1, -1 })[1]
end

-- The first values of a flat tensor, to tell how it changed.
local function sample(tensor)
  local flat = tensor:detach():reshape { -1 }
  return flat:slice(1, 1, math.min(flat.numel, KEPT)):clone()
end

-- Whether two tensors of one shape have the same values.
local function same(a, b) return a:ne(b):max():item() == 0 end

-- ---- frozen weights -----------------------------------------------------------------------------

local function each_frozen(model, visit)
  for _, layer in ipairs(model.list) do
    for _, parameter in ipairs(layer.parameters) do
      local statistic = parameter.trainable == false
      if (not layer.trainable or parameter.tensor.requires_grad == false) and not statistic then
        visit(layer, parameter)
      end
    end
  end
end

local function frozen_stay(s)
  local kept, fresh, found, n = s.frozen or {}, {}, nil, 0
  each_frozen(s.model, function(layer, parameter)
    local tensor, at = parameter.tensor, version(parameter.tensor)
    local before = kept[tensor]
    n = n + 1
    if before and before.version == at then
      fresh[tensor] = before
      return
    end
    fresh[tensor] = { version = at, digest = digest(tensor) }
    if before and before.digest ~= fresh[tensor].digest and not s.was_loaded then
      found = found or { layer = layer.path, text = ("%s/%s is frozen and has changed"):format(
        layer.path, parameter.name) }
    end
  end)
  s.frozen, s.was_loaded = fresh, nil
  if n == 0 then return nil end
  return found or true
end

-- ---- what the optimiser holds -------------------------------------------------------------------

-- Names of parameters that optimisers hold, where the tensor is another than the model's.
local function stale_tensor(s, optimizer)
  local ours, named = {}, {}
  for _, parameter in ipairs(s.parameters) do
    ours[parameter.tensor], named[parameter.name] = parameter, parameter
  end
  for _, entry in ipairs(rawget(optimizer, "list") or {}) do
    local parameter = named[entry.name]
    if parameter and not ours[entry.tensor] then return parameter end
  end
end

local function held_current(s, fact)
  local parameter = stale_tensor(s, fact.optimizer)
  if not parameter then return true end
  return { layer = parameter.path, text = ("the optimiser holds another tensor than the one that "
    .. "is now %s"):format(parameter.name) }
end

-- The same gradient, applied by two optimisers.
local function one_owner(s, fact)
  local before, doubled = s.applied or {}, nil
  local now = {}
  for _, entry in ipairs(rawget(fact.optimizer, "list") or {}) do
    local gradient = entry.tensor.grad
    if gradient then
      local one = before[entry.tensor]
      if one and one.optimizer ~= fact.optimizer and rawequal(one.gradient, gradient)
        and one.version == version(gradient) and s.backwards == one.backwards then
        doubled = doubled or entry
      end
      now[entry.tensor] = { gradient = gradient, version = version(gradient),
        optimizer = fact.optimizer, backwards = s.backwards }
    end
  end
  for tensor, one in pairs(before) do now[tensor] = now[tensor] or one end
  s.applied = now
  if not doubled then return true end
  return { layer = doubled.name:match "^(.*)/[^/]*$", text = ("two optimisers apply the same "
    .. "gradient to %s"):format(doubled.name) }
end

-- Every trainable parameter that has a gradient belongs to an optimiser that has stepped. Asked
-- when several steps are done: those that alternate need some.
local function all_held(s)
  if not s.steps or s.steps < 4 * math.max(s.n_optimizers, 1) or not s.in_optimizer then
    return nil
  end
  for _, parameter in ipairs(s.parameters) do
    local gradient = parameter.tensor.grad
    if parameter.tensor.requires_grad and gradient and not s.in_optimizer[parameter.tensor]
      and core.train.global_norm { gradient } > 0 then
      return { layer = parameter.path, text = ("%s has a gradient, and no optimiser that steps "
        .. "holds it"):format(parameter.name) }
    end
  end
  return true
end

-- ---- what moves ---------------------------------------------------------------------------------

local function gradient_moves(_, fact)
  local optimizer = fact.optimizer
  local lr = rawget(optimizer, "last_lr")
  if not lr or lr <= 0 then return nil end
  local asked
  for _, entry in ipairs(rawget(optimizer, "list") or {}) do
    local row = entry.row
    if row and not row.waiting and row.grad_sq and row.grad_sq > 0 and row.nonfinite_grad == 0 then
      asked = true
      local rounded = (row.underflow or 0) > 0 -- smaller than a bit of the weight: another matter
      if row.unchanged == row.numel and not rounded and row.update_sq == 0 then
        return { layer = entry.name:match "^(.*)/[^/]*$", value = row.grad_norm,
          text = ("%s has a gradient of norm %.3g and not one bit of it moved"):format(entry.name,
            row.grad_norm) }
      end
    end
  end
  return asked
end

local function rate_of_schedule(s, fact)
  local optimizer, used = fact.optimizer, rawget(fact.optimizer, "last_lr")
  local rate, named = rawget(optimizer, "rate"), s.schedules and s.schedules[optimizer]
  if not (rate and used) then return nil end
  if named and rate.schedule ~= named then
    return { value = used, text = ("opt.lr was written and replaced the schedule: the step used "
      .. "lr %.6g"):format(used) }
  end
  if not rates.is_pure(rate) then return nil end -- a user's function is not asked twice
  local lr = rates.current(rate, optimizer.iterations - 1)
  if used == lr or rate.plateau then return true end
  return { value = used, text = ("the step used lr %.6g, the schedule says %.6g"):format(used, lr) }
end

-- The first of the weights that are not those after the step before; all of them are taken down.
local function moved_since(s, after)
  local found
  for i, parameter in ipairs(s.parameters) do
    local tensor = parameter.tensor
    if after[i] and version(tensor) ~= after[i] and tensor.requires_grad
      and not same(tensor:detach(), after.values[i]) then
      s.touched = s.touched or {}
      if #s.touched < 64 then
        s.touched[#s.touched + 1] = { parameter = parameter, before = sample(after.values[i]),
          after = sample(tensor) }
      end
      found = found or { layer = parameter.path,
        text = ("%s changed between two steps"):format(parameter.name) }
    end
  end
  return found
end

-- Nothing but a step moves weights: versions are compared with those after the step before.
local function only_step(s, fact)
  if not fact.after then return nil end
  return moved_since(s, fact.after) or true
end

local function drawn_before(s, layer)
  if s.passes and s.passes.training == 0 then return true end
  return { layer = layer.path, text = "drawn anew after the first pass" }
end

-- What is compared with at the next step.
local function remember(s)
  local after = { values = {} }
  for i, parameter in ipairs(s.parameters) do
    if is_tensor(parameter.tensor) then
      after[i] = version(parameter.tensor)
      after.values[i] = parameter.tensor:detach():clone()
    end
  end
  return after
end

return {
  remember = remember, moved_since = moved_since,
  { id = "initialised_first", at = "drawn", cause = "layer_reinitialised", check = drawn_before,
    says = "weights are drawn before the first pass, and not again",
    fix = "draw weights once, before the loop" },
  { id = "only_step_moves_weights", at = "update", cause = "weights_changed_outside",
    check = only_step, says = "nothing but a step changes weights",
    fix = "let the optimiser alone change weights; constraints belong to layers" },
  { id = "current_tensors", at = "updated", cause = "parameters_not_in_optimizer",
    check = held_current, says = "the optimiser holds the current tensors of the model",
    fix = "make the optimiser after the last change of the model" },
  { id = "one_optimizer_each", at = "updated", cause = "several_backwards", check = one_owner,
    says = "a gradient is applied by one optimiser",
    fix = "give every parameter to one group of one optimiser" },
  { id = "all_held", at = "turn", cause = "parameters_not_in_optimizer", check = all_held,
    says = "every trainable parameter with a gradient belongs to an optimiser",
    fix = "give the optimiser all parameters of the model" },
  { id = "gradient_moves_weight", at = "updated", cause = "parameters_not_in_optimizer",
    check = gradient_moves, says = "a gradient that is not zero changes the bits of its weight",
    fix = "look for a rate of zero, a mask or a clip that leaves nothing" },
  { id = "frozen_stay", at = "turn", cause = "weights_changed_outside", check = frozen_stay,
    says = "frozen weights keep their bits", fix = "find who writes them" },
  { id = "rate_of_schedule", at = "updated", cause = "lr_too_low", check = rate_of_schedule,
    says = "the rate of a step is the schedule's", fix = "change the rate by its schedule" },
}
