--- A diagnosis: findings in causal order, what was tried, what passed, what could not be judged.
-- Plain data with a few views; no logic about training.
local upper = require "lossdbg.support.upper"

local M = {}

---@class lossdbg.Diagnosis
---@field [integer] table findings, most likely root cause first
---@field verdict string one sentence
---@field healthy boolean no finding of severity error, and the run did not fail
---@field state string "learning", "partial", "slow", "poor", "stuck", "baseline", "diverged",
---  "nonfinite" or "unknown" (too short to judge)
---@field probability number? of the first cause, where it has been measured
---@field checked string[] rules that looked and found nothing
---@field unjudged { rule: string, why: string }[] rules that could not judge
---@field skipped { rule: string, why: string }[] rules that say nothing about this network
---@field run table the diagnosed run
---@field description table
---@field signals table
---@field trials lossdbg.Trial[] all that were run, in order
---@field seconds number
---@operator len: integer
local Diagnosis = { __name = "lossdbg.diagnosis" }
Diagnosis.__index = Diagnosis

M.schema_version = 2

---@param fields table
---@return lossdbg.Diagnosis
function M.new(fields) return setmetatable(fields, Diagnosis) end

function M.is_diagnosis(x) return getmetatable(x) == Diagnosis end

function Diagnosis:__tostring()
  return upper.terminal.diagnosis(self, {})
end

--- The text of tostring with options (all, color, width: see view.terminal).
---@param o? table
---@return string
function Diagnosis:text(o) return upper.terminal.diagnosis(self, o or {}) end

--- The first fix that its trial verified, and its finding.
---@return table? fix
---@return table? finding
function Diagnosis:verified_fix()
  for _, f in ipairs(self) do
    for _, fix in ipairs(f.fixes or {}) do
      if fix.trial and fix.trial.verified then return fix, f end
    end
  end
end

--- Exit code of the command line: 0 healthy, 1 warnings under strict, 2 errors found.
---@param strict? boolean
---@return integer
function Diagnosis:exit_code(strict)
  if not self.healthy then return 2 end
  for _, f in ipairs(self) do
    if strict and f.severity == "warning" then return 1 end
  end
  return 0
end

--- The diagnosis as data with a schema version: what to_json writes.
---@return table
function Diagnosis:to_table() return upper.record.diagnosis(self) end

---The diagnosis as JSON, in the form of `lossdbg help --schema`.
---@return string JSON, numbers that are not finite as null
function Diagnosis:to_json() return upper.record.diagnosis_json(self) end

--- Writes the report as one HTML page.
---@param path string
---@return true|nil
---@return string? message when the file cannot be written
function Diagnosis:save_html(path)
  local page = upper.html.diagnosis(self)
  return require("lossdbg.support.file").write(path, page)
end

---Writes that JSON to a file.
---@param path string
---@return true|nil
---@return string? message
function Diagnosis:save_json(path)
  return require("lossdbg.support.file").write(path, self:to_json())
end

return M
