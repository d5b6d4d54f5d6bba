--- The command line within this process: `run("diagnose", path)` returns the status and what would
--- have been written to standard output and standard error.
local cli = require "lossdbg.cli"

local M = {}

---A file that keeps what is written to it.
---@return { text: string, write: function }
function M.sink()
  local kept = { text = "" }
  function kept:write(...)
    self.text = self.text .. table.concat { ... }
    return self
  end
  return kept
end

---@param ... string arguments
---@return integer status
---@return string out
---@return string err
function M.run(...)
  local out, err = M.sink(), M.sink()
  local status = cli.main({ ... }, out, err)
  return status, out.text, err.text
end

return M
