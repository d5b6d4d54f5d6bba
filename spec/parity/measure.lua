-- How far a result is from a peer's numbers, and the two limits that every suite is held to.
local ld = require "lossdbg"

local M = {}

--- Largest error relative to the scale of the tensor (the largest magnitude that the peer has).
M.limits = { f64 = 1e-10, f32 = 2e-5 }

local function flatten(value, list)
  if type(value) == "boolean" then value = value and 1 or 0 end
  if ld.is_tensor(value) then value = value.rank == 0 and value:item() or value:totable() end
  if type(value) ~= "table" then
    list[#list + 1] = value
  else
    for _, item in ipairs(value) do flatten(item, list) end
  end
  return list
end

local function same(a, b) return a == b or (a ~= a and b ~= b) end

--- The largest |got - expected| relative to the largest finite |expected|, or to `scale` where that
--- is larger; infinite when NaN or infinity stands in another place.
---@param expected number|table|lossdbg.Tensor nested lists are read row by row
---@param got number|table|lossdbg.Tensor
---@param scale? number the smallest scale to relate to, default 0
---@return number error
---@return string? where what differs most, for the message
function M.distance(expected, got, scale)
  local a, b = flatten(expected, {}), flatten(got, {})
  if #a ~= #b then return math.huge, ("%d numbers, expected %d"):format(#b, #a) end
  scale = scale or 0
  for _, value in ipairs(a) do
    local size = math.abs(value)
    if size > scale and size < math.huge then scale = size end
  end
  local worst, place = 0, nil
  for i, value in ipairs(a) do
    local off = same(value, b[i]) and 0 or math.abs(value - b[i]) / scale
    if off ~= off or off > worst then
      worst, place = off == off and off or math.huge, i
    end
    if worst == math.huge then break end
  end
  if not place then return worst end
  return worst, ("element %d is %.17g, expected %.17g"):format(place, b[place], a[place])
end

--- Runs one case in one float type.
---@param case ParityCase
---@param dtype "f64"|"f32"
---@return number worst error relative to the scale
---@return string? failure why the case failed
function M.run(case, dtype)
  local limit = (case.limits or M.limits)[dtype]
  local worst, failure, compared = 0, nil, 0
  local function near(what, expected, got, scale)
    local off, where = M.distance(expected, got, scale)
    compared = compared + 1
    worst = math.max(worst, off)
    if off > limit and not failure then
      failure = ("%s is off by %.2g: %s"):format(what, off, where)
    end
  end
  local ok, message = xpcall(case.check, debug.traceback, dtype, near)
  if not ok then return math.huge, message end
  if compared == 0 then return math.huge, "the case compared nothing" end
  return worst, failure
end

--- One line of text for a table of options.
---@param value any
---@return string
function M.text(value)
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for key, item in pairs(value) do
    parts[#parts + 1] = (math.type(key) and "" or key .. "=") .. M.text(item)
  end
  table.sort(parts)
  return "{" .. table.concat(parts, " ") .. "}"
end

return M
