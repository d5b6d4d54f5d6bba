-- The structure that rules read, of graphs, blocks and lists.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"

local nn = ld.nn

describe("the structure that rules read", function()
  local function structure(model, shape)
    local layers = require("lossdbg.train.describe").model(model:build(shape)).layers
    return require("lossdbg.diagnose.structure").of { layers = layers }
  end

  it("follows the edges and not the order of the list", function()
    local x, z = nn.input(3), nn.input(3)
    local h = nn.activation "relu" (nn.dense(4)(x) + nn.dense(4)(z))
    local net = structure(nn.graph { inputs = { x, z },
      outputs = { nn.dense { 2, "softmax" }(h), nn.dense(1)(h) } })
    assert.same({ dense_1 = { "relu" }, dense_2 = { "relu" }, dense_3 = { "softmax" },
      dense_4 = {} }, net.after)
    assert.same({ dense_3 = true, dense_4 = true }, net.heads)
    assert.same({}, net.collapsed)
  end)

  it("tells linear maps that collapse from residual ones that do not", function()
    local function collapsed(block)
      return structure(nn.sequential { nn.dense { 4, "relu" }, block, nn.dense(1) }, 3).collapsed
    end
    assert.same({}, collapsed(nn.residual { nn.dense(4) }))
    assert.same({ "residual_1/dense_1" }, collapsed(nn.residual { nn.dense(4), nn.dense(4) }))
  end)

  it("sees an input that goes round the normalisation", function()
    local x, z = nn.input(3), nn.input(3)
    local scaled = function(v) return nn.normalization { mean = 1, variance = 2 }(v) end
    local function of(a, b)
      return structure(nn.graph { inputs = { x, z }, outputs = { nn.dense(1)(nn.dense(2)(a)
        + nn.dense(2)(b)) } }).input_scaling
    end
    assert.equal("normalised", of(scaled(x), scaled(z)))
    assert.equal("none", of(scaled(x), z))
  end)
end)
