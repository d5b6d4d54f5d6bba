--- Bands that good runs span: at places along a run, the loss relative to its start, so that runs
-- of other lengths and scales can be held against them.

local M = {}

--- name = { limit, why }
M.limits = {
  places = { 20, "along a run" },
  margin = { 1.25, "times the worst good run: a new seed may be that much worse" },
  outside = { 3, "places in a row: fewer are noise" },
}

local function finite(x) return x == x and math.abs(x) < math.huge end

-- The loss at a place of a run, 0 .. 1, relative to its start; a NaN is above everything.
local function relative(loss, place)
  local at = 1 + place * (#loss - 1)
  local low = math.floor(at)
  local a, b = loss[low], loss[math.min(low + 1, #loss)]
  local value = a + (at - low) * (b - a)
  return finite(value) and value / loss[1] or math.huge
end

---@param runs number[][] losses of good runs
---@return number[] limits at each place
function M.learn(runs)
  local limits = {}
  local places = M.limits.places[1]
  for k = 1, places do
    local worst = -math.huge
    for _, loss in ipairs(runs) do
      worst = math.max(worst, relative(loss, (k - 1) / (places - 1)))
    end
    limits[k] = worst * M.limits.margin[1]
  end
  return limits
end

---Where a run leaves the band and stays outside.
---@param limits number[] of learn
---@param loss number[]
---@return integer|nil first point outside
---@return number|nil value relative to the start
---@return number|nil limit there
function M.outside(limits, loss)
  local row = 0
  for k = 1, #limits do
    local place = (k - 1) / (#limits - 1)
    local value = relative(loss, place)
    row = value > limits[k] and row + 1 or 0
    if row >= M.limits.outside[1] or (row > 0 and k == #limits and value == math.huge) then
      local first = k - row + 1
      local at = (first - 1) / (#limits - 1)
      return 1 + math.floor(at * (#loss - 1)), relative(loss, at), limits[first]
    end
  end
end

return M
