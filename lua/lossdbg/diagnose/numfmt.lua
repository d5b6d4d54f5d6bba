--- Numbers in titles, evidence and verdicts: those of support.number, by the names of the rules.
local number = require "lossdbg.support.number"

local M = { number = number.format, percent = number.percent }

---Joins names as "a, b and c", at most `most` of them.
---@param names string[]
---@param most integer|nil default 4
---@return string
function M.list(names, most)
  most = most or 4
  local n = #names
  if n == 0 then return "none" end
  if n == 1 then return names[1] end
  if n > most then
    return table.concat(names, ", ", 1, most) .. string.format(" and %d more", n - most)
  end
  return table.concat(names, ", ", 1, n - 1) .. " and " .. names[n]
end

return M
