--- What a watch notices of gradients and updates: whether buffers are cleared, whether somebody
-- changes gradients before the step or weights after it. Handlers of lossdbg.Eyes.
local contract = require "lossdbg.experiment.contract"
local core = require "lossdbg.core"
local look = require "lossdbg.experiment.watch.look"
local weight_contracts = require "lossdbg.experiment.contract.weight_contracts"

local M = {}

local version, taping = core.train.version, core.plan.taping
local remember, moved_since = weight_contracts.remember, weight_contracts.moved_since

-- ---- gradients ----------------------------------------------------------------------------------

-- The gradient of the first of our tensors that has one.
local function some_gradient(self)
  for _, parameter in ipairs(self.parameters) do
    local gradient = parameter.tensor.grad
    if gradient then return gradient end
  end
end

function M:backward()
  local gradient = some_gradient(self)
  self.before, self.before_version = gradient, gradient and version(gradient)
  local chosen = self.looking and not taping() and self.chosen and self.chosen.grad
  self.chosen_before = chosen and chosen:detach():clone() or nil
end

-- Gradients of a step must not hold those of the step before: if the buffer that an update used is
-- still there, untouched, this backward adds to it.
local function check_cleared(self, gradient)
  local before = self.before
  for _, used in pairs(self.used) do
    if before and rawequal(before, used.gradient) and self.before_version == used.version
      and not used.zero then
      self.stale = true
      return
    end
  end
  self.fresh = self.fresh or gradient ~= nil
end

