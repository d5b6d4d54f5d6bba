--- Tensors: constructors, operators, indexing and printing on top of the C core.
-- Row-major, batch first, channels last; axes and indices count from 1, negative from the end.

local core = require "lossdbg.core"
local observers = require "lossdbg.support.observers"
local attempt = require "lossdbg.support.attempt"

local op, methods = core.op, core.tensor.methods

local M = {}

---@class lossdbg.Tensor
---@field shape integer[] a fresh list of sizes
---@field dtype "f32"|"f64"|"i32"
---@field rank integer
---@field numel integer number of elements
---@field grad lossdbg.Tensor? what backward left here
---@field requires_grad boolean settable on leaves
---@operator add(number|lossdbg.Tensor): lossdbg.Tensor
---@operator sub(number|lossdbg.Tensor): lossdbg.Tensor
---@operator mul(number|lossdbg.Tensor): lossdbg.Tensor
---@operator div(number|lossdbg.Tensor): lossdbg.Tensor
---@operator pow(number|lossdbg.Tensor): lossdbg.Tensor
---@operator unm: lossdbg.Tensor
---@operator len: integer

--- A tensor from a number or a (nested) list of numbers; a tensor is copied.
---@param values number|table|lossdbg.Tensor
---@param dtype? "f32"|"f64"|"i32" default "f32"
---@return lossdbg.Tensor
function M.tensor(values, dtype)
  if core.tensor.is_tensor(values) then
    return values.dtype == (dtype or values.dtype) and values:clone()
      or op.cast(values:detach(), dtype)
  end
  return core.tensor.from_table(values, dtype)
end

--- A tensor filled with one value.
---@param shape integer[]|integer
---@param value number
---@param dtype? string default "f32"
---@return lossdbg.Tensor
function M.full(shape, value, dtype) return core.tensor.full(shape, value, dtype) end

---A tensor of zeros.
---@param shape integer[]|integer
---@param dtype? string default "f32"
---@return lossdbg.Tensor
function M.zeros(shape, dtype) return core.tensor.full(shape, 0, dtype) end

---A tensor of ones.
---@param shape integer[]|integer
---@param dtype? string default "f32"
---@return lossdbg.Tensor
function M.ones(shape, dtype) return core.tensor.full(shape, 1, dtype) end

