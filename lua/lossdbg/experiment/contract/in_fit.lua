--- Contracts in fit: asked after the first steps, around their hooks and the first validations, and
-- at the end. The first two steps always run as they are written; later ones are replays of these.
local contract = require "lossdbg.experiment.contract"
local core = require "lossdbg.core"
local evaluation = require "lossdbg.experiment.contract.evaluation_contracts"
local inputs = require "lossdbg.data.inputs"
local modes = require "lossdbg.experiment.contract.modes"
local observers = require "lossdbg.support.observers"
local source = require "lossdbg.support.source"
local telemetry = require "lossdbg.train.telemetry"
local tensors = require "lossdbg.tensor"
local weights = require "lossdbg.experiment.contract.weight_contracts"

local M = {}

local FIRST = 2 -- steps that are looked at, and epochs whose hooks are

---@class lossdbg.FitContracts
---@field session lossdbg.Session
---@field book lossdbg.ContractBook
---@field failures string[] what could not be asked
local Fit = {}
Fit.__index = Fit

---@param session lossdbg.Session
---@param own lossdbg.Contract[]
---@return lossdbg.FitContracts
function M.new(session, own)
  local optimizer = session.optimizer
  local self = setmetatable({ session = session, own = own, model = session.model, at = 0,
    book = contract.book(), failures = {}, parameters = session.held, backwards = 0, steps = 0,
    n_optimizers = 1, in_optimizer = {}, passes = { training = 1 }, seen = {}, ops = {},
    data = session.prepared.train, named_loss = session.judge.loss,
    schedules = { [optimizer] = optimizer.rate and optimizer.rate.schedule or nil } }, Fit)
  self.two_modes = modes.has_two(session.model)
  for _, entry in ipairs(rawget(optimizer, "list") or {}) do
    self.in_optimizer[entry.tensor] = true
  end
  contract.ask(self, "begin")
  if session.plan.reason then observers.add(self) end -- eager: ops of the user's own may take part
  return self
end

function Fit:failed(message)
  if #self.failures < 4 then self.failures[#self.failures + 1] = message end
end

---An op of the user's own ran.
function Fit:own_op(op, name, n, ...)
  if self.ops[op] then return end
  local list = { ... }
  for i = 1, n do list[i] = list[i]:detach():clone() end
  self.ops[op] = { op = op, name = name, n = n, inputs = list, line = source.here() }
end

-- Whether a batch holds the rows of its order, compared one by one.
local function pair_of(session, order, x, y)
  local rows = session.prepared.train
  if not (core.tensor.is_tensor(x) and core.tensor.is_tensor(y) and core.tensor.is_tensor(rows.y)
    and core.tensor.is_tensor(rows.x)) then
    return nil
  end
  local ids = {}
  for i = session.first, session.last do ids[#ids + 1] = order and order[i] or i - 1 end
  local at = tensors.tensor(ids, "i32")
  local function unequal(given, all)
    local own = inputs.take(inputs.contiguous(all), at)
    if own.numel ~= given.numel then return nil end
    local same = own:eq(given:reshape(own.shape)):cast("f32"):add(own:ne(own):cast "f32")
    return own.numel - same:gt(0):cast("f64"):sum():item()
  end
  local of_x, of_y = unequal(x, rows.x), unequal(y, rows.y)
  if not (of_x and of_y) then return nil end
  return { equal = of_x + of_y == 0, unequal = of_x + of_y, moved = false }
end

local function look(self, order, x, y)
  local session = self.session
  local fact = { pair = pair_of(session, order, x, y), seen = self.seen, looks = FIRST,
    again = self.last_first == session.first and self.last_epoch == session.epoch,
    rows = { n = session.prepared.train.n, batch = session.last - session.first + 1 } }
  self.last_first, self.last_epoch = session.first, session.epoch
  local layer = session.model:output_layer()
  -- The library's losses look at every output: what gets no gradient there is dead or saturated,
  -- which is for the rules to say.
  local asks = layer and session.judge.loss.family == "custom"
    and not (layer.activation and layer.activation.name == "relu")
  local tensor = asks and layer.weights and (layer.weights.bias or layer.weights.kernel)
  if tensor and tensor.grad then modes.silent_outputs(self.seen, tensor.grad) end
  contract.ask(self, "updated", { optimizer = session.optimizer })
  contract.ask(self, "turn", fact)
end

local function ask_ops(self)
  for _, own in pairs(self.ops) do
    if not own.done then
      own.done = true
      contract.ask(self, "own_op", own)
    end
  end
end

---After a step, before hooks are called.
function Fit:step(loss, order, x, y)
  local session = self.session
  self.at, self.steps = session.step - 1, session.step
  if session.step > FIRST or not x then return end
  self.backwards = session.step
  ask_ops(self)
  observers.quietly(tensors.no_grad, look, self, order, x, y)
  contract.ask_own(self, self.own, { step = session.step, model = session.model,
    optimizer = session.optimizer, loss = loss, x = x })
  if session.step == FIRST then observers.remove(self) end
  if session.on_step or #session.callbacks > 0 then
    self.after = observers.quietly(weights.remember, self)
  end
end

---After the hooks of a step.
function Fit:hooked()
  local after = self.after
  if not after then return end
  self.after = nil
  contract.ask(self, "update", { after = after })
end

---Before rows are evaluated.
function Fit:enter()
  self.before = self.session.epoch <= FIRST and evaluation.versions(self.model) or nil
end

---After they were.
function Fit:validated()
  if not self.before then return end
  contract.ask(self, "pass", { grad = false, training = false, before = self.before })
  self.before = nil
end

---At the end, in order or by an error.
function Fit:close() observers.remove(self) end

---signals.contracts
---@return table
function Fit:report()
  local session = self.session
  self.at = math.max(session.step - 1, 0)
  local probe = telemetry.probe_rows(session.prepared.train)
  observers.quietly(contract.ask, self, "finish", { probe = probe, logits = session.judge.logits })
  self:close()
  return self.book:report(self.own)
end

return M
