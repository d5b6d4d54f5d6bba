--- Names that are not there: told at the user's line, with the one that was meant.
local ld = require "lossdbg"

local function message(f)
  local ok, text = pcall(f)
  assert.is_false(ok)
  return text
end

describe("a room", function()
  it("tells a misspelt name, where it stands, and what was meant", function()
    local line
    local text = message(function()
      line = debug.getinfo(1, "l").currentline + 1
      return ld.nn.desne { 3 }
    end)
    assert.matches(("50_room_spec.lua:%d: lossdbg: ld.nn has no \"desne\""):format(line), text, 1,
      true)
    assert.matches("did you mean 'dense'?", text, 1, true)
    assert.matches("lossdbg has no \"watsh\"; did you mean 'watch'?",
      message(function() return ld.watsh(1) end), 1, true)
    for _, case in ipairs { { "optim", "adem", "adam" }, { "data", "cvs", "csv" },
      { "schedule", "cosin", "cosine" }, { "metric", "acuracy", "accuracy" },
      { "callback", "checkpiont", "checkpoint" }, { "init", "he_norml", "he_normal" } } do
      local name, wrong, right = table.unpack(case)
      assert.is_truthy(ld[name][right], name .. "." .. right)
      assert.matches(("ld.%s has no \"%s\"; did you mean '%s'?"):format(name, wrong, right),
        message(function() return ld[name][wrong] end), 1, true)
    end
  end)

  it("holds what its module holds, and is listed like it", function()
    local module = require "lossdbg.nn"
    assert.equal(module.dense, ld.nn.dense)
    local listed = {}
    for name, value in pairs(ld.nn) do listed[name] = value end
    assert.same(module, listed)
    assert.is_nil(ld.nn[1]) -- lists are asked for their end
  end)
end)

describe("ld.explain", function()
  it("lists every name once", function()
    local names, seen = require("lossdbg.diagnose.explain").names(), {}
    for _, name in ipairs(names) do
      assert.is_nil(seen[name], name)
      seen[name] = true
    end
    assert.is_true(#names > 150)
  end)
end)
