-- Merge layers against Keras (parity/merge.lua, made by merge.py), and what they say of inputs that
-- do not fit.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local checks = require "graph_checks"

local nn = ld.nn
local error_of, near = checks.error_of, checks.near

describe("merge layers", function()
  for number, case in ipairs(dofile "spec/parity/merge.lua") do
    it(("%d: %s like Keras, values and gradients"):format(number, case.kind), function()
      local symbols, tensors = {}, {}
      for i, values in ipairs(case.inputs) do
        tensors[i] = ld.tensor(values, "f64")
        tensors[i].requires_grad = true
        symbols[i] = nn.input(table.move(tensors[i].shape, 2, tensors[i].rank, 1, {}))
      end
      local given = table.move(symbols, 1, #symbols, 1, {})
      for key, value in pairs(case.options) do given[key] = value end
      local model = nn.graph { inputs = symbols, outputs = nn[case.kind](given) }
        :build { dtype = "f64" }
      local y = model(tensors)
      near(case.output, y, 1e-12)
      assert.same(table.move(y.shape, 2, y.rank, 1, {}), model.output_shape)
      y:mul(ld.tensor(case.weights, "f64")):sum():backward()
      for i, gradient in ipairs(case.gradients) do near(gradient, tensors[i].grad, 1e-11) end
    end)
  end

  it("say what does not fit", function()
    local a, b = nn.input { 3, 4 }, nn.input { 3, 5 }
    local message = error_of(function()
      nn.graph({ inputs = { a, b }, outputs = { nn.add { a, b } } }):build()
    end)
    assert.matches("layer 'add_1' (written in ", message, 1, true)
    assert.matches("inputs of one shape (or that broadcast), got [batch, steps 3, features 4], " ..
      "[batch, steps 3, features 5]", message, 1, true)
    message = error_of(function()
      nn.graph({ inputs = { a, b }, outputs = nn.concat { a, b, axis = 2 } }):build()
    end)
    assert.matches("inputs that differ in axis 2 alone", message, 1, true)
    message = error_of(function()
      nn.graph({ inputs = { a, b }, outputs = nn.concat { a, b, axis = 1 } }):build()
    end)
    assert.matches("an axis from 2 to 3 (1 is the batch)", message, 1, true)
    assert.matches("expected 2 or more inputs, got 1", error_of(nn.add, { a }), 1, true)
    assert.matches("expected 2 inputs, got 3", error_of(nn.subtract, { a, a, a }), 1, true)
    assert.matches("expected 2 or more inputs, got one",
      error_of(function() nn.sequential({ nn.add() }):build { 3 } end), 1, true)
    local holed = { a, nil, b }
    assert.matches("a misspelt variable?", error_of(nn.add, holed), 1, true)
  end)
end)
