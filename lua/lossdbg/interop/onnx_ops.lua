--- ONNX operators without weights: activations, arithmetic, pooling, reductions.
local build = require "lossdbg.interop.onnx_build"
local core = require "lossdbg.core"
local nn = require "lossdbg.nn"

local refuse = build.refuse
local rows = {}

-- ---- activations --------------------------------------------------------------------------------

local plain = { Relu = "relu", Sigmoid = "sigmoid", Tanh = "tanh", Softplus = "softplus",
  Softsign = "softsign", Selu = "selu", HardSwish = "hard_silu", Mish = "mish",
  Exp = "exponential" }
for op, name in pairs(plain) do
  rows[op] = function(self, node)
    local path = self:path(node)
    return self:apply(self:symbol(node, 1), nn.activation { name, name = path })
  end
end

function rows.LeakyRelu(self, node)
  return self:apply(self:symbol(node, 1), nn.activation { "leaky_relu",
    slope = node.attributes.alpha or 0.01, name = self:path(node) })
end

function rows.Elu(self, node)
  return self:apply(self:symbol(node, 1), nn.activation { "elu",
    alpha = node.attributes.alpha or 1.0, name = self:path(node) })
end

function rows.Celu(self, node)
  return self:apply(self:symbol(node, 1), nn.activation { "celu",
    alpha = node.attributes.alpha or 1.0, name = self:path(node) })
end

function rows.HardSigmoid(self, node)
  local alpha, beta = node.attributes.alpha or 0.2, node.attributes.beta or 0.5
  if math.abs(alpha - 1 / 6) < 1e-6 and beta == 0.5 then
    return self:apply(self:symbol(node, 1), nn.activation { "hard_sigmoid",
      name = self:path(node) })
  end
  return self:compute({ self:symbol(node, 1) }, function(x)
    return x:mul(alpha):add(beta):clamp(0, 1)
  end)
end

function rows.Clip(self, node)
  local function bound(i, name)
    local given = self:input(node, i)
    return given and given.tensor and given.tensor:item() or node.attributes[name]
  end
  local least, most = bound(2, "min"), bound(3, "max")
  if least == 0 and most == 6 then
    return self:apply(self:symbol(node, 1), nn.activation { "relu6", name = self:path(node) })
  end
  return self:compute({ self:symbol(node, 1) }, function(x)
    return x:clamp(least or -math.huge, most or math.huge)
  end)
end

function rows.Gelu(self, node)
  return self:apply(self:symbol(node, 1), nn.activation { "gelu",
    approximate = node.attributes.approximate == "tanh", name = self:path(node) })
end

local function over_axis(name)
  return function(self, node)
    local x = self:logical(self:symbol(node, 1))
    local axis = node.attributes.axis or -1
    if axis < 0 then axis = #x.shape + 1 + axis end
    if axis == #x.shape then
      return self:apply(x, nn.activation { name, name = self:path(node) })
    end
    if axis == 0 then refuse(node, "goes over the batch") end
    return self:apply(x, nn.activation { name, axis = axis + 1, name = self:path(node) })
  end
end
rows.Softmax, rows.LogSoftmax = over_axis "softmax", over_axis "log_softmax"

function rows.Dropout(self, node)
  local ratio = self:input(node, 2)
  local rate = ratio and ratio.tensor and ratio.tensor:item() or node.attributes.ratio or 0.5
  local x = self:symbol(node, 1)
  if rate == 0 then return x end
  return self:apply(x, nn.dropout { rate, name = self:path(node) })
end

local unary = { Erf = core.op.erf, Sqrt = core.op.sqrt, Neg = core.op.neg, Abs = core.op.abs,
  Log = core.op.log, Reciprocal = core.op.reciprocal }
for op, fn in pairs(unary) do
  rows[op] = function(self, node) return self:compute({ self:symbol(node, 1) }, fn) end
end

-- ---- arithmetic ---------------------------------------------------------------------------------

local operators = {
  Add = function(a, b) return a + b end, Sub = function(a, b) return a - b end,
  Mul = function(a, b) return a * b end, Div = function(a, b) return a / b end,
  Pow = function(a, b) return core.op.pow(a, b) end,
}
operators.Max, operators.Min = core.op.maximum, core.op.minimum
local merges = { Add = "add", Sub = "subtract", Mul = "multiply", Max = "maximum",
  Min = "minimum" }

local function same_shape(a, b)
  return table.concat(a.shape, ",") == table.concat(b.shape, ",") and a.last == b.last
end

-- A number beside a value of the network: a layer that scales and shifts.
local function with_number(self, node, x, number, first)
  local op, scale, offset = node.op, 1, 0
  if op == "Add" then offset = number
  elseif op == "Sub" then scale, offset = first and -1 or 1, first and number or -number
  elseif op == "Mul" then scale = number
  elseif op == "Div" and not first then scale = 1 / number
  else
    local fn = operators[op]
    return self:compute({ x }, first and function(z) return fn(number, z) end
      or function(z) return fn(z, number) end)
  end
  return self:apply(x, nn.rescale { scale, offset = offset })
