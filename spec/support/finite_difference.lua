-- Gradients against central differences in f64, written apart from lossdbg.gradcheck so that each
-- can catch the other. Inputs are described, not built: the same description serves several types.
local ld = require "lossdbg"

local M = {}

---@class OpInput
---@field shape integer[]
---@field lo number? default -2
---@field hi number? default 2
---@field away number[]? kinks: values closer than 0.05 to one are drawn again
---@field values number[]|nil fixed values (row-major) instead of drawn ones
---@field dtype string? fixed element type, for ids and conditions: has no gradient
---@field constant boolean? no gradient is asked for
---@field view (fun(t: lossdbg.Tensor): lossdbg.Tensor)? what the op gets instead of the leaf

-- Knuth's MMIX generator: the same numbers on every machine, and no state shared with other specs.
local function generator(seed)
  local s = seed
  return function()
    s = s * 6364136223846793005 + 1442695040888963407
    return (s >> 11) * 2.0 ^ -53
  end
end

local function near(v, kinks)
  for _, k in ipairs(kinks or {}) do
    if math.abs(v - k) < 0.05 then return true end
  end
  return false
end

--- A contiguous leaf for a description.
---@param input OpInput
---@param dtype string for inputs that name none
---@param seed integer
---@return lossdbg.Tensor
function M.leaf(input, dtype, seed)
  local t = ld.zeros(input.shape, input.dtype or dtype)
  local flat, draw = t:reshape { -1 }, generator(seed)
  local lo, hi = input.lo or -2, input.hi or 2
  for i = 1, flat.numel do
    local v = input.values and input.values[i]
    while not v or near(v, input.away) do v = lo + (hi - lo) * draw() end
    flat[i] = v
  end
  return t
end

-- leaves -> sum(w * fn(inputs)) with fixed weights, so that no error cancels by symmetry
local function projector(fn, inputs)
  local w
  return function(leaves)
    local args = {}
    for i, leaf in ipairs(leaves) do
      args[i] = inputs[i].view and inputs[i].view(leaf) or leaf
    end
    local out = fn(table.unpack(args, 1, #leaves))
    w = w or M.leaf({ shape = out.shape, lo = 0.5, hi = 1.5 }, out.dtype, 99)
    return (out * w):sum()
  end
end

local function leaves_of(inputs, dtype)
  local leaves = {}
  for i, input in ipairs(inputs) do
    leaves[i] = M.leaf(input, dtype, 1000 + i)
    if not input.constant and not input.dtype then leaves[i].requires_grad = true end
  end
  return leaves
end

--- The gradients that backward gives for sum(w * fn(inputs)), one per input, false where none is.
---@param fn fun(...: lossdbg.Tensor): lossdbg.Tensor
---@param inputs OpInput[]
---@param dtype string
---@return (lossdbg.Tensor|false)[] gradients, lossdbg.Tensor[] leaves
function M.gradients(fn, inputs, dtype)
  local leaves = leaves_of(inputs, dtype)
  projector(fn, inputs)(leaves):backward()
  local gradients = {}
  for i, leaf in ipairs(leaves) do gradients[i] = leaf.grad or false end
  return gradients, leaves
end

local function slope(evaluate, flat, i)
  local x = flat[i]
  local h = 1e-6 * math.max(1, math.abs(x))
  flat[i] = x + h
  local up = evaluate()
  flat[i] = x - h
  local down = evaluate()
  flat[i] = x
  return (up - down) / (2 * h)
end

-- Adds a line to errors for every entry of input k whose gradient is wrong; returns their number.
local function compare(errors, k, leaf, gradient, evaluate)
  local flat, analytic = leaf:reshape { -1 }, gradient and gradient:reshape { -1 }
  for i = 1, flat.numel do
    local expected, got = slope(evaluate, flat, i), analytic and analytic[i]
    local right = got and math.abs(got - expected) <= 1e-8 + 1e-6 * math.abs(expected)
    if not right then -- NaN is not right either
      errors[#errors + 1] = ("input %d, element %d (x = %.6g): backward %s, difference %.9g")
        :format(k, i, flat[i], got and ("%.9g"):format(got) or "none", expected)
    end
  end
  return flat.numel
end

--- Compares backward with central differences (h = 1e-6 max(1, |x|), 1e-6 relative + 1e-8).
---@param wanted fun(i: integer): boolean which inputs should have a gradient; the others none
---@return string[] errors one line per wrong entry; empty when all agree
---@return integer checked number of entries compared
function M.check(fn, inputs, wanted)
  local errors, checked = {}, 0
  local gradients, leaves = M.gradients(fn, inputs, "f64")
  ld.no_grad(function()
    local project = projector(fn, inputs)
    local function evaluate() return project(leaves):item() end
    for k, leaf in ipairs(leaves) do
      if wanted(k) then
        checked = checked + compare(errors, k, leaf, gradients[k], evaluate)
      elseif gradients[k] then
        errors[#errors + 1] = ("input %d has a gradient and should have none"):format(k)
      end
    end
  end)
  return errors, checked
end

return M
