-- Inputs of the convolutions and poolings, for the gradient check: op name -> list of cases in the
-- form of op_samples.lua. Pooling takes the values of a shuffled ramp, so that no difference
-- crosses a tie.
local M = {}

local function case(inputs, attrs)
  inputs.attrs = attrs or {}
  return inputs
end

local function plain(x, w, filters)
  return { { shape = x }, { shape = w }, filters and { shape = { filters } } }
end

local function turned(t) return t:transpose { 1, 3, 2, 4 } end
local function repeated(t) return t:expand { 3, -1, -1, -1 } end

M.conv2d = {
  case(plain({ 2, 5, 4, 3 }, { 3, 2, 3, 4 }, 4)),
  case(plain({ 2, 5, 4, 3 }, { 3, 3, 3, 2 }, 2), { padding = "same", strides = { 2, 1 } }),
  case(plain({ 1, 7, 6, 2 }, { 3, 2, 2, 2 }), { dilation = { 2, 3 }, padding = "same" }),
  case(plain({ 2, 4, 4, 4 }, { 3, 3, 2, 6 }, 6), { groups = 2, padding = "same" }),
  case(plain({ 2, 4, 4, 3 }, { 2, 2, 1, 3 }, 3), { groups = 3, dilation = 2 }),
  case(plain({ 2, 3, 4, 3 }, { 1, 1, 3, 5 }, 5)),
  case(plain({ 2, 3, 4, 4 }, { 1, 1, 2, 4 }, 4), { groups = 2 }),
  case(plain({ 2, 5, 5, 3 }, { 1, 1, 3, 2 }), { strides = 2 }),
  case(plain({ 1, 2, 2, 1 }, { 5, 3, 1, 1 }, 1), { padding = "same" }),
  case(plain({ 1, 4, 5, 1 }, { 2, 3, 1, 2 }, 2), { pads = { 0, 3, 2, 1 }, strides = 3 }),
  case({ { shape = { 2, 4, 5, 3 }, view = turned }, { shape = { 2, 2, 3, 2 } } }),
  case({ { shape = { 1, 4, 5, 3 }, view = repeated }, { shape = { 2, 3, 2, 2 }, view = turned } }),
}
M.conv1d = {
  case(plain({ 2, 7, 3 }, { 3, 3, 4 }, 4)),
  case(plain({ 2, 7, 3 }, { 3, 3, 2 }, 2), { padding = "causal", dilation = 2 }),
  case(plain({ 2, 7, 2 }, { 4, 2, 2 }), { padding = "same", strides = 2 }),
  case(plain({ 1, 6, 4 }, { 2, 2, 4 }, 4), { groups = 2 }),
  case(plain({ 2, 5, 3 }, { 1, 3, 2 }, 2)),
  case(plain({ 1, 5, 1 }, { 3, 1, 1 }), { pads = { 2, 0 } }),
}
M.conv2d_transpose = {
  case(plain({ 2, 3, 4, 3 }, { 3, 2, 2, 3 }, 2)),
  case(plain({ 2, 3, 4, 3 }, { 3, 3, 2, 3 }, 2), { strides = 2, padding = "same" }),
  case(plain({ 1, 3, 3, 2 }, { 2, 3, 3, 2 }), { strides = { 3, 2 }, padding = "same" }),
  case(plain({ 1, 3, 3, 2 }, { 3, 3, 2, 2 }, 2), { strides = 2, output_padding = 1 }),
  case(plain({ 1, 3, 3, 2 }, { 3, 3, 2, 2 }, 2),
    { strides = 2, output_padding = { 1, 0 }, padding = "same" }),
  case(plain({ 2, 3, 3, 2 }, { 2, 2, 2, 2 }), { dilation = 2 }),
  case(plain({ 2, 3, 3, 2 }, { 3, 3, 2, 2 }), { pads = 1, strides = 2 }),
  case(plain({ 2, 3, 3, 2 }, { 1, 1, 4, 2 }, 4)),
}
M.conv1d_transpose = {
  case(plain({ 2, 5, 3 }, { 3, 2, 3 }, 2)),
  case(plain({ 2, 5, 3 }, { 3, 2, 3 }, 2), { strides = 3, padding = "same" }),
  case(plain({ 1, 4, 2 }, { 2, 2, 2 }), { strides = 2, output_padding = 1 }),
}
M.depthwise_conv2d = {
  case(plain({ 2, 5, 4, 3 }, { 3, 2, 3, 1 }, 3)),
  case(plain({ 2, 5, 4, 3 }, { 3, 3, 3, 2 }, 6), { padding = "same", strides = { 2, 1 } }),
  case(plain({ 1, 6, 6, 2 }, { 2, 3, 2, 1 }), { dilation = 2, padding = "same" }),
  case(plain({ 2, 4, 4, 1 }, { 3, 3, 1, 3 }, 3), { pads = 1 }),
  case(plain({ 1, 3, 4, 9 }, { 2, 2, 9, 1 }, 9), { pads = { 4, 0, 1, 3 }, dilation = { 1, 2 } }),
}
M.depthwise_conv1d = {
  case(plain({ 2, 7, 3 }, { 3, 3, 1 }, 3)),
  case(plain({ 2, 7, 3 }, { 3, 3, 2 }, 6), { padding = "causal", dilation = 2 }),
  case(plain({ 1, 70, 2 }, { 3, 2, 1 }), { padding = "same" }), -- more than one run of positions
}

