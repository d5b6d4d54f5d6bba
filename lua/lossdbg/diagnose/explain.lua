--- Long texts: what a rule looks at, how, from which value on, and when it may be wrong; what a
--- cause means and which rules point to it.
local causes = require "lossdbg.diagnose.causes"
local registry = require "lossdbg.diagnose.registry"
local states = require "lossdbg.diagnose.state"

local M = {}

local WIDTH = 78

---Breaks a text into lines.
---@param text string
---@param indent string
---@return string
local function wrap(text, indent)
  local lines, line = {}, indent
  for word in text:gmatch("%S+") do
    if #line > #indent and #line + 1 + #word > WIDTH then
      lines[#lines + 1] = line
      line = indent
    end
    line = #line > #indent and line .. " " .. word or line .. word
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

local function section(out, title, text)
  if not text or text == "" then return end
  out[#out + 1] = "  " .. title
  out[#out + 1] = wrap(text, "    ")
end

local function needs_of(rule)
  local list = {}
  for i, path in ipairs(rule.needs or {}) do list[i] = path:gsub("|", " or ") end
  for _, unit in ipairs { "n", "steps", "epochs" } do
    local least = rule.least and rule.least[unit]
    if least then
      list[#list + 1] = string.format("at least %d %s", least, unit == "n" and "rows" or unit)
    end
  end
  return table.concat(list, ", ")
end

local function rule_text(rule)
  local doc = rule.doc
  local out = { string.format("%s (%s, %s)", rule.id, rule.family, rule.severity) }
  out[#out + 1] = wrap(doc.what, "  ")
  section(out, "measured", doc.formula)
  section(out, "fires at", doc.threshold)
  section(out, "needs", needs_of(rule))
  section(out, "cost", (rule.cost or "free"):gsub("_", " "))
  section(out, "false alarms", doc.false_alarms)
  section(out, "source", doc.source)
  if rule.cause then section(out, "cause", rule.cause .. ": " .. causes[rule.cause].definition) end
  section(out, "explains", table.concat(rule.explains or {}, ", "))
  return table.concat(out, "\n")
end

local function cause_text(id)
  local cause, out = causes[id], {}
  out[1] = string.format("%s (%s)", id, cause.family)
  out[2] = wrap(cause.definition, "  ")
  local rules = {}
  for _, rule in ipairs(registry.rules()) do
    if rule.cause == id then rules[#rules + 1] = rule.id end
  end
  section(out, "found by", table.concat(rules, ", "))
  section(out, "the same repair as", table.concat(cause.equivalents or {}, ", "))
  return table.concat(out, "\n")
end

local function state_text(id)
  local state, out = states.get(id), {}
  out[1] = string.format("%s (state of a run)", id)
  section(out, "the run", state.means)
  section(out, "so that", state.allows)
  return table.concat(out, "\n")
end

---Edit distance, for "did you mean".
local function distance(a, b)
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local diagonal
    diagonal, row[0] = row[0], i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      diagonal, row[j] = row[j], math.min(row[j] + 1, row[j - 1] + 1, diagonal + cost)
    end
  end
  return row[#b]
end

---All names that have a text, sorted.
---@return string[]
function M.names()
  local names, seen = {}, {}
  for _, rule in ipairs(registry.rules()) do
    names[#names + 1], seen[rule.id] = rule.id, true
  end
  for id in pairs(causes) do
    if not seen[id] then names[#names + 1] = id end
  end
  for _, state in ipairs(states.states) do names[#names + 1] = state.id end
  table.sort(names)
  return names
end

---The text of a rule, a cause or a state of a run; all when one name is several.
---@param name string
---@return string|nil text
---@return string|nil message when the name is unknown
function M.text(name)
  local rule = registry.get(name)
  local parts = {}
  if rule then parts[1] = rule_text(rule) end
  if causes[name] then parts[#parts + 1] = cause_text(name) end
  if states.get(name) then parts[#parts + 1] = state_text(name) end
  if #parts > 0 then return table.concat(parts, "\n\n") end
  local best, least
  for _, candidate in ipairs(M.names()) do
    local d = distance(tostring(name), candidate)
    if not least or d < least then best, least = candidate, d end
  end
  return nil, string.format("no rule, cause or state is called '%s' (did you mean '%s'?)",
    tostring(name), best)
end

return M
