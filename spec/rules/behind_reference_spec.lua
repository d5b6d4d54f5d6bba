local cases = require "spec.support.cases"
local with = cases.with

describe("rule behind_reference", function()
  local id = "behind_reference"

  local function case(own, skill)
    return with(cases.wine(), { signals = { reference = { own = own, skill = skill,
      gap = skill - own, name = "a plain network", held_out = true } } })
  end

  it("fires where a plain recipe reaches clearly more", function()
    assert.equal("fires", (cases.run(id, case(0.4, 0.75))))
  end)

  it("says what each of the plain learners reaches", function()
    local _, f = cases.run(id, with(case(0.4, 0.75), { signals = { reference = { network = 0.75,
      nearest = 0.5, linear = 0.25 } } }))
    assert.equal("on rows it did not see: network 0.75, nearest training row 0.5, "
      .. "linear model 0.25", f.evidence[2].note)
  end)

  it("passes where it does not", function()
    assert.equal("passes", (cases.run(id, case(0.5, 0.79))))
    assert.equal("passes", (cases.run(id, case(0.9, 0.2))))
  end)

  it("cannot tell without a skill of the run", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = {
      reference = { skill = 0.9, name = "a plain network" } } }))))
    assert.equal("unjudged", (cases.run(id, cases.wine())))
  end)
end)
