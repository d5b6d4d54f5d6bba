-- Experiments beside fit: patches and grids, what a run holds.
local ld = require "lossdbg"
local nn = ld.nn
local problems = require "spec.support.problems"

local quiet = { verbose = 0 }
local error_of = problems.error_of
local linear_problem = problems.linear_problem
local linear = problems.linear
local clouds = problems.clouds
local classifier = problems.classifier

describe("an experiment", function()
  it("describes itself in plain data", function()
    local d = classifier { seed = 9 }:description()
    assert.same({ kind = "multiclass", classes = 3 }, d.task)
    assert.same({ 60, 20, 4, 16, 5, 9 },
      { d.n_train, d.n_val, d.steps_per_epoch, d.batch, d.epochs, d.seed })
    assert.equal(2 * 8 + 8 + 8 * 3 + 3, d.n_parameters)
    local first = d.layers[1]
    assert.same({ "dense_1", "dense", "relu", 2, "glorot_uniform" },
      { first.path, first.kind, first.activation, first.fan_in, first.init })
    assert.same({ { 2 }, { 8 } }, { first.input_shape, first.output_shape })
    assert.same({ "sparse_crossentropy", false, 0, "mean" },
      { d.loss.name, d.loss.from_logits, d.loss.label_smoothing, d.loss.reduction })
    assert.same({ "sgd", 0.1 }, { d.optimizer.name, d.optimizer.lr })
  end)

  it("infers its task", function()
    local x = ld.zeros { 4, 2 }
    local function kind(y, loss, outputs, activation)
      return ld.experiment { train = { x, y }, loss = loss, optimizer = "sgd",
        model = nn.sequential { nn.dense { outputs, activation } } }:description().task.kind
    end
    assert.equal("binary", kind({ 0, 1, 1, 0 }, "binary_crossentropy", 1, "sigmoid"))
    assert.equal("binary", kind({ 0, 1, 1, 0 }, "mse", 1, "sigmoid"))
    assert.equal("regression", kind({ 0, 1, 1, 0 }, "mse", 1))
    assert.equal("regression", kind({ 0.5, 1, 1, 0 }, "mae", 1, "sigmoid"))
    local rows = { { 1, 0 }, { 0, 1 }, { 0, 1 }, { 1, 0 } }
    assert.equal("multiclass", kind(rows, "mse", 2, "softmax"))
    assert.equal("multiclass", kind(rows, "categorical_crossentropy", 2, "softmax"))
    local labels = { { 1, 1 }, { 0, 1 }, { 0, 0 }, { 1, 0 } }
    assert.equal("multilabel", kind(labels, "binary_crossentropy", 2, "sigmoid"))
    assert.equal("multiclass", kind({ 0, 1, 1, 0 }, "crossentropy", 2, "softmax"))
  end)

  it("knows the loss of the best constant answer", function()
    local e = classifier()
    assert.near(math.log(3), e:prepared().baseline.loss, 1e-6)
    local y = linear_problem()[2]
    assert.near(y:var():item(), linear():prepared().baseline.loss, 1e-9)
    local mae = linear { loss = "mae" }:prepared().baseline
    assert.matches("median", mae.name)
    local binary = ld.experiment { train = { ld.zeros { 4, 1 }, { 0, 1, 1, 1 } }, optimizer = "sgd",
      loss = "binary_crossentropy", model = nn.sequential { nn.dense { 1, "sigmoid" } } }
    -- -(1/4 ln 1/4 + 3/4 ln 3/4)
    assert.near(0.5623351446188083, binary:prepared().baseline.loss, 1e-6)
  end)

  it("does not change", function()
    local e = classifier()
    assert.matches("use experiment:with { batch = ... }",
      error_of(function() e.batch = 3 end), 1, true)
    assert.equal(16, e.batch)
  end)

  it("varies one option and shows a table", function()
    local grid = classifier({ epochs = 2 }):vary("lr", { 0.1, 0.01 }):fit()
    assert.same({ 0.1, 0.01 },
      { grid[1]:description().optimizer.lr, grid[2]:description().optimizer.lr })
    local text = tostring(grid)
    assert.matches("lr +accuracy", text)
    assert.matches("0.01", text, 1, true)
    assert.equal(1, select(2, grid:best()))
    local units = classifier():vary("units", { 4, 16 })
    assert.equal(16, units[2]:description().layers[1].options.units)
    assert.equal(3, units[2]:description().layers[3].options.units)
  end)

  it("says what is missing or misspelt", function()
    assert.matches("unknown option 'optimiser'; did you mean 'optimizer'",
      error_of(classifier, { optimiser = "sgd" }), 1, true)
    assert.matches("use assert", error_of(ld.experiment, {}), 1, true)
    assert.matches("there is nothing to learn",
      error_of(classifier, { train = { ld.ones { 2, 2 } } }), 1, true)
    assert.matches("60 rows of x and 59 of y", error_of(classifier,
      { train = { clouds(60)[1], clouds(59)[2] } }), 1, true)
    local misspelt = { on_epoch_end = print, on_epoch_ends = print }
    assert.matches("unknown hook 'on_epoch_ends'; did you mean 'on_epoch_end'",
      error_of(classifier, { callbacks = { misspelt } }), 1, true)
  end)

  it("explains validation rows of another shape and labels that are missing", function()
    assert.matches("argument 'val': expected rows of shape [2] as in train, got [3]",
      error_of(classifier, { val = { ld.ones { 4, 3 }, ld.zeros(4, "i32") } }), 1, true)
    local data = clouds(60)
    local y = data[2]:cast "f32"
    y[5] = 0 / 0
    assert.matches("not finite in row 5 (a missing label?)",
      error_of(function() classifier({ train = { data[1], y } }):fit(quiet) end), 1, true)
    assert.matches("ids start at 0: { [0] = 1, [1] = 5 }", error_of(function()
      classifier({ class_weight = { 1, 1, 5 } }):fit(quiet)
    end), 1, true)
  end)

  it("explains labels that do not fit the outputs", function()
    local data = clouds(60)
    local function fit(y) return classifier({ train = { data[1], y } }):fit(quiet) end
    assert.matches("counted from 1: subtract 1", error_of(fit, data[2] + 1), 1, true)
    local far = data[2]:clone()
    far[7] = 9
    local message = error_of(fit, far)
    assert.matches("labels must be 0..2 for a model with 3 outputs, found 9 in row 7", message, 1,
      true)
    assert.matches("the model needs 10 outputs", message, 1, true)
  end)
end)

