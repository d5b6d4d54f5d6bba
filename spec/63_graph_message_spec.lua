-- What graphs say of descriptions that make no model.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local checks = require "graph_checks"

local nn = ld.nn
local error_of = checks.error_of

describe("messages of graphs", function()
  local a, b = nn.input { 3, name = "left" }, nn.input { 3, name = "right" }

  it("name inputs that lead nowhere or are missing", function()
    assert.matches("no output depends on 'right' (written in ",
      error_of(nn.graph, { inputs = { a, b }, outputs = { nn.dense(1)(a) } }), 1, true)
    local message = error_of(nn.graph, { inputs = { a }, outputs = { a + b } })
    assert.matches("they depend on the input 'right' (written in ", message, 1, true)
    assert.matches("not among the inputs", message, 1, true)
    assert.matches("every input once", error_of(nn.graph, { inputs = { a, a },
      outputs = { nn.dense(1)(a) } }), 1, true)
    assert.matches("the graph has no layer", error_of(nn.graph, { inputs = { a }, outputs = a }), 1,
      true)
  end)

  it("name cycles", function()
    local h = nn.dense(3)(a)
    local y = nn.add { h, a }
    h.call.inputs[1] = y
    assert.matches("a cycle goes through nn.add (written in ",
      error_of(nn.graph, { inputs = { a }, outputs = { y } }), 1, true)
  end)

  it("tell descriptions, tensors and values apart", function()
    assert.matches("a layer that was never called: write nn.dense(4)(x)",
      error_of(nn.graph, { inputs = { a }, outputs = { nn.dense(1) } }), 1, true)
    assert.matches("a description computes nothing: build a model",
      error_of(nn.dense(2), ld.ones { 1, 3 }), 1, true)
    assert.matches("nn.dense: argument 'input': expected a symbolic value",
      error_of(nn.dense(2), nn.dense(3)), 1, true)
    assert.matches("expected 1 input, got 2 (join them first",
      error_of(nn.dense(2), a, b), 1, true)
    assert.matches("positive integers", error_of(nn.input, { 3, 0 }), 1, true)
    assert.matches("unknown option 'nam'; did you mean 'name'",
      error_of(nn.input, { 3, nam = "x" }), 1, true)
    assert.matches("two symbolic values", error_of(function() return a + 1 end), 1, true)
  end)
end)
