-- Inputs of every op that are large enough to be worth several threads, with sizes that no tile
-- divides: op name -> list of cases; a case is a list of inputs with the op's attributes in
-- `attrs`. An input is { shape, lo =, hi =, ids = n (whole numbers 0..n-1), view = }.
local M = {}

local function case(inputs, attrs)
  inputs.attrs = attrs or {}
  return inputs
end

local function plain(...) return { ... } end
local function transposed(t) return t:transpose() end
local function every_second(t) return t:slice(-1, 1, -1, 2) end

local flat, wide, deep = { 40009 }, { 130, 331 }, { 7, 60, 101 }

local function with(shape, more)
  local r = { table.unpack(shape) }
  for key, value in pairs(more or {}) do r[key] = value end
  return r
end

-- ---- elementwise -------------------------------------------------------------------------------

local positive = { lo = 0.2, hi = 3 }
for _, name in ipairs { "neg", "exp", "expm1", "square", "sin", "cos", "tan", "erf", "abs", "sign",
  "floor", "contiguous", "linear", "relu", "leaky_relu", "elu", "celu", "selu", "gelu", "silu",
  "mish", "softplus", "softsign", "tanh", "sigmoid", "hard_sigmoid", "hard_silu", "relu6",
  "log_sigmoid", "reciprocal" } do
  M[name] = { case { flat }, case { with(wide, { view = transposed }) },
    case { with(deep, { view = every_second }) } }
end
for _, name in ipairs { "log", "log1p", "sqrt" } do M[name] = { case { with(flat, positive) } } end
M.clip = { case({ wide }, { lo = -0.5, hi = 0.7 }) }
M.cast = { case({ wide }, { dtype = "f64" }),
  case({ with(wide, { view = transposed }) }, { dtype = "f32" }) }
