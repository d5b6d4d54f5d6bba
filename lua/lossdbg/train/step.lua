--- Plans: a training step captured while it runs, then replayed in C without Lua in between.
-- The first steps run eagerly; two successive ones that did the same are compared, and from then on
-- the step is replayed with the same functions in the same order, so that results have the same
-- bits. What cannot be planned runs eagerly and `step.reason` says why.
local captured = require "lossdbg.train.captured"
local core = require "lossdbg.core"
local observers = require "lossdbg.support.observers"
local options = require "lossdbg.support.options"
local rates = require "lossdbg.optim.rate"
local signature = require "lossdbg.tensor.signature"
local source = require "lossdbg.support.source"

local plan = core.plan

local M = {}

---@class lossdbg.Step
---@field fn function
---@field planned boolean the last call was a replay
---@field reason string|nil why the last call ran eagerly; "capturing" while plans are made
---@overload fun(...): ...
local methods = {}
local meta = { __name = "lossdbg.Step", __index = methods, __call = plan.call }

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
  local inputs, text, objects = signature.of(...)
  if not inputs then return eagerly(self, text, ...) end
  local entry = captured.entry(self, text, objects)
  if not entry then
    local many = ("its arguments had more than %d shapes or values"):format(captured.signatures)
    return eagerly(self, many, ...)
  elseif entry.reason then
    return eagerly(self, entry.reason, ...)
  elseif not entry.plan then
    return 1, captured.capture(self, entry, nil, inputs, ...)
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

---Drops all plans; the next steps are captured anew.
---@return lossdbg.Step self
function methods:forget()
  captured.forget(self)
  return self
end

-- What the step of ld.plan reads from: variables of its function, objects among its arguments.
local function roots_of(fn)
  return function(objects)
    local roots = { { name = "", value = fn, step = true } }
    for i, object in ipairs(objects or {}) do
      roots[i + 1] = { name = "argument", value = object, step = type(object) == "function" }
    end
    return roots
  end
end

---@class lossdbg.StepSettings  what fit adds
---@field optimizers table[] that take part
---@field roots fun(objects: any[]|nil): table[] what the step reads from
---@field foreign fun(walk: lossdbg.Reads): string|nil why that cannot be planned
---@field counts fun(): boolean whether the step that was captured just now may become a plan
---@field on_plan fun(entry: lossdbg.StepEntry) a plan was made

---A step of a function, with settings instead of what ld.plan assumes.
---@param fn fun(...): ...
---@param settings? lossdbg.StepSettings
---@return lossdbg.Step
function M.step(fn, settings)
  local self = { false, slow, fn = fn, optimizers = {}, planned = false,
    known = setmetatable({}, { __mode = "k" }), reason = "not run yet", roots = roots_of(fn) }
  for key, value in pairs(settings or {}) do self[key] = value end
  for _, optimizer in ipairs(self.optimizers) do self.known[optimizer] = true end
  captured.forget(self)
  return setmetatable(self, meta)
end

---A step that is replayed where it can be. `fn(...)` gets tensors (and plain values), makes one
---training step of them and returns tensors. What it reads besides its arguments (its variables,
---the globals it names, and every table and object that can be reached from there) is compared in
---front of each replay; when something was written, the step is captured anew.
---@param fn fun(...): ...
---@return lossdbg.Step
function M.new(fn)
  if type(fn) ~= "function" then
    options.fail("plan", "step", "a function that makes one training step", fn, nil,
      source.level())
  end
  return M.step(fn)
end

return M
