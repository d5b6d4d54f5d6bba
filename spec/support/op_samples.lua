-- Inputs of every differentiable op, for the gradient check: op name -> list of cases; a case is a
-- list of OpInput (see finite_difference.lua) with the op's named attributes in `attrs`. Matrix
-- products, views, rearrangements and losses stand in samples_shape.lua.
local M = {}

local function transposed(t) return t:transpose() end
local function every_second(t) return t:slice(-1, 1, -1, 2) end
local function repeated(t) return t:expand { 3, -1 } end

-- One input: scalar, one element, odd sizes, three axes, and strided views.
local shapes = {
  { {} }, { { 1 } }, { { 7 } }, { { 3, 5 } }, { { 2, 3, 4 } }, { { 5, 3 }, transposed },
  { { 3, 4, 2 }, transposed }, { { 3, 6 }, every_second }, { { 4 }, repeated },
}

-- Two inputs: equal shapes, every way to broadcast, and a strided view of the first.
local shape_pairs = {
  { {}, {} }, { { 1 }, { 1 } }, { { 7 }, { 7 } }, { { 3, 5 }, { 3, 5 } }, { { 3, 5 }, { 5 } },
  { { 3, 5 }, { 1 } }, { { 3, 5 }, { 3, 1 } }, { { 2, 3, 4 }, {} }, { { 2, 3, 4 }, { 3, 1 } },
  { { 20, 3 }, { 3 } }, { { 5, 3 }, { 3, 5 }, transposed }, { { 5, 4 }, { 5 }, transposed },
  { { 4 }, { 3, 4 }, repeated },
}
-- In these the first input is repeated, too, so that no input has the shape of the result.
local outer_pairs = {
  { { 5 }, { 3, 5 } }, { {}, { 2, 3, 4 } }, { { 3, 1 }, { 1, 5 } }, { { 4, 1, 2 }, { 3, 1 } },
  { { 3, 1 }, { 2, 5, 1 }, transposed },
}

local function input(shape, range, view)
  local r = { shape = shape, view = view }
  for key, value in pairs(range or {}) do r[key] = value end
  return r
end

local function case(inputs, attrs)
  inputs.attrs = attrs or {}
  return inputs
end

