--- What all optimisers share: options, parameters, clipping, the step, statistics, state.
-- A kind of optimiser is a table { name, schema, defaults, slots, update }; see sgd.lua.
local average = require "lossdbg.optim.average"
local common = require "lossdbg.optim.common"
local core = require "lossdbg.core"
local groups = require "lossdbg.optim.groups"
local memory = require "lossdbg.optim.memory"
local observers = require "lossdbg.support.observers"
local options = require "lossdbg.support.options"
local parameters = require "lossdbg.optim.parameters"
local rates = require "lossdbg.optim.rate"
local reads = require "lossdbg.tensor.reads"
local slots = require "lossdbg.optim.slots"
local source = require "lossdbg.support.source"

local train, plan = core.train, core.plan
local M = {}

---@class lossdbg.Optimizer
---@field name string
---@field lr number settable; with a schedule: its value at the next step
---@field options table without lr; what is written into it is checked there
---@field iterations integer steps done
---@field stats table<string, table> per parameter, of the last step: grad_norm (before clipping),
---  update_norm, weight_norm, ratio, grad_sq, update_sq, weight_sq, grad_zero, nonfinite_grad,
---  nonfinite_weight, unchanged, underflow, numel; the next step writes into the same tables
---@field clip_factor number|false factor of the last global clip
local methods = {}

local meta = { __name = "lossdbg.Optimizer" }

function meta.__index(self, key)
  if key == "lr" then return rates.current(self.rate, self.iterations) end
  if key == "stats" or key == "clip_factor" then
    slots.settle(self)
    return rawget(self, "last_" .. key)
  end
  return methods[key]
end

function meta.__newindex(self, key, value)
  if key == "lr" then
    rawset(self, "rate", rates.check(value, "optimizer", source.level()))
    plan.rate_changed()
  elseif key == "model" or key == "parameters" then
    error("lossdbg: optimizer: parameters are set with :attach()", source.level())
  else
    rawset(self, key, value)
  end
end

function meta:__tostring() return ("optim.%s (lr %.6g)"):format(self.name, self.lr) end

reads.kind(meta, { fields = { "options" }, also = groups.own }) -- rates are asked for at each step

---@param value any
---@return boolean
function M.is_optimizer(value) return getmetatable(value) == meta end

-- ---- parameters ---------------------------------------------------------------------------------

---Takes the parameters to update.
---@param given any a built model, a tensor, a list of tensors or of { name =, tensor = }
---@return lossdbg.Optimizer self
function methods:attach(given)
  if self.list then
    error("lossdbg: optimizer:attach: parameters are attached already (use :clone() for another "
      .. "model)", source.level())
  end
  local list = parameters.read(given, "optimizer:attach")
  groups.assign(self, list, "optim." .. self.name)
  rawset(self, "list", list)
  for _, entry in ipairs(list) do
    if entry.lr then self.base_lr = rates.nominal(self.rate) end
  end
  return self
end

local function held(self, where)
  if self.list then return self.list end
  error(("lossdbg: optimizer:%s: no parameters (give the model: ld.optim.%s { model }, or call "
    .. ":attach(model))"):format(where, self.name), source.level())
end

---Forgets the gradients of all parameters.
function methods:zero_grad()
  if observers.each then observers.tell("clear", self) end
  for _, entry in ipairs(held(self, "zero_grad")) do entry.tensor.grad = nil end
end

-- ---- the step -----------------------------------------------------------------------------------

