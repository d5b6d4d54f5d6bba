-- README's first block of output is what the demo prints, but for the time that it took.
local function plain(line)
  return (line:gsub("[%d.]+ ms%f[%W]", "TIME"):gsub("%s+", " "):gsub(" $", ""))
end

describe("README", function()
  it("shows what make demo prints", function()
    local text = assert(io.open("README.md")):read "a"
    local block = assert(text:match "## What you see.-```\n(.-)```", "no block of output")
    local pipe = io.popen((os.getenv "LUA" or "lua5.4") .. " examples/demo.lua 2>&1")
    local printed = {}
    for line in pipe:lines() do printed[#printed + 1] = plain(line) end
    assert.is_true(pipe:close())
    local at, compared = 0, 0
    for line in block:gmatch "[^\n]+" do
      if line ~= "…" then
        local wanted, found = plain(line), nil
        for i = at + 1, #printed do
          if printed[i] == wanted then
            found = i
            break
          end
        end
        assert.is_truthy(found, "the demo does not print (any more, or there): " .. line)
        at, compared = found, compared + 1
      end
    end
    assert.is_true(compared > 30)
  end)
end)
