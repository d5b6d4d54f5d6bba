-- Patches of graphs and of blocks in lists.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local checks = require "graph_checks"
local made = require "graph_experiments"

local nn = ld.nn
local error_of = checks.error_of
local problem, one_output, paths = made.problem, made.one_output, made.paths

describe("patches of graphs", function()
  local relu = { kind = "activation", activation = "relu" }
  local dropout, double = { kind = "dropout", rate = 0.5 }, { kind = "rescale", scale = 2 }

  it("insert behind every input, behind and before a layer", function()
    local e = one_output():with { insert = { at = 1, layer = "normalization" } }
    assert.same({ "normalization_1", "normalization_2", "dense_1", "dense_2", "concat_1", "dense_3",
      "dense_4" }, paths(e))
    local a, b = e.train_rows.x[1], e.train_rows.x[2]
    local deviations = {}
    e:build():forward({ a, b }, { tap = function(layer, when, t)
      if layer.kind == "normalization" and when == "after" then
        deviations[#deviations + 1] = t:var(1):sub(1):abs():max():item()
      end
    end })
    assert.equal(2, #deviations)
    assert.is_true(deviations[1] < 1e-4 and deviations[2] < 1e-4)
    e = one_output():with { insert = { after = "concat_1", layer = dropout } }
    assert.same({ "dense_1", "dense_2", "concat_1", "dropout_1", "dense_3", "dense_4" }, paths(e))
    e = one_output():with { insert = { before = "dense_2", layer = double } }
    assert.same({ "dense_1", "rescale_1", "dense_2", "concat_1", "dense_3", "dense_4" }, paths(e))
    e = one_output():with { insert = { at = -1, layer = double } }
    assert.equal("rescale_1", paths(e)[6])
    assert.matches("a layer with one input", error_of(e.with, e, { remove = "concat_1" }), 1, true)
  end)

  it("insert behind every call of a shared layer, inside shared blocks too", function()
    local x, z = nn.input { 2 }, nn.input { 2 }
    local tower, last = nn.sequential { name = "tower", nn.dense { 3, name = "a" } }, nn.dense(3)
    local a, _, y = problem(30)
    local e = ld.experiment { train = { x = { a, a }, y = y }, loss = "mse",
      model = nn.graph { inputs = { x, z },
        outputs = { nn.dense(1)(last(tower(x)) - last(tower(z))) } } }
    local inside = e:with { insert = { after = "tower/a", layer = relu } }
    assert.same({ "tower/a", "tower/activation_1", "dense_1", "subtract_1", "dense_2" },
      paths(inside))
    local behind = e:with { insert = { after = "dense_1", layer = relu } }
    assert.same({ "tower/a", "dense_1", "activation_1", "subtract_1", "dense_2" }, paths(behind))
    local model = behind:build()
    assert.same({ { "dense_1" }, { "dense_1" } }, model:connections().activation_1)
    -- equal inputs: the difference is zero whatever the layers
    assert.equal(0, model:forward({ a, a }, {}):abs():max():item())
  end)

  it("change, remove and freeze layers", function()
    local e = one_output()
    local d = e:with({ layer = { path = "dense_3", options = { activation = "relu" } } })
      :description()
    assert.equal("relu", d.layers[4].activation)
    assert.same({ "dense_1", "dense_2", "concat_1", "dense_3" },
      paths(e:with { remove = "dense_3" }))
    assert.same({ "dense_1", "dense_2", "concat_1", "dense_3", "dropout_1", "dense_4" },
      paths(e:with { dropout = 0.3 }))
    assert.same(paths(e), paths(e:with { { dropout = 0.3 }, { dropout = 0 } }))
    local wide = e:with { output = { units = 2 } }
    assert.same({ 2 }, wide.model:build().output_shape)
    assert.equal(0, e:with({ trainable = false }):description().n_trainable)
    local again = e:with({ { trainable = false }, { trainable = true } }):description()
    assert.equal(again.n_parameters, again.n_trainable)
  end)

  it("start twins from the same numbers", function()
    local e = one_output()
    local mine, theirs = e:build(), e:with({ { insert = { at = 1, layer = "normalization" } },
      { dropout = 0.3 } }):build()
    for name, tensor in mine:parameters() do
      local path, own = name:match "^(.*)/([^/]+)$"
      assert.same(tensor:totable(), theirs:layer(path).weights[own]:totable())
    end
  end)

  it("reach residual blocks in lists", function()
    local x = problem(20)
    local e = ld.experiment { train = { x, x }, loss = "mse", model = nn.sequential {
      nn.dense(4), nn.residual { nn.dense(4), shortcut = nn.dense { 4, name = "skip" } },
      nn.dense(2) } }
    e = e:with { { insert = { after = "residual_1/dense_1", layer = relu } },
      { insert = { at = 2, layer = { kind = "activation", activation = "tanh" } } },
      { layer = { path = "residual_1/shortcut/skip", options = { bias = false } } } }
    assert.same({ "dense_1", "activation_1", "residual_1/dense_1", "residual_1/activation_1",
      "residual_1/shortcut/skip", "residual_1/add", "dense_2" }, paths(e))
    assert.equal(16, e:description().layers[5].n_parameters)
  end)
end)
