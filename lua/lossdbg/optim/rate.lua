--- The learning rate of an optimiser: a number, a schedule, or a number that a plateau lowers.
local options = require "lossdbg.support.options"
local plateau = require "lossdbg.optim.schedule.reduce_on_plateau"
local schedule = require "lossdbg.optim.schedule"

local M = {}

local function callable(value)
  local meta = getmetatable(value)
  return type(value) == "function" or (type(meta) == "table" and type(meta.__call) == "function")
end

---Reads what the user gave as lr.
---@param value any number, schedule, function of the step, or { name = "cosine", ... }
---@param where string
---@param level integer as for error() in the caller
---@return { value: number|nil, schedule: any, plateau: any }
function M.check(value, where, level)
  level = level == 0 and 0 or level + 1
  if type(value) == "table" and not getmetatable(value) then value = schedule.from(value) end
  if callable(value) then return { schedule = value } end
  if type(value) ~= "number" then
    options.fail(where, "lr", "a number or a schedule", value, nil, level)
  elseif not (value >= 0 and value < math.huge) then
    options.fail(where, "lr", "a finite number >= 0", value, nil, level)
  end
  return { value = value }
end

---A rate that follows a schedule; a plateau starts from this rate and counts anew.
---@param rate table
---@param given any as check() takes it, or made by schedule.reduce_on_plateau or its plain data
---@param level integer as for error() in the caller
---@return table
function M.follow(rate, given, level)
  local o = type(given) == "table" and given.name == "reduce_on_plateau" and given
  if not o then return M.check(given, "schedule", level == 0 and 0 or level + 1) end
  if not getmetatable(given) then
    o = { options = {} }
    for key, value in pairs(given) do
      if key ~= "name" then o.options[key] = value end
    end
  end
  return { value = M.nominal(rate), plateau = plateau.new(o.options) }
end

---The rate of the step that follows `iterations` steps.
---@param rate table
---@param iterations integer
---@param level? fun(): integer
---@return number
function M.current(rate, iterations, level)
  if not rate.schedule then return rate.value end
  local lr = rate.schedule(iterations)
  if type(lr) == "number" and lr >= 0 and lr < math.huge then return lr end
  options.fail("schedule", "lr", "a finite number >= 0 from the schedule", lr,
    "step " .. iterations, level and level() or 0)
end

-- Whether it is made of formulas alone, without a function of the user's.
local function of_formulas(object)
  if not schedule.is_schedule(object) or object.name == "custom" then return false end
  for _, inner in ipairs(object.options.schedules or { object.options.schedule }) do
    if not of_formulas(inner) then return false end
  end
  return true
end

---Whether the rates of later steps may be asked for beforehand: numbers and the schedules of the
---library, but no functions.
---@param rate table
---@return boolean
function M.is_pure(rate) return not rate.schedule or of_formulas(rate.schedule) end

---The rate that describes the whole training: the peak of a schedule.
---@param rate table
---@return number
function M.nominal(rate)
  if not rate.schedule then return rate.value end
  local found = rate.schedule
  return schedule.is_schedule(found) and found.name ~= "custom" and found:peak()
    or M.current(rate, 0)
end

---@param rate table
---@return table plain data: name and options
function M.describe(rate)
  local object = rate.plateau or rate.schedule
  if not object then return { name = "constant" } end
  if schedule.is_schedule(object) then return object:describe() end
  if type(object) ~= "table" or type(object.options) ~= "table" then return { name = "custom" } end
  local described = { name = object.name }
  for key, value in pairs(object.options) do described[key] = value end
  return described
end

return M
