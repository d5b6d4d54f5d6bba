--- Who looks on. Models, losses, tensors, optimisers and data sets tell here what is done with
-- them, so that a watch sees a training loop of somebody's own without being told. While nobody
-- looks on, `any` is false and that is all it costs. What happens in every step is told only while
-- somebody is awake (`each`); what is rare is told always, and backward passes that nobody saw are
-- counted.
local attempt = require "lossdbg.support.attempt"

local M = { any = false, each = false, backwards = 0 }

-- Told to those who are awake.
local OFTEN = { enter = true, loss = true, backward = true, gradients = true, clear = true,
  step = true, stepped = true, own_op = true }

-- Weak: an observer that was forgotten without being closed goes with its last reference.
local looking = setmetatable({}, { __mode = "k" })
local quiet = false

---@class lossdbg.Observer each handler is optional
---@field enter? fun(self, model: lossdbg.Model, x: any, context: table) before a forward pass
---@field own_op? fun(self, op: function, name: string, n: integer, ...: userdata) with its inputs
---@field forward? fun(self, model: lossdbg.Model, x: any, context: table, output: any)
---@field loss? fun(self, loss: lossdbg.Loss, prediction: any, target: any, value: any, weight: any)
---@field backward? fun(self, tensor: userdata) before gradients are computed
---@field gradients? fun(self, tensor: userdata) after they were
---@field clear? fun(self, optimizer: lossdbg.Optimizer)
---@field step? fun(self, optimizer: lossdbg.Optimizer) before the weights move
---@field stepped? fun(self, optimizer: lossdbg.Optimizer) after they did
---@field averaged? fun(self, list: table[], swap: boolean) before averages become the weights
---@field loaded? fun(self, model: lossdbg.Model) weights were copied in from elsewhere
---@field drawn? fun(self, layer: lossdbg.Layer) weights were drawn anew
---@field exhausted? fun(self, set: lossdbg.Dataset) a finished iterator was asked again
---@field eager? fun(self): boolean whether the next planned step is to run as it is written
---@field asleep? boolean only what is rare is to be told
---@field failed fun(self, message: string) a handler raised; the loop does not notice

-- Forgotten observers are gone from the table by themselves.
local function settle()
  M.any, M.each = next(looking) ~= nil, false
  for observer in pairs(looking) do M.each = M.each or not observer.asleep end
end

---@param observer lossdbg.Observer
function M.add(observer)
  looking[observer] = true
  settle()
end

---Whether this observer wants to hear only of what is rare.
---@param observer lossdbg.Observer
---@param asleep boolean
function M.rest(observer, asleep)
  if observer.asleep == asleep then return end
  observer.asleep = asleep
  if looking[observer] then settle() end
end

---@param observer lossdbg.Observer
function M.remove(observer)
  looking[observer] = nil
  settle()
end

local function finish(before, ok, ...)
  quiet = before
  if not ok then error((...), 0) end
  return ...
end

---Calls fn(...); what it does is not told to anybody.
---@param fn function
---@return ... what fn returned
function M.quietly(fn, ...)
  local before = quiet
  quiet = true
  return finish(before, pcall(fn, ...))
end

---Tells everybody who looks on. Their errors stay with them, unless they are the host's business
---(memory, interruption).
---@param event string
---@param ... any
function M.tell(event, ...)
  if quiet then return end
  for observer in pairs(looking) do
    local handler = observer[event]
    if handler and not (observer.asleep and OFTEN[event]) then
      quiet = true
      local ok, message = pcall(handler, observer, ...)
      quiet = false
      if not ok then
        if attempt.is_fatal(message) then error(message, 0) end
        observer:failed(tostring(message))
      end
    end
  end
  if not next(looking) then settle() end
end

---Whether somebody wants to see the next step as it is written, not as a replay.
---@return boolean
function M.want_eager()
  if quiet then return false end
  for observer in pairs(looking) do
    if observer.eager and observer:eager() then return true end
  end
  return false
end

return M
