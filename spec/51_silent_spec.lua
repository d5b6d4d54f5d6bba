-- Calls that look natural and once gave a wrong result without a word.
local ld = require "lossdbg"
local nn = ld.nn
local file = require "lossdbg.support.file"

local function error_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return message
end

local function here() return debug.getinfo(2, "l").currentline end

describe("an argument behind the options", function()
  it("is refused at the caller's line, by layers and data sets", function()
    local line
    local message = error_of(function()
      line = here(); nn.dense(16, "relu")
    end)
    assert.equal(("spec/51_silent_spec.lua:%d: lossdbg: nn.dense: one argument too many, " ..
      "\"relu\": all stand in one table, nn.dense { 16, … }"):format(line), message)
    assert.matches("nn.lstm: one argument too many, a table", error_of(nn.lstm, 16, {}), 1, true)
    assert.matches("nn.dropout: one argument too many, nil", error_of(nn.dropout, 0.5, nil), 1,
      true)
    assert.matches("data.arrays: one argument too many, a tensor: all stand in one table, " ..
      "data.arrays {", error_of(ld.data.arrays, ld.zeros { 2, 2 }, ld.zeros { 2 }), 1, true)
    assert.equal("dense", nn.dense(16).kind)
  end)
end)

describe("a normalization without statistics", function()
  local x = ld.tensor { { 100, 0.1 }, { 300, 0.3 }, { 200, 0.2 }, { 400, 0.4 } }

  local function outputs(layer)
    local experiment = ld.experiment { train = { x, ld.tensor { { 1 }, { 2 }, { 3 }, { 4 } } },
      model = nn.sequential { layer, nn.dense { 2, init = "identity", bias = false },
        nn.dense(1) }, loss = "mse" }
    local model = experiment:build()
    return model, model:layer("normalization_1"):forward(x, {}):totable()
  end

  it("learns from the training rows of its experiment", function()
    local _, z = outputs(nn.normalization())
    -- (100 - 250) / sqrt(12500)
    assert.near(-150 / math.sqrt(12500), z[1][1], 1e-6)
    assert.near(150 / math.sqrt(12500), z[4][2], 1e-5)
  end)

  it("stays as it is where it must not adapt, and keeps what it was given", function()
    local _, z = outputs(nn.normalization { adapt = false })
    assert.equal(300, z[2][1])
    _, z = outputs(nn.normalization { mean = { 100, 0 }, variance = { 1, 1 } })
    assert.equal(200, z[2][1])
    _, z = outputs(nn.normalization():adapt(ld.tensor { { 0, 0 }, { 2, 2 } }))
    assert.equal(299, z[2][1])
  end)

  it("does not lose what it learnt to a start model that learnt nothing", function()
    local start = nn.sequential { nn.normalization(), nn.dense(1) }:build { 2 }
    local model = ld.experiment { train = { x, ld.tensor { { 1 }, { 2 }, { 3 }, { 4 } } },
      model = start, loss = "mse" }:build()
    assert.near(-150 / math.sqrt(12500),
      model:layer("normalization_1"):forward(x, {}):totable()[1][1], 1e-6)
  end)
end)

describe("what fit is told", function()
  local function experiment(more)
    local given = { train = { ld.zeros { 4, 1 }, ld.zeros { 4, 1 } }, loss = "mse", epochs = 3,
      model = nn.sequential { nn.dense(1) }, verbose = 0 }
    for key, value in pairs(more) do given[key] = value end
    return ld.experiment(given)
  end

  it("early stopping and checkpoints refuse to wait for what nothing measures", function()
    local e = experiment { early_stopping = { monitor = "val_loss", patience = 1 } }
    assert.matches("callback.early_stopping: argument 'monitor': nothing measures 'val_loss' " ..
      "(the experiment has no val rows)", error_of(e.fit, e), 1, true)
    e = experiment { early_stopping = { monitor = "lost", mode = "min" } }
    assert.matches("nothing measures 'lost'; did you mean 'loss'?", error_of(e.fit, e), 1, true)
    e = experiment { callbacks = { ld.callback.checkpoint { os.tmpname(), save = "best" } } }
    assert.matches("callback.checkpoint: argument 'monitor': nothing measures 'val_loss'",
      error_of(e.fit, e), 1, true)
  end)

  it("a callback stops with false, goes on with nothing, and true is no answer", function()
    local e = experiment { callbacks = { { on_epoch_end = function() return true end } } }
    assert.matches("callback: on_epoch_end returned true: return false to stop",
      error_of(e.fit, e), 1, true)
    e = experiment {}
    assert.matches("on_step returned 1: return false to stop",
      error_of(e.fit, e, { on_step = function() return 1 end }), 1, true)
    assert.equal(1, e:fit({ on_step = function() return false end }).n_steps)
    assert.equal(3, e:fit({ on_step = function() end }).n_steps)
  end)
end)

describe("data", function()
  it("in windows of a series is split in its order, unless asked", function()
    local series = {}
    for i = 1, 12 do series[i] = i end
    local first, second = ld.data.lags(series, 2):split(0.8)
    assert.same({ 1, 2 }, first.x:totable()[1])
    assert.same({ { 11 }, { 12 } }, second.y:totable())
    local shuffled = ld.data.lags(series, 2):split(0.8, { shuffle = true, seed = 1 })
    assert.not_same(first.x:totable(), shuffled.x:totable())
    local mixed = ld.data.lags(series, 2):shuffle(3)
    assert.not_same(mixed.x:totable(), (mixed:split(0.9)).x:totable())
  end)

  it("from a CSV keeps no infinity for a number that was finite", function()
    local path = os.tmpname()
    assert.is_true(file.write(path, "a,b\n1,2\n1e400,4\n"))
    local set, why = ld.data.csv(path, { label = "b" })
    os.remove(path)
    assert.is_nil(set)
    assert.matches("1e400", why, 1, true)
  end)
end)
