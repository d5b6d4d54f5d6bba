--- `lossdbg help`: texts for people, shells and programs, from the tables of the commands.
local cli = require "lossdbg.cli"
local command_list = require "lossdbg.cli.command_list"
local help = require "lossdbg.view.help"
local usage = require "lossdbg.cli.usage"

local M = {
  usage = "help [COMMAND|TOPIC]",
  about = "Help on a command, on a name of the library (nn.dense, run, constant; lossdbg help "
    .. "api lists them), or one of the texts below on standard output.",
  options = {
    { name = "man", doc = "the man page" },
    { name = "bash", doc = "completion for bash" },
    { name = "zsh", doc = "completion for zsh" },
    { name = "schema", doc = "JSON Schema of what diagnose --json writes" },
    { name = "columns", value = "N", integer = true, doc = "width of help on a name, from 20" },
    { name = "help", doc = "this text" },
  },
  examples = { "lossdbg help nn.dense",
    "lossdbg help --bash > ~/.local/share/bash-completion/completions/lossdbg",
    "lossdbg help --man | man -l -" },
}

---Help on a command, else on a name of the library; "api" lists the families.
---@param word string
---@param columns? integer
---@return string
function M.on(word, columns)
  if command_list.load(word) then return usage.command(word) end
  columns = math.max(columns or tonumber(os.getenv "COLUMNS") or 80, 20)
  local found, why = help.text(word ~= "api" and word or nil, columns // 1)
  if not found then cli.stop(cli.status.usage, "%s", why) end
  return found .. "\n"
end

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
    out:write(M.on(words[1], given.columns))
  else
    out:write(given.help and usage.command "help" or usage.all())
  end
  return cli.status.ok
end

return M
