-- Enough of JSON Schema to hold our output to the form that we publish: type, required, properties,
-- items, enum, const, minimum, maximum. Unknown keywords fail, so that none is ignored in silence.
local json = require "lossdbg.support.json"

local M = {}

local KNOWN = { ["$schema"] = true, title = true, description = true, type = true,
  required = true, properties = true, items = true, enum = true, const = true, minimum = true,
  maximum = true }

local function is(value, kind)
  if kind == "null" then return value == json.null end
  if kind == "integer" then return math.type(value) == "integer" end
  if kind == "array" then
    if type(value) ~= "table" or value == json.null then return false end
    return #value > 0 or next(value) == nil
  end
  if kind == "object" then
    return type(value) == "table" and value ~= json.null and #value == 0
  end
  return type(value) == kind
end

local function contains(list, value)
  for _, item in ipairs(list) do
    if item == value then return true end
  end
  return false
end

local function check(value, schema, path, out)
  local function fail(text) out[#out + 1] = path .. ": " .. text end
  for keyword in pairs(schema) do
    if not KNOWN[keyword] then fail("unknown keyword " .. keyword) end
  end
  local kinds = type(schema.type) == "string" and { schema.type } or schema.type
  if kinds then
    local fits = false
    for _, kind in ipairs(kinds) do fits = fits or is(value, kind) end
    if not fits then return fail("is no " .. table.concat(kinds, " or ")) end
  end
  if schema.enum and not contains(schema.enum, value) then
    fail(tostring(value) .. " is unknown")
  end
  if schema.const and schema.const ~= value then fail("is not " .. schema.const) end
  if schema.minimum and value < schema.minimum then fail("is too small") end
  if schema.maximum and value > schema.maximum then fail("is too large") end
  for _, name in ipairs(schema.required or {}) do
    if value[name] == nil then fail("lacks " .. name) end
  end
  for name, inner in pairs(schema.properties or {}) do
    if value[name] ~= nil then check(value[name], inner, path .. "." .. name, out) end
  end
  for i, item in ipairs(schema.items and value or {}) do
    check(item, schema.items, path .. "[" .. i .. "]", out)
  end
end

---@return string[] what is wrong
function M.problems(value, schema)
  local out = {}
  check(value, schema, "$", out)
  return out
end

return M
