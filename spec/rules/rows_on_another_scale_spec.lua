local cases = require "spec.support.cases"
local with = cases.with

local function rows(count, share, worst)
  return with(cases.wine(), { signals = { data = { outlying = { rows = count, share = share,
    worst = worst } } } })
end

describe("rule rows_on_another_scale", function()
  local id = "rows_on_another_scale"

  it("fires: a few rows fifty times as large", function()
    local state, f = cases.run(id, rows(6, 0.04, 52))
    assert.same({ "fires", "unnormalised_inputs", "measured" }, { state, f.cause, f.class })
    assert.same({ data = "drop_outlying" }, f.fixes[1].patch)
  end)

  it("fires just under and is silent just over a quarter of the rows", function()
    assert.equal("fires", (cases.run(id, rows(35, 0.24, 52))))
    assert.equal("passes", (cases.run(id, rows(37, 0.26, 52))))
  end)

  it("is silent: no such row", function()
    assert.equal("passes", (cases.run(id, rows(0, 0, 4))))
  end)

  it("cannot tell: sizes that were not compared", function()
    assert.equal("unjudged", (cases.run(id, cases.wine())))
  end)
end)
