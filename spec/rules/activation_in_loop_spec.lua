local cases = require "spec.support.cases"
local with = cases.with

describe("rule activation_in_loop", function()
  local function run(between, takes_logits, y)
    return cases.run("activation_in_loop", with(cases.wine(), { signals = {
      data = { y = y }, loop = { between = between, takes_logits = takes_logits } } }))
  end

  it("fires: relu before a loss on scores", function()
    local state, f = run({ relu = 3 }, true)
    assert.same({ "fires", "exact", "lost", "wrong_output_activation" },
      { state, f.class, f.part, f.cause })
    assert.matches("^relu stands", f.title)
  end)

  it("fires: tanh before targets that lie beyond it", function()
    local beyond = { kind = "real", min = -1.1, max = 1 }
    assert.equal("fires", (run({ tanh = 3 }, false, beyond)))
    assert.equal("passes", (run({ tanh = 3 }, false, { kind = "real", min = -1, max = 1 })))
    assert.equal("fires", (run({ relu = 3 }, false, { kind = "real", min = -0.1, max = 9 })))
    assert.equal("passes", (run({ relu = 3 }, false, { kind = "real", min = 0, max = 9 })))
  end)

  it("fires: a softmax over the rows of the batch, whatever the loss", function()
    local state, f = run({ over_batch = 3 }, false)
    assert.same({ "fires", "softmax_wrong_axis" }, { state, f.cause })
  end)

  it("is silent: two looks, or steps without it", function()
    assert.equal("passes", (run({ relu = 2 }, true)))
    assert.equal("passes", (run({ relu = 9, nothing = 1 }, true)))
    assert.equal("passes", (run({ softmax = 9 }, true))) -- which softmax_in_loop tells
  end)
end)
