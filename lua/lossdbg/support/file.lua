--- Writing whole files: beside the target first, then renamed over it, so that a reader or a crash
-- never sees half a file and a full disk leaves the old one.

local sync = require("lossdbg.core").io.sync

local M = {}

-- The rename itself reaches the disk with the directory; where a directory cannot be opened like a
-- file, the rename is as safe as the system makes it.
local function sync_directory(path)
  local directory = io.open(path:match "^(.*)/" or ".", "rb")
  if directory then
    sync(directory)
    directory:close()
  end
end

--- Writes text to path.
---@param path string
---@param text string
---@return true|nil
---@return string? message
function M.write(path, text)
  if not io or not os then return nil, "no io library in this host: cannot write " .. path end
  local temporary = path .. ".tmp"
  local file, why = io.open(temporary, "wb")
  if not file then return nil, "cannot write " .. tostring(why) end
  local ok, failed = file:write(text)
  if ok then ok, failed = sync(file) end
  local closed, on_close = file:close()
  if not ok or not closed then
    os.remove(temporary)
    return nil, ("cannot write %s: %s"):format(path, tostring(failed or on_close))
  end
  local renamed, on_rename = os.rename(temporary, path)
  if not renamed then
    os.remove(temporary)
    return nil, "cannot write " .. tostring(on_rename)
  end
  sync_directory(path)
  return true
end

return M
