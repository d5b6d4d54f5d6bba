--- Plans: a training step captured while it runs, then replayed in C without Lua in between.
-- The first steps run eagerly; two successive ones that did the same are compared, and from then on
-- the step is replayed with the same functions in the same order, so that results have the same
-- bits. What cannot be planned runs eagerly and `step.reason` says why.
local core = require "lossdbg.core"
local options = require "lossdbg.support.options"
local rates = require "lossdbg.optim.rate"
local slots = require "lossdbg.optim.slots"
local source = require "lossdbg.support.source"

local plan, is_tensor = core.plan, core.tensor.is_tensor

local M = {}

-- Captures that may fail before a step is given up; signatures that one step may have.
local ATTEMPTS, SIGNATURES = 4, 8

---@class lossdbg.Step
---@field fn function
---@field planned boolean the last call was a replay
---@field reason string|nil why the last call ran eagerly
---@overload fun(...): ...
local methods = {}
local meta = { __name = "lossdbg.step", __index = methods, __call = plan.call }

-- ---- arguments ----------------------------------------------------------------------------------

local function add_argument(found, key, value, depth)
  if is_tensor(value) then
    found[#found + 1], key[#key + 1] = value, "t"
  elseif type(value) == "table" and depth < 3 and getmetatable(value) == nil then
    local names = {}
    for name in pairs(value) do names[#names + 1] = name end
    table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
    key[#key + 1] = "{"
    for _, name in ipairs(names) do
      key[#key + 1] = tostring(name) .. "="
      add_argument(found, key, value[name], depth + 1)
    end
    key[#key + 1] = "}"
  else
    key[#key + 1] = type(value) .. ":" .. tostring(value)
  end
end

-- The tensors among the arguments, and a string for everything else about them.
local function read_arguments(...)
  local found, key = {}, {}
  for i = 1, select("#", ...) do
    add_argument(found, key, (select(i, ...)), 0)
  end
  local signature, why = plan.signature(found)
  if not signature then return nil, nil, why end
  return found, table.concat(key, " ") .. "|" .. signature
end

-- ---- capturing ----------------------------------------------------------------------------------

local function forget(self)
  self.entries, self.n_entries, self.stamp, self[1] = {}, 0, plan.stamp(), false
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
    self.entries, self.n_entries = {}, 0
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

local function entry_for(self, key)
  for _, optimizer in ipairs(self.optimizers) do key = key .. "|" .. optimizer:phase() end
  local entry = self.entries[key]
  if entry or self.n_entries >= SIGNATURES * 4 then return entry end
  entry = { attempts = 0 }
  self.entries[key], self.n_entries = entry, self.n_entries + 1
  return entry
end

local function eagerly(self, why, ...)
  self.planned, self.reason = false, why
  return self.fn(...)
end

-- What the quick call could not do.
local function slow(self, ...)
  local mode = plan.mode()
  if mode == "taping" then return self.fn(...) end
  if mode then return eagerly(self, mode .. " is on", ...) end
  if self.stamp ~= plan.stamp() then forget(self) end
  local inputs, key, why = read_arguments(...)
  if not inputs then return eagerly(self, why, ...) end
  local entry = entry_for(self, key)
  if not entry then
    return eagerly(self, "its arguments had more than " .. SIGNATURES .. " shapes or values", ...)
  elseif entry.reason then
    return eagerly(self, entry.reason, ...)
  elseif not entry.plan then
    self.planned = false
    return after_capture(self, entry, plan.capture(self.fn, nil, inputs, ...))
  elseif not plan.ready(entry.plan, inputs) then
    return eagerly(self, "a gradient of an earlier step is left, to which this step adds", ...)
  end
  set_rates(self, entry, select("#", ...), #inputs)
  self.planned, self.reason = true, nil
  return plan.run(entry.plan, 1, inputs)
end

---Runs n steps with the same arguments, in one call where the learning rate is constant; returns
---what the last one returned.
---@param n integer
---@param ... any arguments of the step
---@return any ...
function methods:run(n, ...)
  if math.type(n) ~= "integer" or n < 1 then
    options.fail("step:run", "n", "a positive integer", n, nil, source.level())
  end
  while n > 1 do
    local entry = self[1] and self.entry
    if not entry then
      self(...)
      n = n - 1
    else
      break
    end
  end
  return self(...)
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
