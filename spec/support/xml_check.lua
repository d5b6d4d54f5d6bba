--- A small checker of well-formedness, independent of the writers under test: tags nest and close,
--- attributes are quoted and occur once, references are known, ids are unique.
local M = {}

local ENTITIES = { amp = true, lt = true, gt = true, quot = true, apos = true }

local function check_text(text, where)
  if text:find("[%z\1-\8\11\12\14-\31]") then return nil, "control character in " .. where end
  if text:find("<", 1, true) then return nil, "'<' in " .. where end
  for name in text:gmatch("&([^;]*;?)") do
    local entity = name:match("^(%a+);$")
    if not (entity and ENTITIES[entity]) and not name:find("^#%d+;$") then
      return nil, "bad reference '&" .. name .. "' in " .. where
    end
  end
  return true
end

local function check_attributes(rest, tag, ids)
  local seen, at = {}, 1
  while true do
    local _, stop, name, value = rest:find("^%s+([%w:_%-]+)%s*=%s*\"([^\"]*)\"", at)
    if not stop then break end
    if seen[name] then return nil, "attribute " .. name .. " twice in <" .. tag .. ">" end
    seen[name] = true
    if name == "id" then
      if ids[value] then return nil, "id '" .. value .. "' twice" end
      ids[value] = true
    end
    local ok, why = check_text(value, "attribute " .. name .. " of <" .. tag .. ">")
    if not ok then return nil, why end
    at = stop + 1
  end
  if rest:find("%S", at) then
    return nil, "cannot read '" .. rest:sub(at) .. "' in <" .. tag .. ">"
  end
  return seen
end

--- Checks a document; `raw` elements (style, script) may hold anything but their own end tag.
---@param s string
---@return table|nil counts element name → number
---@return string|nil why
function M.check(s)
  if not utf8.len(s) then return nil, "invalid UTF-8" end
  local open, ids, counts, at = {}, {}, {}, 1
  s = s:gsub("^<!DOCTYPE html>", "")
  while true do
    local from, stop, closing, tag, rest, empty = s:find("<(/?)([%w:]+)([^<>]-)(/?)>", at)
    local ok, why = check_text(s:sub(at, (from or 0) - 1), "text")
    if not ok then return nil, why end
    if not from then break end
    if #open == 0 and next(counts) then return nil, "a second root <" .. tag .. ">" end
    if closing == "/" then
      if open[#open] ~= tag then
        return nil, "</" .. tag .. "> closes <" .. tostring(open[#open]) .. ">"
      end
      open[#open] = nil
    else
      local attributes
      attributes, why = check_attributes(rest, tag, ids)
      if not attributes then return nil, why end
      counts[tag] = (counts[tag] or 0) + 1
      if empty ~= "/" then open[#open + 1] = tag end
      if (tag == "style" or tag == "script") and empty ~= "/" then
        local last = s:find("</" .. tag .. ">", stop, true)
        if not last then return nil, "<" .. tag .. "> is not closed" end
        if s:sub(stop + 1, last - 1):find("<", 1, true) then return nil, "'<' in " .. tag end
        stop = last - 1
      end
    end
    at = stop + 1
    if #open == 0 and not s:find("%S", at) then break end
  end
  if #open > 0 then return nil, "<" .. open[#open] .. "> is not closed" end
  return counts
end

return M
