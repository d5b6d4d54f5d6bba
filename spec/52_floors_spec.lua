-- The door upward: what lower floors reach of higher ones is wired by the façade and loads.
local upper = require "lossdbg.support.upper"

local function each_use()
  local found = {}
  for path in io.popen("find lua/lossdbg -name '*.lua'"):lines() do
    local file = assert(io.open(path))
    for name in file:read("a"):gmatch("upper%.([a-z_]+)%.") do found[name] = path end
    file:close()
  end
  return found
end

describe("support.upper", function()
  it("has every module that some floor asks for", function()
    local n = 0
    for name, path in pairs(each_use()) do
      assert.is_table(upper[name], path)
      n = n + 1
    end
    assert.is_true(n >= 8)
  end)

  it("loads the façade where a part was required without it", function()
    local names = { "lossdbg", "lossdbg.support.upper", "lossdbg.metric.counts" }
    local kept = {}
    for _, name in ipairs(names) do kept[name], package.loaded[name] = package.loaded[name], nil end
    local ok, text = pcall(function()
      return tostring(require("lossdbg.metric.counts").confusion_matrix())
    end)
    for _, name in ipairs(names) do package.loaded[name] = kept[name] end
    assert.is_true(ok, text)
    assert.matches("label", text)
  end)

  it("refuses what nobody wired", function()
    local ok, message = pcall(function() return upper.nothing end)
    assert.is_false(ok)
    assert.matches("nothing is wired as upper.nothing", message)
  end)
end)
