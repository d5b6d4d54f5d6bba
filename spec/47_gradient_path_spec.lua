-- Side tests of what the user wrote: slopes that stop the gradient, rows that leak into each other.
local ld = require "lossdbg"
local path = require "lossdbg.diagnose.tests.gradient_path"
local leak = require "lossdbg.diagnose.tests.row_leak"
local nn = ld.nn

local function experiment(layers)
  local x, y = {}, {}
  for i = 1, 40 do
    x[i] = i == 7 and { 0, 0, 0 } or { math.sin(i), math.cos(2 * i), math.sin(3 * i) }
    y[i] = { x[i][1] - x[i][2] }
  end
  return ld.experiment { train = { ld.tensor(x), ld.tensor(y) }, loss = "mse", batch = 10,
    model = nn.sequential(layers), seed = 2 }
end

local function own(fn) return experiment { nn.dense { 4 }, nn.lambda(fn), nn.dense { 1 } } end

local function here() return debug.getinfo(2, "l").currentline end

describe("the path of the gradient", function()
  it("names the op and the line of a slope that is zero", function()
    local line = here() + 1
    local r = path.run(own(function(x) return x:sign() end))
    assert.same({ "zero", "lambda_1", "sign" }, { r.what, r.layer, r.op })
    assert.matches("47_gradient_path_spec.lua:" .. line .. "$", r.line)
    r = path.run(own(function(x) return x:mul(3):floor() end))
    assert.same({ "zero", "floor" }, { r.what, r.op })
  end)

  it("names what cuts the result off", function()
    local r = path.run(own(function(x) return x:detach():mul(2) end))
    assert.same({ "detached", "detach" }, { r.what, r.op })
    r = path.run(own(function(x) return x:gt(0):cast("f32") end))
    assert.equal("detached", r.what)
  end)

  it("finds a slope that is not finite at finite values", function()
    local r = path.run(own(function(x) return x:square():sqrt() end)) -- |x|, and x = 0
    assert.same({ "infinite", "lambda_1", "sqrt" }, { r.what, r.layer, r.op })
  end)

  it("passes smooth functions, also with flat parts", function()
    for _, fn in ipairs { function(x) return x:tanh() end, function(x) return x:relu() end,
      function(x) return x:square():add(1):sqrt() end,
      function(x) return x:add(x:floor():detach()) end } do
      assert.equal("passes", path.run(own(fn)).what)
    end
  end)

  it("does not judge inputs that nothing learns from", function()
    local r, why = path.run(experiment { nn.lambda(function(x) return x:sign() end),
      nn.dense { 1 } })
    assert.is_nil(r)
    assert.matches("no layer of the user's own behind weights", why, 1, true)
  end)

  it("leaves no hook behind", function()
    path.run(own(function(x) return x:sign() end))
    assert.is_nil(debug.gethook())
  end)
end)

describe("rows beside each other", function()
  it("leak through a mean over the samples, and through a softmax over them", function()
    assert.is_true(leak.run(own(function(x) return x:sub(x:mean(1, true)) end)).leaks)
    assert.is_true(leak.run(own(function(x) return x:softmax(1) end)).leaks)
  end)

  it("do not leak through the layers of the library", function()
    for _, layers in ipairs {
      { nn.dense { 4, "relu" }, nn.batch_norm(), nn.dense { 1 } },
      { nn.dense { 4 }, nn.layer_norm(), nn.activation "softmax", nn.dropout(0.5), nn.dense { 1 } },
      { nn.reshape { 3, 1 }, nn.lstm { 4 }, nn.dense { 1 } },
    } do
      local r = leak.run(experiment(layers))
      assert.is_false(r.leaks, tostring(r.change))
    end
  end)
end)
