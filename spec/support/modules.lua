-- Which Lua modules there are, and what the rockspecs say. Runs in the root of a checkout.
local M = {}

local function lines_of(command)
  local pipe <close> = assert(io.popen(command))
  local lines = {}
  for line in pipe:lines() do
    lines[#lines + 1] = line
  end
  table.sort(lines)
  return lines
end

--- Every file under lua/ that is meant to be required, sorted. Files and folders that start with an
--- underscore are not: annotations, and the program that the rockspecs install.
---@return {name: string, file: string}[]
function M.installed()
  local found = {}
  for _, file in ipairs(lines_of("find lua -name '*.lua'")) do
    if not file:find("/_", 1, true) then
      local name = file:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/", ".")
      found[#found + 1] = { name = name, file = file }
    end
  end
  return found
end

---@return string[] paths
function M.rockspecs()
  return lines_of("ls rockspec/*.rockspec")
end

--- A rockspec is Lua that sets globals.
---@param path string
---@return table
function M.read_rockspec(path)
  local spec = {}
  assert(loadfile(path, "t", spec))()
  return spec
end

return M
