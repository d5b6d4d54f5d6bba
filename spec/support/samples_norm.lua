-- Inputs of normalisations, attention and embeddings, for the gradient check: op name -> list of
-- cases in the form of op_samples.lua.
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

-- ---- normalisations ----------------------------------------------------------------------------

local variance = { shape = { 3 }, values = { 0.5, 2, 1.25 }, constant = true }
local mean = { shape = { 3 }, values = { 0.3, -1, 0.75 }, constant = true }

M.batch_norm = {
  case(plain { 5, 3 }), case(plain({ 5, 3 }, { 3 })), case(plain({ 5, 3 }, { 3 }, { 3 })),
  case(plain({ 2, 4, 3 }, { 3 }, { 3 }), { epsilon = 1e-5 }),
  case(plain({ 2, 3, 2, 9 }, { 9 }, { 9 })), case(plain({ 7, 1 }, { 1 }, { 1 })),
  case(plain({ 1, 6 }, { 6 }, { 6 })), case(plain({ 1, 4, 3 }, { 3 }, { 3 })),
  case { { shape = { 3, 5 }, view = transposed }, { shape = { 3 } }, { shape = { 3 } } },
  case { { shape = { 5, 6 }, view = every_second }, { shape = { 6 }, view = every_second } },
  case { { shape = { 5, 3 } }, { shape = { 3 } }, { shape = { 3 } }, mean, variance },
  case { { shape = { 2, 2, 3 } }, { shape = { 3 } }, { shape = { 3 } }, mean, variance },
  case { { shape = { 1, 3 } }, { shape = { 3 } }, { shape = { 3 } }, mean, variance },
}

M.layer_norm = {
  case(plain { 7 }), case(plain { 5, 3 }), case(plain({ 5, 3 }, { 3 }, { 3 })),
  case(plain({ 4, 19 }, { 19 }, { 19 })), case(plain({ 2, 3, 4 }, { 4 }, { 4 })),
  case(plain({ 2, 3, 4 }, { 3, 4 }, { 3, 4 }), { axis = 2 }),
  case(plain({ 2, 3, 4 }, { 2, 3, 4 }), { axis = 1, epsilon = 1e-5 }),
  case(plain({ 2, 1, 8, 2 }, { 8, 2 }, { 8, 2 }), { axis = -2 }), case(plain({ 1, 9 }, { 9 })),
  case { { shape = { 5, 3 }, view = transposed }, { shape = { 5 } }, { shape = { 5 } } },
  case { { shape = { 2, 4 }, view = repeated }, { shape = { 4 } } },
}

M.rms_norm = {
  case(plain { 7 }), case(plain { 5, 3 }), case(plain({ 5, 3 }, { 3 })),
  case(plain({ 4, 19 }, { 19 })), case(plain({ 2, 3, 4 }, { 3, 4 }), { axis = 2 }),
  case(plain({ 3, 1 }, { 1 }), { epsilon = 0.5 }),
  case({ { shape = { 5, 3 }, view = transposed }, { shape = { 5 } } }, { epsilon = 1e-3 }),
}

M.group_norm = {
  case(plain({ 5, 4 }), { groups = 2 }), case(plain({ 5, 4 }, { 4 }, { 4 }), { groups = 1 }),
  case(plain({ 2, 3, 6 }, { 6 }, { 6 }), { groups = 3 }),
  case(plain({ 2, 3, 6 }, { 6 }, { 6 }), { groups = 6 }),
  case(plain({ 2, 2, 3, 18 }, { 18 }, { 18 }), { groups = 2, epsilon = 1e-5 }),
  case(plain({ 1, 4, 2 }, { 2 }, { 2 }), { groups = 2 }),
  case({ { shape = { 6, 5, 2 }, view = transposed }, { shape = { 6 } } }, { groups = 2 }),
}

-- ---- attention ---------------------------------------------------------------------------------

local function triple(lead, tq, tk, f, g)
  local function shape(...)
    local s = table.move(lead, 1, #lead, 1, {})
    return { shape = table.move({ ... }, 1, 2, #s + 1, s) }
  end
  return { shape(tq, f), shape(tk, f), shape(tk, g) }
end

local function masked(inputs, mask, bias)
  inputs[4], inputs[5] = mask, bias
  return inputs
end

-- The second query may see nothing.
local mask = { shape = { 3, 4 }, dtype = "i32", values = { 1, 0, 1, 1, 0, 0, 0, 0, 0, 1, 1, 0 } }
local per_head = { shape = { 2, 1, 1, 4 }, dtype = "i32", values = { 1, 1, 0, 1, 0, 1, 1, 1 } }
local all = { shape = {}, dtype = "i32", values = { 1 } }

M.attention = {
  case(triple({}, 3, 4, 2, 3)), case(triple({}, 1, 1, 1, 1)), case(triple({ 2 }, 3, 4, 2, 3)),
  case(triple({ 2, 2 }, 3, 3, 2, 2), { scale = 0.3 }),
  case(triple({ 2 }, 3, 4, 4, 6), { heads = 2 }),
  case(triple({ 2 }, 4, 4, 2, 2), { causal = true }),
  case(triple({ 2 }, 5, 3, 4, 2), { causal = true, heads = 2 }),
  case(triple({}, 3, 5, 2, 2), { causal = true }),
  case(triple({}, 67, 3, 2, 1), { causal = true }), -- more than one block of rows
  case(masked(triple({}, 3, 4, 2, 3), mask)),
  case(masked(triple({ 2 }, 3, 4, 4, 6), mask), { heads = 2, empty = "uniform" }),
  case(masked(triple({ 2 }, 3, 4, 4, 6), per_head), { heads = 2, causal = true }),
  case(masked(triple({ 2 }, 3, 4, 2, 2), mask, { shape = { 3, 4 } })),
  case(masked(triple({ 2 }, 3, 4, 4, 2), all, { shape = { 2, 1, 4 } }), { heads = 2 }),
  case(masked(triple({ 2 }, 3, 4, 4, 2), mask, { shape = { 2, 1, 3, 1 } }),
    { heads = 2, causal = true, empty = "uniform" }),
  case(triple({ 2 }, 3, 4, 4, 2), { heads = 2, rate = 0.4, seed = 5, stream = 9 }),
  case(triple({}, 3, 4, 2, 2), { rate = 1, seed = 5 }),
}
local strided = triple({}, 3, 4, 2, 3)
strided[2] = { shape = { 2, 4 }, view = transposed }
M.attention[#M.attention + 1] = case(strided)

-- ---- embedding ---------------------------------------------------------------------------------

M.embedding = {
  case { { shape = { 4, 3 } }, { shape = { 6 }, dtype = "i32", values = { 0, 3, 3, 1, 0, 3 } } },
  case { { shape = { 4, 1 } }, { shape = {}, dtype = "i32", values = { 2 } } },
  case({ { shape = { 5, 70 } }, { shape = { 2, 3 }, dtype = "f32",
    values = { 4, 0, 4, 2, 2, 2 } } }),
  case { { shape = { 3, 4 }, view = transposed }, { shape = { 2, 1, 2 }, dtype = "f64",
    values = { 3, 0, 1, 3 } } },
}

return M
