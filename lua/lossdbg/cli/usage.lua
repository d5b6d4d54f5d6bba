--- The texts on the commands, all from the same tables: `--help`, the man page, completions.

local command_list = require "lossdbg.cli.command_list"
local text = require "lossdbg.support.text"

local M = {}

M.statuses = {
  { 0, "sound: nothing wrong was found" }, { 1, "a fault was found" },
  { 2, "it cannot be judged from what was given" }, { 64, "wrong usage" },
  { 66, "a file that cannot be read" }, { 70, "a fault of lossdbg" }, { 130, "interrupted" },
}

local function option_name(option)
  return "--" .. option.name .. (option.value and " " .. option.value:upper():gsub("^AN? ", "")
    or "")
end

local function option_lines(options, out)
  local wide = 0
  for _, option in ipairs(options) do wide = math.max(wide, #option_name(option)) end
  for _, option in ipairs(options) do
    local first = "  " .. text.pad(option_name(option), wide) .. "  "
    for _, line in ipairs(text.wrap(option.doc or "", 80, first, (" "):rep(wide + 4))) do
      out[#out + 1] = line
    end
  end
end

---The help of one command.
---@param name string
---@return string
function M.command(name)
  local command = command_list.load(name)
  local out = { "usage: lossdbg " .. command.usage, "" }
  for _, line in ipairs(text.wrap(command.about, 80)) do out[#out + 1] = line end
  out[#out + 1] = ""
  option_lines(command.options, out)
  if command.examples then
    out[#out + 1] = ""
    for _, example in ipairs(command.examples) do out[#out + 1] = "  $ " .. example end
  end
  return table.concat(out, "\n") .. "\n"
end

---@return string
function M.all()
  local out = { "usage: lossdbg COMMAND [OPTION ...]", "" }
  local wide = 0
  for _, row in ipairs(command_list.rows) do wide = math.max(wide, #row.name) end
  for _, row in ipairs(command_list.rows) do
    out[#out + 1] = ("  lossdbg %s  %s"):format(text.pad(row.name, wide), row.summary)
  end
  out[#out + 1] = "\n  lossdbg --version\n  lossdbg --help, lossdbg COMMAND --help"
  out[#out + 1] = "\n  $ python train.py | lossdbg diagnose -"
  out[#out + 1] = "  $ lossdbg diagnose runs/7 --html report.html"
  out[#out + 1] = "\nstatus:"
  for _, status in ipairs(M.statuses) do
    out[#out + 1] = ("  %3d  %s"):format(status[1], status[2])
  end
  return table.concat(out, "\n") .. "\n"
end

-- ---- the man page ------------------------------------------------------------------------------

local function roff(s)
  return (s:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("\n([.'])", "\n\\&%1"):gsub("^([.'])",
    "\\&%1"))
end

---@param version string
---@return string roff
function M.man(version)
  local out = { '.TH LOSSDBG 1 "" "' .. roff(version) .. '" "User commands"', ".SH NAME",
    "lossdbg \\- finds out why a loss does not go down", ".SH SYNOPSIS",
    ".B lossdbg\n.I COMMAND\n[\\fIOPTION\\fR ...]", ".SH COMMANDS" }
  for _, row in ipairs(command_list.rows) do
    local command = command_list.load(row.name)
    out[#out + 1] = ".SS lossdbg " .. roff(command.usage)
    out[#out + 1] = roff(command.about)
    for _, option in ipairs(command.options) do
      out[#out + 1] = ".TP\n.B " .. roff(option_name(option)) .. "\n" .. roff(option.doc or "")
    end
    for _, example in ipairs(command.examples or {}) do
      out[#out + 1] = ".PP\n.EX\n$ " .. roff(example) .. "\n.EE"
    end
  end
  out[#out + 1] = ".SH EXIT STATUS"
  for _, status in ipairs(M.statuses) do
    out[#out + 1] = (".TP\n.B %d\n%s"):format(status[1], roff(status[2]))
  end
  return table.concat(out, "\n") .. "\n"
end

-- ---- completions -------------------------------------------------------------------------------

local function names_of(options)
  local list = {}
  for i, option in ipairs(options) do list[i] = "--" .. option.name end
  return list
end

---@return string
function M.bash()
  local commands, cases = {}, {}
  for i, row in ipairs(command_list.rows) do
    commands[i] = row.name
    cases[i] = ("    %s) words=\"%s\" ;;"):format(row.name,
      table.concat(names_of(command_list.load(row.name).options), " "))
  end
  return table.concat({
    "# bash completion of lossdbg, written by: lossdbg help --bash",
    "_lossdbg() {",
    "  local word=${COMP_WORDS[COMP_CWORD]} words=",
    "  if [ \"$COMP_CWORD\" -eq 1 ]; then",
    "    words=\"" .. table.concat(commands, " ") .. " --help --version\"",
    "  else case ${COMP_WORDS[1]} in",
    table.concat(cases, "\n"),
    "  esac; fi",
    "  case $word in",
    "    -*) COMPREPLY=($(compgen -W \"$words\" -- \"$word\")) ;;",
    "    *) if [ \"$COMP_CWORD\" -eq 1 ]; then COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))",
    "       else COMPREPLY=($(compgen -f -- \"$word\")); fi ;;",
    "  esac",
    "}",
    "complete -o filenames -F _lossdbg lossdbg", "",
  }, "\n")
end

local function zsh_quoted(s)
  return (s:gsub("'", "'\\''"):gsub("([%[%]:])", "\\%1"))
end

---@return string
function M.zsh()
  local commands, cases = {}, {}
  for i, row in ipairs(command_list.rows) do
    commands[i] = ("    '%s:%s'"):format(row.name, zsh_quoted(row.summary))
    local options = {}
    for k, option in ipairs(command_list.load(row.name).options) do
      options[k] = ("'--%s[%s]%s'"):format(option.name, zsh_quoted(option.doc or ""),
        option.value and ":" .. option.value:gsub("^an? ", "") .. ":_files" or "")
    end
    cases[i] = ("    %s) _arguments %s '*:path:_files' ;;"):format(row.name,
      table.concat(options, " "))
  end
  return table.concat({
    "#compdef lossdbg", "# zsh completion of lossdbg, written by: lossdbg help --zsh",
    "_lossdbg() {", "  local -a commands", "  commands=(", table.concat(commands, "\n"), "  )",
    "  if (( CURRENT == 2 )); then _describe command commands; return; fi",
    "  shift words; (( CURRENT-- ))", "  case $words[1] in", table.concat(cases, "\n"), "  esac",
    "}", "_lossdbg \"$@\"", "",
  }, "\n")
end

return M