describe("a run", function()
  local run = classifier():fit(quiet)

  it("is a card and curves", function()
    assert.matches("lossdbg run", tostring(run), 1, true)
    assert.is_true(#run:plot { "loss", "val_loss" } > 100)
  end)

  it("knows last and best values", function()
    assert.equal(run.history.loss[5], run:last "loss")
    assert.equal(5, #run)
    local best = math.huge
    for _, value in ipairs(run.history.val_loss) do best = math.min(best, value) end
    assert.equal(best, (run:best "val_loss"))
    assert.matches("did you mean 'val_loss'", error_of(run.last, run, "val_los"), 1, true)
  end)

  it("predicts", function()
    local p = run:predict { { 0, 0 }, { 4, -2 } }
    assert.same({ 2, 3 }, p.shape)
    assert.near(1, p:sum(-1)[1], 1e-6)
  end)

  it("saves its curves", function()
    local svg, csv = os.tmpname(), os.tmpname()
    assert.is_true(run:save_svg(svg))
    assert.is_true(run:save_csv(csv))
    local file <close> = assert(io.open(svg))
    assert.matches("<svg", file:read "a", 1, true)
    local lines = {}
    for line in io.lines(csv) do lines[#lines + 1] = line end
    assert.equal("epoch,accuracy,loss,lr,val_accuracy,val_loss", lines[1])
    assert.matches("^0,", lines[2])
    assert.equal(6, #lines)
    os.remove(svg)
    os.remove(csv)
    local ok, message = run:save_csv "/nonexistent/folder/x.csv"
    assert.is_nil(ok)
    assert.matches("/nonexistent/folder", message, 1, true)
  end)
end)
