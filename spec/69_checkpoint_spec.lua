local ld = require "lossdbg"
local nn = ld.nn

local paths = {}

local function temporary()
  local path = os.tmpname()
  paths[#paths + 1] = path
  return path
end

local wine = assert(ld.data.csv("examples/data/wine.csv", { label = "label" }))
local train, test = wine:every(5)

local function experiment(o)
  o = o or {}
  return ld.experiment {
    train = train, val = test, seed = o.seed or 3, epochs = o.epochs or 8, batch = 32,
    model = nn.sequential { nn.normalization { adapt = true }, nn.dense { o.units or 16, "relu" },
      nn.dropout(0.2), nn.dense { 3, "softmax", l2 = 1e-3 } },
    loss = "sparse_crossentropy", optimizer = o.optimizer or ld.optim.adam { lr = 0.01 },
    schedule = o.schedule, early_stopping = o.early_stopping, callbacks = o.callbacks,
  }
end

local function weights(run)
  local out = {}
  for name, tensor in run.model:parameters() do
    out[name] = require("lossdbg.core").io.raw(tensor:contiguous())
  end
  return out
end

-- Trains `cut` epochs, then goes on from the file.
local function interrupted(o, cut)
  local path = temporary()
  local e = experiment(o)
  local list = table.move(o and o.callbacks or {}, 1, o and #(o.callbacks or {}) or 0, 1, {})
  list[#list + 1] = ld.callback.checkpoint { path, save = "last" }
  e:fit { verbose = 0, epochs = cut, callbacks = { ld.callback.checkpoint { path } } }
  return e:fit { verbose = 0, resume = path, callbacks = { ld.callback.checkpoint { path } } }
end

local function same(a, b)
  assert.same(weights(a), weights(b))
  assert.same(a.history, b.history)
  assert.same(a.steps, b.steps)
  assert.same(a.signals.layers, b.signals.layers)
  assert.equal(a.n_epochs, b.n_epochs)
  assert.equal(a.n_steps, b.n_steps)
end

describe("a resumed run", function()
  teardown(function()
    for _, path in ipairs(paths) do os.remove(path) end
  end)

  for _, cut in ipairs { 1, 4, 7 } do
    it("equals the uninterrupted one bit for bit, cut after epoch " .. cut, function()
      same(experiment():fit { verbose = 0 }, interrupted(nil, cut))
    end)
  end

  local recipes = {
    ["momentum and a schedule"] = { optimizer = ld.optim.sgd { lr = 0.1, momentum = 0.9 },
      schedule = ld.schedule.cosine { 0.1, 40 } },
    ["RMSprop"] = { optimizer = ld.optim.rmsprop { lr = 0.01 } },
    ["Adagrad"] = { optimizer = ld.optim.adagrad { lr = 0.1 } },
    ["a rate that waits for a plateau"] = { optimizer = ld.optim.sgd { lr = 0.5 }, epochs = 12,
      schedule = ld.schedule.reduce_on_plateau { patience = 2, factor = 0.5 } },
    ["averaged weights and accumulated gradients"] = { optimizer = ld.optim.adam { lr = 0.01,
      use_ema = true, gradient_accumulation_steps = 2 } },
    ["early stopping with the best weights"] = { epochs = 12,
      early_stopping = { monitor = "val_loss", patience = 2, restore_best = true } },
  }
  for name, o in pairs(recipes) do
    it("equals it with " .. name, function()
      same(experiment(o):fit { verbose = 0 }, interrupted(o, 3))
    end)
  end
end)

describe("checkpoints", function()
  it("keep the best", function()
    local path = temporary()
    local best = ld.callback.checkpoint { path, save = "best", monitor = "val_loss" }
    local run = experiment { epochs = 10 }:fit { verbose = 0, callbacks = { best } }
    local at = select(2, run:best "val_loss")
    local more = experiment { epochs = at }:fit { verbose = 0, resume = path,
      callbacks = { ld.callback.checkpoint { temporary() } } }
    assert.equal(at, more.n_epochs)
  end)

  it("number their files", function()
    local base = temporary()
    local every = ld.callback.checkpoint { base .. "-{epoch}", save = "every", every = 3 }
    experiment { epochs = 7 }:fit { verbose = 0, callbacks = { every } }
    for epoch = 1, 7 do
      local f = io.open(base .. "-" .. epoch, "rb")
      assert.equal(epoch % 3 == 0, f ~= nil)
      if f then f:close() end
      os.remove(base .. "-" .. epoch)
    end
  end)

  it("of another experiment are refused, and of no experiment", function()
    local path = temporary()
    experiment():fit { verbose = 0, epochs = 1, callbacks = { ld.callback.checkpoint { path } } }
    local run, why = experiment({ units = 17 }):fit { verbose = 0, resume = path }
    assert.is_nil(run)
    assert.matches("dense_1/kernel%[13x16%].* there and is .*dense_1/kernel%[13x17%]", why)
    run, why = experiment({ seed = 4 }):fit { verbose = 0, resume = path }
    assert.is_nil(run)
    assert.matches("seed was 3 there and is 4 here", why)
    run, why = experiment():fit { verbose = 0, resume = "/nonexistent" }
    assert.is_nil(run)
    assert.matches("cannot open", why)
    local other = temporary()
    assert(ld.safetensors.save(other, { w = ld.ones(2) }))
    run, why = experiment():fit { verbose = 0, resume = other }
    assert.is_nil(run)
    assert.matches("not a checkpoint", why)
  end)

  it("that cannot be written stop the training with a message", function()
    local ok, why = pcall(function()
      experiment():fit { verbose = 0,
        callbacks = { ld.callback.checkpoint "/nonexistent/x" } }
    end)
    assert.is_false(ok)
    assert.matches("callback.checkpoint: cannot write", why)
  end)
end)
