--- What a watch notices while the loop runs: who is called, in what order, with which tensors.
-- Handlers only count and keep references; what has to be computed is computed between two steps,
-- so that nothing of it gets into a plan that is being captured.
local contract = require "lossdbg.experiment.contract"
local core = require "lossdbg.core"
local inputs = require "lossdbg.data.inputs"
local modes = require "lossdbg.experiment.contract.modes"
local observers = require "lossdbg.support.observers"
local recorder = require "lossdbg.train.recorder"
local source = require "lossdbg.support.source"
local versions = require("lossdbg.experiment.contract.evaluation_contracts").versions

local scales = require "lossdbg.experiment.watch.fed_scale"

local M = {}

local EVALUATED = 8 -- passes without a gradient whose inputs are measured

---@class lossdbg.Eyes
---@field model lossdbg.Model
---@field at integer steps of the watch so far
---@field looking boolean whether this step is looked at closely
---@field wakes integer|nil the next step in which it is not asleep
---@field asleep boolean whether only what is rare is taken down
---@field now table what this step has shown so far
---@field pending table what the passes since the last backward have shown
---@field passes table<string, integer> forward passes by kind
---@field book lossdbg.ContractBook
---@field optimizers table<lossdbg.Optimizer, integer> steps of each that moves our weights
---@field failures string[] what could not be looked at
local Eyes = {}
Eyes.__index = Eyes
for name, handler in pairs(require "lossdbg.experiment.watch.eyes_steps") do
  Eyes[name] = handler
end

local function waiting() return { training = 0, evaluation = 0, single = 0, parts = {} } end

---@param model lossdbg.Model
---@param optimizer table the one that was named
---@return lossdbg.Eyes
function M.new(model, optimizer)
  local self = setmetatable({ model = model, at = 0, looking = true, now = {}, failures = {},
    passes = { training = 0, single_row = 0, training_as_evaluation = 0, evaluation = 0 },
    book = contract.book(), backwards = 0, others = 0, detached = 0, steps = 0,
    optimizers = setmetatable({}, { __mode = "k" }), held = {}, n_optimizers = 0, two_modes = false,
    used = {}, iterations = setmetatable({}, { __mode = "k" }), asleep = false,
    twins = setmetatable({}, { __mode = "k" }), redrawn = {},
    names_of = setmetatable({}, { __mode = "k" }), asked_again = 0, awake_steps = 0,
    pending = waiting(), pass = {}, parts = {}, ops = {}, ops_known = {} }, Eyes)
  self.parameters, self.given = recorder.parameters(model, true), optimizer
  local rate = rawget(optimizer, "rate")
  self.schedules = { [optimizer] = rate and rate.schedule or nil }
  self.two_modes = modes.has_two(model)
  for _, layer in ipairs(model.list) do
    if layer.options.stateful then self.stateful = self.stateful or layer.path end
  end
  for _, parameter in ipairs(self.parameters) do
    local n, least = parameter.tensor.numel, self.chosen and self.chosen.numel or math.huge
    if n >= 8 and n < least then self.chosen = parameter.tensor end
  end
  return self
end

function Eyes:failed(message)
  if #self.failures < 4 then self.failures[#self.failures + 1] = message end
end

---Ends a step.
---@param looking boolean whether the next one is looked at closely
---@param awake boolean whether its calls are taken down
function Eyes:next_step(looking, awake)
  if self.asleep and awake then self:catch_up() end
  if next(self.now) then self.now = {} end
  if not self.asleep then self.awake_steps = self.awake_steps + 1 end
  self.looking = looking
  if self.asleep ~= not awake then
    if not awake then self.pending, self.parts, self.stale = waiting(), { broken = true }, nil end
    self.counted = observers.backwards
    observers.rest(self, not awake)
  end
end

-- Backward passes and updates that nobody took down; of other models' losses as many as elsewhere.
function Eyes:catch_up()
  local n = observers.backwards - (self.counted or 0)
  self.counted = observers.backwards
  local seen = self.backwards + self.others
  if seen > 0 then self.backwards = self.backwards + n * self.backwards // seen end
  for optimizer in pairs(self.optimizers) do
    local done = optimizer.iterations - (self.iterations[optimizer] or optimizer.iterations)
    self.steps = self.steps + math.max(done, 0)
    self.optimizers[optimizer] = self.optimizers[optimizer] + math.max(done, 0)
    self.iterations[optimizer] = optimizer.iterations
  end
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
  self.evaluated = self.evaluated or setmetatable({}, { __mode = "v" })
  self.evaluated[1] = model
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

-- Whether a state is carried into this pass: by a layer that keeps one, or as an input that was an
-- output of the pass before.
local function carried(self, x)
  for _, layer in ipairs(self.stateful and self.model.list or {}) do
    if layer.options.stateful and layer.memory then return true end
  end
  local last = self.last_outputs
  if not last or core.tensor.is_tensor(x) then return false end
  for i, part in ipairs(inputs.list(x)) do
    for _, output in ipairs(last) do
      if part.numel == output.numel and part.dtype == output.dtype
        and part:detach():reshape({ -1 }):eq(output:reshape { -1 }):min():item() == 1 then
        self.carried_part = i
        return true
      end
    end
  end
  return false
