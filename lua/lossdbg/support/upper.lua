--- The one door upward. A floor requires only its own and lower ones; where a method of it is made
-- of something higher (a run that prints its card, an experiment that diagnoses itself), the façade
-- has wired that module here under a name, and it is loaded when it is first used:
--   local upper = require "lossdbg.support.upper"
--   return upper.table.render(rows, { header = header })
local wired = {}

---@class lossdbg.upper
---@field wire fun(names: table<string, string>) called by the façade: name -> module
local M = {}

---@param names table<string, string>
function M.wire(names)
  for name, module in pairs(names) do wired[name] = module end
end

return setmetatable(M, {
  __index = function(self, name)
    if not wired[name] then require "lossdbg" end -- a part was required without the façade
    if not wired[name] then error("lossdbg: nothing is wired as upper." .. tostring(name), 2) end
    local module = require(wired[name])
    rawset(self, name, module)
    return module
  end,
})
