--- Constructor and validator of findings.
local causes = require "lossdbg.diagnose.causes"

local M = {}

local SEVERITY = { info = true, warn = true, err = true, crit = true }
local FIELDS = {
  rule = "string", cause = "string", family = "string", severity = "string",
  confidence = "number", title = "string", where = "table", evidence = "table",
  explains = "table", fixes = "table", role = "string", explained_by = "table",
  score = "number",
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
  for _, key in ipairs { "rule", "family", "severity", "title", "confidence" } do
    if f[key] == nil then return nil, "field '" .. key .. "' is missing" end
  end
  for key, value in pairs(f) do
    local want = FIELDS[key]
    if not want then return nil, "unknown field '" .. tostring(key) .. "'" end
    if type(value) ~= want then
      return nil, string.format("field '%s': expected %s, got %s", key, want, type(value))
    end
  end
  if not SEVERITY[f.severity] then return nil, "severity '" .. f.severity .. "' is not known" end
  if not (f.confidence >= 0 and f.confidence <= 1) then
    return nil, "confidence must be in 0..1, got " .. tostring(f.confidence)
  end
  if f.cause and not causes[f.cause] then return nil, "cause '" .. f.cause .. "' is not known" end
  local ok, message = check_fixes(f.fixes or {})
  if not ok then return nil, message end
  return check_evidence(f.evidence or {})
end

---Builds a finding of a rule; fields not given come from the rule.
---@param rule table the rule module
---@param fields table title (required), severity, cause, confidence, where, evidence, fixes,
---  explains
---@return table finding
function M.new(rule, fields)
  local cause = rule.cause
  if fields.cause ~= nil then cause = fields.cause or nil end
  local f = {
    rule = rule.id, family = rule.family, cause = cause,
    severity = fields.severity or rule.severity,
    confidence = math.max(0, math.min(1, fields.confidence or 0.9)),
    title = fields.title, where = fields.where, evidence = fields.evidence or {},
    explains = fields.explains or rule.explains or {}, fixes = fields.fixes or {},
    role = rule.role or "cause",
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

return M
