-- Every block of the guide runs as it stands, each by itself.
local preamble = 'local ld = require "lossdbg"; local nn = ld.nn; local print = function() end\n'

local function pages()
  local list = {}
  for path in io.popen("ls examples/guide/*.md"):lines() do list[#list + 1] = path end
  return list
end

describe("the guide", function()
  it("has pages", function() assert.is_true(#pages() >= 1) end)

  for _, path in ipairs(pages()) do
    local file = assert(io.open(path))
    local text, n = file:read "a", 0
    file:close()
    for title, block in text:gmatch "\n## ([^\n]+)\n[^#]-```lua\n(.-)```" do
      n = n + 1
      it(path .. ": " .. title, function()
        local chunk = assert(load(preamble .. block, "=" .. title))
        chunk()
      end)
    end
    local _, blocks = text:gsub("```lua\n", "")
    it(path .. " has no block that is left out", function() assert.equal(blocks, n) end)
  end
end)
