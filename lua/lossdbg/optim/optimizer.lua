--- What all optimisers share: options, parameters, clipping, the step, statistics, state.
-- A kind of optimiser is a table { name, schema, defaults, slots, update }; see sgd.lua.
local core = require "lossdbg.core"
local options = require "lossdbg.options"
local parameters = require "lossdbg.optim.parameters"
local rates = require "lossdbg.optim.rate"
local source = require "lossdbg.source"

local train = core.train
local M = {}

---@class lossdbg.Optimizer
---@field name string
---@field lr number settable; with a schedule: its value at the next step
---@field options table plain data, without lr
---@field iterations integer steps done
---@field stats table<string, table> per parameter, of the last step: grad_norm (before clipping),
---  update_norm, weight_norm, ratio, grad_sq, update_sq, weight_sq, grad_zero, nonfinite_grad,
---  nonfinite_weight, unchanged, underflow, numel; the next step writes into the same tables
---@field clip_factor number|false factor of the last global clip
local methods = {}

local common = {
  { name = "model", positional = 1, doc = "a built model or a list of tensors" },
  { name = "lr", type = "number|callable|table", min = 0, alias = { "learning_rate" } },
  { name = "weight_decay", type = "number", min = 0 },
  { name = "clip_value", type = "number", open_min = 0, alias = { "clipvalue" } },
  { name = "clip_norm", type = "number", open_min = 0, alias = { "clipnorm" } },
  { name = "global_clip_norm", type = "number", open_min = 0, alias = { "global_clipnorm" } },
  { name = "flavor", type = "string", choices = { "keras", "torch" }, default = "keras" },
}
local clips = { "clip_value", "clip_norm", "global_clip_norm" }

local meta = { __name = "lossdbg.Optimizer" }

function meta.__index(self, key)
  if key == "lr" then return rates.current(self.rate, self.iterations) end
  return methods[key]
end

function meta.__newindex(self, key, value)
  if key == "lr" then
    rawset(self, "rate", rates.check(value, "optimizer", source.level()))
  elseif key == "model" or key == "parameters" then
    error("lossdbg: optimizer: parameters are set with :attach()", source.level())
  else
    rawset(self, key, value)
  end
end

function meta:__tostring() return ("optim.%s (lr %.6g)"):format(self.name, self.lr) end

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
  rawset(self, "list", parameters.read(given, "optimizer:attach"))
  return self
end

local function held(self, where)
  if self.list then return self.list end
  error(("lossdbg: optimizer:%s: no parameters (give the model: ld.optim.%s { model }, or call "
    .. ":attach(model))"):format(where, self.name), source.level())
end

---Forgets the gradients of all parameters.
function methods:zero_grad()
  for _, entry in ipairs(held(self, "zero_grad")) do entry.tensor.grad = nil end
end

-- ---- the step -----------------------------------------------------------------------------------

-- The parameters that this step moves. Raises before anything is written.
local function gather(self)
  local active, gradients, fresh = {}, {}, false
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
      .. "loss:backward() first; frozen parameters get none)", source.level())
  end
  return active, gradients
end

local function new_row(numel)
  return { numel = numel, grad_sq = 0, update_sq = 0, weight_sq = 0, nonfinite_grad = 0,
    nonfinite_weight = 0, unchanged = 0, underflow = 0, grad_zero = 0, grad_norm = 0,
    update_norm = 0, weight_norm = 0, ratio = 0 }
end

-- Everything that takes memory happens here, before the first weight moves. Returns the statistics
-- of this step by name.
local function prepare(self, active)
  local stats = {}
  for _, entry in ipairs(active) do
    for name, start in pairs(self.kind.slots(self.options)) do
      local tensor = entry.tensor
      if not entry.slots[name] then
        entry.slots[name] = core.tensor.full(tensor.shape, start, tensor.dtype)
      end
    end
    entry.row = entry.row or new_row(entry.tensor.numel)
    stats[entry.name] = entry.row
  end
  return stats
end

-- Norms before clipping are kept, so that telemetry shows the gradient and not the clip.
local function clip(self, gradients)
  local o = self.options
  if not (o.clip_value or o.clip_norm or o.global_clip_norm) then return nil end
  local before = {}
  for i, gradient in ipairs(gradients) do before[i] = train.global_norm { gradient } end
  if o.clip_value then
    train.clip_value(gradients, o.clip_value)
  elseif o.clip_norm then
    train.clip_norm(gradients, o.clip_norm, o.flavor)
  else
    local _, factor = train.global_clip_norm(gradients, o.global_clip_norm, o.flavor)
    self.clip_factor = factor
  end
  return before
end

