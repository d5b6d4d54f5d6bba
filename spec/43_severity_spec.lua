local severity = require "lossdbg.diagnose.severity"
local states = require "lossdbg.diagnose.state"

describe("severity", function()
  local order = severity.LADDER

  it("has a row for every state and falls with the class of evidence", function()
    for _, state in ipairs(states.states) do
      local row = assert(severity.TABLE[state.id], state.id)
      assert.is_true(order[row.exact] >= order[row.measured], state.id)
      assert.is_true(order[row.measured] >= order[row.suggestive], state.id)
      assert.is_true(order[row.suggestive] < order.error, state.id)
    end
  end)

  it("makes errors of measurements where the run failed, and only there", function()
    for _, state in ipairs(states.states) do
      local given = severity.of("measured", state.id)
      assert.equal(state.fails == true, given == "error" and state.id ~= "oscillating", state.id)
    end
    assert.equal("info", severity.of("measured", "healthy"))
    assert.equal("warning", severity.of("measured", "still_falling"))
    assert.equal("warning", severity.of("measured", "cannot_tell"))
  end)

  it("keeps what is wrong by construction an error unless the run is healthy", function()
    for _, state in ipairs(states.states) do
      local learnt = state.id == "healthy" or state.id == "overfitting"
      assert.equal(learnt and "warning" or "error", severity.of("exact", state.id), state.id)
    end
  end)

  it("judges what is said about validation rows by them", function()
    assert.equal("error", severity.of("measured", "overfitting", "validation"))
    assert.equal("info", severity.of("measured", "overfitting", "training"))
    assert.equal("warning", severity.of("measured", "constant", "validation"))
    assert.equal("warning", severity.of("measured", "healthy", "validation"))
  end)

  it("counts what is wrong by construction where the task is learnt, not the loss", function()
    local cases = require "spec.support.cases"
    local function of(skill)
      local case = cases.with(cases.wine(), { description = { loss = { from_logits = true } },
        signals = { skill = { value = skill, verdict = "better" }, loss = cases.NONE,
          epoch_loss = cases.NONE, trend = { verdict = "plateau", last = 0.7 },
          task_skill = { train = 0.95, measure = "accuracy" } } })
      local state, f = cases.run("double_softmax", case)
      assert.equal("fires", state)
      return f.severity
    end
    assert.equal("error", of(0.49))
    assert.equal("warning", of(0.51))
  end)

  it("refuses a state that nobody knows", function()
    assert.has_error(function() severity.of("exact", "stuck") end,
      "lossdbg: severity.of: unknown state 'stuck'")
  end)
end)
