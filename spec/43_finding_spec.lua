local finding = require "lossdbg.diagnose.finding"

local RULE = { id = "mine", family = "data", cause = "class_imbalance", class = "measured",
  part = "validation" }

describe("a finding", function()
  it("takes class, cause and part from its rule, or says them itself", function()
    local f = finding.new(RULE, { title = "t" })
    assert.same({ "measured", "class_imbalance", "validation", "cause", 1 },
      { f.class, f.cause, f.part, f.role, f.strength })
    f = finding.new(RULE, { title = "t", class = "exact", cause = "wrong_loss",
      part = "training", strength = 7 })
    assert.same({ "exact", "wrong_loss", "training", 7 }, { f.class, f.cause, f.part, f.strength })
    assert.is_nil(finding.new(RULE, { title = "t", cause = false }).cause)
  end)

  it("has neither severity nor probability of its own", function()
    local f = finding.new(RULE, { title = "t", severity = "error", probability = 0.9 })
    assert.is_nil(f.severity)
    assert.is_nil(f.probability)
  end)

  it("is as strong as the limit where its strength is no number", function()
    assert.equal(1, finding.new(RULE, { title = "t", strength = 0 / 0 }).strength)
  end)

  it("words its references from the limits", function()
    assert.equal("under 0.5", finding.under(0.5))
    assert.equal("over 1000", finding.over(1e3))
    assert.equal("0.05 .. 5", finding.between(0.05, 5))
  end)
end)
