-- A folder with model and data: what the recorded curve says, what the replay shows, and how the
-- two become one verdict.
package.path = "./spec/support/?.lua;" .. package.path
local json = require "lossdbg.support.json"
local json_schema = require "json_schema"
local rebuilt = require "lossdbg.cli.diagnose.rebuilt"
local schema = require "lossdbg.view.diagnosis_schema"

local run = require("cli_run").run

describe("the verdict on a rebuilt program", function()
  it("takes a fault from the curve, or from a replay that goes as the recorded run", function()
    -- curve, replay healthy, replay within -> fault
    local cases = {
      { true, true, true, true }, { true, true, false, true }, { false, false, true, true },
      { false, false, false, false }, { false, true, true, false }, { nil, false, true, true },
      { nil, true, true, false }, { nil, false, false, nil }, { nil, true, nil, nil },
    }
    for i = 1, #cases do
      local c = cases[i]
      assert.equal(c[4], rebuilt.fault(c[1], c[2], c[3]), "case " .. i)
    end
  end)

  it("names the cause of a softmax over one unit, with status 1 and valid JSON", function()
    local folder = "spec/support/recorded/softmax_unit"
    local status, out, err = run("diagnose", folder, "--budget", "2")
    assert.equal("", err)
    assert.equal(1, status)
    assert.matches("replay  recorded loss", out, 1, true)
    assert.matches("softmax_single_unit error", out, 1, true)
    assert.is_nil(out:find "_command.lua") -- the layers were built by us: no line of the user's
    assert.matches("exit 1\n", out, 1, true)
    status, out = run("diagnose", folder, "--budget", "2", "--json", "-")
    assert.equal(1, status)
    local value = assert(json.decode(out))
    assert.same({}, json_schema.problems(value, schema))
    assert.is_true(value.replay.within)
    assert.equal("still_falling", value.verdict.state)
  end)

  it("is not rebuilt for --curve", function()
    local _, out = run("diagnose", "spec/support/recorded/softmax_unit", "--curve")
    assert.is_nil(out:find "replay")
  end)
end)
