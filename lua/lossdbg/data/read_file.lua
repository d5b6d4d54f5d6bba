--- Whole files as strings, for hosts that have the io library.

--- Reads a file.
---@param path string
---@return string|nil bytes
---@return string|nil message "cannot open 'x.csv': No such file or directory"
local function read_file(path)
  if not (io and io.open) then
    return nil, ("cannot open '%s': this host has no io library (parse bytes instead)"):format(path)
  end
  local file, why = io.open(path, "rb")
  if not file then
    -- the system's text begins with the path, which is there already
    local known = path .. ": "
    why = why or "unknown reason"
    if why:sub(1, #known) == known then why = why:sub(#known + 1) end
    return nil, ("cannot open '%s': %s"):format(path, why)
  end
  local bytes, trouble = file:read("a")
  file:close()
  if bytes then return bytes end
  return nil, ("cannot read '%s': %s"):format(path, trouble or "unknown reason")
end

return read_file