end

local function of_lists(node, a, b)
  local out = {}
  for i = 1, math.max(#a, #b) do
    local l, r = a[#a == 1 and 1 or i], b[#b == 1 and 1 or i]
    if l == "batch" or r == "batch" then return { list = { "batch" } } end
    local value = operators[node.op](l, r)
    out[i] = node.op == "Div" and l // r or value
  end
  return { list = out }
end

local function arithmetic(self, node)
  if #node.inputs ~= 2 then refuse(node, "expected two inputs, got %d", #node.inputs) end
  if node.passes then return self.values[node.passes] end -- a bias that a layer took over
  local a, b = self:input(node, 1), self:input(node, 2)
  if a.sym and b.sym then
    if merges[node.op] and same_shape(a, b) then
      local out = { sym = nn[merges[node.op]] { a.sym, b.sym }, shape = a.shape, last = a.last,
        swapped = a.swapped }
      return out
    end
    return self:compute({ a, b }, operators[node.op])
  elseif not a.sym and not b.sym then
    return of_lists(node, self:integers(node, 1), self:integers(node, 2))
  end
  local x, other, first = a.sym and a or b, a.sym and b.tensor or a.tensor, not a.sym
  if not other then refuse(node, "a value and a size of the network") end
  if other.numel == 1 then return with_number(self, node, x, other:item(), first) end
  self.notices[#self.notices + 1] = ("node '%s' (%s): its constant is not trained"):format(
    node.name, node.op)
  local fn = operators[node.op]
  return self:compute({ x }, function(z)
    local constant = other.dtype == z.dtype and other or other:cast(z.dtype)
    if first then return fn(constant, z) end
    return fn(z, constant)
  end)
end
for op in pairs(operators) do rows[op] = arithmetic end

-- ---- pooling and reductions ---------------------------------------------------------------------

-- What "same" pads, or nil.
local function same_pads(a, shape, n)
  for i = 1, n do
    local stride = a.strides and a.strides[i] or 1
    local size = shape[i + 1] -- channels first
    local total = math.max(0, ((size + stride - 1) // stride - 1) * stride
      + a.kernel_shape[i] - size)
    if a.pads[i] ~= total // 2 or a.pads[n + i] ~= total - total // 2 then return nil end
  end
  return "same"
end

local function pool(kind, whole)
  return function(self, node)
    local a = node.attributes
    local n = #a.kernel_shape
    local x = self:channels_last(self:symbol(node, 1))
    local pads, same = {}, nil
    for i = 1, n do
      pads[i] = a.pads and a.pads[i] or 0
      if a.pads and a.pads[n + i] ~= pads[i] then same = same or same_pads(a, x.shape, n) end
      if a.pads and a.pads[n + i] ~= pads[i] and not same then
        refuse(node, "pads that differ by side")
      end
    end
    if a.ceil_mode == 1 then refuse(node, "ceil_mode") end
    local any = pads[1] > 0 or (pads[2] or 0) > 0
    local function of(list) return n == 1 and list[1] or table.move(list, 1, n, 1, {}) end
    return self:apply(x, nn[kind .. n .. "d"] { pool = of(a.kernel_shape),
      strides = a.strides and of(a.strides) or 1, padding = same or any and of(pads) or "valid",
      count_pads = whole and a.count_include_pad == 1 or nil, name = self:path(node) })
  end
end
rows.MaxPool, rows.AveragePool = pool("max_pool", false), pool("avg_pool", true)

local function global(kind)
  return function(self, node)
    local x = self:channels_last(self:symbol(node, 1))
    local layer = nn[kind .. #x.shape - 1 .. "d"]
    return self:apply(x, layer { keepdims = true, name = self:path(node) })
  end
end
rows.GlobalAveragePool, rows.GlobalMaxPool = global "global_avg_pool", global "global_max_pool"

local function reduce(method)
  return function(self, node)
    local x = self:logical(self:symbol(node, 1))
    local axes, keep = {}, (node.attributes.keepdims or 1) == 1
    for i, axis in ipairs(build.axes(self, node)) do
      axes[i] = (axis < 0 and #x.shape + 1 + axis or axis) + 1
      if axes[i] == 1 then refuse(node, "goes over the batch") end
    end
    if #axes == 0 then refuse(node, "goes over everything") end
    return self:compute({ x }, function(z) return z[method](z, axes, keep) end)
  end
end
rows.ReduceMean, rows.ReduceSum, rows.ReduceMax = reduce "mean", reduce "sum", reduce "max"

return rows