-- Every shape with every one of the given attribute tables (none: no attributes).
local function one(range, ...)
  local cases = {}
  for _, attrs in ipairs(select("#", ...) > 0 and { ... } or { {} }) do
    for _, s in ipairs(shapes) do
      cases[#cases + 1] = case({ input(s[1], range, s[2]) }, attrs)
    end
  end
  return cases
end

local function two(range_a, range_b, ...)
  local cases = {}
  for _, list in ipairs { ... } do
    for _, s in ipairs(list) do
      cases[#cases + 1] = case { input(s[1], range_a, s[3]), input(s[2], range_b) }
    end
  end
  return cases
end

local positive, nonzero = { lo = 0.2, hi = 3 }, { away = { 0 } }

-- ---- elementwise -------------------------------------------------------------------------------

for _, name in ipairs { "add", "sub", "mul", "maximum", "minimum" } do
  M[name] = two(nil, nil, shape_pairs, outer_pairs)
end
M.div = two(nil, { lo = 0.5, hi = 2 }, shape_pairs, outer_pairs)
M.pow = two(positive, nil, shape_pairs, outer_pairs)
for _, exponent in ipairs { 0, 1, 2, 3, -1 } do -- whole powers of negative numbers
  M.pow[#M.pow + 1] = case { input({ 3, 5 }, nonzero), { shape = {}, values = { exponent },
    constant = true } }
end
M.prelu = two(nonzero, { lo = 0.1, hi = 0.5 }, shape_pairs)

M.where = {}
for _, s in ipairs { { {}, {}, {} }, { { 7 }, { 7 }, { 7 } }, { { 3, 1 }, { 3, 5 }, { 5 } },
  { { 2, 3, 4 }, {}, { 3, 4 } }, { { 4 }, { 3, 1 }, { 2, 1, 1 } } } do
  for _, dtype in ipairs { "i32", "f32", "f64" } do
    local cond = { shape = s[1], dtype = dtype, values = { 1, 0, 0, 1, 1, 0, 1 } }
    if dtype == "i32" and #s[1] == 3 then
      cond.values = { 1, 0, 0, 1, 1, 0, 1, 1, 0, 1, 0, 1, 1, 1, 0, 0, 1, 0, 1, 0, 1, 1, 0, 1 }
    end
    M.where[#M.where + 1] = case { cond, input(s[2]), input(s[3]) }
  end
end

for _, name in ipairs { "neg", "exp", "expm1", "square", "sin", "cos", "erf", "contiguous",
  "linear", "silu", "mish", "softplus", "softsign", "tanh", "sigmoid", "log_sigmoid" } do
  M[name] = one { lo = -3, hi = 3 }
end
for _, name in ipairs { "abs", "sign", "reciprocal", "relu", "selu" } do M[name] = one(nonzero) end
for _, name in ipairs { "log", "log1p", "sqrt" } do M[name] = one(positive) end
M.tan = one { lo = -1.2, hi = 1.2 }
M.floor = one { away = { -2, -1, 0, 1, 2 } }
M.clip = one({ away = { -0.5, 0.75 } }, { lo = -0.5, hi = 0.75 }, { lo = -0.5 }, { hi = 0.75 })
M.cast = one(nil, { dtype = "f64" })
M.leaky_relu = one(nonzero, {}, { negative_slope = 0.01 }, { negative_slope = 0 })
M.elu = one(nonzero, {}, { alpha = 0.5 })
M.celu = one(nonzero, {}, { alpha = 2 })
M.gelu = one(nil, {}, { approximate = true })
M.relu6 = one { lo = -4, hi = 9, away = { 0, 6 } }
M.hard_sigmoid = one { lo = -5, hi = 5, away = { -3, 3 } }
M.hard_silu = M.hard_sigmoid
M.dropout = one(nil, { rate = 0.4, seed = 7 }, { rate = 0, seed = 7, stream = 3 },
  { rate = 1, seed = 7 })

-- ---- reductions --------------------------------------------------------------------------------

local axes = { {}, { axes = 1 }, { axes = -1, keepdims = true } }
local function reductions(range, more)
  local cases = {}
  for _, s in ipairs(shapes) do
    for _, a in ipairs(#s[1] > 0 and axes or { {} }) do
      local attrs = { axes = a.axes, keepdims = a.keepdims }
      for key, value in pairs(more or {}) do attrs[key] = value end
      cases[#cases + 1] = case({ input(s[1], range, s[2]) }, attrs)
    end
  end
  local attrs = { axes = { 1, 3 } }
  for key, value in pairs(more or {}) do attrs[key] = value end
  cases[#cases + 1] = case({ input({ 2, 3, 4 }, range) }, attrs)
  return cases
end
for _, name in ipairs { "sum", "mean", "prod", "var", "norm", "logsumexp" } do
  M[name] = reductions(nonzero)
end
M.var[#M.var + 1] = case({ input { 3, 5 } }, { axes = 2, ddof = 1 })
-- The only ties are copies of one element, which rise and fall together.
M.max, M.min = reductions(), reductions()

M.softmax, M.log_softmax = {}, {}
for _, name in ipairs { "softmax", "log_softmax" } do
  M[name] = {
    case { input { 1 } }, case { input { 7 } }, case { input { 3, 5 } },
    case({ input { 3, 5 } }, { axis = 1 }), case({ input { 2, 3, 4 } }, { axis = 2 }),
    case { input({ 5, 3 }, nil, transposed) }, case { input({ 3, 6 }, nil, every_second) },
  }
end

M.select = { case({ input { 7 } }, { axis = 1, index = -1 }),
  case({ input { 4, 6 } }, { axis = 1, index = 2 }),
  case({ input { 2, 3, 4 } }, { axis = -2, index = 3 }),
  case({ input({ 5, 3 }, nil, transposed) }, { axis = 2, index = 2 }) }

for _, file in ipairs { "samples_shape", "samples_norm", "samples_conv",
  "samples_recurrent" } do
  for name, cases in pairs(require(file)) do
    assert(not M[name], "op '" .. name .. "' has samples in two files")
    M[name] = cases
  end
end
return M
