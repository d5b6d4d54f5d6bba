-- PyTorch's functions of single elements, reductions and softmax by our ops.
local core = require "lossdbg.core"
local ld = require "lossdbg"
local torch = require "torch_arguments"

local op = core.op
local axis, axes, needs_not = torch.axis, torch.axes, torch.needs_not

local M = {}

-- ---- two operands ------------------------------------------------------------------------------

local function times(x, alpha)
  if type(alpha) == "boolean" then alpha = alpha and 1 or 0 end
  return alpha and op.mul(x, alpha) or x
end

local function binary(name) return function(a) return { op[name](a[1], a[2]) } end end
local function swapped(name) return function(a) return { op[name](a[2], a[1]) } end end

for _, name in ipairs { "mul", "pow", "maximum", "minimum", "eq", "ne", "lt", "le", "gt", "ge" } do
  M[name] = { name, binary(name) }
end
M.add = { "add", function(a) return { op.add(a[1], times(a[2], a.named.alpha)) } end }
M.sub = { "sub", function(a) return { op.sub(a[1], times(a[2], a.named.alpha)) } end }
M.rsub = { "sub", function(a) return { op.sub(a[2], times(a[1], a.named.alpha)) } end }
M["div|no_rounding_mode"] = { "div", binary "div" }
M.true_divide = { "div", binary "div" }
M.float_power = { "pow", binary "pow" }
M["max|binary"] = { "maximum", binary "maximum" }
M["min|binary"] = { "minimum", binary "minimum" }
M.__radd__ = { "add", swapped "add" }
M.__rmul__ = { "mul", swapped "mul" }
M.__rsub__ = { "sub", swapped "sub" }
M.__rdiv__ = { "div", swapped "div" }
M.__rpow__ = { "pow", swapped "pow" }
M.where = { "where", function(a) return { op.where(a[2], a[1], a[3]) } end }

local function clipped(x, lo, hi)
  if ld.is_tensor(lo) then x, lo = op.maximum(x, lo), nil end
  if ld.is_tensor(hi) then x, hi = op.minimum(x, hi), nil end
  if lo or hi then x = op.clip(x, { lo = lo, hi = hi }) end
  return { x }
end
M.clamp = { "clip", function(a) return clipped(a[1], a:get(2, "min"), a:get(3, "max")) end }
M.clamp_min = { "clip", function(a) return clipped(a[1], a[2]) end }
M.clamp_max = { "clip", function(a) return clipped(a[1], nil, a[2]) end }
M["nn.functional.hardtanh"] = { "clip", function(a)
  return clipped(a[1], a:get(2, "min_val", -1), a:get(3, "max_val", 1))
end }

-- ---- one operand -------------------------------------------------------------------------------

local function unary(name) return { name, function(a) return { op[name](a[1]) } end } end

for _, name in ipairs { "neg", "exp", "expm1", "log", "log1p", "sqrt", "square", "abs", "sign",
  "sin", "cos", "tan", "reciprocal", "floor", "erf", "tanh", "sigmoid", "contiguous" } do
  M[name] = unary(name)
end
M.positive, M.clone = unary "linear", unary "contiguous"
for theirs, ours in pairs { double = "f64", float = "f32", int = "i32" } do
  M[theirs] = { "cast", function(a) return { op.cast(a[1], ours) } end }
end
M.rsqrt = { "reciprocal", function(a) return { op.reciprocal(op.sqrt(a[1])) } end }
for theirs, ours in pairs { relu = "relu", relu6 = "relu6", selu = "selu", silu = "silu",
  mish = "mish", softsign = "softsign", hardsigmoid = "hard_sigmoid", hardswish = "hard_silu",
  logsigmoid = "log_sigmoid" } do
  M["nn.functional." .. theirs] = unary(ours)
