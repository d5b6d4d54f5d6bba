-- Constraints, the orthogonal regulariser and fans against Keras 3 in f64 (parity/constraints.py).
local ld = require "lossdbg"
local golden = dofile "spec/parity/constraints.lua"
local nn = ld.nn

local function flat(value, list)
  list = list or {}
  if type(value) ~= "table" then
    list[#list + 1] = value
  else
    for _, item in ipairs(value) do flat(item, list) end
  end
  return list
end

local function near(expected, got, tolerance)
  expected, got = flat(expected), flat(got)
  assert.equal(#expected, #got)
  for i, value in ipairs(expected) do
    assert.near(value, got[i], tolerance * math.max(math.abs(value), 1e-3))
  end
end

local function fails(pattern, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  assert.is_truthy(tostring(message):find(pattern, 1, true), message)
end

local tolerances = { f64 = 1e-10, f32 = 1e-5 }

describe("constraint", function()
  for i, row in ipairs(golden.constraints) do
    local made = ld.constraint[row.name](row.options)
    it(("%s, case %d: %s"):format(row.name, i, made), function()
      for dtype, tolerance in pairs(tolerances) do
        local w = ld.tensor(row.before, dtype)
        assert.is_true(rawequal(w, made(w)))
        near(row.after, w:totable(), tolerance)
      end
    end)
  end

  for i, row in ipairs(golden.training) do
    it(("%s in training, case %d"):format(row.name, i), function()
      for dtype, tolerance in pairs { f64 = 1e-10, f32 = 1e-4 } do
        local w = ld.tensor(row.before, dtype)
        w.requires_grad = true
        local opt = ld.optim.sgd { { { name = "w", tensor = w,
          constraint = ld.constraint[row.name](row.options) } }, lr = .1 }
        for _ = 1, 5 do
          w.grad = w:detach():add(1)
          opt:step()
        end
        near(row.after, w:totable(), tolerance)
      end
    end)
  end

  it("keeps NaN where it is", function()
    local w = ld.tensor { 0 / 0, -1, 2 }
    ld.constraint.non_neg()(w)
    assert.is_true(w[1] ~= w[1])
    assert.same({ 0, 2 }, { w[2], w[3] })
  end)
end)

describe("constraints of layers", function()
  local x, y = {}, {}
  for i = 1, 24 do x[i], y[i] = { math.sin(i), math.cos(2 * i) }, 5 * math.sin(i) - 3 end

  local function kernel_after(options)
    options[1], options.name = 3, "first"
    local run = ld.experiment {
      train = { ld.tensor(x), ld.tensor(y) }, loss = "mse", epochs = 5, batch = 8, seed = 3,
      model = nn.sequential { nn.dense(options), nn.dense(1) },
      optimizer = ld.optim.sgd { lr = .05 },
    }:fit { verbose = 0, telemetry = false }
    return run.model:layer "first".weights
  end

  it("hold after a fit, for kernel and bias", function()
    local w = kernel_after { kernel_constraint = { "max_norm", max_value = .3 },
      bias_constraint = "non_neg" }
    for _, norm in ipairs(w.kernel:square():sum(1):sqrt():totable()) do
      assert.is_true(norm <= .3 + 1e-6)
    end
    assert.is_true(w.bias:min():item() >= 0)
    local free = kernel_after {}
    assert.is_true(free.kernel:square():sum(1):sqrt():max():item() > .3)
    local unit = kernel_after { kernel_constraint = ld.constraint.unit_norm() }
    for _, norm in ipairs(unit.kernel:square():sum(1):sqrt():totable()) do
      assert.near(1, norm, 1e-5)
    end
  end)

  it("hold in a loop of one's own and in a clone", function()
    local model = nn.sequential { nn.dense { 2, kernel_constraint = "non_neg" } }
      :build({ 3 }, { dtype = "f64" }):clone()
    local opt = ld.optim.adam { model, lr = .5 }
    for _ = 1, 3 do
      opt:zero_grad()
      model(ld.tensor({ { 1, -2, 3 } }, "f64")):sum():backward()
      opt:step()
      assert.is_true(model[1].weights.kernel:min():item() >= 0)
    end
  end)

  it("are options of every layer with weights", function()
    for _, layer in ipairs { nn.conv2d { 2, 3, kernel_constraint = "non_neg" },
      nn.lstm { 2, recurrent_constraint = "unit_norm" },
      nn.embedding { 4, 2, constraint = "unit_norm" } } do
      local shape = layer.kind == "conv2d" and { 5, 5, 1 } or layer.kind == "lstm" and { 3, 2 }
        or { 3 }
      local found = 0
      for _, parameter in ipairs(layer:build(shape)[1].parameters) do
        found = found + (parameter.constraint and 1 or 0)
      end
      assert.equal(1, found, layer.kind)
    end
  end)

  it("say what they do not know", function()
    fails("did you mean 'max_norm'", nn.dense, { 3, kernel_constraint = "maxnorm" })
    fails("did you mean 'kernel_constraint'", nn.dense, { 3, kernel_constrain = "non_neg" })
    fails("unknown option 'max'", nn.dense, { 3, kernel_constraint = { "max_norm", max = 3 } })
    fails("'max_value': expected a number >= 0", ld.constraint.max_norm, -1)
    fails("'axis': expected integers from 1", ld.constraint.unit_norm, { axis = 0 })
    fails("'min_value': expected at most max_value", ld.constraint.min_max_norm,
      { min_value = 2, max_value = 1 })
  end)
end)

describe("orthogonal regulariser", function()
  for i, row in ipairs(golden.orthogonal) do
    it(("%s, factor %g, case %d"):format(row.mode, row.factor, i), function()
      for dtype, tolerance in pairs(tolerances) do
        local w = ld.tensor(row.weights, dtype)
        w.requires_grad = true
        local value = ld.regularizer.orthogonal { row.factor, mode = row.mode }(w)
        near({ row.value }, { value:item() }, tolerance)
        value:backward()
        near(row.gradient, w.grad:totable(), tolerance)
      end
    end)
  end

  it("is 0 for one row, and adds to l2", function()
    assert.equal(0, ld.regularizer.orthogonal()(ld.ones { 1, 4 }):item())
    local model = nn.dense { 2, kernel_regularizer = "orthogonal", l2 = .5, bias = false }
      :build { 2 }
    model[1].weights.kernel:copy_(ld.tensor { { 1, 0 }, { 1, 0 } })
    assert.near(.01 * 1 + .5 * 2, model:penalty():item(), 1e-6)
  end)
end)

describe("fans", function()
  for _, row in ipairs(golden.fans) do
    it(("[%s]"):format(table.concat(row[1], ", ")), function()
      local fan_in, fan_out = ld.init.fans(row[1])
      assert.same({ row[2], row[3] }, { fan_in, fan_out })
      if #row[1] >= 1 then -- U(+-sqrt(6 / fan_in)) comes close to its bound and never passes it
        local w = ld.zeros(row[1])
        ld.init.he_uniform()(w, 5)
        local bound, top = math.sqrt(6 / row[2]), w:abs():max():item()
        assert.is_true(top <= bound * (1 + 1e-6))
        assert.is_true(top > bound * (w.numel > 30 and .9 or .5))
      end
    end)
  end

  it("of the layers' kernels are those of Keras' shapes", function()
    for _, case in ipairs {
      { nn.conv2d { 8, { 3, 5 }, init = "he_uniform" }, { 12, 12, 4 }, 3 * 5 * 4 },
      { nn.conv1d { 8, 5, init = "he_uniform" }, { 12, 4 }, 5 * 4 },
      { nn.dense { 8, init = "he_uniform" }, { 40 }, 40 },
    } do
      local kernel = case[1]:build(case[2])[1].weights.kernel
      local bound, top = math.sqrt(6 / case[3]), kernel:abs():max():item()
      assert.is_true(top <= bound * (1 + 1e-6) and top > .95 * bound, case[1].kind)
    end
  end)
end)
