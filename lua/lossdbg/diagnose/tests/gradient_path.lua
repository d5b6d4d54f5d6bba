--- Does the gradient pass through what the user wrote? Every layer of the user's own gets rows as
-- they come to it, and a gradient from behind: a slope that is zero everywhere, or is not finite
-- where its values are, stops all learning before it. Ops and lines are those that Lua calls.

local attempt = require "lossdbg.support.attempt"
local core = require "lossdbg.core"
local inputs = require "lossdbg.data.inputs"
local tensors = require "lossdbg.tensor"

local M = { id = "gradient_path", what = "slope of the user's own layers" }

local rows = 32

local function set(text)
  local out = {}
  for word in text:gmatch "%S+" do out[word] = true end
  return out
end

local flat = set [[sign round floor ceil argmax argmin gt lt ge le eq ne detach cast one_hot item
  totable step]]

local function is_own(layer)
  if layer.kind == "lambda" then return true end
  return layer.activation ~= nil and layer.activation.name == "function"
end

-- Calls `fn` and notes which of the wanted methods Lua calls, with their lines: the last of them.
local function watched(wanted, fn, ...)
  if not debug or not debug.sethook or debug.gethook() then return nil, fn(...) end
  local last
  debug.sethook(function()
    local called = debug.getinfo(2, "nS")
    if called and called.what == "C" and called.name and wanted[called.name] then
      local from = debug.getinfo(3, "Sl")
      last = { op = called.name, line = from and from.currentline > 0
        and ("%s:%d"):format(from.short_src, from.currentline) or nil }
    end
  end, "c")
  local ok, value = attempt.call(fn, ...)
  debug.sethook()
  if not ok then error(value, 0) end
  return last, value
end

local function finding(layer, what, at)
  local line = at and at.line or layer.source
  return { what = what, layer = layer.path, op = at and at.op, line = line }
end

local function all_zero(t) return t:abs():max():item() == 0 end

-- The slope of one layer at x.
local function slope(layer, x, context)
  local from = x:detach():clone()
  from.requires_grad = true
  local at, y = watched(flat, layer.forward, layer, from, context)
  if y.dtype == "i32" or not y.requires_grad then return finding(layer, "detached", at) end
  if y:has_nonfinite() then return nil end -- its values are at fault, not its slope
  core.autograd.check_finite(true)
  local behind = core.random.normal(tensors.zeros(y.shape, y.dtype), 1, 1, 0, 1)
  local ok = attempt.call(function() y:mul(behind):sum():backward() end)
  local first = core.autograd.check_finite(false)
  if not ok then return nil end
  local grad = from.grad
  if not grad then return finding(layer, "detached", at) end
  if grad:has_nonfinite() then
    return finding(layer, "infinite", { op = first and first.op, line = nil })
  end
  return all_zero(grad) and finding(layer, "zero", at) or nil
end

-- Whether anything before the layer would learn from it.
local function has_weights_before(model, index)
  for i = 1, index - 1 do
    if model.list[i]:count(true) > 0 and model.list[i].trainable then return true end
  end
  return false
end

---@param experiment lossdbg.Experiment
---@return { what: string, layer: string, op: string?, line: string? }?
---@return string? reason
function M.run(experiment)
  local p = experiment:prepared()
  local model = experiment:build()
  if model.plan then return nil, "the model is a graph" end
  local x = inputs.contiguous(inputs.slice(p.train.x, 1, math.min(rows, p.train.n)))
  local context, checked = { training = false, step = 0, probe = true }, 0
  for i, layer in ipairs(model.list) do
    if is_own(layer) and has_weights_before(model, i) then
      checked = checked + 1
      local found = slope(layer, x, context)
      if found then return found end
    end
    x = tensors.no_grad(layer.forward, layer, x, context)
  end
  if checked == 0 then return nil, "there is no layer of the user's own behind weights" end
  return { what = "passes" }
end

return M
