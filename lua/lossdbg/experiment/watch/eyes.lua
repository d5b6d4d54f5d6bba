--- What a watch notices while the loop runs: who is called, in what order, with which tensors.
-- Handlers only count and keep references; what has to be computed is computed between two steps,
-- so that nothing of it gets into a plan that is being captured.
local core = require "lossdbg.core"
local recorder = require "lossdbg.train.recorder"
local source = require "lossdbg.support.source"

local M = {}

-- Whether a layer does something else in training than in evaluation. Frozen statistics are in
-- evaluation on purpose.
local function has_two_modes(layer)
  local o = layer.options
  if layer.kind == "batch_norm" then return layer.trainable end
  if layer.kind:find "dropout" or layer.kind:find "noise" then
    return (o.rate or o.stddev or 1) ~= 0
  end
  return type(o.dropout) == "number" and o.dropout > 0
end

---@class lossdbg.Eyes
---@field model lossdbg.Model
---@field at integer steps of the watch so far
---@field looking boolean whether this step is looked at closely
---@field now table what this step has shown so far
---@field passes table<string, integer> forward passes by kind
---@field broken table<string, table> contracts that were broken: { step, line, layer, count }
---@field optimizers table<lossdbg.Optimizer, integer> steps of each that moves our weights
---@field failures string[] what could not be looked at
local Eyes = {}
Eyes.__index = Eyes
for name, handler in pairs(require "lossdbg.experiment.watch.eyes_steps") do
  Eyes[name] = handler
end

---@param model lossdbg.Model
---@param optimizer table the one that was named
---@return lossdbg.Eyes
function M.new(model, optimizer)
  local self = setmetatable({ model = model, at = 0, looking = true, now = {}, failures = {},
    passes = { training = 0, single_row = 0, training_as_evaluation = 0, evaluation = 0 },
    broken = {}, backwards = 0, steps = 0,
    optimizers = setmetatable({}, { __mode = "k" }), held = {}, n_optimizers = 0, two_modes = false,
    used = {}, twins = setmetatable({}, { __mode = "k" }), redrawn = {},
    asked_again = 0 }, Eyes)
  self.parameters, self.given = recorder.parameters(model, true), optimizer
  for _, layer in ipairs(model.list) do
    self.two_modes = self.two_modes or has_two_modes(layer)
  end
  for _, parameter in ipairs(self.parameters) do
    local n, least = parameter.tensor.numel, self.chosen and self.chosen.numel or math.huge
    if n >= 8 and n < least then self.chosen = parameter.tensor end
  end
  return self
end

---Takes down that a contract was broken in this step.
---@param id string
---@param found? { layer: string, line: string, value: number, text: string }
function Eyes:breaks(id, found)
  local known = self.broken[id]
  if not known then
    known = found or {}
    known.id, known.step, known.count = id, self.at + 1, 0
    known.line = known.line or source.here()
    self.broken[id] = known
  end
  known.count, known.last = known.count + 1, self.at + 1
end

function Eyes:failed(message)
  if #self.failures < 4 then self.failures[#self.failures + 1] = message end
end

---Whether the next planned step is to run as it is written.
function Eyes:eager() return self.looking end

-- ---- passes -------------------------------------------------------------------------------------

local function requires_grad(output)
  if core.tensor.is_tensor(output) then return output.requires_grad end
  for _, part in pairs(output) do
    if core.tensor.is_tensor(part) and part.requires_grad then return true end
  end
  return false
end

-- Another model with the same parameters: an average of the weights, a copy to compare with.
local function same_kind(self, model)
  local known = self.twins[model]
  if known ~= nil then return known end
  known = #model.list == #self.model.list
  for i, layer in ipairs(model.list) do
    local ours = known and self.model.list[i]
    known = known and layer.kind == ours.kind and layer:count() == ours:count()
  end
  self.twins[model] = known
  return known
end

-- How far a twin that is evaluated is on the way from the first weights to those of the model.
function Eyes:see_twin(model)
  self.twin_looks = (self.twin_looks or 0) + 1
  if not self.first or self.twin_looks > 100 or core.plan.taping() then return end
  local theirs, far, all = {}, 0, 0
  for name, tensor in model:parameters() do theirs[name] = tensor:detach() end
  for _, parameter in ipairs(self.parameters) do
    local from, other = self.first[parameter.name], theirs[parameter.name]
    if from and other then
      far = far + core.train.global_norm { other:sub(from) } ^ 2
      all = all + core.train.global_norm { parameter.tensor:detach():sub(from) } ^ 2
    end
  end
  if all > 0 then self.twin_way = math.sqrt(far / all) end
end

function Eyes:forward(model, x, context, output)
  if model ~= self.model then
    if same_kind(self, model) and not requires_grad(output) then self:see_twin(model) end
    return
  end
  local passes, training = self.passes, context.training == true
  if not requires_grad(output) then
    passes.evaluation = passes.evaluation + 1
    if training and self.two_modes then self:breaks "evaluation_mode" end
    return
  end
  passes.training = passes.training + 1
  if not training then
    passes.training_as_evaluation = passes.training_as_evaluation + 1
    if self.two_modes then self:breaks "training_mode" end
  end
  local now, first = self.now, core.tensor.is_tensor(x) and x or x[1] or select(2, next(x))
  local rows = first.shape[1] or 1
  if rows == 1 then passes.single_row = passes.single_row + 1 end
  self.rows_of_batch = self.rows_of_batch or rows
  now.x, now.passes = x, (now.passes or 0) + 1
  if self.looking then now.output, now.target, now.weighed, now.calls = output, nil, nil, 0 end
end

function Eyes:loss(loss, prediction, target, value, weighed)
  local now = self.now
  if not (self.looking and now.output) then return end
  now.calls = now.calls + 1
  now.loss, now.prediction, now.target, now.value = loss, prediction, target, value
  now.weighed = weighed ~= nil
end

-- ---- weights ------------------------------------------------------------------------------------

function Eyes:averaged(list)
  self.average = { step = self.at }
  for _, entry in ipairs(list) do
    local average = entry.slots.weight_average
    if average then
      self.average[entry.tensor] = { weights = entry.tensor:detach():clone(),
        average = average:clone() }
    end
  end
  self.after = nil
end

function Eyes:loaded(model)
  if model == self.model then self.after = nil end
end

function Eyes:drawn(layer)
  for _, ours in ipairs(self.model.list) do
    if ours == layer then self.redrawn[layer.path] = (self.redrawn[layer.path] or 0) + 1 end
  end
end

function Eyes:exhausted() self.asked_again = self.asked_again + 1 end

---Drops what was kept of the loop's objects.
function Eyes:close()
  self.now, self.used, self.after, self.before, self.chosen_before = {}, {}, nil, nil, nil
  self.looking = false
end

return M
