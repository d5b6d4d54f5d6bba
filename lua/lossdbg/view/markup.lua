--- Escaping and element writing for SVG and HTML. Every text and attribute passes through here.
local number = require "lossdbg.support.number"
local text = require "lossdbg.support.text"

local M = {}

local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ["\""] = "&quot;",
  ["'"] = "&#39;" }

--- Text safe in elements and quoted attributes, valid UTF-8, no control characters.
---@param s any
---@return string
function M.escape(s)
  return (text.clean(s):gsub("[&<>\"']", ENTITIES))
end

--- A coordinate with one decimal; refuses what is not finite, so that no picture holds a NaN.
---@param x number
---@return string
function M.coordinate(x)
  if not number.is_finite(x) then
    error("lossdbg: svg: a coordinate is " .. number.format(x) .. "; this is a bug in the view", 2)
  end
  return (number.fixed(x, 1):gsub("%.0$", ""))
end

-- Attributes in the order given: {"x", 1, "y", 2}; numbers become coordinates, nil-like skipped.
local function attributes(list)
  local out = {}
  for i = 1, #list, 2 do
    local value = list[i + 1]
    if value ~= false then
      value = type(value) == "number" and M.coordinate(value) or M.escape(value)
      out[#out + 1] = " " .. list[i] .. "=\"" .. value .. "\""
    end
  end
  return table.concat(out)
end

--- An element. `content` is markup (already escaped) or nil for an empty element.
---@param name string
---@param attrs table flat list of name, value; a value false is left out
---@param content string|nil
---@return string
function M.element(name, attrs, content)
  if content then
    return "<" .. name .. attributes(attrs) .. ">" .. content .. "</" .. name .. ">"
  end
  return "<" .. name .. attributes(attrs) .. "/>"
end

--- An identifier from any text: letters, digits and hyphens.
---@param s any
---@return string
function M.id(s)
  local id = tostring(s):gsub("[^A-Za-z0-9]+", "-"):gsub("^%-+", ""):gsub("%-+$", "")
  return (id == "" or id:find("^%d")) and "n" .. id or id
end

return M
