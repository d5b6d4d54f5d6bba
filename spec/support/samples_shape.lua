-- Inputs of the matrix products, views, rearrangements and losses, for the gradient check: op name
-- -> list of cases in the form of op_samples.lua.
local M = {}

local function case(inputs, attrs)
  inputs.attrs = attrs or {}
  return inputs
end

local function plain(...)
  local inputs = {}
  for i, shape in ipairs { ... } do inputs[i] = { shape = shape } end
  return inputs
end

local function transposed(t) return t:transpose() end
local function every_second(t) return t:slice(-1, 1, -1, 2) end
local function repeated(t) return t:expand { 3, -1, -1 } end

-- ---- matrix products ---------------------------------------------------------------------------

-- Sizes 2 x 3 times 3 x 4 in every storage order, alone and in batches that are shared, repeated on
-- one side, or repeated crosswise.
M.matmul = {}
local batches = { { {}, {} }, { { 3 }, { 3 } }, { { 3 }, {} }, { {}, { 2, 3 } },
  { { 2, 1 }, { 1, 3 } }, { { 1 }, { 3 } } }
for _, ta in ipairs { false, true } do
  for _, tb in ipairs { false, true } do
    for _, b in ipairs(batches) do
      local left, right = { table.unpack(b[1]) }, { table.unpack(b[2]) }
      table.move(ta and { 3, 2 } or { 2, 3 }, 1, 2, #left + 1, left)
      table.move(tb and { 4, 3 } or { 3, 4 }, 1, 2, #right + 1, right)
      M.matmul[#M.matmul + 1] = case(plain(left, right), { transpose_a = ta, transpose_b = tb })
    end
  end
end
for _, first in ipairs {
  { shape = { 3, 2 }, view = transposed }, { shape = { 2, 6 }, view = every_second },
  { shape = { 2, 3 }, view = repeated }, { shape = { 3, 2, 5 }, view = transposed },
} do
  M.matmul[#M.matmul + 1] = case { first, { shape = { 3, 4 } } }
end
M.matmul[#M.matmul + 1] = case(plain({ 1, 1 }, { 1, 1 }))
M.matmul[#M.matmul + 1] = case(plain({ 9, 17 }, { 17, 11 })) -- beyond the loop for tiny products

M.dense = { case(plain({ 3 }, { 3, 4 }, { 4 })), case(plain({ 2, 3, 5 }, { 5, 4 }, { 4 })),
  case({ { shape = { 5, 3 }, view = transposed }, { shape = { 4, 5 }, view = transposed },
    { shape = { 4 } } }, { activation = "tanh" }) }
for _, name in ipairs { "linear", "sigmoid", "tanh", "leaky_relu", "elu", "selu", "gelu", "silu",
  "mish", "softplus", "softsign", "log_sigmoid", "exponential" } do
  M.dense[#M.dense + 1] = case(plain({ 7, 3 }, { 3, 2 }, { 2 }), { activation = name })
  M.dense[#M.dense + 1] = case(plain({ 7, 3 }, { 3, 2 }), { activation = name })
end
for _, name in ipairs { "relu", "relu6", "hard_sigmoid", "hard_silu" } do -- z away from the kinks
  M.dense[#M.dense + 1] = case({ { shape = { 2, 2 }, values = { 1, 2, -1, 0.5 } },
    { shape = { 2, 3 }, values = { 0.5, -1, 1, 0.25, 0.75, -0.5 } },
    { shape = { 3 }, values = { 0.1, 0.2, -0.3 } } }, { activation = name })
end

-- ---- views and rearrangements ----------------------------------------------------------------

M.reshape = { case(plain { 6 }, { shape = { 2, 3 } }), case(plain { 2, 3, 4 }, { shape = { -1 } }),
  case({ { shape = { 3, 4 }, view = transposed } }, { shape = { 2, -1 } }),
  case(plain {}, { shape = { 1, 1 } }), case(plain { 1 }, { shape = {} }) }
M.transpose = { case(plain { 2, 3 }), case(plain { 2, 3, 4 }, { perm = { 3, 1, 2 } }),
  case(plain { 2, 3, 4 }, { perm = { 2, 1, -1 } }), case(plain { 5 }) }
M.expand = { case(plain { 1, 3 }, { shape = { 4, 3 } }), case(plain {}, { shape = { 2, 2 } }),
  case(plain { 3, 1 }, { shape = { 2, -1, 4 } }) }
M.slice = { case(plain { 7 }, { axis = 1, first = 2, last = -2 }),
  case(plain { 3, 6 }, { axis = 2, first = 2, step = 2 }),
  case(plain { 3, 2, 2 }, { axis = 1, first = -1 }),
  case({ { shape = { 4, 3 }, view = transposed } }, { axis = -1, first = 1, last = 3, step = 2 }) }
M.squeeze = { case(plain { 1, 3 }, { axis = 1 }), case(plain { 2, 1, 3 }, { axis = 2 }),
  case(plain { 1 }, { axis = -1 }) }
M.unsqueeze = { case(plain { 3 }, { axis = 1 }), case(plain { 2, 3 }, { axis = 2 }),
  case(plain { 2, 3 }, { axis = -1 }), case(plain {}, { axis = 1 }) }
M.concat = { case(plain { 3 }), case(plain({ 2, 1 }, { 2, 3 }, { 2, 2 }), { axis = 2 }),
  case(plain({ 1, 2, 2 }, { 3, 2, 2 }), { axis = 1 }) }
local function ids(shape, ...) return { shape = shape, values = { ... }, dtype = "i32" } end
M.gather = { case({ { shape = { 4 } }, ids({ 5 }, 1, 4, 2, 4, -1) }),
  case({ { shape = { 2, 3, 4 } }, ids({ 2, 2 }, 3, 1, 1, -2) }, { axis = 2 }),
  case({ { shape = { 3, 2 }, view = transposed }, ids({}, 2) }, { axis = -1 }) }
M.pad = { case(plain { 3 }, { pads = { 1, 2 } }), case(plain { 2, 3 }, { pads = { 0, 1, 2, 0 } }),
  case({ { shape = { 3, 2 }, view = transposed } }, { pads = { 1, 1, 1, 1 }, value = -7 }) }
M.flip = { case(plain { 4 }, { axis = 1 }), case(plain { 2, 3, 2 }, { axis = 2 }),
  case(plain { 2, 3 }, { axis = -1 }) }

-- ---- losses ------------------------------------------------------------------------------------

local loss_shapes = { { 5 }, { 4, 3 }, { 2, 3, 2 }, { 6, 1 } }

-- The target does not count as differentiable: only the prediction is a leaf with a gradient.
local function losses(pred, target, ...)
  local cases = {}
  for _, attrs in ipairs(select("#", ...) > 0 and { ... } or { {} }) do
    for _, shape in ipairs(loss_shapes) do
      local p, t = { shape = shape }, { shape = shape }
      for key, value in pairs(pred) do p[key] = value end
      for key, value in pairs(target) do t[key] = value end
      cases[#cases + 1] = case({ p, t }, attrs)
    end
  end
  return cases
end

-- Ranges that do not meet keep the slopes of |e| and of the clips away from their kinks.
local low, high = { lo = -2, hi = 0.4 }, { lo = 0.5, hi = 2 }
local inner = { lo = 0.1, hi = 0.9 }
local zero_one = { values = { 0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 0 } }
M.mse, M.log_cosh = losses({}, {}), losses({}, {})
M.mae, M.mape = losses(low, high), losses(low, high)
M.huber = losses({ lo = -0.4, hi = 0.4 }, { lo = -0.4, hi = 0.4 }, {}, { delta = 3 })
for _, c in ipairs(losses({ hi = 2 }, { lo = -2, hi = 0 }, {}, { delta = 0.3 })) do
  c[1].lo = 1.2 -- all errors lie beyond delta, on the linear part
  table.insert(M.huber, c)
end
M.hinge = losses({ away = { -1, 1 } }, zero_one)
M.squared_hinge = losses({ away = { -1, 1 } }, { values = { 1, -1, -1, 1, 1, -1, 1, 1, -1, 1, 1 } })
M.poisson = losses({ lo = 0.2, hi = 3 }, { lo = 0, hi = 4 })
M.kl, M.msle = losses(inner, inner), losses({ lo = 0.1, hi = 3 }, { lo = 0.1, hi = 3 })
M.cosine_similarity = losses({ lo = 0.2, hi = 2 }, {})
M.binary_crossentropy = losses(inner, zero_one, {}, { label_smoothing = 0.2 })
for _, c in ipairs(losses({ lo = -4, hi = 4 }, zero_one, { from_logits = true },
  { from_logits = true, label_smoothing = 0.2 })) do
  table.insert(M.binary_crossentropy, c)
end
M.categorical_crossentropy = losses(inner, inner, {}, { label_smoothing = 0.1 })
for _, c in ipairs(losses({ lo = -3, hi = 3 }, inner, { from_logits = true },
  { from_logits = true, label_smoothing = 0.1 })) do
  table.insert(M.categorical_crossentropy, c)
end
-- With one class p / sum p is 1 whatever p is: all slopes are 0, and only rounding is compared.
for i = #M.categorical_crossentropy, 1, -1 do
  if M.categorical_crossentropy[i][1].shape[2] == 1 then
    table.remove(M.categorical_crossentropy, i)
  end
end
M.sparse_crossentropy = {}
for _, logits in ipairs { false, true } do
  for _, smoothing in ipairs { 0, 0.1 } do
    local attrs = { from_logits = logits, label_smoothing = smoothing }
    local range = logits and { -3, 3 } or { 0.1, 0.9 }
    for _, s in ipairs { { { 4, 3 }, { 4 } }, { { 2, 2, 3 }, { 2, 2 } }, { { 4, 3 }, { 4, 1 } },
      { { 3 }, {} } } do
      table.insert(M.sparse_crossentropy, case({ { shape = s[1], lo = range[1], hi = range[2] },
        ids(s[2], 2, 0, 1, 2) }, attrs))
    end
  end
end

return M
