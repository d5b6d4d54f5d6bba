local cases = require "spec.support.cases"
local with = cases.with

describe("rule train_eval_inconsistent", function()
  local id = "train_eval_inconsistent"

  it("fires: a loss three times as large in evaluation mode", function()
    local case = with(cases.wine(), { signals = { final = { train_mode_loss = 0.2,
      loss = 0.9 } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("dropout_misuse", f.cause)
  end)

  it("says that running statistics lag: with those of the batch the loss is small", function()
    local case = with(cases.wine(), { signals = { final = { train_mode_loss = 0.2, loss = 0.9,
      batch_statistics_loss = 0.15 } } })
    table.insert(case.description.layers, 3, { path = "batch_norm_1", kind = "batch_norm",
      options = {}, input_shape = { 32 }, output_shape = { 32 }, n_parameters = 128 })
    local state, f = cases.run(id, case)
    assert.same({ "fires", "batchnorm_statistics_lag", "exact" }, { state, f.cause, f.class })
    assert.same({ layers = { kind = "batch_norm", options = { momentum = 0.9 } } },
      f.fixes[1].patch)
  end)

  it("says that dropout is at fault where those of the batch change nothing", function()
    local _, f = cases.run(id, with(cases.wine(), { signals = { final = { train_mode_loss = 0.2,
      loss = 0.9, batch_statistics_loss = 0.9 } } }))
    assert.same({ "dropout_misuse", "measured" }, { f.cause, f.class })
  end)

  it("fires just above and is silent just below twice the loss", function()
    local function at(loss)
      return with(cases.wine(), { signals = { final = { train_mode_loss = 0.45, loss = loss,
        batch_statistics_loss = 0.45 } } })
    end
    assert.equal("fires", (cases.run(id, at(0.91))))
    assert.equal("passes", (cases.run(id, at(0.89))))
  end)

  it("is silent: losses below zero that are alike", function()
    local case = with(cases.regression(), { signals = { baseline = -2, final = { loss = -11.48,
      train_mode_loss = -11.481, batch_statistics_loss = -11.481 } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: dropout, which costs in training mode", function()
    local case = with(cases.wine(), { signals = { final = { train_mode_loss = 0.5 } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: one mode only", function()
    assert.equal("unjudged", (cases.run(id, cases.wine())))
  end)

  it("is scale-free: a loss three times as large", function()
    assert(cases.invariant(id, with(cases.wine(), { signals = { final = { train_mode_loss = 0.2,
      loss = 0.9 } } })))
  end)
end)
