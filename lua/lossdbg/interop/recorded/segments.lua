--- Series whose steps go back: a training that was restarted, continued or repeated into the same
-- log. A restart from a checkpoint replaces what was logged after it. A log that begins again is a
-- training that goes on where its first loss is nearer to the last loss before than to the first;
-- else it is a new one, and the newest is taken.

local M = {}

local function finite(y) return y == y and y ~= math.huge and y ~= -math.huge end

-- Places at which the steps go back.
local function breaks_of(x)
  local list = {}
  for i = 2, #x do
    if x[i] < x[i - 1] then list[#list + 1] = i end
  end
  return list
end

local function keep(series, wanted, shift)
  local x, y = {}, {}
  for i = 1, #series.y do
    if wanted(i) then
      x[#x + 1], y[#y + 1] = series.x[i] + (shift and shift(i) or 0), series.y[i]
    end
  end
  series.x, series.y = x, y
end

-- Drops points that a later one stands in for: the same step again.
local function without_repeats(series)
  local repeated = 0
  for i = 2, #series.x do
    if series.x[i] == series.x[i - 1] then repeated = repeated + 1 end
  end
  if repeated > 0 then
    keep(series, function(i) return series.x[i] ~= series.x[i + 1] end)
  end
  return repeated
end

-- "resumed": from the middle; "continued": counts again, but the loss goes on; "repeated": anew.
local function kind_of(series, at, start)
  local x, y = series.x, series.y
  if x[at] > x[start] then return "resumed" end
  local first, last, new = y[start], y[at - 1], y[at]
  if not (finite(first) and finite(last) and finite(new)) then return "repeated" end
  return math.abs(new - last) < math.abs(new - first) and "continued" or "repeated"
end

---What becomes of the pieces of a log, judged by its loss.
---@param series lossdbg.RecordedSeries
---@return { at: integer, x: number, kind: string }[]
function M.judge(series)
  local list, start = {}, 1
  for _, at in ipairs(breaks_of(series.x)) do
    local kind = kind_of(series, at, start)
    list[#list + 1] = { at = at, x = series.x[at], kind = kind }
    if kind ~= "resumed" then start = at end
  end
  return list
end

local function apply_resumed(series, at)
  local first = series.x[at]
  keep(series, function(i) return i >= at or series.x[i] < first end)
end

local function apply(series, kind)
  local list = breaks_of(series.x)
  local at = list[1]
  if not at then return end
  if kind == "resumed" then
    apply_resumed(series, at)
  elseif kind == "continued" then
    local gap = at > 2 and series.x[at - 1] - series.x[at - 2] or 1
    local shift = series.x[at - 1] + gap - series.x[at]
    local stop = list[2] or #series.x + 1
    keep(series, function() return true end,
      function(i) return i >= at and i < stop and shift or 0 end)
  else
    keep(series, function(i) return i >= at end)
  end
end

local TEXT = {
  resumed = "steps go back to %g: a restart, what was logged after that step is replaced",
  continued = "counting begins again at %g and the loss goes on: taken for one training",
  repeated = "counting begins again at %g with another loss: an earlier training, left out",
}

-- The series whose loss judges for all of a file.
local function judge_of(source)
  for _, series in ipairs(source.series) do
    if series.key == "loss" and series.part == "train" then return series end
  end
  return source.series[1]
end

---Makes all series of a file rise, and notes what was done.
---@param source lossdbg.RecordedFile
function M.settle(source)
  local lead = judge_of(source)
  local kinds = {}
  for i = 1, 1000 do -- a break at a time, as every repair moves those behind it
    local first = lead and M.judge(lead)[1]
    if not first then break end
    kinds[i] = first.kind
    if i <= 3 then source:note(TEXT[first.kind], first.x) end
    apply(lead, first.kind)
  end
  local repeats = 0
  for _, series in ipairs(source.series) do
    for i = 1, 1000 do
      if series == lead or #breaks_of(series.x) == 0 then break end
      apply(series, kinds[i] or kinds[#kinds] or "resumed")
    end
    repeats = repeats + without_repeats(series)
  end
  if repeats > 0 then source:note("%d repeated steps: the last value of each is taken", repeats) end
end

return M
