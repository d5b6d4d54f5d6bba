-- Residual blocks: values against the same sums written with ops, gradients against central
-- differences, and what they are for.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local checks = require "graph_checks"

local nn = ld.nn
local error_of, near = checks.error_of, checks.near
local rows, check_gradients = checks.rows, checks.check_gradients
local quiet = { verbose = 0 }

describe("residual blocks", function()
  it("add their input, or what the shortcut makes of it", function()
    local model = nn.sequential {
      nn.residual { nn.dense { 3, "relu" }, nn.dense(3) },
      nn.residual { nn.dense(2), shortcut = nn.dense { 2, bias = false } },
    }:build({ 3 }, { dtype = "f64" })
    local w = function(path) return model:layer(path).weights end
    local x = rows(4, 3)
    local h = x:matmul(w"residual_1/dense_1".kernel):relu():matmul(w"residual_1/dense_2".kernel)
      :add(x)
    local y = h:matmul(w"residual_2/dense_1".kernel)
      :add(h:matmul(w"residual_2/shortcut/dense_1".kernel))
    near(y:totable(), model(x), 1e-13)
    check_gradients(model, function() return model(x):square() end)
    assert.matches("layer 'residual_1/add'", error_of(function()
      nn.sequential({ nn.residual { nn.dense(2) } }):build { 3 }
    end), 1, true)
  end)

  it("train where the plain stack of the same depth does not", function()
    local function loss(deep)
      local layers = { nn.dense { 8, "tanh" } }
      for _ = 1, 20 do layers[#layers + 1] = deep() end
      layers[#layers + 1] = nn.dense(1)
      local x, y = rows(48, 2):totable(), {}
      for i, row in ipairs(x) do y[i] = { row[1] - 2 * row[2] } end
      return ld.experiment({ train = { x, y }, model = nn.sequential(layers), loss = "mse",
        optimizer = ld.optim.adam { lr = 3e-3 }, batch = 16, epochs = 40 }):fit(quiet):last "loss"
    end
    local small = { "random_normal", std = 0.05 }
    local plain = loss(function() return nn.dense { 8, "tanh", init = small } end)
    local residual = loss(function()
      return nn.residual { nn.dense { 8, "tanh", init = small } }
    end)
    assert.is_true(residual < 0.2 * plain, ("%g against %g"):format(residual, plain))
  end)
end)