local function record(row, norm, grad_sq, update_sq, weight_sq, bad_grad, bad_weight, unchanged,
                      underflow, grad_zero)
  row.grad_sq, row.update_sq, row.weight_sq = grad_sq, update_sq, weight_sq
  row.nonfinite_grad, row.nonfinite_weight = bad_grad, bad_weight
  row.unchanged, row.underflow, row.grad_zero = unchanged, underflow, grad_zero
  row.grad_norm = norm or grad_sq ^ 0.5
  row.update_norm, row.weight_norm = update_sq ^ 0.5, weight_sq ^ 0.5
  row.ratio = weight_sq > 0 and row.update_norm / row.weight_norm or update_sq > 0 and 1 or 0
end

---Updates every parameter that requires a gradient and has one. Nothing is written unless all of
---them can be updated.
---@return lossdbg.Optimizer self
function methods:step()
  local active, gradients = gather(self)
  local lr = rates.current(self.rate, self.iterations, source.level)
  local stats, kind = prepare(self, active), self.kind
  local before = clip(self, gradients)
  for i, entry in ipairs(active) do
    local gradient = gradients[i]
    record(entry.row, before and before[i],
      kind.update(entry.tensor, gradient, entry.slots, lr, self.options, self.iterations + 1))
    entry.used, entry.used_version = gradient, train.version(gradient)
  end
  self.stats = stats
  self.iterations = self.iterations + 1
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
  return reduced
end

-- ---- state and description ----------------------------------------------------------------------

---A copy of what the optimiser has learnt: steps done, rate, slots of every parameter.
---@return { name: string, iterations: integer, lr: number, slots: table<string, table> }
function methods:state()
  local slots = {}
  for _, entry in ipairs(held(self, "state")) do
    slots[entry.name] = {}
    for name, tensor in pairs(entry.slots) do slots[entry.name][name] = tensor:clone() end
  end
  return { name = self.name, iterations = self.iterations, lr = self.lr, slots = slots }
end

---Restores a state; the parameters must have the same names, shapes and dtypes. All or nothing.
---@param state table from state()
---@return lossdbg.Optimizer self
function methods:load_state(state)
  local where, fresh = "optimizer:load_state", {}
  if type(state) ~= "table" or state.name ~= self.name or type(state.slots) ~= "table" then
    options.fail(where, "state", "the state of an optimiser '" .. self.name .. "'", state, nil,
      source.level())
  end
  for i, entry in ipairs(held(self, "load_state")) do
    fresh[i] = {}
    for name, tensor in pairs(state.slots[entry.name] or {}) do
      train.check(entry.tensor, tensor)
      fresh[i][name] = tensor:clone()
    end
  end
  for i, entry in ipairs(self.list) do entry.slots = fresh[i] end
  self.iterations = state.iterations
  if not self.rate.schedule then self.rate.value = state.lr end
  return self
end

---The optimiser as plain data: name, lr (with a schedule: its peak), flavor, schedule, options.
---@return table
function methods:describe()
  local described = { name = self.name, lr = rates.nominal(self.rate),
    schedule = rates.describe(self.rate) }
  for key, value in pairs(self.options) do described[key] = value end
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
  local made = M.new(self.kind, given)
  return made
end

-- ---- construction -------------------------------------------------------------------------------

local function schema_of(kind)
  if not kind.full then
    kind.full = {}
    for _, option in ipairs(common) do kind.full[#kind.full + 1] = option end
    for _, option in ipairs(kind.schema) do kind.full[#kind.full + 1] = option end
  end
  return kind.full
end

---Makes an optimiser of a kind.
---@param kind table
---@param given any option table; or the model alone
---@return lossdbg.Optimizer
function M.new(kind, given)
  local where, level = "optim." .. kind.name, source.level()
  if parameters.is_model(given) or options.is_tensor(given) then given = { given } end
  local o = options.check(where, given, schema_of(kind), level)
  local chosen
  for _, name in ipairs(clips) do
    if o[name] and chosen then
      error(("lossdbg: %s: %s and %s were both given: one clip at a time"):format(where, chosen,
        name), level)
    end
    chosen = o[name] and name or chosen
  end
  local self = setmetatable({ kind = kind, name = kind.name, iterations = 0, stats = {},
    given = {}, clip_factor = false }, meta)
  for key, value in pairs(o) do
    if key ~= "model" then self.given[key] = value end
  end
  for key, value in pairs(kind.defaults[o.flavor]) do
    if o[key] == nil then o[key] = value end
  end
  local model, lr = o.model, o.lr
  o.model, o.lr, o.weight_decay = nil, nil, o.weight_decay or 0
  if kind.check then kind.check(o, where, level) end
  rawset(self, "options", o)
  rawset(self, "rate", rates.check(lr, where, level))
  if model ~= nil then self:attach(model) end
  return self
end

return M
