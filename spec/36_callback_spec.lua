-- Callbacks: the rules of Keras' EarlyStopping, the format of its CSVLogger, hooks, progress.
local ld = require "lossdbg"
local nn = ld.nn

local function error_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return message
end

-- Feeds values of one epoch each to an early_stopping; returns the epoch it stopped at, or nil, and
-- the value of the model's weight after the end. In epoch e the weight is e.
local function feed(options, values, name)
  local stop = ld.callback.early_stopping(options)
  local weight = 0
  local run = { model = {
    state = function() return weight end,
    load_state = function(_, state) weight = state end,
  } }
  stop:on_train_begin(run)
  local stopped
  for epoch, value in ipairs(values) do
    weight = epoch
    local logs = { epoch = epoch, [name or "val_loss"] = value }
    if stop:on_epoch_end(run, logs) == false then
      stopped = epoch
      break
    end
  end
  stop:on_train_end(run)
  return stopped, weight, run.best_epoch
end

describe("early_stopping", function()
  it("stops after `patience` epochs without improvement", function()
    assert.equal(4, (feed({ patience = 2 }, { 1, 0.9, 0.95, 0.92, 0.8 })))
    assert.is_nil((feed({ patience = 3 }, { 1, 0.9, 0.95, 0.92, 0.8 })))
  end)

  it("with patience 0 stops at the first epoch that is no better, but not at the first of all",
    function()
      assert.equal(3, (feed({}, { 1, 0.9, 0.9, 0.5 })))
      assert.equal(2, (feed({}, { 0 / 0, 0 / 0 })))
    end)

  it("counts an improvement only beyond min_delta", function()
    assert.equal(3, (feed({ min_delta = 0.1, patience = 2 }, { 1, 0.95, 0.92, 0.5 })))
    assert.is_nil((feed({ min_delta = 0.1, patience = 2 }, { 1, 0.95, 0.85, 0.7 })))
  end)

  it("never takes NaN for an improvement", function()
    assert.equal(3, (feed({ patience = 2 }, { 1, 0 / 0, 0 / 0, 0.1 })))
  end)

  it("knows which way is better", function()
    assert.equal(4, (feed({ monitor = "val_accuracy", patience = 2 }, { 0.5, 0.6, 0.6, 0.59 },
      "val_accuracy")))
    assert.is_nil((feed({ monitor = "x", mode = "max", patience = 1 }, { 1, 2, 3 }, "x")))
    assert.matches("the better direction of 'x' is unknown",
      error_of(ld.callback.early_stopping, { monitor = "x" }), 1, true)
  end)

  it("restores the best weights, stopped or not", function()
    local stopped, weight, best = feed({ patience = 2, restore_best = true }, { 1, 0.5, 0.7, 0.6 })
    assert.same({ 4, 2, 2 }, { stopped, weight, best })
    stopped, weight = feed({ patience = 5, restore_best = true }, { 1, 0.5, 0.7 })
    assert.same({ nil, 2 }, { stopped, weight })
    stopped, weight = feed({ patience = 2 }, { 1, 0.5, 0.7, 0.6 })
    assert.same({ 4, 4 }, { stopped, weight })
  end)

  it("with a baseline keeps waiting until the value beats it", function()
    -- improving, but never under 0.1: the wait is not cleared; the third epoch is no improvement
    assert.equal(3, (feed({ patience = 2, baseline = 0.1 }, { 1, 0.9, 0.95 })))
    assert.is_nil((feed({ patience = 2, baseline = 0.95 }, { 1, 0.9, 0.95 })))
  end)

  it("starts to look after start_from epochs", function()
    assert.equal(4, (feed({ patience = 1, start_from = 2 }, { 0.1, 1, 2, 3 })))
  end)

  it("works in a fit and puts the weights of the best epoch back", function()
    local x, y = {}, {}
    for i = 1, 20 do x[i], y[i] = { math.sin(i) }, 2 * math.sin(i) end
    local e = ld.experiment { train = { ld.tensor(x), ld.tensor(y) }, loss = "mse", epochs = 50,
      val = { ld.tensor(x), ld.tensor(y):mul(-1) }, model = nn.sequential { nn.dense(1) },
      optimizer = ld.optim.sgd { lr = 0.05 }, batch = 20, metrics = { "mse" },
      early_stopping = { patience = 3, restore_best = true } }
    local run = e:fit { verbose = 0 }
    assert.equal("early_stopping", run.stopped)
    local best, at = run:best "val_loss"
    assert.equal(at, run.best_epoch)
    assert.equal(at + 3, run.n_epochs)
    local now = run.model:evaluate({ ld.tensor(x), ld.tensor(y):mul(-1) }, { loss = "mse" }).loss
    assert.near(best, now, 1e-6)
  end)
end)

