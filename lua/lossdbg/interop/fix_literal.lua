--- Values as literals of Lua and Python.
local json = require "lossdbg.support.json"
local number = require "lossdbg.support.number"

local M = {}

-- The shortest text of a number that reads back as the same.
local function digits(x)
  if math.type(x) == "integer" then return tostring(x) end
  for n = 1, 17 do
    local text = number.raw("%." .. n .. "g", x)
    if tonumber(text) == x then return text end
  end
end

local function is_list(value)
  local n = 0
  for _ in pairs(value) do n = n + 1 end
  return n == #value
end

local function keys_of(value)
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  return keys
end

-- Descriptions of layers and the like as the plain data that patches take, too.
local function plain(value)
  if getmetatable(value) and value.kind and value.options then
    return { kind = value.kind, options = value.options }
  end
  return value
end

---@param value any
---@return string
function M.lua(value)
  if type(value) == "number" then return digits(value) or "0/0" end
  if type(value) == "string" then return ("%q"):format(value) end
  if type(value) ~= "table" then return tostring(value) end
  value = plain(value)
  local parts = {}
  if is_list(value) then
    for i, one in ipairs(value) do parts[i] = M.lua(one) end
  else
    for i, key in ipairs(keys_of(value)) do
      local name = type(key) == "string" and key:find "^[%a_][%w_]*$" and key
        or "[" .. M.lua(key) .. "]"
      parts[i] = name .. " = " .. M.lua(value[key])
    end
  end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

---@param value any
---@return string
function M.python(value)
  if value == nil or value == json.null then return "None" end
  if type(value) == "boolean" then return value and "True" or "False" end
  if type(value) == "number" then return digits(value) or "float(\"nan\")" end
  if type(value) == "string" then
    return '"' .. value:gsub('[\\"]', "\\%0"):gsub("\n", "\\n") .. '"'
  end
  if type(value) ~= "table" then return "None" end
  local parts = {}
  if is_list(value) then
    for i, one in ipairs(value) do parts[i] = M.python(one) end
    return "[" .. table.concat(parts, ", ") .. "]"
  end
  for i, key in ipairs(keys_of(value)) do
    parts[i] = M.python(key) .. ": " .. M.python(value[key])
  end
  return "{" .. table.concat(parts, ", ") .. "}"
end

---"lr=0.01, beta_1=0.9": arguments by the names that `names` gives them.
---@param given table
---@param names table<string, string>
---@return string
function M.arguments(given, names)
  local parts = {}
  for _, key in ipairs(keys_of(given)) do
    if names[key] then parts[#parts + 1] = names[key] .. "=" .. M.python(given[key]) end
  end
  return table.concat(parts, ", ")
end

return M
