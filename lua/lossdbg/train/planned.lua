--- The planned steps of fit: a step is captured per number of rows and phase of the optimiser, and
-- then replayed, many steps in one call where nobody asks for each of them. What cannot be planned
-- runs eagerly, and session.plan.reason says why.
local core = require "lossdbg.core"
local evaluate = require "lossdbg.train.evaluate"
local inputs = require "lossdbg.data.inputs"
local rates = require "lossdbg.optim.rate"
local slots = require "lossdbg.optim.slots"
local tensors = require "lossdbg.tensor"

local plan, fit = core.plan, core.fit

local M = {}

-- Captures that may fail before a kind of step is given up; steps in one call.
local ATTEMPTS, STEPS_AT_ONCE = 4, 256

---@class lossdbg.PlannedSteps
---@field reason string|nil why steps run eagerly
---@field replayed integer steps that were replayed
local Planned = {}
Planned.__index = Planned

-- Options of layers that hold a function run code that may do something else in every step.
local function lua_code(session)
  if session.judge.loss.family == "custom" then return "the loss is a function of Lua" end
  for _, layer in ipairs(session.model.list) do
    for name, value in pairs(layer.options) do
      local made = name:find("init", 1, true) or name == "source"
      if type(value) == "function" and not made then
        return ("layer '%s' runs a function of Lua (%s)"):format(layer.path, name)
      end
    end
  end
end

local function refusal(session)
  if session.eager then return "plan = false" end
  if not tensors.is_tensor(inputs.list(session.prepared.train.x)[1]) then return "no tensors" end
  if #session.reinitialise > 0 then return "layers are initialised anew in every step" end
  return lua_code(session)
end

