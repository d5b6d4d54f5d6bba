local cases = require "spec.support.cases"
local with = cases.with

describe("rule gradient_blocked", function()
  local id = "gradient_blocked"

  local function tested(what)
    return with(cases.wine_raw(), { signals = { tests = { gradient_path = { what = what,
      layer = "lambda_1", op = "sign", line = "net.lua:7" } } } })
  end

  it("fires: a slope that is zero, with op, layer and line", function()
    local state, f = cases.run(id, tested "zero")
    assert.same({ "fires", "exact", "vanishing_gradient", "net.lua:7" },
      { state, f.class, f.cause, f.where.source })
    assert.matches("lambda_1 stops the gradient: its slope is zero everywhere (sign, net.lua:7)",
      f.title, 1, true)
  end)

  it("tells a slope that is missing, and one that is not finite, apart from it", function()
    local _, f = cases.run(id, tested "detached")
    assert.matches("cuts its result off", f.title, 1, true)
    _, f = cases.run(id, tested "infinite")
    assert.equal("exploding_gradient", f.cause)
  end)

  it("is silent: a gradient that passes", function()
    assert.equal("passes", (cases.run(id, tested "passes")))
  end)

  it("cannot tell: not tested", function()
    assert.equal("unjudged", (cases.run(id, cases.wine_raw())))
  end)
end)
