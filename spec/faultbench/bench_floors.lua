--- Scores against the least that they may be.
local M = {}

local NAMES = { "detected", "first", "three", "false_alarms", "verified", "over_random" }

---@param scores table<string, integer> counts by name; over_random where random patches were
---  tried
---@param floors table<string, integer> false_alarms: the most
---@return string[] lines
---@return integer failed
function M.compare(scores, floors)
  local lines, failed, held = {}, 0, 0
  for _, name in ipairs(NAMES) do
    local floor, score = floors[name], scores[name]
    if floor and score then
      local most = name == "false_alarms"
      local bad = most and score > floor or not most and score < floor
      held, failed = held + 1, failed + (bad and 1 or 0)
      lines[#lines + 1] = ("%-12s %3d, at %s %d%s"):format(name, score, most and "most" or "least",
        floor, bad and "  FAILED" or "")
    end
  end
  lines[#lines + 1] = ("%d passed, %d failed"):format(held - failed, failed)
  return lines, failed
end

return M