end

-- Several outputs of a pass that is learnt from: some of them may come back as inputs.
local function remember_outputs(self, output)
  self.last_outputs = nil
  if core.tensor.is_tensor(output) then return end
  self.last_outputs = {}
  for _, part in ipairs(inputs.list(output)) do
    self.last_outputs[#self.last_outputs + 1] = part:detach():clone()
  end
end

---Before a pass.
function Eyes:enter(model, x, context)
  local pass = self.pass
  pass.before, pass.carried = nil, nil
  if model ~= self.model or core.plan.taping() then return end
  if self.looking or context.training ~= true then pass.before = versions(model) end
  if self.looking then pass.carried = carried(self, x) end
end

function Eyes:forward(model, x, context, output)
  if self.asleep and requires_grad(output) then return end
  if model ~= self.model then
    if same_kind(self, model) and not requires_grad(output) then self:see_twin(model) end
    return
  end
  local pass, wait = self.pass, self.pending
  pass.training, pass.grad = context.training == true, requires_grad(output)
  contract.ask(self, "pass", pass)
  pass.before = nil
  if not pass.grad then
    self.passes.evaluation = self.passes.evaluation + 1
    if self.passes.evaluation <= EVALUATED and not core.plan.taping() then
      self.evaluated_inputs = scales.add(self.evaluated_inputs, x)
    end
    return
  end
  local first = core.tensor.is_tensor(x) and x or x[1] or select(2, next(x))
  local rows = first.shape[1] or 1
  local mode = pass.training and "training" or "evaluation"
  wait[mode], wait.x = wait[mode] + 1, x
  if rows == 1 then wait.single = wait.single + 1 end
  wait.rows = math.min(wait.rows or rows, rows)
  if not self.looking then return end
  wait.output, wait.carried = output, pass.carried
  wait.parts[#wait.parts + 1] = { x = x, rows = rows, calls = 0 }
  if not core.plan.taping() then remember_outputs(self, output) end
end

---What was passed since the last backward was for the loss of another model.
function Eyes:forget_passes() self.pending = waiting() end

---What was passed since the last backward is learnt from by this one.
function Eyes:commit()
  local wait, now, passes = self.pending, self.now, self.passes
  local n = wait.training > 0 and wait.training or wait.evaluation
  self.pending = waiting()
  if n == 0 then return end
  passes.training = passes.training + n
  if wait.training == 0 then
    passes.training_as_evaluation = passes.training_as_evaluation + n
  else
    passes.evaluation = passes.evaluation + wait.evaluation
  end
  passes.single_row = passes.single_row + math.min(wait.single, n)
  self.rows_of_batch = self.rows_of_batch or wait.rows
  now.x, now.passes, now.carried = wait.x, (now.passes or 0) + n, wait.carried
  now.output, now.loss, now.prediction, now.target = wait.output, wait.loss, wait.prediction,
    wait.target
  if wait.calls and not wait.connected then self.detached = self.detached + 1 end
  now.value, now.weighed, now.calls = wait.value, wait.weighed, wait.calls or 0
  return wait
end

function Eyes:loss(loss, prediction, target, value, weighed)
  local wait = self.pending
  if not (self.looking and wait.output) then return end
  wait.calls = (wait.calls or 0) + 1
  wait.loss, wait.prediction, wait.target, wait.value = loss, prediction, target, value
  wait.weighed = weighed ~= nil
  wait.connected = wait.connected or not core.tensor.is_tensor(prediction)
    or prediction.requires_grad
  local part = wait.parts[#wait.parts]
  part.calls, part.loss, part.target, part.tensor = part.calls + 1, loss, target, value
end

---An op of the user's own ran.
function Eyes:own_op(op, name, n, ...)
  local known = self.ops_known[op] or 0
  if not self.looking or core.plan.taping() or known >= 2 then return end
  local list, differentiable = { ... }, false
  for i = 1, n do
    differentiable = differentiable or list[i].requires_grad
    list[i] = list[i]:detach():clone()
  end
  if not differentiable then return end
  self.ops_known[op] = known + 1
  self.ops[#self.ops + 1] = { op = op, name = name, n = n, inputs = list, line = source.here() }
end

function Eyes:exhausted() self.asked_again = self.asked_again + 1 end

---Drops what was kept of the loop's objects.
function Eyes:close()
  self.now, self.used, self.after, self.before, self.chosen_before = {}, {}, nil, nil, nil
  self.pending, self.parts, self.ops, self.ops_known = waiting(), {}, {}, {}
  self.applied, self.last_outputs, self.pass, self.looking = nil, nil, {}, false
end

return M
