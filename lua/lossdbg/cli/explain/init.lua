--- `lossdbg explain`: what a rule or a cause means, how it is measured, when it may be wrong.
local cli = require "lossdbg.cli"
local explain = require "lossdbg.diagnose.explain"

local M = {
  usage = "explain [ID ...]",
  about = "What a rule, a cause or a state means, how it is measured, from which value on, and "
    .. "when it may be wrong. Without a name, all names.",
  options = { { name = "help", doc = "this text" } },
  examples = { "lossdbg explain double_softmax" },
}

---@param args string[] "explain", ...
---@param out file*
---@return integer status
function M.run(args, out)
  local _, names = cli.read(args, 2, M.options)
  if #names == 0 then
    out:write(table.concat(explain.names(), "\n"), "\n")
    return cli.status.ok
  end
  for i, name in ipairs(names) do
    local text, why = explain.text(name)
    if not text then cli.stop(cli.status.usage, "%s", why) end
    out:write(i > 1 and "\n" or "", text, "\n")
  end
  return cli.status.ok
end

return M
