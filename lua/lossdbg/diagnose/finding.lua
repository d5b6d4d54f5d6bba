--- Constructor and validator of findings.
local causes = require "lossdbg.diagnose.causes"
local numfmt = require "lossdbg.diagnose.numfmt"
local severity = require "lossdbg.diagnose.severity"

local M = {}

local PARTS = { training = true, validation = true, lost = true }
local FIELDS = {
  rule = "string", cause = "string", family = "string", severity = "string",
  class = "string", part = "string", strength = "number", probability = "number",
  title = "string", where = "table", evidence = "table", explains = "table", fixes = "table",
  role = "string", explained_by = "table",
}

local function check_fixes(fixes)
  for i, fix in ipairs(fixes) do
    if type(fix) ~= "table" or type(fix.text) ~= "string" then
      return nil, string.format("fixes[%d]: expected { text = string, patch = table }", i)
    end
    if fix.patch ~= nil and type(fix.patch) ~= "table" then
      return nil, string.format("fixes[%d].patch: expected a table, got %s", i, type(fix.patch))
    end
  end
  return true
end

local function check_evidence(evidence)
  for i, e in ipairs(evidence) do
    if type(e) ~= "table" or type(e.name) ~= "string" or e.value == nil then
      return nil, string.format("evidence[%d]: expected { name = string, value = … }", i)
    end
  end
  return true
end

---Checks the shape of a finding.
---@param f any
---@return boolean|nil ok
---@return string|nil message what is wrong
function M.validate(f)
  if type(f) ~= "table" then return nil, "expected a table, got " .. type(f) end
  for _, key in ipairs { "rule", "family", "class", "title" } do
    if f[key] == nil then return nil, "field '" .. key .. "' is missing" end
  end
  for key, value in pairs(f) do
    local want = FIELDS[key]
    if not want then return nil, "unknown field '" .. tostring(key) .. "'" end
    if type(value) ~= want then
      return nil, string.format("field '%s': expected %s, got %s", key, want, type(value))
    end
  end
  if not severity.CLASS[f.class] then return nil, "class '" .. f.class .. "' is not known" end
  if f.severity and not severity.LADDER[f.severity] then
    return nil, "severity '" .. f.severity .. "' is not known"
  end
  if f.part and not PARTS[f.part] then return nil, "part '" .. f.part .. "' is not known" end
  if f.cause and not causes[f.cause] then return nil, "cause '" .. f.cause .. "' is not known" end
  local ok, message = check_fixes(f.fixes or {})
  if not ok then return nil, message end
  return check_evidence(f.evidence or {})
end

---Builds a finding of a rule; fields not given come from the rule. Its severity is not the rule's
---to say (severity.lua), and its probability comes from measured hit rates or not at all.
---@param rule table the rule module
---@param fields table title (required), class, cause, part, where, evidence, fixes; strength: how
---  far beyond its limit the measured number is, as a ratio from 1 (default 1)
---@return table finding
function M.new(rule, fields)
  local cause = rule.cause
  if fields.cause ~= nil then cause = fields.cause or nil end
  local strength = fields.strength or 1
  local f = {
    rule = rule.id, family = rule.family, cause = cause, class = fields.class or rule.class,
    part = fields.part or rule.part, strength = strength == strength and strength or 1,
    title = fields.title, where = fields.where, evidence = fields.evidence or {},
    explains = {}, fixes = fields.fixes or {}, role = fields.role or rule.role or "cause",
  }
  local ok, message = M.validate(f)
  if not ok then
    error(string.format("lossdbg: rule %s: bad finding: %s", tostring(rule.id), message), 2)
  end
  return f
end

---One line of evidence.
---@param name string what was measured
---@param value any the number (or word)
---@param reference string|nil the healthy range in words
---@param note string|nil
---@return table
function M.evidence(name, value, reference, note)
  return { name = name, value = value, reference = reference, note = note }
end

---What a watch saw of a contract that the loop broke, or nil.
---@param case table
---@param id string
---@return { step: integer, last: integer, count: integer, line: string|nil, layer: string|nil }|nil
function M.broken(case, id)
  for _, found in ipairs((case.signals.loop or {}).broken or {}) do
    if found.id == id then return found end
  end
  return nil
end

---Reference ranges in words, from the limits themselves.
---@param limit number
---@return string
function M.under(limit) return "under " .. numfmt.number(limit) end

---@param limit number
---@return string
function M.over(limit) return "over " .. numfmt.number(limit) end

---@param low number
---@param high number
---@return string
function M.between(low, high) return numfmt.number(low) .. " .. " .. numfmt.number(high) end

return M