local function gradients_of(self)
  local list = {}
  for _, parameter in ipairs(self.parameters) do
    local gradient = parameter.tensor.grad
    if gradient then list[#list + 1] = gradient end
  end
  return list
end

-- One of several parts whose gradients are added up before a step.
local function keep_part(self, done, root)
  local part, parts = done.parts[1], self.parts
  if not self.looking or taping() or #done.parts ~= 1 or root.numel ~= 1 then
    self.parts = { broken = true }
    return
  end
  part.root, part.value = root:detach():item(), part.tensor and part.tensor.numel == 1
    and part.tensor:detach():item() or nil
  parts[#parts + 1] = part
end

function M:gradients(tensor)
  local gradient = some_gradient(self)
  local moved = gradient and not (rawequal(gradient, self.before)
    and version(gradient) == self.before_version)
  if not moved then -- the loss of another model
    self.others = self.others + 1
    self:forget_passes()
    return
  end
  self.backwards = self.backwards + 1
  check_cleared(self, gradient)
  local now, modes = self.now, self.pending
  now.backwards = (now.backwards or 0) + 1
  modes.repeated = rawequal(now.root, tensor)
  contract.ask(self, "gradients", modes)
  now.root = tensor
  local done = self:commit()
  if done then keep_part(self, done, tensor) end
  if not self.looking or taping() then return end
  now.norm = core.train.global_norm(gradients_of(self))
  local chosen = self.chosen and self.chosen.grad
  if not chosen then return end
  now.chosen, now.chosen_version = chosen:detach():clone(), version(chosen)
  if self.stale and self.chosen_before then -- buffer over the gradient of this pass alone
    local fresh = core.train.global_norm { now.chosen:sub(self.chosen_before) }
    self.piles = self.piles or {}
    if fresh > 0 then
      self.piles[#self.piles + 1] = core.train.global_norm { now.chosen } / fresh
    end
  end
end

function M:clear(optimizer)
  if not self.held[optimizer] and optimizer ~= self.given then return end
  self.stale, self.parts = nil, {}
end

-- ---- steps --------------------------------------------------------------------------------------

-- Whether an optimiser moves weights of our model.
local function is_ours(self, optimizer)
  local known = self.held[optimizer]
  if known ~= nil then return known end
  known = false
  local ours = {}
  for _, parameter in ipairs(self.parameters) do ours[parameter.tensor] = true end
  for _, entry in ipairs(rawget(optimizer, "list") or {}) do
    if ours[entry.tensor] then
      known = true
      self.in_optimizer = self.in_optimizer or {}
      self.in_optimizer[entry.tensor] = true
    end
  end
  self.held[optimizer] = known
  return known
end

-- Names of our parameters where an optimiser, made from a plain list, calls them otherwise.
local function other_names(self, optimizer)
  local ours, names = {}, nil
  for _, parameter in ipairs(self.parameters) do ours[parameter.tensor] = parameter.name end
  for _, entry in ipairs(rawget(optimizer, "list") or {}) do
    local name = ours[entry.tensor]
    if name and name ~= entry.name then
      names = names or {}
      names[entry.name] = name
    end
  end
  return names or false
end

---What an optimiser's step did, by the names that the model gives its parameters.
---@param optimizer lossdbg.Optimizer
---@return table<string, table>
function M:statistics(optimizer)
  local names = self.names_of[optimizer]
  if names == nil then
    names = other_names(self, optimizer)
    self.names_of[optimizer] = names
  end
  if not names then return optimizer.stats end
  local stats = {}
  for name, row in pairs(optimizer.stats) do stats[names[name] or name] = row end
  return stats
end

function M:step(optimizer)
  if not is_ours(self, optimizer) then return end
  local now, fact, quiet = self.now, self.fact or {}, taping()
  local after, parts = self.after, self.parts
  self.fact, self.after, self.parts = fact, nil, {}
  fact.after = not quiet and after and after.step >= self.at - 1 and after or nil
  fact.parts = not quiet and self.looking and not parts.broken and parts or nil
  contract.ask(self, "update", fact)
  self.stale, fact.after, fact.parts = nil, nil, nil
  if quiet then return end
  if not self.looking then return end
  local list = gradients_of(self)
  now.step_norm = #list > 0 and core.train.global_norm(list) or nil
  local chosen = self.chosen and self.chosen.grad
  if chosen and now.chosen and version(chosen) ~= now.chosen_version then
    now.changed = chosen:detach():clone()
  end
  local layer = self.model:output_layer()
  local weights = layer and layer.weights
  local tensor = weights and (weights.bias or weights.kernel)
  if tensor and tensor.grad then now.output_gradient = tensor.grad:detach():clone() end
end

-- One entry an optimiser: the buffer that its update used.
local function remember_used(self, optimizer)
  for _, entry in ipairs(optimizer.list) do
    local gradient = entry.tensor.grad
    if gradient and entry.used and rawequal(entry.used, gradient) then
      self.used[optimizer] = { gradient = gradient, version = version(gradient),
        zero = self.looking and not taping() and core.train.global_norm { gradient } == 0 }
      return
    end
  end
end

function M:stepped(optimizer)
  if not is_ours(self, optimizer) then return end
  if not self.optimizers[optimizer] then self.n_optimizers = self.n_optimizers + 1 end
  self.optimizers[optimizer] = (self.optimizers[optimizer] or 0) + 1
  self.steps, self.iterations[optimizer] = self.steps + 1, optimizer.iterations
  local now = self.now
  now.stepped = now.stepped or {}
  now.stepped[#now.stepped + 1] = optimizer
  remember_used(self, optimizer)
  if not self.looking or taping() then return end
  contract.ask(self, "updated", { optimizer = optimizer })
  if not look.wanted(self.at + 2) then return end
  self.after = remember(self)
  self.after.step = self.at
end

-- ---- weights ------------------------------------------------------------------------------------

function M:averaged(list)
  self.average = { step = self.at }
  for _, entry in ipairs(list) do
    local average = entry.slots.weight_average
    if average then
      self.average[entry.tensor] = { weights = entry.tensor:detach():clone(),
        average = average:clone() }
    end
  end
  self.after, self.was_loaded = nil, true
end

function M:loaded(model)
  if model ~= self.model then return end
  if self.after then moved_since(self, self.after) end -- a state that is none of this training's
  self.after, self.was_loaded = nil, true
  if not self.chosen or taping() then return end
  local weights = self.chosen:detach():contiguous():reshape { 1, -1 }
  local digest = core.diagnose.row_hashes(weights)[1]
  if digest == self.loaded_last and self.steps > self.loaded_at then
    self.put_back = (self.put_back or 0) + 1
  end
  self.loaded_last, self.loaded_at = digest, self.steps
end

function M:drawn(layer)
  for _, ours in ipairs(self.model.list) do
    if ours == layer then
      self.redrawn[layer.path] = (self.redrawn[layer.path] or 0) + 1
      contract.ask(self, "drawn", layer)
    end
  end
end

return M
