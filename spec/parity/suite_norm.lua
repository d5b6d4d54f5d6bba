-- Cases of norm.lua: normalisations, attention and embeddings as ops and as layers, and the moving
-- statistics of batch normalisation after three training steps.
local ld = require "lossdbg"
local core = require "lossdbg.core"
local layers = require "lossdbg.nn.layer"
local measure = require "measure"

local nn = ld.nn

local arity = {}
for _, row in ipairs(core.op_rows()) do
  arity[row.name] = select(2, row.inputs:gsub("%S+", ""))
end

-- values() of norm.py: Knuth's MMIX generator, cut to 12 bits, exact in f32.
local function values(seed, shape, dtype, lo, hi)
  lo, hi = lo or -2, hi or 2
  local t = ld.zeros(shape, dtype)
  local flat, s = t:reshape { -1 }, seed
  for i = 1, flat.numel do
    s = s * 6364136223846793005 + 1442695040888963407
    flat[i] = lo + (hi - lo) * (s >> 52) / 4096
  end
  return t
end

local function fixed(item)
  return ld.tensor(#item.shape == 0 and item.values[1] or item.values, item.dtype or "i32")
    :reshape(item.shape)
end

local function largest(list, so_far)
  for _, value in ipairs(list or {}) do so_far = math.max(so_far, math.abs(value)) end
  return so_far
end

-- The scale of a tensor, or of the whole case where the tensor is 0 in theory (the gradient of a
-- key's bias) and only rounding is left of it.
local function scaled(case, near)
  local whole = largest(case.y, 0)
  for _, list in pairs { case.g or {}, case.gx or {}, case.gw or {} } do
    for _, gradient in pairs(list) do whole = largest(gradient or nil, whole) end
  end
  return function(what, expected, got)
    near(what, expected, got, largest(expected, 0) < 1e-6 * whole and whole or 0)
  end
end

local function backward(y, case, dtype, near)
  near("shape", case.shape, y.shape)
  near("result", case.y, y)
  core.op.sum(y * values(99, case.shape, dtype)):backward()
end

local function run_op(case, dtype, near)
  local inputs, wanted = {}, arity[case.op]
  for i, item in ipairs(case.inputs) do
    if item then
      inputs[i] = item.values and fixed(item)
        or values(item.seed, item.shape, dtype, item.lo, item.hi)
      if not item.values and not item.constant then inputs[i].requires_grad = true end
    end
  end
  if next(case.attrs) then inputs[wanted + 1] = case.attrs end
  backward(core.op[case.op](table.unpack(inputs, 1, wanted + 1)), case, dtype, near)
  for i, gradient in ipairs(case.g) do
    if gradient then near("gradient of input " .. i, gradient, inputs[i].grad) end
  end
end

local function inputs_of(case, dtype)
  if case.fixed then return { fixed(case.fixed) } end
  local list = {}
  for i, shape in ipairs(type(case.sample[1]) == "table" and case.sample or { case.sample }) do
    list[i] = values(case.seed + i - 1, { case.batch, table.unpack(shape) }, dtype)
    list[i].requires_grad = true
  end
  return list
end

local function set_weights(made, case, dtype)
  for i, name in ipairs(case.names) do
    local weight = made.weights[name]
    local hi = case.layer == "multi_head_attention" and 0.5 or 2
    local lo = -hi
    if name == "moving_variance" then lo, hi = 0.25, 4.25 end
    ld.no_grad(function()
      weight:copy_(values(case.seed + 9 + i, weight.shape, dtype, lo, hi))
    end)
  end
end

local function run_layer(case, dtype, near)
  local made = layers.create(nn[case.layer](case.options), "it", case.sample,
    { seed = 0, dtype = dtype })
  set_weights(made, case, dtype)
  local x = inputs_of(case, dtype)
  x.mask = case.mask and fixed(case.mask)
  backward(made:forward(#x == 1 and x[1] or x, { training = case.training }), case, dtype, near)
  for i, gradient in ipairs(case.gx) do
    if gradient then near("gradient of input " .. i, gradient, x[i].grad) end
  end
  for _, parameter in ipairs(made.parameters) do
    local name = parameter.name
    local expected, moved = case.gw[name], case.moved and case.moved[name]
    if expected then near("gradient of " .. name, expected, parameter.tensor.grad) end
    if moved then near(name, moved, parameter.tensor) end
  end
end

local function run_moving(case, dtype, near)
  local model = nn.sequential { nn.batch_norm { flavor = case.peer, momentum = case.momentum } }
    :build({ table.unpack(case.shape, 2) }, { dtype = dtype })
  for _, seed in ipairs(case.moving) do
    model(values(seed, case.shape, dtype), { training = true })
  end
  local weights = model:layer("batch_norm_1").weights
  near("moving mean", case.mean, weights.moving_mean)
  near("moving variance", case.variance, weights.moving_variance)
end

local runners = { op = run_op, layer = run_layer, moving = run_moving }

return function(golden)
  local cases = {}
  for i, case in ipairs(golden) do
    local kind = case.op and "op" or case.layer and "layer" or "moving"
    local name = case.op or case.layer or "batch_norm"
    local covers = { (kind == "op" and "op " or "layer ") .. name }
    if kind == "moving" then covers[2] = "op moments" end
    if name == "multi_head_attention" then covers[2] = "op attention" end
    cases[i] = {
      title = ("%s %s of %s"):format(name, kind == "moving" and "moving statistics" or
        measure.text(case.attrs or case.options), measure.text(case.shape)),
      peers = case.peer, covers = covers,
      check = function(dtype, near) runners[kind](case, dtype, scaled(case, near)) end,
    }
  end
  return cases
end
