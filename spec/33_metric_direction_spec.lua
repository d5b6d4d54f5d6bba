-- Which way a metric is better stands in the metric, and everything that compares reads it there.
local ld = require "lossdbg"
local metric = require "lossdbg.metric"
local plateau = require "lossdbg.optim.schedule.reduce_on_plateau"
local progress = require "lossdbg.view.progress"
local runs = require "lossdbg.experiment.run"
local terminal = require "lossdbg.view.terminal"

-- As the literature has them.
local more = { "accuracy", "acc", "binary_accuracy", "categorical_accuracy", "sparse_accuracy",
  "top_k_accuracy", "auc", "precision", "recall", "f1", "r2", "confusion_matrix" }
local less = { "mse", "rmse", "mae", "mean_squared_error", "log_loss", "perplexity", "loss",
  "data_loss" }

local function both(check)
  for _, name in ipairs(more) do check(name, "max") end
  for _, name in ipairs(less) do check(name, "min") end
end

describe("the better direction of", function()
  it("every metric is known, before and behind other words", function()
    both(function(name, mode)
      assert.equal(mode, metric.direction(name), name)
      assert.equal(mode, metric.direction("val_" .. name), name)
      assert.equal(mode, metric.direction("val_size_" .. name), name)
    end)
    for _, name in ipairs(metric.names) do assert.is_string(metric.direction(name), name) end
  end)

  it("an unknown name is not guessed, unless a run knows it", function()
    for _, name in ipairs { "lr", "x", "accent", "recall_me", "" } do
      assert.is_nil(metric.direction(name), name)
    end
    assert.equal("max", metric.direction("val_iou", { iou = "max" }))
    assert.equal("min", metric.direction("accuracy", { accuracy = "min" }))
  end)
end)

local falls_and_rises = { 0.5, 0.2, 0.9, 0.6 }

describe("all who compare agree:", function()
  it("run:best and the card", function()
    both(function(name, mode)
      for _, shown in ipairs { name, "val_" .. name } do
        local run = runs.new { history = { [shown] = falls_and_rises }, n_epochs = 4,
          description = {}, signals = {} }
        local best, epoch = run:best(shown)
        local wanted = mode == "max" and { 0.9, 3 } or { 0.2, 2 }
        assert.same(wanted, { best, epoch }, shown)
        local text = ("best %g (epoch %d)"):format(table.unpack(wanted))
        assert.truthy(terminal.card(run):find(text, 1, true), shown)
      end
    end)
  end)

  it("early_stopping, checkpoint, reduce_on_plateau and the star", function()
    both(function(name, mode)
      local shown = "val_" .. name
      assert.equal(mode, ld.callback.early_stopping { monitor = shown }.mode, name)
      assert.equal(mode, ld.callback.checkpoint { "x", save = "best", monitor = shown }.mode, name)
      assert.equal(mode, plateau.new { monitor = shown }.options.mode, name)
      local lines = {}
      local p = progress.new { epochs = 4, tty = false, ascii = true, monitor = shown,
        stream = { write = function(_, ...) lines[#lines + 1] = table.concat { ... } end } }
      for epoch, value in ipairs(falls_and_rises) do
        p:epoch(epoch, { loss = 1, [shown] = value })
      end
      p:close()
      local third = table.concat(lines):match "ep 3/4[^\n]*"
      assert.equal(mode == "max", third:find("*", 1, true) ~= nil, third)
    end)
  end)

  it("a run of fit, with a function as metric", function()
    ld.seed(1)
    local run = ld.experiment { train = { ld.randn { 8, 2 }, ld.rand { 8, 1 } }, epochs = 3,
      model = ld.nn.sequential { ld.nn.dense(1) }, loss = "mse",
      metrics = { "r2", "mae", function(p, y) return p:sub(y):abs():max():item() end } }
      :fit { verbose = 0 }
    assert.same({ r2 = "max", mae = "min", metric = "min" }, run.better)
    run.better.metric = "max"
    assert.equal(math.max(table.unpack(run.history.metric)), (run:best "metric"))
  end)
end)
