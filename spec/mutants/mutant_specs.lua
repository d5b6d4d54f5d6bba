--- Runs spec files inside this process: enough of busted's words for the specs of policy, none of
--- its process. What is asked is only whether anything turns red.
local luassert = require "luassert"

local M = {}

---@class lossdbg.SpecFile
---@field tests { name: string, fn: function }[]

---Loads a spec file.
---@param path string
---@return lossdbg.SpecFile
function M.load(path)
  local tests, names = {}, {}
  local function describe(name, fn)
    names[#names + 1] = name
    fn()
    names[#names] = nil
  end
  local env = setmetatable({ assert = luassert, describe = describe, context = describe,
    it = function(name, fn)
      tests[#tests + 1] = { name = table.concat(names, " ") .. " " .. name, fn = fn }
    end }, { __index = _G })
  assert(loadfile(path, "t", env))()
  return { tests = tests }
end

---The first test that fails, or nil.
---@param file lossdbg.SpecFile
---@param pattern? string plain text that the name of a test has to hold
---@return string? name
function M.red(file, pattern)
  for _, test in ipairs(file.tests) do
    if not pattern or test.name:find(pattern, 1, true) then
      if not pcall(test.fn) then return test.name end
    end
  end
  return nil
end

local function ours(name)
  return name ~= "lossdbg.core" and (name:find "^lossdbg" or name:find "^spec%.support") ~= nil
end

---Calls a function with all Lua modules of the library loaded anew, one of them from another text.
---@param module string
---@param text string
---@param fn function
---@return any
function M.with(module, text, fn)
  local kept = {}
  for name, value in pairs(package.loaded) do
    if ours(name) then kept[name] = value end
  end
  for name in pairs(kept) do package.loaded[name] = nil end
  package.preload[module] = assert(load(text, "=" .. module))
  local result = fn()
  package.preload[module] = nil
  for name in pairs(package.loaded) do
    if ours(name) then package.loaded[name] = nil end
  end
  for name, value in pairs(kept) do package.loaded[name] = value end
  return result
end

return M
