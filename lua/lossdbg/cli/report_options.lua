--- Options that several commands share, and what follows from them: what is known beside the curve,
-- colours, where results go.
local cli = require "lossdbg.cli"
local core = require "lossdbg.core"
local file = require "lossdbg.support.file"

local M = {}

M.facts = {
  { name = "loss", value = "a name", doc = "the loss, where a log holds several" },
  { name = "task", value = "a task", choices = { "classification", "binary", "regression" },
    doc = "classification, binary or regression" },
  { name = "classes", value = "a number", integer = true, doc = "number of classes" },
  { name = "counts", value = "a list", doc = "rows of each class, such as 50,120,30" },
}

M.look = {
  { name = "no-color", doc = "no colours; they are used on terminals only, and not with NO_COLOR" },
  { name = "help", doc = "this text" },
}

---Rows of several tables in one.
---@return table[]
function M.join(...)
  local out = {}
  for _, rows in ipairs { ... } do table.move(rows, 1, #rows, #out + 1, out) end
  return out
end

local function counts_of(text)
  local counts = {}
  for word in (text .. ","):gmatch "%s*([^,]*)%s*," do
    local n = math.tointeger(tonumber(word))
    if not n or n < 0 then
      cli.stop(cli.status.usage, "--counts: '%s' is no whole number", word)
    end
    counts[#counts + 1] = n
  end
  if #counts < 2 then cli.stop(cli.status.usage, "--counts needs two classes or more") end
  return counts
end

---What `ld.open` takes.
---@param given table<string, any>
---@return table
function M.open_options(given)
  if given.classes and given.classes < 2 then
    cli.stop(cli.status.usage, "--classes: 2 or more")
  end
  return { loss = given.loss, task = given.task, classes = given.classes,
    counts = given.counts and counts_of(given.counts) }
end

---Whether to colour what goes to a file.
---@param given table<string, any>
---@param out any
---@return boolean
function M.color(given, out)
  if given["no-color"] or (os.getenv "NO_COLOR" or "") ~= "" then return false end
  return io.type(out) == "file" and core.io.is_terminal(out)
end

local LEAST, MOST = 40, 80 -- lines of more than 80 are hard to read

---The width of a report: that of the terminal, from 40 to 80; 80 for files.
---@param out any
---@return integer
function M.width(out)
  local columns = io.type(out) == "file" and core.io.terminal_width(out)
    or math.tointeger(tonumber(os.getenv "COLUMNS" or ""))
  return math.max(LEAST, math.min(MOST, columns or MOST))
end

---Writes text to a file, or to the output for "-".
---@param path string
---@param text string
---@param out file*
function M.save(path, text, out)
  if path == "-" then
    out:write(text)
    return
  end
  local ok, why = file.write(path, text)
  if not ok then cli.stop(cli.status.usage, "%s", why) end
end

---The worse of two statuses: unreadable before fault before unjudged before sound.
---@param a integer
---@param b integer
---@return integer
function M.worse(a, b)
  local order = { [cli.status.ok] = 0, [cli.status.unjudged] = 1, [cli.status.fault] = 2,
    [cli.status.unreadable] = 3 }
  return order[a] >= order[b] and a or b
end

return M
