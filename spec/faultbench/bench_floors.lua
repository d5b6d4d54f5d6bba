--- Scores against the least that they may be.
local M = {}

local NAMES = { "detected", "first", "three", "false_alarms", "verified" }

---@param scores table<string, integer> counts by name
---@param floors table<string, integer> false_alarms: the most
---@return string[] lines
---@return integer failed
function M.compare(scores, floors)
  local lines, failed = {}, 0
  for _, name in ipairs(NAMES) do
    local most = name == "false_alarms"
    local bad = most and scores[name] > floors[name] or not most and scores[name] < floors[name]
    failed = failed + (bad and 1 or 0)
    lines[#lines + 1] = ("%-12s %3d, at %s %d%s"):format(name, scores[name],
      most and "most" or "least", floors[name], bad and "  FAILED" or "")
  end
  lines[#lines + 1] = ("%d passed, %d failed"):format(#NAMES - failed, failed)
  return lines, failed
end

return M
