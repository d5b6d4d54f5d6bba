local cases = require "spec.support.cases"
local with = cases.with

describe("rule gradient_check_failed", function()
  local id = "gradient_check_failed"

  it("fires: a wrong backward of a lambda", function()
    local case = (function()
      local case = with(cases.wine(), { signals = { tests = { gradcheck = { max_error = 0.3,
        worst = "dense_2/kernel[3]", checked = 40, skipped = 0, passed = false } } } })
      table.insert(case.description.layers, cases.layer("lambda"))
      return case
    end)()
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.is_nil(f.cause)
  end)

  it("fires: a kink in built-in layers, as a warning", function()
    local case = with(cases.wine(), { signals = { tests = { gradcheck = { max_error = 0.3,
      worst = "dense_2/kernel[3]",
      checked = 40, skipped = 0, passed = false } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("suggestive", f.class)
    assert.is_nil(f.cause)
  end)

  it("is silent: a right backward", function()
    local case = with(cases.wine(), { signals = { tests = { gradcheck = { max_error = 1e-9,
      checked = 40, passed = true } } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: coordinates that were all skipped", function()
    local case = with(cases.wine(), { signals = { tests = { gradcheck = { max_error = 0,
      checked = 0, passed = false } } } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)

  it("cannot tell: no check", function()
    assert.equal("unjudged", (cases.run(id, cases.wine())))
  end)
end)