M.gelu[#M.gelu + 1] = case({ wide }, { approximate = true })
M.dropout = { case({ flat }, { rate = 0.4, seed = 7 }), case({ deep }, { rate = 0.1, seed = 3 }) }

for _, name in ipairs { "add", "sub", "mul", "div", "pow", "maximum", "minimum", "prelu", "eq",
  "ne", "lt", "le", "gt", "ge" } do
  local a = (name == "pow") and positive or nil
  local b = (name == "pow" or name == "div") and positive or nil
  M[name] = {}
  for _, pair in ipairs { { flat, flat }, { wide, { 331 } }, { wide, { 130, 1 } }, { wide, {} },
    { deep, { 60, 1 } }, { { 1, 331 }, { 130, 1 } } } do
    if name ~= "prelu" or pair[1][1] ~= 1 then
      M[name][#M[name] + 1] = case { with(pair[1], a), with(pair[2], b) }
    end
  end
  M[name][#M[name] + 1] = case { with(wide, { view = transposed, lo = a and 0.2 or -2 }),
    with({ 331, 130 }, b) }
end
M.where = { case { with(wide, { ids = 2 }), wide, wide },
  case { with({ 130, 1 }, { ids = 2 }), wide, { 331 } } }

-- ---- reductions --------------------------------------------------------------------------------

for _, name in ipairs { "sum", "mean", "max", "min", "var", "norm", "logsumexp" } do
  M[name] = { case { flat }, case({ wide }, { axes = 1 }), case({ wide }, { axes = 2 }),
    case({ deep }, { axes = { 1, 3 } }), case({ deep }, { axes = 2, keepdims = true }),
    case { with(wide, { view = transposed }) } }
end
M.prod = { case({ with(wide, { lo = 0.9, hi = 1.1 }) }, { axes = 1 }),
  case({ with(wide, { lo = 0.9, hi = 1.1 }) }, { axes = 2 }) }
for _, name in ipairs { "argmax", "argmin" } do
  M[name] = { case({ wide }, { axis = 1 }), case({ wide }, { axis = 2 }) }
end
for _, name in ipairs { "softmax", "log_softmax" } do
  M[name] = { case { wide }, case({ wide }, { axis = 1 }), case({ deep }, { axis = 2 }),
    case { { 1031, 11 } } }
end

-- ---- views and rearrangements ------------------------------------------------------------------

M.reshape = { case({ wide }, { shape = { -1 } }),
  case({ with(wide, { view = transposed }) }, { shape = { -1 } }) }
M.transpose = { case { wide }, case({ deep }, { perm = { 3, 1, 2 } }) }
M.expand = { case({ { 1, 331 } }, { shape = { 130, 331 } }) }
M.slice = { case({ wide }, { axis = 2, first = 2, step = 2 }) }
M.select = { case({ deep }, { axis = 2, index = 3 }) }
M.squeeze, M.unsqueeze = { case({ { 1, 40009 } }, { axis = 1 }) }, { case({ flat }, { axis = 1 }) }
M.concat = { case({ wide, { 130, 40 }, wide }, { axis = 2 }), case({ wide, { 11, 331 } },
  { axis = 1 }) }
local from_one = { ids = 100, offset = 1 }
M.gather = { case { { 130, 331 }, with({ 400 }, from_one) },
  case({ { 50, 130, 9 }, with({ 40 }, from_one) }, { axis = 2 }) }
M.one_hot = { case({ with({ 3000 }, { ids = 20 }) }, { classes = 20 }) }
M.pad = { case({ wide }, { pads = { 1, 2, 3, 4 } }) }
M.flip = { case({ wide }, { axis = 1 }), case({ wide }, { axis = 2 }) }

-- ---- products ----------------------------------------------------------------------------------

M.matmul = { case(plain({ 257, 300 }, { 300, 270 })), case(plain({ 5, 130, 90 }, { 5, 90, 110 })),
  case(plain({ 7, 33, 90 }, { 90, 110 })),
  case(plain({ 300, 129 }, { 170, 300 }), { transpose_a = true, transpose_b = true }),
  case { with({ 300, 129 }, { view = transposed }), { 300, 170 } },
  case(plain({ 3, 2000 }, { 2000, 70 })), case(plain({ 2000, 3 }, { 3, 70 })) }
M.dense = { case(plain({ 257, 300 }, { 300, 270 }, { 270 }), { activation = "relu" }),
  case(plain({ 33, 700 }, { 700, 65 }, { 65 }), { activation = "tanh" }),
  case(plain({ 9, 130, 64 }, { 64, 100 }), { activation = "gelu" }) }

-- ---- losses ------------------------------------------------------------------------------------

for _, name in ipairs { "mse", "mae", "huber", "log_cosh", "hinge", "squared_hinge", "mape",
  "cosine_similarity" } do
  M[name] = { case(plain(wide, wide)), case(plain({ 4001, 3 }, { 4001, 3 })) }
end
local share = { lo = 0.05, hi = 0.95 }
for _, name in ipairs { "poisson", "kl", "msle", "categorical_crossentropy" } do
  M[name] = { case { with(wide, share), with(wide, share) } }
end
M.binary_crossentropy = { case { with(wide, share), with(wide, { ids = 2 }) },
  case({ wide, with(wide, { ids = 2 }) }, { from_logits = true }) }
M.categorical_crossentropy[2] = case({ wide, with(wide, share) },
  { from_logits = true, label_smoothing = 0.1 })
M.sparse_crossentropy = { case({ wide, with({ 130 }, { ids = 331 }) }, { from_logits = true }),
  case { with({ 3001, 11 }, share), with({ 3001 }, { ids = 11 }) } }

-- ---- normalisations, attention, embeddings -----------------------------------------------------

local image = { 9, 13, 15, 24 }
M.moments = { case { wide }, case { image } }
M.batch_norm = { case(plain(wide, { 331 }, { 331 })), case(plain(image, { 24 }, { 24 })),
  case { image, { 24 }, { 24 }, { 24 }, with({ 24 }, positive) } }
M.layer_norm = { case(plain(wide, { 331 }, { 331 })), case(plain({ 4001, 10 }, { 10 }, { 10 })),
  case(plain(deep, { 60, 101 }), { axis = 2 }) }
M.rms_norm = { case(plain(wide, { 331 })), case(plain({ 4001, 10 }, { 10 })) }
M.group_norm = { case(plain(image, { 24 }, { 24 }), { groups = 4 }),
  case(plain(image, { 24 }, { 24 }), { groups = 24 }) }
local function triple(batch, queries, keys, width)
  return plain({ batch, queries, width }, { batch, keys, width }, { batch, keys, width })
end
M.attention = { case(triple(5, 70, 70, 48), { heads = 4, causal = true }),
  case(triple(3, 65, 90, 32)), case(triple(3, 130, 130, 16), { rate = 0.3, seed = 4 }) }
M.attention[4] = case(triple(3, 65, 40, 32), { heads = 2 })
M.attention[4][4] = with({ 3, 1, 1, 40 }, { ids = 2 })
M.embedding = { case { { 500, 64 }, with({ 40, 60 }, { ids = 500 }) },
  case { { 30, 17 }, with({ 3000 }, { ids = 30 }) } }

-- ---- convolutions and poolings -----------------------------------------------------------------

M.conv1d = { case(plain({ 9, 67, 16 }, { 5, 16, 24 }, { 24 }), { padding = "same" }),
  case(plain({ 3, 130, 8 }, { 3, 8, 9 }), { padding = "causal", dilation = 2 }) }
M.conv2d = { case(plain({ 9, 19, 17, 8 }, { 3, 3, 8, 16 }, { 16 }), { activation = "relu" }),
  case(plain({ 5, 20, 20, 12 }, { 3, 3, 12, 20 }, { 20 }), { padding = "same", strides = 2 }),
  case(plain({ 5, 20, 20, 12 }, { 1, 1, 12, 33 }, { 33 })),
  case(plain({ 5, 20, 20, 8 }, { 3, 3, 4, 8 }), { groups = 2 }),
  case(plain({ 33, 17, 17, 1 }, { 5, 5, 1, 6 }, { 6 }), { padding = "same" }) }
M.conv1d_transpose = { case(plain({ 9, 60, 16 }, { 4, 12, 16 }, { 12 }), { strides = 2 }) }
M.conv2d_transpose = { case(plain({ 5, 11, 13, 12 }, { 3, 3, 9, 12 }, { 9 }),
  { strides = 2, padding = "same" }) }
M.depthwise_conv1d = { case(plain({ 9, 170, 16 }, { 3, 16, 1 }, { 16 })) }
M.depthwise_conv2d = { case(plain({ 9, 19, 17, 16 }, { 3, 3, 16, 1 }, { 16 }),
  { padding = "same" }), case(plain({ 5, 19, 17, 6 }, { 3, 3, 6, 2 }), { strides = 2 }) }
for _, name in ipairs { "max_pool2d", "avg_pool2d" } do
  M[name] = { case { { 9, 20, 22, 16 } }, case({ { 9, 19, 17, 16 } },
    { pool = 3, strides = 2, padding = "same" }) }
end
for _, name in ipairs { "max_pool1d", "avg_pool1d" } do M[name] = { case { { 19, 121, 16 } } } end

-- ---- recurrent layers --------------------------------------------------------------------------

for name, gates in pairs { simple_rnn = 1, lstm = 4, gru = 3 } do
  local units = 37
  local function inputs(batch, time, n_in)
    local small = { lo = -0.3, hi = 0.3 }
    local bias = name == "gru" and { 2, gates * units } or { gates * units }
    return plain({ batch, time, n_in }, with({ n_in, gates * units }, small),
      with({ units, gates * units }, small), bias)
  end
  M[name] = { case(inputs(33, 9, 29)), case(inputs(70, 5, 64), { reverse = true }) }
end

return M
