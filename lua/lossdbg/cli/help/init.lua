--- `lossdbg help`: texts for people, shells and programs, from the tables of the commands.
local cli = require "lossdbg.cli"
local command_list = require "lossdbg.cli.command_list"
local usage = require "lossdbg.cli.usage"

local M = {
  usage = "help [COMMAND]",
  about = "Help on a command, or one of the texts below on standard output.",
  options = {
    { name = "man", doc = "the man page" },
    { name = "bash", doc = "completion for bash" },
    { name = "zsh", doc = "completion for zsh" },
    { name = "schema", doc = "JSON Schema of what diagnose --json writes" },
    { name = "help", doc = "this text" },
  },
  examples = { "lossdbg help --bash > ~/.local/share/bash-completion/completions/lossdbg",
    "lossdbg help --man | man -l -" },
}

---@param args string[] "help", ...
---@param out file*
---@return integer status
function M.run(args, out)
  local given, words = cli.read(args, 2, M.options)
  if given.man then
    out:write(usage.man(require("lossdbg")._VERSION))
  elseif given.bash then
    out:write(usage.bash())
  elseif given.zsh then
    out:write(usage.zsh())
  elseif given.schema then
    local schema = require "lossdbg.view.diagnosis_schema"
    out:write(require("lossdbg.support.json").encode(schema, { indent = 2 }), "\n")
  elseif words[1] then
    if not command_list.load(words[1]) then
      cli.stop(cli.status.usage, "what is '%s'? (see lossdbg --help)", words[1])
    end
    out:write(usage.command(words[1]))
  else
    out:write(given.help and usage.command "help" or usage.all())
  end
  return cli.status.ok
end

return M