-- The parameters that this step moves. Raises before anything is written.
local function gather(self)
  local active, gradients, fresh = {}, {}, false
  slots.settle(self, true)
  local list = held(self, "step")
  for _, entry in ipairs(list) do
    local tensor = entry.tensor
    local gradient = tensor.grad
    if tensor.requires_grad ~= false and gradient then
      train.check(tensor, gradient)
      active[#active + 1], gradients[#gradients + 1] = entry, gradient
      fresh = fresh or not rawequal(gradient, entry.used)
        or train.version(gradient) ~= entry.used_version
    end
  end
  if #list > 0 and not fresh then
    error("lossdbg: optimizer:step: no gradient was computed since the last step (call "
      .. "loss:backward() first; frozen parameters get none; or zero_grad ran after backward, or "
      .. "this optimiser holds another model's tensors)", source.level())
  end
  return active, gradients
end

---Updates every parameter that requires a gradient and has one, or with
---gradient_accumulation_steps adds the gradients up until it is time. Nothing is written unless all
---of them can be updated. Order as in Keras: mean of the accumulated gradients, clip, weight decay
---and rule, average of the weights, constraints.
---@return lossdbg.Optimizer self
function methods:step()
  if observers.each then observers.tell("step", self) end
  local active, gradients = gather(self)
  local lr = rates.current(self.rate, self.iterations, source.level)
  local stats, update, o = slots.prepare(self, active), self.kind.update, self.options
  local every, used = o.gradient_accumulation_steps or 1, gradients
  local done, due = self.iterations // every, (self.iterations + 1) % every == 0
  local taping = plan.taping()
  if taping then plan.optimizer(self, self.base_lr, every) end
  if every > 1 then gradients = average.accumulate(active, gradients, every, due) end
  if due then
    local before = slots.clip(self, gradients)
    for i, entry in ipairs(active) do
      if taping then plan.own_rate(entry.lr) end
      slots.record(entry.row, before and before[i], update(entry.tensor, gradients[i], entry.slots,
        groups.rate(entry, lr, self.base_lr), entry.options, done + 1))
      if every > 1 then gradients[i]:fill_(0) end
    end
  else
    slots.wait(active, used)
  end
  if o.use_ema then average.follow(self.list, o, done) end
  average.constrain(active)
  if taping then
    plan.optimizer()
    self.taped = { active = active, due = due }
  end
  for i, entry in ipairs(active) do
    entry.used, entry.used_version = used[i], train.version(used[i])
  end
  self.last_stats, self.last_lr, self.iterations = stats, lr, self.iterations + 1
  if observers.each then observers.tell("stepped", self) end
  return self
end

---What the next step will do besides the rule: steps of the same phase are planned alike.
---@return string
function methods:phase()
  local o = self.options
  local every = o.gradient_accumulation_steps or 1
  if every == 1 and not o.use_ema then return "" end
  local done = self.iterations // every
  local overwrite = o.ema_overwrite_frequency and (done + 1) % o.ema_overwrite_frequency == 0
  return ("%s %s %s"):format((self.iterations + 1) % every == 0, o.use_ema and done == 0,
    overwrite)
end

---Ends a training: with use_ema the averages become the weights (as fit does by itself).
---@return lossdbg.Optimizer self
function methods:finalize()
  average.apply(held(self, "finalize"), false)
  return self
end

---Exchanges the weights with their averages, to look at the averaged model in between; a second
---call changes them back.
---@return lossdbg.Optimizer self
function methods:swap_average()
  average.apply(held(self, "swap_average"), true)
  return self
end

---Ends an epoch: a reduce_on_plateau schedule looks at its metric and may lower the rate. Without a
---"val_loss" in the logs it looks at "loss".
---@param logs table<string, number> metrics of the epoch by name
---@return boolean reduced
function methods:epoch(logs)
  local rate = self.rate
  if not rate.plateau then return false end
  local monitor = rate.plateau.options.monitor
  local metric = logs[monitor] or (monitor == "val_loss" and logs.loss) or nil
  if type(metric) ~= "number" then return false end
  local lr, reduced = rate.plateau:epoch(metric, rate.value)
  rate.value = lr
  plan.rate_changed()
  return reduced
end

-- ---- state and description ----------------------------------------------------------------------

---A copy of what the optimiser has learnt: steps done, rate, slots of every parameter.
---@return { name: string, iterations: integer, lr: number, slots: table<string, table> }
function methods:state() return memory.save(self, held(self, "state")) end

---Restores a state; the parameters must have the same names, shapes and dtypes. All or nothing.
---@param state table from state()
---@return lossdbg.Optimizer self
function methods:load_state(state)
  memory.load(self, held(self, "load_state"), state)
  return self
end

---The optimiser as plain data: name, lr (with a schedule: its peak), flavor, schedule, options.
---@return table
function methods:describe()
  local described = { name = self.name, lr = rates.nominal(self.rate),
    schedule = rates.describe(self.rate) }
  for key, value in pairs(self.options) do described[key] = value end
  described.groups = groups.describe(self)
  return described
end

---The same options, no parameters, no past; given options replace.
---@param changes? table
---@return lossdbg.Optimizer
function methods:clone(changes)
  local given = {}
  if changes ~= nil and type(changes) ~= "table" then
    options.fail("optimizer:clone", "changes", "a table of options", changes, nil, source.level())
  end
  for key, value in pairs(self.given) do given[key] = value end
  for key, value in pairs(changes or {}) do
    if key == "learning_rate" then key = "lr" end
    given[key] = value
  end
  return (M.new(self.kind, given))
end

-- ---- construction -------------------------------------------------------------------------------

---Makes an optimiser of a kind.
---@param kind table
---@param given any option table; or the model alone
---@return lossdbg.Optimizer
function M.new(kind, given)
  local where, level = "optim." .. kind.name, source.level()
  if parameters.is_model(given) or options.is_tensor(given) then given = { given } end
  local o = options.check(where, given, common.schema(kind), level)
  common.together(kind, o, where, level)
  local self = setmetatable({ kind = kind, name = kind.name, iterations = 0, last_stats = {},
    given = {}, last_clip_factor = false, pending = false }, meta)
  for key, value in pairs(o) do
    if key ~= "model" then self.given[key] = value end
  end
  for key, value in pairs(kind.defaults[o.flavor]) do
    if o[key] == nil then o[key] = value end
  end
  local model, lr = o.model, o.lr
  o.model, o.lr, o.weight_decay = nil, nil, o.weight_decay or 0
  if o.decoupled_weight_decay == nil then
    o.decoupled_weight_decay = o.flavor == "keras" or kind.decoupled == true
      or kind.always_decoupled == true
  end
  if not o.use_ema then o.use_ema, o.ema_momentum = nil, nil end
  if kind.check then kind.check(o, where, level) end
  rawset(self, "options", common.settable(kind, o, where, function(name, value)
    self.given[name] = value
    plan.changed()
  end))
  rawset(self, "rate", rates.check(lr, where, level))
  for _, group in ipairs(o.groups or {}) do groups.merge(kind, o, group, where) end
  if model ~= nil then self:attach(model) end
  return self
end

return M
