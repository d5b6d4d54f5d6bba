-- Normalisations, attention, embeddings: every number against PyTorch and Keras (spec/parity/
-- norm.py wrote them), in f64 and f32, with the gradients of all inputs and the moving statistics.
package.path = "./spec/?.lua;" .. package.path
local ld = require "lossdbg"
local core = require "lossdbg.core"
local layers = require "lossdbg.nn.layer"
local cases = require "parity.norm"
local nn = ld.nn

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

local limits = { f64 = 1e-10, f32 = 2e-5 }

local function largest(list, so_far)
  for _, value in ipairs(list or {}) do so_far = math.max(so_far, math.abs(value)) end
  return so_far
end

-- The scale of all numbers of a case, for tensors that are 0 in theory: the gradient of a key bias.
local function scale_of(case)
  local scale = largest(case.y, 0)
  for _, list in pairs { case.g or {}, case.gx or {}, case.gw or {} } do
    for _, gradient in pairs(list) do scale = largest(gradient or nil, scale) end
  end
  return scale
end

-- f64: relative to every element (but elements that cancel to nothing); f32: to the tensor's scale.
local function near(expected, got, dtype, what, case_scale)
  local flat = got:reshape({ -1 }):totable()
  assert.equal(#expected, #flat, what)
  local scale, limit = largest(expected, 0), limits[dtype]
  if scale < 1e-6 * case_scale then scale = case_scale end
  for i, value in ipairs(expected) do
    local size = dtype == "f64" and math.max(math.abs(value), 1e-3 * scale) or scale
    local off = math.abs(flat[i] - value)
    assert(off <= limit * size, -- NaN fails, too
      ("%s [%d]: expected %.17g, got %.17g"):format(what, i, value, flat[i]))
  end
end

local function backward(y, case, dtype)
  assert.same(case.shape, y.shape)
  near(case.y, y, dtype, "result", scale_of(case))
  core.op.sum(y * values(99, case.shape, dtype)):backward()
end

local function run_op(case, dtype)
  local inputs, n = {}, 0
  for i, item in ipairs(case.inputs) do
    n = i
    if item then
      inputs[i] = item.values and fixed(item)
        or values(item.seed, item.shape, dtype, item.lo, item.hi)
      if not item.values and not item.constant then inputs[i].requires_grad = true end
    end
  end
  local row
  for _, each in ipairs(core.op_rows()) do row = each.name == case.op and each or row end
  local _, wanted = row.inputs:gsub("%S+", "")
  assert.is_true(n <= wanted)
  if next(case.attrs) then inputs[wanted + 1] = case.attrs end
  backward(core.op[case.op](table.unpack(inputs, 1, wanted + 1)), case, dtype)
  local compared = 0
  for i, gradient in ipairs(case.g) do
    if gradient then
      near(gradient, inputs[i].grad, dtype, "gradient of input " .. i, scale_of(case))
      compared = compared + 1
    elseif inputs[i] then
      assert.is_nil(inputs[i].grad)
    end
  end
  assert.is_true(compared > 0)
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

local function run_layer(case, dtype)
  local made = layers.create(nn[case.layer](case.options), "it", case.sample,
    { seed = 0, dtype = dtype })
  local count = 0
  for _ in pairs(made.weights) do count = count + 1 end
  assert.equal(#case.names, count)
  for i, name in ipairs(case.names) do
    local weight = made.weights[name]
    local hi = case.layer == "multi_head_attention" and 0.5 or 2
    local lo = -hi
    if name == "moving_variance" then lo, hi = 0.25, 4.25 end
    ld.no_grad(function()
      weight:copy_(values(case.seed + 9 + i, weight.shape, dtype, lo, hi))
    end)
  end
  local x = inputs_of(case, dtype)
  x.mask = case.mask and fixed(case.mask)
  local y = made:forward(#x == 1 and x[1] or x, { training = case.training })
  backward(y, case, dtype)
  local scale = scale_of(case)
  for i, gradient in ipairs(case.gx) do
    if gradient then near(gradient, x[i].grad, dtype, "gradient of input " .. i, scale) end
  end
  for _, parameter in ipairs(made.parameters) do
    local name = parameter.name
    local expected, got = case.gw[name], parameter.tensor.grad
    if expected then
      near(expected, got, dtype, "gradient of " .. name, scale)
    else -- moving statistics, a frozen layer
      assert.is_nil(got)
    end
    local moved = case.moved and case.moved[name]
    if moved then near(moved, parameter.tensor, dtype, name, scale) end
  end
end

local function run_moving(case, dtype)
  local model = nn.sequential { nn.batch_norm { flavor = case.peer, momentum = case.momentum } }
    :build({ table.unpack(case.shape, 2) }, { dtype = dtype })
  for _, seed in ipairs(case.moving) do
    model(values(seed, case.shape, dtype), { training = true })
  end
  local weights = model:layer("batch_norm_1").weights
  near(case.mean, weights.moving_mean, dtype, "moving mean", 1)
  near(case.variance, weights.moving_variance, dtype, "moving variance", 1)
end

local function title(i, case)
  local what = case.op or case.layer or "moving statistics"
  local sizes = case.shape and table.concat(case.shape, " ") or ""
  return ("%d: %s [%s]"):format(i, what, sizes)
end

describe("golden numbers", function()
  it("are 150 cases or more", function() assert.is_true(#cases >= 150, #cases) end)
  for i, case in ipairs(cases) do
    for _, dtype in ipairs { "f64", "f32" } do
      it(("%s of %s in %s"):format(title(i, case), case.peer, dtype), function()
        if case.op then
          run_op(case, dtype)
        elseif case.layer then
          run_layer(case, dtype)
        else
          run_moving(case, dtype)
        end
      end)
    end
  end
end)
