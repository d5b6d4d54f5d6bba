--- Numbers in a line of free text, each with the words before it: "Epoch [3/8], val loss: 0.41" is
-- epoch 3 of 8 and val loss 0.41. Numbers with a unit (12ms), dates and times are none.

local M = {}

local find, sub, match = string.find, string.sub, string.match

-- The number at s[at]; its value and the byte after it.
local function number_at(s, at)
  local stop = match(s, "^%d+%.?%d*[eE][%+%-]?%d+()", at) or match(s, "^%.?%d+%.?%d*()", at)
  if stop then
    local value = tonumber(sub(s, at, stop - 1))
    return value, stop
  end
  local word = match(s, "^%a+", at):lower()
  if word == "nan" then return 0 / 0, at + 3 end
  if word == "inf" then return math.huge, at + 3 end
  if word == "infinity" then return math.huge, at + 8 end
end

-- The next place where a number may begin: a digit, or the words nan and inf, that no word holds.
local function next_start(s, at)
  local digit = find(s, "%f[%w_%.@]%.?%d", at) -- the 1 of "Acc@1" is none
  local word = find(s, "%f[%w_][nNiI][aAnN][nNfF]%f[%W]", at)
    or find(s, "%f[%w_][iI]nfinity%f[%W]", at)
  if digit and word then return math.min(digit, word) end
  return digit or word
end

-- The words at the end of a text, up to a sign that ends them.
local function words_before(text)
  text = text:gsub("%((%a+)%)", "%1") -- "loss (train) = "
  local tail = match(text, "([^,;|\t{}'\"<>%]%)!?]*)$")
  tail = match(tail, ".* %-+ (.*)$") or tail
  return match(tail, "([%a][%w_%-/%.@ ]-)['\"]?%s*[:=]*%s*[%[%(]?%s*$")
end

-- What stands right behind a number: "/8", "%", a unit, the rest of a date.
local function behind(s, stop)
  local of, after = match(s, "^%s?/%s*(%d+)()", stop)
  if of then return { of = tonumber(of) }, after end
  if match(s, "^%s?%%", stop) then return { percent = true }, stop end
  if match(s, "^[%a_]", stop) or match(s, "^:%d", stop) or match(s, "^%-%d", stop) then
    return { unit = true }, match(s, "^[%w_:%-%.,]*()", stop)
  end
  return {}, stop
end

---@class lossdbg.LineNumber
---@field words string|nil before the number
---@field gap string all that stands between it and the number before
---@field value number
---@field of number|nil of "3/8"
---@field percent boolean|nil
---@field decimal boolean it has a point

---@param s string one line
---@return lossdbg.LineNumber[]
function M.read(s)
  local list, from, at = {}, 1, 1
  while true do
    local start = next_start(s, at)
    if not start then return list end
    local value, stop = number_at(s, start)
    if not value then
      at = start + 1
    else
      local before = sub(s, from, start - 1)
      local sign = match(before, "[%+%-]$")
      if sign and not match(before, "[%w_][%+%-]$") then
        before = sub(before, 1, -2)
        if sign == "-" then value = -value end
      end
      local what, after = behind(s, stop)
      if not what.unit then
        what.value, what.words, what.gap = value, words_before(before), before
        what.decimal = find(s, "^%d*%.", start) ~= nil
        list[#list + 1] = what
      end
      from, at = after, after
    end
  end
end

return M
