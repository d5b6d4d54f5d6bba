--- Plans: a training step captured while it runs, then replayed in C without Lua in between.
-- The first steps run eagerly; two successive ones that did the same are compared, and from then on
-- the step is replayed with the same functions in the same order, so that results have the same
-- bits. What cannot be planned runs eagerly and `step.reason` says why.
local core = require "lossdbg.core"
local observers = require "lossdbg.support.observers"
local options = require "lossdbg.support.options"
local rates = require "lossdbg.optim.rate"
local signature = require "lossdbg.tensor.signature"
local slots = require "lossdbg.optim.slots"
local source = require "lossdbg.support.source"

local plan = core.plan

local M = {}

-- Captures that may fail before a step is given up; shapes and values of the arguments that one
-- step may have plans for.
local ATTEMPTS, SIGNATURES = 4, 8

---@class lossdbg.Step
---@field fn function
---@field planned boolean the last call was a replay
---@field reason string|nil why the last call ran eagerly; "capturing" while plans are made
---@overload fun(...): ...
local methods = {}
local meta = { __name = "lossdbg.Step", __index = methods, __call = plan.call }

-- ---- capturing ----------------------------------------------------------------------------------

local function forget(self)
  self.entries, self.keys, self.n_keys, self.stamp, self[1] = {}, {}, 0, plan.stamp(), false
end

