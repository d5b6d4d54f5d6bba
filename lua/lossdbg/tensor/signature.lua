--- What a planned step is called with, as text: equal texts can be served by one plan. Plain tables
-- count by their contents, however deep and with cycles; objects, functions and userdata by
-- identity; floats by all their bits; strings with their length, so that no two texts run together.
local core = require "lossdbg.core"

local plan, is_tensor = core.plan, core.tensor.is_tensor

local M = {}

-- Numbers of objects. A number is never given twice, so an object that is gone meets no other.
local ids, n_ids = setmetatable({}, { __mode = "k" }), 0

local function id_of(object)
  if not ids[object] then
    n_ids = n_ids + 1
    ids[object] = n_ids
  end
  return ids[object]
end

local scalar = {
  ["nil"] = function() return "nil" end,
  boolean = tostring,
  number = function(x)
    return math.type(x) == "integer" and ("i%d"):format(x) or ("f%a"):format(x)
  end,
  string = function(s) return ("s%d:%s"):format(#s, s) end,
}

local function text_of(value)
  local plain = scalar[type(value)]
  return plain and plain(value) or ("%s#%d"):format(type(value), id_of(value))
end

-- found: the tensors; key: the pieces; seen: number of each plain table; objects: all others
local function add(value, found, key, seen, objects)
  if is_tensor(value) then
    found[#found + 1], key[#key + 1] = value, "t"
  elseif type(value) ~= "table" or getmetatable(value) ~= nil then
    key[#key + 1] = text_of(value)
    if not scalar[type(value)] then objects[#objects + 1] = value end
  elseif seen[value] then
    key[#key + 1] = "@" .. seen[value]
  else
    seen.n = seen.n + 1
    seen[value] = seen.n
    local names, by_text = {}, {}
    for name in pairs(value) do
      local text = text_of(name)
      names[#names + 1], by_text[text] = text, name
    end
    table.sort(names)
    key[#key + 1] = "{"
    for _, text in ipairs(names) do
      key[#key + 1] = text .. "="
      add(value[by_text[text]], found, key, seen, objects)
    end
    key[#key + 1] = "}"
  end
end

---@param ... any arguments of a step
---@return userdata[]|nil tensors among them, in order; nil: no plan can serve these arguments
---@return string signature for all else about them; or why no plan can
---@return any[] objects and functions among them
function M.of(...)
  local found, key, objects = {}, {}, {}
  local seen = { n = 0 }
  for i = 1, select("#", ...) do
    add((select(i, ...)), found, key, seen, objects)
  end
  local layout, why = plan.signature(found)
  if not layout then return nil, why, objects end
  return found, table.concat(key, " ") .. "|" .. layout, objects
end

return M