-- Fused activations, on every path through the epilogue.
local smooth = { "sigmoid", "tanh", "gelu", "silu", "softplus", "softsign", "elu" }
for _, name in ipairs(smooth) do
  M.conv2d[#M.conv2d + 1] =
    case(plain({ 2, 4, 3, 2 }, { 2, 2, 2, 3 }, 3), { activation = name, padding = "same" })
  M.conv2d_transpose[#M.conv2d_transpose + 1] =
    case(plain({ 2, 2, 3, 2 }, { 2, 2, 3, 2 }, 3), { activation = name, strides = 2 })
  M.depthwise_conv2d[#M.depthwise_conv2d + 1] =
    case(plain({ 2, 4, 3, 2 }, { 2, 2, 2, 2 }, 4), { activation = name })
end
-- z = 0.1 k - 1.25, never at the kink of relu
local ramp = {}
for k = 1, 24 do ramp[k] = (k * 7 % 24) * 0.1 - 1.25 end
M.conv2d[#M.conv2d + 1] = case({ { shape = { 2, 4, 3, 1 }, values = ramp },
  { shape = { 1, 1, 1, 2 }, values = { 1, -2 } } }, { activation = "relu" })

-- 0, 1, 2, ... in an order without pattern, spaced far wider than the step of the differences
local function distinct(shape)
  local n, values = 1, {}
  for _, size in ipairs(shape) do n = n * size end
  for k = 0, n - 1 do values[k + 1] = (k * 101 % 251) * 0.25 - 7 end
  return { { shape = shape, values = values } }
end

local pools2d = {
  { { 2, 4, 6, 3 }, {} }, { { 2, 5, 5, 2 }, {} }, { { 2, 5, 5, 2 }, { padding = "same" } },
  { { 1, 5, 7, 2 }, { pool = { 3, 2 }, strides = { 1, 2 } } },
  { { 1, 5, 4, 2 }, { pool = 3, strides = 1, padding = "same" } },
  { { 1, 4, 4, 1 }, { pool = 3, strides = 2, pads = { 1, 0, 2, 1 } } },
  { { 1, 2, 2, 1 }, { pool = 5, padding = "same" } },
}
local pools1d = {
  { { 2, 6, 3 }, {} }, { { 2, 7, 2 }, { padding = "same" } },
  { { 1, 7, 2 }, { pool = 3, strides = 1, pads = { 1, 1 } } },
}
for op, list in pairs { max_pool2d = pools2d, max_pool1d = pools1d, avg_pool2d = pools2d,
  avg_pool1d = pools1d } do
  M[op] = {}
  for _, entry in ipairs(list) do
    M[op][#M[op] + 1] = case(distinct(entry[1]), entry[2])
  end
end
M.avg_pool2d[#M.avg_pool2d + 1] =
  case(distinct { 1, 4, 4, 2 }, { pool = 3, pads = 1, count_pads = true })
M.max_pool2d[#M.max_pool2d + 1] =
  case({ { shape = { 1, 4, 5, 2 }, values = distinct({ 1, 4, 5, 2 })[1].values, view = turned } })

return M