-- What a callback may have changed: which layers train, and plain options of layers.
local function fingerprint(model)
  local parts = {}
  for i, layer in ipairs(model.list) do
    parts[#parts + 1] = i .. tostring(layer.trainable)
    local names = {}
    for name, value in pairs(layer.options) do
      if type(value) ~= "table" then names[#names + 1] = name .. "=" .. tostring(value) end
    end
    table.sort(names)
    parts[#parts + 1] = table.concat(names, ",")
  end
  return table.concat(parts, ";")
end

---@param session lossdbg.Session
---@return lossdbg.PlannedSteps
function M.new(session)
  local number = {}
  for i, name in ipairs(session.recorder.names) do number[name] = i end
  return setmetatable({ session = session, entries = {}, replayed = 0, stamp = plan.stamp(),
    reason = refusal(session), number = number, fixed = refusal(session) ~= nil,
    hooks = session.on_step ~= nil or #session.callbacks > 0 }, Planned)
end

-- Forgets the plans when something that they rest on has changed.
function Planned:check()
  local stamp = plan.stamp()
  if self.hooks and self.session.step ~= self.checked then
    self.checked = self.session.step
    local now = fingerprint(self.session.model)
    if self.print and self.print ~= now then self.entries = {} end
    self.print = now
  end
  if stamp ~= self.stamp then self.entries, self.stamp = {}, stamp end
end

local function entry_for(self, size)
  local key = size .. "|" .. self.session.optimizer:phase()
  local entry = self.entries[key]
  if not entry then
    entry = { attempts = 0, size = size }
    self.entries[key] = entry
  end
  return entry
end

-- ---- batches ------------------------------------------------------------------------------------

local function sources(rows, x_only, ordered)
  local list, shuffled = {}, {}
  local function add(part, by_order)
    for _, tensor in ipairs(inputs.list(part)) do
      list[#list + 1], shuffled[#list + 1] = tensor, by_order
    end
  end
  add(rows.x, ordered)
  add(rows.y, ordered and not x_only)
  if rows.weight then add(rows.weight, ordered and not x_only) end
  return list, shuffled
end

-- Batches that keep their place: what is shuffled is gathered into them.
local function batches_for(entry, list, shuffled)
  if entry.batches then return entry.batches end
  local made = {}
  for i, tensor in ipairs(list) do
    local shape = tensor.shape
    shape[1] = entry.size
    made[i] = shuffled[i] and core.tensor.full(shape, 0, tensor.dtype) or false
  end
  entry.batches = made
  return made
end

-- ---- capturing ----------------------------------------------------------------------------------

local function fail(self, entry, why)
  entry.attempts = entry.attempts + 1
  if entry.attempts >= ATTEMPTS then entry.reason, entry.tape = why, nil end
  self.reason = why
end

local function take(self, entry, tape)
  local why = plan.reason(tape)
  if why then
    entry.tape = nil
    return fail(self, entry, why)
  end
  local before = entry.tape
  entry.tape = tape
  if not before then return end
  local made
  made, why = plan.build(before, tape)
  if not made then return fail(self, entry, why) end
  local optimizer = self.session.optimizer
  slots.connect(optimizer, made, 1)
  entry.plan, entry.tape, self.reason = made, nil, nil
  entry.due, entry.places = optimizer.taped.due, {}
  for i, one in ipairs(optimizer.taped.active) do
    entry.places[i] = self.number[one.name]
  end
end

---Runs one step eagerly; where it may become a plan, it is written down.
---@param step fun(x: any, y: any, weight: any): ...
---@param size integer rows
---@return userdata total
---@return userdata data
function Planned:capture(step, size, x, y, weight)
  if self.fixed or plan.mode() then return step(x, y, weight) end
  self:check()
  local entry = entry_for(self, size)
  if entry.plan or entry.reason then return step(x, y, weight) end
  local given = inputs.list(x)
  table.move(inputs.list(y), 1, #inputs.list(y), #given + 1, given)
  if weight then given[#given + 1] = weight end
  for _, tensor in ipairs(given) do
    if tensor.requires_grad then return step(x, y, weight) end
  end
  local tape, total, data = plan.capture(step, self.session.step, given, x, y, weight)
  if self.session.broken then -- its loss was not finite
    entry.tape = nil
    return total, data
  end
  local ok = pcall(take, self, entry, tape)
  if not ok then entry.reason, entry.plan, entry.tape = "not enough memory", nil, nil end
  return total, data
end

-- ---- replaying ----------------------------------------------------------------------------------

-- How many steps may run before somebody wants to look.
local function steps_wanted(session, first, rows)
  if session.on_step or #session.judge.metrics > 0 then return 1 end
  for _, item in ipairs(session.callbacks) do
    if item.on_step_end then return 1 end
  end
  local n = math.min((rows.n - first + 1) // session.recipe.batch, STEPS_AT_ONCE)
  if session.progress then n = math.min(n, 8) end
  if session.max_steps then n = math.min(n, session.max_steps - session.step + 1) end
  return n
end

local function learning_rates(optimizer, n)
  local rate = optimizer.rate
  local lr = rates.current(rate, optimizer.iterations)
  if not rate.schedule or n == 1 then return lr end
  local list = { lr }
  for i = 2, n do list[i] = rates.current(rate, optimizer.iterations + i - 1) end
  return lr, tensors.tensor(list, "f64"), list[n]
end

---Replays steps from row `first` on, as many as may run in one go.
---@param first integer
---@param last integer of the first batch
---@param order userdata|nil
---@return table|nil result { done, loss, nonfinite, bad_layer }; nil: run the next step eagerly
function Planned:run(first, last, order)
  local session = self.session
  if self.fixed or plan.mode() then return nil end
  self:check()
  local size = last - first + 1
  local entry = entry_for(self, size)
  if entry.reason then self.reason = entry.reason end
  if not entry.plan or not plan.ready(entry.plan) then return nil end
  local rows, optimizer, totals = session.prepared.train, session.optimizer, session.totals
  local n = size == session.recipe.batch and steps_wanted(session, first, rows) or 1
  local o = optimizer.options
  if n > 1 and optimizer:phase() ~= "" then n = 1 end
  local list, shuffled = sources(rows, session.loop.shuffle == "x_only", order ~= nil)
  local lr, lrs, last_lr = learning_rates(optimizer, n)
  local given = { rows = list, batches = batches_for(entry, list, shuffled), order = order,
    first = first - 1, batch = size, n = n, step = session.step, lr = lr, lrs = lrs,
    places = entry.places, due = entry.due, total = totals.loss, data_total = totals.data,
    clipped = (o.clip_value or o.clip_norm or o.global_clip_norm) ~= nil,
    measured = session.telemetry ~= false }
  entry.given = given
  local done, loss, total, data, bad, stopped = fit.steps(entry.plan, session.recorder.core, given)
  totals.loss, totals.data = total, data
  totals.n = totals.n + size * (done + (stopped and 1 or 0))
  totals.has_penalty = session.penalised
  self.replayed = self.replayed + done
  session.lr = last_lr or lr
  return { done = done, loss = loss, bad = bad and session.recorder.order[bad], entry = entry,
    stopped = stopped }
end

---Goes on with the step whose loss was not finite.
---@param result table
function Planned:resume(result)
  local given, totals = result.entry.given, self.session.totals
  given.resume, given.n, given.loss = true, 1, result.loss
  given.first, given.lr = given.first + result.done * given.batch, self.session.lr
  given.lrs, given.total, given.data_total = nil, totals.loss, totals.data
  local _, _, _, _, bad = fit.steps(result.entry.plan, self.session.recorder.core, given)
  return bad and self.session.recorder.order[bad]
end

---Leaves that step as it is: nothing was updated.
---@param result table
function Planned:abandon(result) fit.abandon(result.entry.plan) end

---The metrics of the step that was replayed last.
---@param result table
---@param first integer
---@param order userdata|nil
function Planned:metrics(result, first, order)
  local session = self.session
  if #session.judge.metrics == 0 then return end
  local x_only = session.loop.shuffle == "x_only"
  local _, y = require("lossdbg.train.fit_data").batch(session.prepared.train, order, first,
    first + result.entry.size - 1, x_only)
  local output, keys = {}, session.output_keys
  for i, key in ipairs(keys or {}) do output[key] = fit.result(result.entry.plan, 2 + i) end
  if not keys then output = fit.result(result.entry.plan, 3) end
  evaluate.update_metrics(session.judge, output, y)
end

return M