end
M["nn.functional.leaky_relu"] = { "leaky_relu", function(a)
  return { op.leaky_relu(a[1], a:get(2, "negative_slope", 0.01)) }
end }
M["nn.functional.elu"] = { "elu", function(a) return { op.elu(a[1], a:get(2, "alpha", 1)) } end }
M["nn.functional.celu"] = { "celu", function(a)
  return { op.celu(a[1], a:get(2, "alpha", 1)) }
end }
M["nn.functional.gelu"] = { "gelu", function(a)
  return { op.gelu(a[1], a:get(2, "approximate") == "tanh") }
end }
M["nn.functional.softplus"] = { "softplus", function(a)
  local beta = a:get(2, "beta", 1)
  needs_not(a:get(3, "threshold", 20) ~= 20, "softplus that turns linear at a threshold")
  return { op.softplus(a[1] * beta) / beta }
end }
M["nn.functional.prelu"] = { "prelu", function(a)
  local slope = a:get(2, "weight")
  if a[1].rank == 0 then slope = slope:reshape {} end
  if slope.rank == 1 and slope.numel > 1 and a[1].rank > 2 then
    local shape = { slope.numel }
    for i = 2, a[1].rank - 1 do shape[i] = 1 end
    slope = slope:reshape(shape)
  end
  return { op.prelu(a[1], slope) }
end }

-- ---- softmax and reductions --------------------------------------------------------------------

local function along(name, sign)
  return { name, function(a)
    local x = sign and op.neg(a[1]) or a[1]
    return { op[name](x, axis(x, a:get(2, "dim"))) }
  end }
end
M.softmax, M["softmax|with_dtype"] = along "softmax", along "softmax"
M["nn.functional.softmin"] = along("softmax", true)
M.log_softmax, M["log_softmax|with_dtype"] = along "log_softmax", along "log_softmax"

local function over(name)
  return { name, function(a)
    local keepdims = a:get(3, "keepdim", false)
    return { op[name](a[1], { axes = axes(a[1], a:get(2, "dim")), keepdims = keepdims }) }
  end }
end
for theirs, ours in pairs { sum = "sum", mean = "mean", prod = "prod", logsumexp = "logsumexp",
  amax = "max", amin = "min" } do
  M[theirs] = over(ours)
end
for _, name in ipairs { "max", "min" } do
  M[name .. "|reduction_no_dim"] = over(name)
  M[name .. "|reduction_with_dim"] = { name, function(a)
    local at, keepdims = axis(a[1], a:get(2, "dim")), a:get(3, "keepdim", false)
    return { op[name](a[1], at, keepdims), op["arg" .. name](a[1], at, keepdims) - 1 }
  end }
  M["arg" .. name] = { "arg" .. name, function(a)
    local x, dim, keepdims = a[1], a:get(2, "dim"), a:get(3, "keepdim", false)
    if dim == nil and x.rank ~= 1 then
      local shape = {}
      if keepdims then for i = 1, x.rank do shape[i] = 1 end end
      return { (op["arg" .. name](x:reshape { -1 }, 1, false) - 1):reshape(shape) }
    end
    return { op["arg" .. name](x, axis(x, dim or 0), keepdims) - 1 }
  end }
end

local function variance(a)
  local dims, unbiased = a[2], a[3]
  if type(dims) == "boolean" then dims, unbiased = nil, a[2] end
  if dims == nil then dims = a.named.dim end
  if unbiased == nil then unbiased = a.named.unbiased end
  local ddof = a.named.correction or (unbiased == false and 0 or 1)
  needs_not(ddof % 1 ~= 0 or ddof < 0, "fractional and negative corrections of the variance")
  return op.var(a[1], { axes = axes(a[1], dims), keepdims = a:get(4, "keepdim", false),
    ddof = math.tointeger(ddof) })
end
for _, variant in ipairs { "", "|unbiased" } do
  M["var" .. variant] = { "var", function(a) return { variance(a) } end }
  M["std" .. variant] = { "var", function(a) return { op.sqrt(variance(a)) } end }
end
M["norm|fro"] = { "norm", function(a)
  return { op.norm(a[1], { axes = axes(a[1], a:get(3, "dim")),
    keepdims = a:get(4, "keepdim", false) }) }
end }
M["linalg.vector_norm"] = { "norm", function(a)
  needs_not(a:get(2, "ord", 2) ~= 2, "norms other than the Euclidean")
  return { op.norm(a[1], { axes = axes(a[1], a:get(3, "dim")),
    keepdims = a:get(4, "keepdim", false) }) }
end }

return M
