local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule plateau_fingerprint", function()
  local id = "plateau_fingerprint"

  it("fires: the entropy of the classes", function()
    local state, f = cases.run(id, cases.wine_raw())
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.is_nil(f.cause)
  end)

  it("fires: ln K without knowing the classes", function()
    local case = with(faulty.zero_features(), { signals = { baseline = NONE, trend = {
      last = 1.0986, best = 1.098 }, final = { loss = 1.0986 } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.is_nil(f.cause)
  end)

  it("fires: the floor of two softmaxes, ln(1 + 2/e) = 0.5515", function()
    local case = with(cases.wine(), { description = { loss = { from_logits = true } },
      signals = { trend = { verdict = "plateau",
      first = 0.5518, last = 0.5515, best = 0.5514, level = 0.5515 }, skill = {
        value = 0.493 } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("double_softmax", f.cause)
  end)

  -- A stuck run at a level, with a loss and what else is known.
  local function stuck(level, loss, signals)
    signals.trend = { verdict = "plateau", first = level, last = level, best = level,
      level = level }
    signals.baseline, signals.final = NONE, { loss = level }
    return with(cases.wine_raw(), { description = { loss = loss }, signals = signals })
  end

  it("fires: saturated answers, -ln 1e-7 times the share of wrong ones", function()
    local level = -math.log(1e-7) * (1 - 0.401) -- Keras clips probabilities at 1e-7
    local _, f = cases.run(id, stuck(level, {}, { accuracy = 0.401 }))
    assert.equal("output_range_mismatch", f.cause)
    assert.equal("passes", (cases.run(id, stuck(level, {}, { accuracy = 0.5 }))))
  end)

  it("fires: the entropy of smoothed labels", function()
    local other = 0.2 / 3
    local own = 0.8 + other
    local level = -own * math.log(own) - 2 * other * math.log(other)
    local _, f = cases.run(id, stuck(level, { label_smoothing = 0.2 }, {}))
    assert.equal("loss_floor_soft_targets", f.cause)
    assert.equal("passes", (cases.run(id, stuck(level, { label_smoothing = 0.1 }, {}))))
  end)

  it("fires: zero is answered for every input", function()
    local _, f = cases.run(id, stuck(5, { name = "mse" },
      { data = { y = { kind = "real", mean = 2, var = 1, mean_square = 5 } } }))
    assert.matches("zero is predicted", f.title)
    assert.is_nil(f.cause)
  end)

  it("is silent: the floor of two softmaxes where there is one", function()
    local floor = math.log(1 + 2 / math.exp(1))
    assert.equal("passes", (cases.run(id, stuck(floor, { from_logits = false }, {}))))
  end)

  it("is silent: a level that is no constant", function()
    local case = with(faulty.mnist_raw(), { signals = { trend = { last = 2.262 } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: a falling loss", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: an undecided trend", function()
    local case = with(cases.wine(), { signals = { trend = { verdict = "undetermined" },
      skill = NONE, baseline = NONE } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)
end)
