--- Rooms of the library as users see them: a name that is not there is told where it is used, with
-- the one that was probably meant. The modules behind them stay plain tables.
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local M = {}

local function names_of(module)
  local names = {}
  for name in pairs(module) do
    if type(name) == "string" and name:find "^%l" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

--- Raises at the user's line.
---@param where string the room, as the user writes it
---@param key any
---@param names string[] what is there
function M.unknown(where, key, names)
  local near = options.suggest(key, names)
  error(("lossdbg: %s has no %s%s (ld.help() lists what there is)"):format(where,
    options.show(key), near and ("; did you mean '%s'?"):format(near) or ""), source.level())
end

--- A module as a room: hits cost what a field of a table costs.
---@param where string
---@param module table
---@return table
function M.of(where, module)
  return setmetatable({}, {
    __index = function(self, key)
      local value = module[key]
      if value == nil and type(key) == "string" then M.unknown(where, key, names_of(module)) end
      rawset(self, key, value)
      return value
    end,
    __pairs = function() return pairs(module) end,
  })
end

return M
