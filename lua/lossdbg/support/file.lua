--- Writing whole files: beside the target first, then renamed over it, so that a reader, a crash or
-- a second writer never sees half a file and a full disk leaves the old one.
local replace = require("lossdbg.core").io.replace

local M = {}

--- Writes text to path. Who took `io` or `os` from a script wants no files from it.
---@param path string
---@param text string
---@return true|nil
---@return string? message
function M.write(path, text)
  if not io or not os then return nil, "no io library in this host: cannot write " .. path end
  return replace(path, text)
end

return M
