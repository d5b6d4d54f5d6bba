--- Long texts: what a rule looks at, how, its limits and their reasons, and when it may be wrong;
--- what a cause means, what it may bring about and which rules point to it.
local causal = require "lossdbg.diagnose.causal"
local causes = require "lossdbg.diagnose.causes"
local numfmt = require "lossdbg.diagnose.numfmt"
local options = require "lossdbg.support.options"
local registry = require "lossdbg.diagnose.registry"
local severity = require "lossdbg.diagnose.severity"
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

local function sorted_keys(set)
  local list = {}
  for key in pairs(set) do list[#list + 1] = key end
  table.sort(list)
  return list
end

local function limits_of(out, rule)
  local names = sorted_keys(rule.limits or {})
  if #names > 0 then out[#out + 1] = "  limits" end
  for _, name in ipairs(names) do
    local limit = rule.limits[name]
    out[#out + 1] = wrap(string.format("%s = %s: %s", name, numfmt.number(limit[1]), limit[2]),
      "    ")
  end
end

local function evidence_of(rule)
  local class = rule.class or "exact, measured or suggestive, finding by finding"
  return class .. (rule.part == "validation" and ", about the validation rows" or "")
end

-- What may bring a node about, itself left out.
local function origins(node)
  local list = {}
  for _, id in ipairs(sorted_keys(causes)) do
    if causal.effects(id)[node] then list[#list + 1] = id end
  end
  return table.concat(list, ", ")
end

local function rule_text(rule)
  local doc = rule.doc
  local out = { string.format("%s (%s%s)", rule.id, rule.family,
    rule.role == "symptom" and ", a symptom" or "") }
  out[#out + 1] = wrap(doc.what, "  ")
  section(out, "measured", doc.formula)
  limits_of(out, rule)
  section(out, "evidence", evidence_of(rule))
  section(out, "needs", needs_of(rule))
  section(out, "cost", (rule.cost or "free"):gsub("_", " "))
  section(out, "false alarms", doc.false_alarms)
  section(out, "source", doc.source)
  if rule.cause then section(out, "cause", rule.cause .. ": " .. causes[rule.cause].definition) end
  if rule.role == "symptom" then section(out, "may come from", origins(rule.id)) end
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
  section(out, "may bring about", table.concat(sorted_keys(causal.effects(id)), ", "))
  section(out, "may come from", origins(id))
  section(out, "the same repair as", table.concat(cause.equivalents or {}, ", "))
  return table.concat(out, "\n")
end

-- How grave each class of evidence is in a state: a row of severity.lua.
local function severities(id)
  local row = severity.TABLE[id]
  return ("exact %s, measured %s, suggestive %s"):format(row.exact, row.measured,
    row.suggestive)
end

local function state_text(id)
  local state, out = states.get(id), {}
  out[1] = string.format("%s (state of a run)", id)
  section(out, "the run", state.means)
  section(out, "so that", state.allows)
  section(out, "severity of findings", severities(id))
  return table.concat(out, "\n")
end

---All names that have a text, sorted.
---@return string[]
function M.names()
  local names, seen = {}, {}
  for _, rule in ipairs(registry.rules()) do
    names[#names + 1], seen[rule.id] = rule.id, true
  end
  for id in pairs(causes) do
    if not seen[id] then names[#names + 1], seen[id] = id, true end
  end
  for _, state in ipairs(states.states) do
    if not seen[state.id] then names[#names + 1] = state.id end
  end
  table.sort(names)
  return names
end

---All rules by family, all causes, and all states with the severities of findings in them.
---@return string
function M.list()
  local families, out = {}, {}
  for _, rule in ipairs(registry.rules()) do
    families[rule.family] = families[rule.family] or {}
    table.insert(families[rule.family], rule.id)
  end
  out[1] = "rules: what is seen"
  for _, family in ipairs(sorted_keys(families)) do
    section(out, family, table.concat(families[family], ", "))
  end
  out[#out + 1] = "causes: what is wrong"
  out[#out + 1] = wrap(table.concat(sorted_keys(causes), ", "), "    ")
  out[#out + 1] = "states of a run, and how grave findings are in them"
  for _, state in ipairs(states.states) do section(out, state.id, severities(state.id)) end
  return table.concat(out, "\n")
end

---The text of a rule, a cause or a state of a run, all where one name is several; the list of all
---without a name.
---@param name string|nil
---@return string|nil text
---@return string|nil message when the name is unknown
function M.text(name)
  if name == nil then return M.list() end
  local rule = registry.get(name)
  local parts = {}
  if rule then parts[1] = rule_text(rule) end
  if causes[name] then parts[#parts + 1] = cause_text(name) end
  if states.get(name) then parts[#parts + 1] = state_text(name) end
  if #parts > 0 then return table.concat(parts, "\n\n") end
  local near = options.suggest(name, M.names())
  return nil, string.format("no rule, cause or state is called '%s'%s", tostring(name),
    near and (" (did you mean '" .. near .. "'?)") or "")
end

return M
