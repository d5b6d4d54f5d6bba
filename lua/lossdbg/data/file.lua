--- Whole files as strings, for hosts that have the io library.
local M = {}

--- Reads a file.
---@param path string
---@return string|nil bytes
---@return string|nil message "cannot open 'x.csv': No such file or directory"
function M.read(path)
  if not (io and io.open) then
    return nil, ("cannot open '%s': this host has no io library (parse bytes instead)"):format(path)
  end
  local file, why = io.open(path, "rb")
  if not file then
    why = why and why:gsub("^.-: ", "", 1) or "unknown reason"
    return nil, ("cannot open '%s': %s"):format(path, why)
  end
  local bytes, trouble = file:read("a")
  file:close()
  if bytes then return bytes end
  return nil, ("cannot read '%s': %s"):format(path, trouble or "unknown reason")
end

--- Writes a file; a failure leaves no file that looks complete.
---@param path string
---@param bytes string
---@return true|nil ok
---@return string|nil message
function M.write(path, bytes)
  if not (io and io.open) then
    return nil, ("cannot write '%s': this host has no io library"):format(path)
  end
  local file, why = io.open(path, "wb")
  if not file then return nil, ("cannot write '%s': %s"):format(path, why) end
  local ok, trouble = file:write(bytes)
  local closed, late = file:close()
  if ok and closed then return true end
  if os and os.remove then os.remove(path) end
  return nil, ("cannot write '%s': %s"):format(path, trouble or late or "unknown reason")
end

return M
