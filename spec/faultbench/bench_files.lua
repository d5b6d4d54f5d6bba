--- Files of the benchmark: JSON read and written, cases listed.
local json = require "lossdbg.support.json"

local M = {}

---@param path string
---@return string|nil text
---@return string|nil message
function M.text(path)
  local file, why = io.open(path, "rb")
  if not file then return nil, why end
  local text = file:read "a"
  file:close()
  return text
end

---@param path string
---@return any|nil value
---@return string|nil message
function M.json(path)
  local text, why = M.text(path)
  if not text then return nil, why end
  local value, message = json.decode(text)
  if value == nil then return nil, path .. ": " .. message end
  return value
end

--- A JSON file without which nothing can go on.
function M.need_json(path)
  local value, why = M.json(path)
  if value == nil then
    io.stderr:write("faultbench: ", why, "\n")
    os.exit(2)
  end
  return value
end

--- Numbers that are not finite become null; empty lists are marked with json.array.
---@param path string
---@param value table
---@return boolean|nil ok
---@return string|nil message
function M.write_json(path, value)
  local file, why = io.open(path, "wb")
  if not file then return nil, why end
  file:write(json.encode(value), "\n")
  return file:close()
end

--- A word that a POSIX shell leaves as it is.
function M.quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

---Programs of the small JSON form, and loops written in Lua.
---@param dir string
---@param only string|nil one id
---@return string[] ids, sorted
function M.case_ids(dir, only)
  local ids = {}
  local list = assert(io.popen("ls " .. M.quoted(dir .. "/cases") .. " 2>/dev/null"))
  for name in list:lines() do
    local id = name:match "^([%w_%-]+)%.json$" or name:match "^([%w_%-]+)%.lua$"
    if id and (not only or id == only) then ids[#ids + 1] = id end
  end
  list:close()
  table.sort(ids)
  return ids
end

return M