--- start, start + step, … below stop (NumPy's arange); one argument counts 0 .. stop-1.
---@param start number
---@param stop? number
---@param step? number default 1, not 0
---@param dtype? string default "f32"
---@return lossdbg.Tensor
function M.arange(start, stop, step, dtype)
  if type(start) ~= "number" then
    error("lossdbg: arange: argument 'start': expected a number, got " .. type(start), 2)
  end
  if stop == nil then start, stop = 0, start end
  step = step or 1
  if type(stop) ~= "number" or type(step) ~= "number" or step == 0 then
    error("lossdbg: arange: expected numbers and a step other than 0", 2)
  end
  local n = math.ceil((stop - start) / step)
  return core.tensor.range(start, step, math.max(0, n), dtype)
end

--- n evenly spaced numbers from first to last, both included.
---@param first number
---@param last number
---@param n integer
---@param dtype? string default "f32"
---@return lossdbg.Tensor
function M.linspace(first, last, n, dtype)
  if math.type(n) ~= "integer" or n < 1 then
    error("lossdbg: linspace: argument 'n': expected a positive integer, got " .. tostring(n), 2)
  end
  if type(first) ~= "number" or type(last) ~= "number" then
    error("lossdbg: linspace: expected a first and a last number", 2)
  end
  local t = core.tensor.range(first, n > 1 and (last - first) / (n - 1) or 0, n, dtype)
  if n > 1 then t[n] = last end -- free of the rounding of n - 1 steps
  return t
end

--- The identity matrix [n x n].
---@param n integer
---@param dtype? string default "f32"
---@return lossdbg.Tensor
function M.eye(n, dtype)
  if math.type(n) ~= "integer" or n < 0 then
    error("lossdbg: eye: argument 'n': expected an integer of 0 or more, got " .. tostring(n), 2)
  end
  local t = core.tensor.full({ n, n }, 0, dtype)
  if n > 0 then t:reshape({ n * n }):slice(1, 1, -1, n + 1):fill_(1) end
  return t
end

local function drawn(sample, shape, dtype, a, b)
  local t = core.tensor.full(shape, 0, dtype)
  local seed, stream = core.random.next()
  sample(t, seed, stream, a, b)
  return t
end

--- Uniform numbers in [0, 1) from the state's own stream (see ld.seed).
---@param shape integer[]|integer
---@param dtype? "f32"|"f64" default "f32"
---@return lossdbg.Tensor
function M.rand(shape, dtype) return drawn(core.random.uniform, shape, dtype, 0, 1) end

--- Standard normal numbers from the state's own stream (see ld.seed).
---@param shape integer[]|integer
---@param dtype? "f32"|"f64" default "f32"
---@return lossdbg.Tensor
function M.randn(shape, dtype) return drawn(core.random.normal, shape, dtype, 0, 1) end

--- Starts the stream of rand and randn anew.
---@param seed integer
function M.seed(seed) core.random.seed(seed) end

---Whether a value is a tensor.
---@param x any
---@return boolean
function M.is_tensor(x) return core.tensor.is_tensor(x) end

--- Whether |a - b| <= atol + rtol * |b| everywhere; NaN is close to nothing.
---@param a lossdbg.Tensor
---@param b lossdbg.Tensor|number
---@param rtol? number default 1e-5
---@param atol? number default 1e-8
---@return boolean
function M.allclose(a, b, rtol, atol)
  return M.no_grad(function()
    local limit = op.add(op.mul(op.abs(op.add(b, op.mul(a, 0))), rtol or 1e-5), atol or 1e-8)
    return op.min(op.le(op.abs(op.sub(a, b)), limit)):item() == 1
  end)
end

--- Calls fn(...) without recording a graph; the mode is restored when fn raises, too.
---@param fn function
---@return ... what fn returned
function M.no_grad(fn, ...) return core.autograd.no_grad(fn, ...) end

--- Adds d self / d leaf to the .grad of every leaf that requires a gradient.
---@param gradient? lossdbg.Tensor of self's shape; default 1 for a tensor with one element
---@param retain? boolean keep the graph for another backward
function methods:backward(gradient, retain)
  if not observers.each then
    observers.backwards = observers.backwards + 1
    return attempt.placed(core.autograd.backward, self, gradient, retain)
  end
  observers.tell("backward", self)
  attempt.placed(core.autograd.backward, self, gradient, retain)
  observers.tell("gradients", self)
end

--- self += alpha * other, in place.
---@param other lossdbg.Tensor|number
---@param alpha? number default 1
function methods:add_(other, alpha)
  local term = alpha ~= nil and alpha ~= 1 and M.no_grad(op.mul, other, alpha) or other
  return self:copy_(M.no_grad(op.add, self, term))
end

--- self *= factor, in place.
function methods:mul_(factor) return self:copy_(M.no_grad(op.mul, self, factor)) end

--- Picks along the leading axes: an integer drops the axis, {first, last, step} keeps a range, true
-- keeps all. The result is a view.
function methods:at(...)
  local t, axis = self, 1
  for i = 1, select("#", ...) do
    local pick = select(i, ...)
    if math.type(pick) == "integer" then
      t = op.select(t, axis, pick)
    elseif type(pick) == "table" then
      t = op.slice(t, axis, pick[1] or 1, pick[2] or -1, pick[3] or 1)
      axis = axis + 1
    elseif pick == true then
      axis = axis + 1
    else
      error(("lossdbg: at: selector %d: expected an integer, a range {first, last} or true, got %s")
        :format(i, type(pick)), 2)
    end
  end
  return t
end

--- Iterates `for i, row in t:rows() do`: numbers for rank 1, views else.
function methods:rows()
  local i, n = 0, #self
  return function()
    i = i + 1
    if i <= n then return i, self[i] end
  end
end

local function number_text(x, dtype)
  if dtype == "i32" then return ("%d"):format(x) end
  if x ~= x then return "nan" end
  return (("%.4g"):format(x):gsub(",", "."))
end

-- At most `edge` entries at each end of every axis.
local function text_of(t, dtype, depth, edge)
  if type(t) == "number" then return number_text(t, dtype) end
  local n = #t
  if n == 0 then return "{}" end
  local parts = {}
  for i = 1, n do
    if n > 2 * edge and i == edge + 1 then parts[#parts + 1] = "…" end
    if n <= 2 * edge or i <= edge or i > n - edge then
      parts[#parts + 1] = text_of(t[i], dtype, depth + 1, edge)
    end
  end
  local nested = type(t[1]) ~= "number"
  local glue = nested and ",\n" .. (" "):rep(depth + 1) or ", "
  return "{" .. table.concat(parts, glue) .. "}"
end

local function to_text(t)
  local head = ("tensor %s [%s]"):format(t.dtype, table.concat(t.shape, " x "))
  if t.rank == 0 then return head .. " " .. number_text(t:item(), t.dtype) end
  return head .. "\n" .. text_of(t:detach(), t.dtype, 0, t.rank > 2 and 2 or 4)
end

for name, fn in pairs(op) do
  if methods[name] == nil then methods[name] = fn end
end

local metatable = core.tensor.metatable
metatable.__tostring = to_text
metatable.__add, metatable.__sub, metatable.__mul, metatable.__div = op.add, op.sub, op.mul, op.div
metatable.__pow = op.pow
metatable.__unm = function(t) return op.neg(t) end -- Lua passes the operand twice
metatable.__name = "lossdbg.tensor"

return M
