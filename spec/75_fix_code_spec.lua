-- Patches as code of Lua, Keras and PyTorch. That the code runs and helps in real programs is shown
-- by spec/interop/fixes.py (make interop).
local ld = require "lossdbg"
local nn = ld.nn

local fix_code = require "lossdbg.interop.fix_code"
local patch = require "lossdbg.experiment.patch"

local experiment = ld.experiment { train = { ld.zeros { 8, 6 }, ld.zeros(8, "i32") },
  model = { nn.dense { 8, "relu", name = "first" }, nn.dropout { 0.5, name = "drop" },
    nn.dense { 2, "softmax", name = "out" } },
  loss = "sparse_crossentropy", optimizer = { "sgd", lr = 0.1 }, batch = 4, epochs = 3 }

local function code(given, framework, names)
  return ld.interop.fix_code(given, framework, experiment, names)
end

describe("interop.fix_code", function()
  it("has a row for every kind of patch in both frameworks", function()
    for _, framework in ipairs { "keras", "torch" } do
      for _, kind in ipairs(patch.names) do
        assert.equal("function", type(fix_code.rows(framework)[kind]), framework .. ": " .. kind)
      end
    end
  end)

  it("writes Lua that gives the patch back", function()
    local given = { { optimizer = { name = "adam", lr = 0.001 } },
      { loss = { from_logits = true } },
      { insert = { at = 1, layer = { kind = "rescale", scale = 1 / 3 } } },
      { class_weight = { [0] = 1, [1] = 2.5 } } }
    local text = code(given, "lua")
    local patched
    local env = { experiment = { with = function(_, value) patched = value end } }
    assert(load(text, "fix", "t", env))()
    assert.same(given, patched)
  end)

  it("names rates, optimisers and losses as the framework does", function()
    assert.equal("model.optimizer.learning_rate = 0.01",
      code({ optimizer = { lr = 0.01 } }, "keras"))
    assert.equal("for group in optimizer.param_groups:\n    group[\"lr\"] = 0.01",
      code({ optimizer = { lr = 0.01 } }, "torch"))
    local adam = { optimizer = { name = "adam", lr = 0.001, epsilon = 1e-7 } }
    assert.matches("keras.optimizers.Adam%(epsilon=1e%-07, learning_rate=0.001%)",
      code(adam, "keras"))
    assert.matches("torch.optim.Adam%(model.parameters%(%), eps=1e%-07, lr=0.001%)",
      code(adam, "torch"))
    assert.matches("SparseCategoricalCrossentropy%(from_logits=True%)",
      code({ loss = { from_logits = true } }, "keras"))
    assert.equal("criterion = torch.nn.CrossEntropyLoss()",
      code({ loss = { from_logits = true } }, "torch"))
  end)

  it("uses the user's names of layers", function()
    local given = { layer = { path = "first", options = { activation = "tanh" } } }
    assert.matches('layer.name in %("first",%)', code(given, "keras"))
    assert.matches('layer.name in %("body",%)', code(given, "keras", { first = "body" }))
    local torch = code(given, "torch", { first = "net.0" })
    assert.matches('get_submodule%("net.0"%)', torch)
    assert.matches("torch.nn.Sequential%(old, torch.nn.Tanh%(%)%)", torch)
  end)

  it("gives PyTorch twice the factor of an L2 penalty, as its decay has a half", function()
    assert.matches('group%["weight_decay"%] = 0.02$',
      code({ regularizer = { l2 = 0.01 } }, "torch"))
    assert.matches('"l2": 0.01', code({ regularizer = { l2 = 0.01 } }, "keras"))
  end)

  it("takes fixes and lists of patches, in their order", function()
    local both = { { output = { activation = "linear" } }, { loss = { from_logits = true } } }
    local text = code({ patch = both, text = "logits" }, "keras")
    assert.is_true(text:find("linear", 1, true) < text:find("from_logits", 1, true))
  end)

  it("says what a framework has no word for", function()
    assert.equal("# PyTorch has no optimiser lion", code({ optimizer = "lion" }, "torch"))
    assert.matches("^# ", code({ fuse = false }, "keras"))
  end)

  it("refuses what is no patch", function()
    for message, call in pairs {
      ["argument 'patch'"] = function() code({ luck = 1 }, "keras") end,
      ["argument 'patch': expected a patch or a fix"] = function() code(3, "keras") end,
      ["argument 'framework'"] = function() code({ batch = 2 }, "jax") end,
    } do
      local ok, why = pcall(call)
      assert.is_false(ok)
      assert.matches(message, why)
    end
  end)
end)
