--- Fixes as code to paste into the program that was diagnosed: its framework's own, or the one that
-- was asked for.
local fix_code = require "lossdbg.interop.fix_code"

local M = {}

local MOST = 3 -- findings whose fix is written out: those before the reader's patience ends

M.options = {
  { name = "lua", doc = "fixes as code of lossdbg" },
  { name = "keras", doc = "fixes as code of Keras (what a rebuilt Keras program gets by itself)" },
  { name = "torch", doc = "fixes as code of PyTorch" },
}

local function framework_of(given, program)
  return given.keras and "keras" or given.torch and "torch" or given.lua and "lua"
    or program and program.framework
end

-- The fix of a finding that helped, else the first that a machine can apply.
local function fix_of(finding)
  local first
  for _, fix in ipairs(finding.fixes or {}) do
    if fix.patch and fix.verified == true then return fix end
    first = first or fix.patch and fix
  end
  return first
end

---The code of the first fixes of a diagnosis; "" where nobody asked, or no fix has a patch.
---@param diagnosis table
---@param experiment lossdbg.Experiment
---@param given table options of the command
---@param program? lossdbg.RecordedProgram
---@return string
function M.text(diagnosis, experiment, given, program)
  local framework, lines, seen = framework_of(given, program), {}, {}
  if not framework then return "" end
  for _, finding in ipairs(diagnosis) do
    local follows = finding.explained_by and #finding.explained_by > 0
    local fix = not follows and fix_of(finding)
    local code = fix
      and fix_code.code(fix.patch, framework, experiment, program and program.names)
    if code and not seen[code] and (lines.fixes or 0) < MOST then
      lines.fixes, seen[code] = (lines.fixes or 0) + 1, true
      lines[#lines + 1] = ("  paste  %s (%s, %s)"):format(fix.text, finding.rule, framework)
      for line in (code .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = "    " .. line end
    end
  end
  return #lines > 0 and "\n" .. table.concat(lines, "\n") or ""
end

return M