local function small(options)
  local recipe = { train = { { { 0 }, { 1 }, { 2 } }, { 1, 3, 5 } }, loss = "mse", batch = 3,
    model = nn.sequential { nn.dense(1) }, optimizer = ld.optim.sgd { lr = 0.1 }, epochs = 3 }
  for key, value in pairs(options or {}) do recipe[key] = value end
  return ld.experiment(recipe)
end

describe("jsonl_log", function()
  local json = require "lossdbg.support.json"

  it("writes an object per epoch, and per step when asked", function()
    local path = os.tmpname()
    local run = small():fit { verbose = 0,
      callbacks = { ld.callback.jsonl_log { path, every = 2 } } }
    local events, losses = {}, {}
    for text in io.lines(path) do
      local record = assert(json.decode(text))
      events[#events + 1] = record.event .. (record.step or record.epoch)
      if record.event == "epoch" then losses[record.epoch] = record.loss end
    end
    os.remove(path)
    assert.same({ "epoch1", "step2", "epoch2", "epoch3" }, events)
    assert.same(run.history.loss, losses) -- every bit
  end)

  it("writes what is not finite as text, appends, and says when it cannot write", function()
    local path = os.tmpname()
    for _ = 1, 2 do
      local log = ld.callback.jsonl_log { path, append = true }
      log:on_train_begin()
      log:on_epoch_end(nil, { epoch = 1, loss = 0 / 0, val_loss = -math.huge })
      log:on_train_end()
    end
    local file <close> = assert(io.open(path))
    local once = '{"epoch":1,"event":"epoch","loss":"NaN","val_loss":"-Infinity"}\n'
    assert.equal(once .. once, file:read "a")
    os.remove(path)
    local log = ld.callback.jsonl_log "/no/such/folder/log"
    assert.matches("cannot write", error_of(log.on_train_begin, log), 1, true)
  end)
end)

describe("rates between epochs", function()
  it("follow a function of the epoch, from 0, and the rate so far", function()
    local run = small { epochs = 4 }:fit { verbose = 0, callbacks = {
      ld.callback.schedule(function(epoch, lr) return epoch < 2 and lr or lr / 10 end) } }
    for epoch, lr in ipairs { .1, .1, .01, .001 } do
      assert.near(lr, run.history.lr[epoch], 1e-15)
    end
    run = small { epochs = 3 }:fit { verbose = 0,
      callbacks = { ld.callback.schedule(ld.schedule.exponential { .1, 1, .5 }) } }
    assert.same({ .1, .05, .025 }, run.history.lr)
    assert.matches("a finite rate", error_of(function()
      small():fit { verbose = 0, callbacks = { ld.callback.schedule(function() return -1 end) } }
    end), 1, true)
  end)

  it("fall on a plateau, anew in every fit", function()
    local callback = ld.callback.reduce_on_plateau { factor = .5, patience = 1, min_delta = 1e9 }
    for _ = 1, 2 do
      local run = small { epochs = 4 }:fit { verbose = 0, callbacks = { callback } }
      -- the first epoch is the best; the second and every later one are not better
      assert.same({ .1, .1, .05, .025 }, run.history.lr)
    end
  end)
end)

describe("csv_log", function()
  it("writes the lines of Keras' CSVLogger: epochs from 0, sorted keys", function()
    local path = os.tmpname()
    local run = small():fit { verbose = 0, callbacks = { ld.callback.csv_log(path) } }
    local lines = {}
    for line in io.lines(path) do lines[#lines + 1] = line end
    os.remove(path)
    assert.equal("epoch,loss,lr,mae,r2", lines[1])
    assert.equal(4, #lines)
    for epoch = 1, 3 do
      local first, loss, lr = lines[epoch + 1]:match "^(%d+),([^,]+),([^,]+),"
      assert.equal(tostring(epoch - 1), first)
      assert.equal(run.history.loss[epoch], tonumber(loss)) -- every bit
      assert.equal("0.1", lr)
    end
  end)

  it("writes NA for what is missing, nan and inf, and appends without a second header", function()
    local path = os.tmpname()
    for _ = 1, 2 do
      local log = ld.callback.csv_log { path, append = true, separator = ";" }
      log:on_train_begin()
      log:on_epoch_end(nil, { epoch = 1, loss = 0 / 0, val_loss = -math.huge })
      log:on_epoch_end(nil, { epoch = 2, loss = 1 })
      log:on_train_end()
    end
    local file <close> = assert(io.open(path))
    assert.equal("epoch;loss;val_loss\n0;nan;-inf\n1;1;NA\n0;nan;-inf\n1;1;NA\n", file:read "a")
    os.remove(path)
  end)

  it("says when it cannot write", function()
    local log = ld.callback.csv_log "/nonexistent/folder/log.csv"
    local message = error_of(function() small():fit { verbose = 0, callbacks = { log } } end)
    assert.matches("csv_log: cannot write: /nonexistent/folder/log.csv", message, 1, true)
  end)
end)

describe("hooks", function()
  it("come in order, with the run and the logs", function()
    local calls = {}
    local function note(name)
      return function(_, run, what)
        calls[#calls + 1] = name .. (type(what) == "table" and what.epoch or what or "")
        assert.equal("lossdbg.run", getmetatable(run).__name)
        assert.is_not_nil(run.model)
      end
    end
    local callback = {}
    for _, name in ipairs { "on_train_begin", "on_epoch_begin", "on_step_end", "on_epoch_end",
      "on_train_end" } do
      callback[name] = note(name)
    end
    small({ epochs = 2 }):fit { verbose = 0, callbacks = { callback } }
    assert.same({ "on_train_begin", "on_epoch_begin1", "on_step_end1", "on_epoch_end1",
      "on_epoch_begin2", "on_step_end2", "on_epoch_end2", "on_train_end" }, calls)
  end)

  it("as plain functions", function()
    local seen = {}
    local callback = ld.callback.lambda {
      on_epoch_end = function(_, logs) seen[#seen + 1] = logs.loss end,
    }
    local run = small():fit { verbose = 0, callbacks = { callback } }
    assert.same(run.history.loss, seen)
    assert.matches("did you mean 'on_epoch_end'",
      error_of(ld.callback.lambda, { on_epoch_ends = print }), 1, true)
  end)

  it("end the training in order when one raises", function()
    local closed = false
    local callback = {
      on_epoch_end = function() error("from the callback", 0) end,
      on_train_end = function() closed = true end,
    }
    assert.equal("from the callback",
      error_of(function() small():fit { verbose = 0, callbacks = { callback } } end))
    assert.is_true(closed)
  end)
end)

describe("progress", function()
  local function written(options)
    local text = {}
    options.stream = { write = function(_, ...)
      for _, piece in ipairs { ... } do text[#text + 1] = piece end
    end }
    small():fit(options)
    return table.concat(text)
  end

  it("is a line per epoch when asked for off a terminal, and silent otherwise", function()
    local text = written { verbose = 1 }
    assert.matches("ep 1/3", text, 1, true)
    assert.matches("ep 3/3", text, 1, true)
    assert.matches("loss ", text, 1, true)
    assert.equal("", written { verbose = 0 })
    assert.equal("", written {})
  end)
end)