-- A step that uses optimisers which were not known is not kept: its phase was not known either.
local function add_optimizers(self, tape)
  local fresh = false
  for _, optimizer in ipairs(plan.optimizers(tape)) do
    if not self.known[optimizer] then
      self.known[optimizer], fresh = true, true
      self.optimizers[#self.optimizers + 1] = optimizer
    end
  end
  return fresh
end

local function fail(entry, why)
  entry.attempts = entry.attempts + 1
  if entry.attempts >= ATTEMPTS then entry.reason, entry.tape = why, nil end
  return why
end

-- Takes up the tape of a step that is done. Returns why there is no plan yet.
local function take(self, entry, tape)
  local why = plan.reason(tape)
  if why then
    entry.tape = nil
    return fail(entry, why)
  end
  if add_optimizers(self, tape) then
    self.entries, self.keys, self.n_keys = {}, {}, 0
    return "capturing"
  end
  local before = entry.tape
  entry.tape = tape
  if not before then return "capturing" end
  local made
  made, why = plan.build(before, tape)
  if not made then return fail(entry, why) end
  entry.optimizers = {}
  for i, optimizer in ipairs(plan.optimizers(made)) do
    slots.connect(optimizer, made, i)
    entry.optimizers[i] = optimizer
  end
  entry.plan, entry.tape = made, nil
  return "capturing"
end

-- The step is done: whatever happens here, its results are returned.
local function after_capture(self, entry, tape, ...)
  local ok, why = pcall(take, self, entry, tape)
  if not ok then
    why = "not enough memory to capture the step"
    entry.plan, entry.tape, entry.reason = nil, nil, why
  end
  self.reason = why
  return ...
end

-- ---- running ------------------------------------------------------------------------------------

local function set_rates(self, entry, n_arguments, n_inputs)
  local constant = true
  for i, optimizer in ipairs(entry.optimizers) do
    plan.rate(entry.plan, i, rates.current(optimizer.rate, optimizer.iterations, source.level))
    constant = constant and not optimizer.rate.schedule and optimizer:phase() == ""
  end
  local simple = constant and n_arguments == n_inputs
  plan.settled(entry.plan, simple)
  self[1] = simple and entry.plan
  return constant
end

-- One entry for each signature and phase of the optimisers; nil for one signature too many.
local function entry_for(self, text)
  local key = text
  for _, optimizer in ipairs(self.optimizers) do key = key .. "|" .. optimizer:phase() end
  local entry = self.entries[key]
  if entry then return entry end
  if not self.keys[text] then
    if self.n_keys >= SIGNATURES then return nil end
    self.keys[text], self.n_keys = true, self.n_keys + 1
  end
  entry = { attempts = 0 }
  self.entries[key] = entry
  return entry
end

local function eagerly(self, why, ...)
  self.planned, self.reason = false, why
  return 1, self.fn(...)
end

-- Makes up to n steps of the same arguments: returns how many, and what the last one returned.
local function some(self, n, ...)
  local mode = plan.mode()
  if mode == "taping" then return 1, self.fn(...) end
  if mode then return eagerly(self, mode .. " is on", ...) end
  if observers.any and observers.want_eager() then
    return eagerly(self, "a watch looks at this step", ...)
  end
  if self.stamp ~= plan.stamp() then forget(self) end
  local inputs, text = signature.of(...)
  if not inputs then return eagerly(self, text, ...) end
  local entry = entry_for(self, text)
  if not entry then
    return eagerly(self, "its arguments had more than " .. SIGNATURES .. " shapes or values", ...)
  elseif entry.reason then
    return eagerly(self, entry.reason, ...)
  elseif not entry.plan then
    self.planned = false
    return 1, after_capture(self, entry, plan.capture(self.fn, nil, inputs, ...))
  elseif not plan.ready(entry.plan, inputs) then
    return eagerly(self, "a gradient of an earlier step is left, to which this step adds", ...)
  end
  local constant = set_rates(self, entry, select("#", ...), #inputs)
  if not (constant and plan.repeatable(entry.plan)) then n = 1 end
  self.planned, self.reason = true, nil
  return n, plan.run(entry.plan, n, inputs)
end

-- What the quick call could not do.
local function slow(self, ...) return select(2, some(self, 1, ...)) end

local function go_on(self, left, arguments, done, ...)
  if done >= left then return ... end
  return go_on(self, left - done, arguments,
    some(self, left - done, table.unpack(arguments, 1, arguments.n)))
end

---Makes n steps with the same arguments and returns what the last one returned. What is planned
---and has a constant learning rate runs in one call, without Lua in between.
---@param n integer
---@param ... any arguments of the step
---@return any ...
function methods:run(n, ...)
  if math.type(n) ~= "integer" or n < 1 then
    options.fail("step:run", "n", "a positive integer", n, nil, source.level())
  end
  return go_on(self, n, table.pack(...), 0)
end

-- ---- looking at it ------------------------------------------------------------------------------

---@class lossdbg.StepPlan
---@field arguments string shapes and values that it is for
---@field reason string|nil why it runs eagerly; the fields below are those of a plan
---@field instructions integer|nil
---@field names string[]|nil of the instructions, in order
---@field arena integer|nil bytes that its values take
---@field sum integer|nil bytes that they would take beside each other
---@field replays integer|nil

---What is planned, what is not and why, as plain data.
---@return { planned: boolean, reason: string|nil, plans: lossdbg.StepPlan[] }
function methods:describe()
  local described, keys = { planned = self.planned, reason = self.reason, plans = {} }, {}
  for key in pairs(self.entries) do keys[#keys + 1] = key end
  table.sort(keys)
  for i, key in ipairs(keys) do
    local entry = self.entries[key]
    local info = entry.plan and plan.info(entry.plan) or { reason = entry.reason or "capturing" }
    described.plans[i] = { arguments = key, reason = info.reason, names = info.names,
      instructions = info.instructions, arena = info.arena, sum = info.sum,
      replays = info.replays }
  end
  return described
end

function meta:__tostring()
  local lines = { ("step, last call %s"):format(self.planned and "planned"
    or "eager: " .. self.reason) }
  for _, one in ipairs(self:describe().plans) do
    lines[#lines + 1] = ("  %s: %s"):format(one.arguments, one.reason and "eager, " .. one.reason
      or ("%d instructions, %d bytes (%d without sharing), %d replays"):format(one.instructions,
        one.arena, one.sum, one.replays))
  end
  return table.concat(lines, "\n")
end

---Drops all plans; the next steps are captured anew. For changes that no plan can see, such as
---variables of the step's function.
---@return lossdbg.Step self
function methods:forget()
  forget(self)
  return self
end

---A step that is replayed where it can be. `fn(...)` gets tensors (and plain values), makes one
---training step of them and returns tensors; what it reads besides its arguments and the tensors
---that take part is read while the step is captured.
---@param fn fun(...): ...
---@return lossdbg.Step
function M.new(fn)
  if type(fn) ~= "function" then
    options.fail("plan", "step", "a function that makes one training step", fn, nil,
      source.level())
  end
  local self = setmetatable({ false, slow, fn = fn, optimizers = {}, planned = false,
    known = setmetatable({}, { __mode = "k" }), reason = "not run yet" }, meta)
  forget(self)
  return self
end

return M
