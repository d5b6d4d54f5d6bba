--- Where in the user's program a description was written.
-- Works without the debug library: positions are then unknown (nil), nothing else changes.
local M = {}

local library = debug and debug.getinfo
  and debug.getinfo(1, "S").source:match "^(.*)support[/\\]source%.lua$"

local function is_ours(source)
  if library and #library > 1 and source:sub(1, #library) == library then return true end
  return source:sub(1, 9) == "=lossdbg." or source:sub(1, 9) == "@lossdbg/"
end

---The "file:line" of the nearest caller outside lossdbg.
---@return string|nil position nil when unknown
function M.here()
  if not (debug and debug.getinfo) then return nil end
  for level = 2, 40 do
    local info = debug.getinfo(level, "Sl")
    if not info then return nil end
    if info.currentline > 0 and not is_ours(info.source) then
      return info.short_src .. ":" .. info.currentline
    end
  end
  return nil
end

---The level (as for error() in the function that calls this one) of that caller, so that a message
---names the user's line however deep inside the library it is raised.
---@return integer level 0 when unknown: error() then adds no position
function M.level()
  if not (debug and debug.getinfo) then return 0 end
  for level = 2, 40 do
    local info = debug.getinfo(level, "Sl")
    if not info then return 0 end
    if info.currentline > 0 and not is_ours(info.source) then return level - 1 end
  end
  return 0
end

return M
