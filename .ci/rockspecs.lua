-- Writes the list of modules into every rockspec, from the files under lua/.
-- spec/90_install_spec.lua fails while a rockspec is behind.
-- Run as `make rockspecs`.
package.path = "./spec/support/?.lua;" .. package.path
local modules = require "modules"

local function entries(indent)
  local lines = {}
  for _, module in ipairs(modules.installed()) do
    lines[#lines + 1] = ('%s["%s"] = "%s",'):format(indent, module.name, module.file)
  end
  return table.concat(lines, "\n")
end

for _, path in ipairs(modules.rockspecs()) do
  local file = assert(io.open(path))
  local text = file:read("a")
  file:close()
  local new, count = text:gsub("(\n    lua = {\n).-(\n    },\n)", function(open, close)
    return open .. entries("      ") .. close
  end)
  assert(count == 1, path .. ": no `lua = {` list to fill")
  if new ~= text then
    file = assert(io.open(path, "w"))
    file:write(new)
    file:close()
    print(path .. ": updated")
  end
end
