--- Schedules made of schedules: warmup, sequential, chain, and functions of the user.
local options = require "lossdbg.support.options"

local evaluate, schemas = {}, {}

schemas.custom = {
  { name = "fn", type = "callable", positional = 1, required = true,
    doc = "fn(step) -> learning rate" },
}
function evaluate.custom(o, step)
  local lr = o.fn(step)
  return lr
end

schemas.warmup = {
  { name = "steps", type = "integer", min = 1, positional = 1, required = true,
    doc = "steps of the rise" },
  { name = "schedule", type = "any", positional = 2, required = true,
    doc = "what follows: a schedule, a rate or a function of the step" },
  { name = "from", type = "number", min = 0, default = 0, doc = "the first learning rate" },
}
function evaluate.warmup(o, step)
  if step >= o.steps then return o.schedule(step - o.steps) end
  return o.from + (o.schedule(0) - o.from) * step / o.steps
end

schemas.sequential = {
  { name = "schedules", type = "table", positional = 1, required = true,
    doc = "list of schedules, one after another" },
  { name = "milestones", type = "table", positional = 2, required = true,
    doc = "ascending list of steps, one fewer than schedules" },
}
function evaluate.sequential(o, step)
  local from, at = 0, 1
  for i, bound in ipairs(o.milestones) do
    if step >= bound then from, at = bound, i + 1 end
  end
  return o.schedules[at](step - from)
end

schemas.chain = {
  { name = "schedules", type = "table", positional = 1, required = true,
    doc = "the first gives the rate, the others multiply it by their share of their own lr" },
}
function evaluate.chain(o, step)
  local rate
  for _, schedule in ipairs(o.schedules) do
    local value = schedule(step)
    local base = schedule.options.lr
    rate = rate and rate * (schedule.name == "custom" and value or value / base) or value
  end
  return rate
end

local M = { evaluate = evaluate, schemas = schemas }

---Checks an ascending list of steps.
---@param list table
---@param where string
---@param name string
---@param level integer as for error() in the caller
function M.ascending(list, where, name, level)
  for i, bound in ipairs(list) do
    if type(bound) ~= "number" or bound ~= bound or (i > 1 and bound <= list[i - 1]) then
      options.fail(where, name, "ascending numbers", bound, nil, level + 1)
    end
  end
end

---Checks the lists of a piecewise schedule.
---@param checked table
---@param level integer as for options.fail in this function
function M.check_piecewise(checked, level)
  local where, bounds, values = "schedule.piecewise", checked.boundaries, checked.values
  if #values ~= #bounds + 1 then
    options.fail(where, "values", ("%d rates, one more than boundaries"):format(#bounds + 1),
      #values, nil, level)
  end
  M.ascending(bounds, where, "boundaries", level)
  for _, rate in ipairs(values) do
    if not (type(rate) == "number" and rate >= 0 and rate < math.huge) then
      options.fail(where, "values", "finite numbers >= 0", rate, nil, level)
    end
  end
end

local checks = {}

function checks.sequential(o, level)
  M.ascending(o.milestones, "schedule.sequential", "milestones", level + 1)
  if #o.milestones ~= #o.schedules - 1 then
    options.fail("schedule.sequential", "milestones",
      ("%d steps, one fewer than schedules"):format(math.max(#o.schedules - 1, 0)), #o.milestones,
      nil, level + 1)
  end
end

function checks.chain(o, level)
  if #o.schedules == 0 then
    options.fail("schedule.chain", "schedules", "at least one schedule", nil, nil, level + 1)
  end
  for i, schedule in ipairs(o.schedules) do
    local lr = schedule.options.lr
    if i > 1 and schedule.name ~= "custom" and not (type(lr) == "number" and lr > 0) then
      options.fail("schedule.chain", "schedules", "schedules with an lr > 0, or functions",
        schedule.name, ("item %d"):format(i), level + 1)
    end
  end
end

---Reads the schedules inside checked options and checks what belongs together.
---@param name string
---@param o table
---@param read fun(value: any, where: string, level: integer): lossdbg.schedule
---@param level integer as for error() in the caller
function M.check(name, o, read, level)
  local where = "schedule." .. name
  if name == "warmup" then o.schedule = read(o.schedule, where, level + 1) end
  if o.schedules then
    local list = {}
    for i, value in ipairs(o.schedules) do list[i] = read(value, where, level + 1) end
    o.schedules = list
  end
  if checks[name] then checks[name](o, level + 1) end
end

return M
