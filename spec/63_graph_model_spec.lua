-- What every model can do, done by models made from graphs.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local checks = require "graph_checks"

local nn = ld.nn
local error_of, same_bits, rows = checks.error_of, checks.same_bits, checks.rows

describe("models made from graphs", function()
  local function two_towers()
    local a, b = nn.input { 3 }, nn.input { 2 }
    local h = nn.concat { nn.dense { 4, "relu" }(a), nn.dense { 4, "relu" }(b) }
    return nn.graph { inputs = { a, b }, outputs = { nn.dense(1)(h) } }
  end
  local x = { rows(6, 3):cast "f32", rows(6, 2):cast "f32" }

  it("clone, save, freeze and convert as others do", function()
    local model = two_towers():build { seed = 1 }
    local twin, y = model:clone(), model(x)
    same_bits(y, twin(x))
    local state = model:state()
    twin:layer("dense_1").weights.kernel:fill_(0)
    same_bits(y, model(x))
    twin:load_state(state)
    same_bits(y, twin(x))
    twin:freeze "dense_2"
    twin(x):sum():backward()
    assert.is_nil(twin:layer("dense_2").weights.kernel.grad)
    assert.is_not_nil(twin:layer("dense_1").weights.kernel.grad)
    assert.equal(model:count() - 12, twin:count(true))
    assert.is_true(ld.allclose(y, twin:to("f64")(x):cast "f32", 1e-5, 1e-6))
    same_bits(y, two_towers():build({ seed = 9 }):take_over(model)(x))
  end)

  it("pass the gradient check", function()
    local report = ld.gradcheck(two_towers():build(), x, rows(6, 1, 4), { loss = "mse" })
    assert.is_true(report.passed)
    assert.is_true(report.checked > 20)
  end)

  it("say which input is wrong", function()
    local model = two_towers():build()
    assert.matches("expected a tensor for the input 'input_2', got nil (the input is missing)",
      error_of(model, { x[1] }), 1, true)
    assert.matches("a table of 2 tensors: input_1, input_2", error_of(model, x[1]), 1, true)
    assert.matches("unknown input \"right\"", error_of(model, { x[1], x[2], right = x[1] }), 1,
      true)
    local message = error_of(model, { x[1], x[1] })
    assert.matches("layer 'input_2' (written in ", message, 1, true)
    assert.matches("expected input [batch, features 2], got [batch, features 3]", message, 1, true)
    assert.matches("got 6 of 'input_1' and 4 of 'input_2'",
      error_of(model, { x[1], ld.ones { 4, 2 } }), 1, true)
    assert.matches("layer 'input_1'", error_of(function() two_towers():build { { 7 }, { 2 } } end),
      1, true)
  end)
end)
