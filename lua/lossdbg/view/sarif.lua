--- Diagnoses as SARIF 2.1.0, for editors and code hosts: one result a finding, at file and line
-- where these are known, else at the log that was read.

local json = require "lossdbg.support.json"

local M = {}

-- A level other than none goes with the kind "fail" alone (3.27.9 and 3.27.10).
local LEVEL = { error = "error", warning = "warning", info = "none" }
local KIND = { error = "fail", warning = "fail", info = "informational" }

-- "train.lua:12" or { file, line }
local function place_of(finding)
  local where = finding.where
  if type(where) ~= "table" then return nil end
  local source = where.source or where.place
  local file, line = tostring(source or ""):match "^@?(.-):(%d+)$"
  if not file and where.file then file, line = where.file, where.line end
  return file, math.tointeger(tonumber(line))
end

-- A path as a URI reference (RFC 3986): what may not stand in one is written as %XX.
local function uri_of(path)
  local text = path:gsub("[^%w%-%._~/]", function(c) return ("%%%02X"):format(c:byte()) end)
  return path:sub(1, 1) == "/" and "file://" .. text or text
end

local function location(path, line)
  return { physicalLocation = { artifactLocation = { uri = uri_of(path) },
    region = line and { startLine = line } or nil } }
end

local function result_of(finding, state, path)
  local file, line = place_of(finding)
  return { ruleId = finding.rule, level = LEVEL[finding.severity], kind = KIND[finding.severity],
    message = { text = finding.title },
    locations = (file or path)
      and json.array { location(file or path, line) } or nil,
    properties = { cause = finding.cause, state = state, probability = finding.probability } }
end

---@param records table[] diagnoses in the published form
---@param version string of lossdbg
---@return table
function M.log(records, version)
  local results, rules, seen = json.array(), json.array(), {}
  for _, d in ipairs(records) do
    local path = d.read and (d.read.loss_path or d.read.path)
    for _, finding in ipairs(d.findings) do
      results[#results + 1] = result_of(finding, d.verdict.state, path)
      if not seen[finding.rule] then
        seen[finding.rule] = true
        rules[#rules + 1] = { id = finding.rule, shortDescription = { text = finding.rule } }
      end
    end
  end
  return {
    ["$schema"] = "https://json.schemastore.org/sarif-2.1.0.json", version = "2.1.0",
    runs = json.array { {
      tool = { driver = { name = "lossdbg", semanticVersion = version:match "[%d%.]+$",
        rules = rules } },
      results = results,
    } },
  }
end

return M
