--- Captured steps: an entry for each signature of the arguments and phase of the optimisers, which
-- holds a plan when two successive steps did the same. A plan whose step reads what was written
-- since is dropped and captured anew. Shared by ld.plan and fit (train/step.lua).
local attempt = require "lossdbg.support.attempt"
local core = require "lossdbg.core"
local reads = require "lossdbg.tensor.reads"
local slots = require "lossdbg.optim.slots"

local plan = core.plan

-- Captures that may fail before a step is given up; shapes and values of the arguments that one
-- step may have plans for; replays that make up for a capture.
local ATTEMPTS, SIGNATURES, WORTH = 4, 8, 8

local M = { signatures = SIGNATURES }

---@class lossdbg.StepEntry
---@field plan userdata|nil
---@field reason string|nil why no plan is made any more
---@field optimizers table[] of the plan
---@field objects any[]|nil objects and functions among the arguments
---@field tape userdata|nil of the step before
---@field attempts integer captures that failed
---@field dropped integer|nil plans in a row that were of no use
---@field walk lossdbg.Reads|nil what is watched
---@field digest userdata|nil of it

---Drops all plans.
---@param self lossdbg.Step
function M.forget(self)
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

-- Watches all that the step reads besides its arguments. Returns why it cannot.
local function watch(self, entry, made)
  local walk = reads.collect(self.roots(entry.objects))
  local digest, why = reads.digest(walk)
  if not digest then return why end
  if self.foreign then why = self.foreign(walk) end
  plan.reads(made, digest)
  entry.walk, entry.digest = walk, digest
  return why
end

-- Takes up the tape of a step that is done. Returns why there is no plan yet.
local function take(self, entry, tape)
  if self.counts and not self.counts() then
    entry.tape = nil
    return "capturing"
  end
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
  entry.tape, entry.reason = nil, watch(self, entry, made)
  if entry.reason then return entry.reason end
  entry.optimizers = {}
  for i, optimizer in ipairs(plan.optimizers(made)) do
    slots.connect(optimizer, made, i)
    entry.optimizers[i] = optimizer
  end
  entry.plan, entry.attempts = made, 0
  if self.on_plan then self.on_plan(entry) end
  return "capturing"
end

-- The step is done: whatever happens here, its results are returned.
local function after_capture(self, entry, tape, ...)
  local ok, why = attempt.spare(take, self, entry, tape)
  if not ok then
    why = "not enough memory to capture the step"
    entry.plan, entry.tape, entry.reason = nil, nil, why
  end
  self.reason = why
  return ...
end

---Runs the step as it is written, and takes it down for the plan of the entry.
---@param self lossdbg.Step
---@param entry lossdbg.StepEntry
---@param number integer|nil what streams of layers count by
---@param inputs userdata[] tensors among the arguments
---@param ... any arguments
---@return any ... results of the step
function M.capture(self, entry, number, inputs, ...)
  self.planned = false
  return after_capture(self, entry, plan.capture(self.fn, number, inputs, ...))
end

-- A plan whose step reads what was written since is dropped; one that is dropped again and again
-- before it was of use is not made any more.
local function drop(self, entry, what)
  local used = plan.replays(entry.plan) >= WORTH
  entry.dropped = used and 0 or (entry.dropped or 0) + 1
  entry.plan, entry.digest, entry.walk, self[1] = nil, nil, nil, false
  if entry.dropped >= ATTEMPTS then
    entry.reason = ("the step reads %s, which changes from step to step (pass it as an argument)")
      :format(what)
  end
end

---The entry for arguments and phases of the optimisers, with a plan only while it is up to date.
---@param self lossdbg.Step
---@param text string signature of the arguments
---@param objects any[]|nil objects and functions among them
---@return lossdbg.StepEntry|nil entry nil: one signature too many
function M.entry(self, text, objects)
  if self.stamp ~= plan.stamp() then M.forget(self) end
  local key = text
  for _, optimizer in ipairs(self.optimizers) do key = key .. "|" .. optimizer:phase() end
  local entry = self.entries[key]
  if not entry then
    if not self.keys[text] then
      if self.n_keys >= SIGNATURES then return nil end
      self.keys[text], self.n_keys = true, self.n_keys + 1
    end
    entry = { attempts = 0, objects = objects }
    self.entries[key] = entry
  elseif entry.plan then
    local what = reads.changed(entry.digest, entry.walk)
    if what then drop(self, entry, what) end
  end
  return entry
end

return M
