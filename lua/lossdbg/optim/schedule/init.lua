--- Learning-rate schedules: callable objects, schedule(step) -> lr, step = 0, 1, 2, ...
-- An optimiser evaluates its schedule at the number of steps done so far. The formulas are those of
-- Keras 3 (keras.optimizers.schedules) and of PyTorch (torch.optim.lr_scheduler).
local combined = require "lossdbg.optim.schedule.combined"
local formulas = require "lossdbg.optim.schedule.formulas"
local options = require "lossdbg.support.options"
local upper = require "lossdbg.support.upper"

local M = {}

---@class lossdbg.schedule
---@field name string
---@field options table plain data
---@operator call(integer): number

local evaluate, schemas = {}, {}
for _, part in ipairs { formulas, combined } do
  for name, fn in pairs(part.evaluate) do evaluate[name] = fn end
  for name, schema in pairs(part.schemas) do
    schemas[name] = options.declare("schedule." .. name)(schema)
  end
end

local Schedule = {}

local meta = {
  __name = "lossdbg.schedule",
  __index = Schedule,
  __call = function(self, step)
    if not (type(step) == "number" and step >= 0) then
      options.fail("schedule." .. self.name, "step", "a number >= 0", step)
    end
    return evaluate[self.name](self.options, step)
  end,
  __tostring = function(self)
    return ("schedule.%s (first lr %.6g)"):format(self.name, self(0))
  end,
}

---The highest rate that the options name: what describes a whole training in one number.
---@return number
function Schedule:peak()
  local o, top = self.options, -math.huge
  for _, inner in ipairs(o.schedules or { o.schedule }) do top = math.max(top, inner:peak()) end
  if self.name == "chain" then top = o.schedules[1]:peak() end
  for _, rate in ipairs(o.values or {}) do top = math.max(top, rate) end
  for _, key in ipairs { "lr", "max_lr", "warmup_target", "from" } do
    top = math.max(top, o[key] or -math.huge)
  end
  return top > -math.huge and top or self(0)
end

---Plain data that schedule.from makes the same schedule of (not of functions).
---@return table
function Schedule:describe()
  local described = { name = self.name }
  for key, value in pairs(self.options) do
    if key == "schedule" then
      value = value:describe()
    elseif key == "schedules" then
      local list = {}
      for i, inner in ipairs(value) do list[i] = inner:describe() end
      value = list
    end
    if key ~= "fn" then described[key] = value end
  end
  return described
end

---The rate over the first n steps as a plot in braille dots.
---@param n integer number of steps
---@param given? lossdbg.plot_options
---@return string
function Schedule:plot(n, given)
  if math.type(n) ~= "integer" or n < 2 then
    options.fail("schedule:plot", "n", "a number of steps, 2 or more", n)
  end
  local x, y, most = {}, {}, 2000
  for i = 1, math.min(n, most) do
    x[i] = n <= most and i - 1 or math.floor((i - 1) * (n - 1) / (most - 1))
    y[i] = self(x[i])
  end
  local shown = { title = tostring(self), xlabel = "step", ylabel = "lr", log_y = false }
  for key, value in pairs(given or {}) do shown[key] = value end
  return upper.braille.plot({ { name = "lr", x = x, y = y } }, shown)
end

local function new(name, checked) return setmetatable({ name = name, options = checked }, meta) end

---Whether a value is a schedule.
---@param value any
---@return boolean
function M.is_schedule(value) return getmetatable(value) == meta end

-- A schedule from what may stand inside another one.
local function read(value, where, level)
  if M.is_schedule(value) then return value end
  if type(value) == "number" then
    local made = M.constant(value)
    return made
  elseif type(value) == "table" and not getmetatable(value) then
    local made = M.from(value)
    return made
  end
  local inner = getmetatable(value)
  if type(value) == "function" or type(inner) == "table" and inner.__call then
    return new("custom", { fn = value })
  end
  options.fail(where, "schedule", "a schedule, a rate or a function of the step", value, nil,
    level + 1)
end

---The same rate for ever. constant{lr}
---@param given table|number
---@return lossdbg.schedule
function M.constant(given)
  local checked = options.check("schedule.constant", given, schemas.constant)
  return new("constant", checked)
end

---lr rate^floor(step / steps): a drop every `steps` steps (PyTorch StepLR).
---step{lr, steps, rate = 0.1}
---@param given table
---@return lossdbg.schedule
function M.step(given)
  local checked = options.check("schedule.step", given, schemas.step)
  return new("step", checked)
end

---lr rate^(step / steps), in whole powers with staircase. exponential{lr, steps, rate, staircase}
---@param given table
---@return lossdbg.schedule
function M.exponential(given)
  local checked = options.check("schedule.exponential", given, schemas.exponential)
  return new("exponential", checked)
end

---lr / (1 + rate step / steps). inverse_time{lr, steps, rate, staircase}
---@param given table
---@return lossdbg.schedule
function M.inverse_time(given)
  local checked = options.check("schedule.inverse_time", given, schemas.inverse_time)
  return new("inverse_time", checked)
end

---From lr to end_lr in `steps` steps. polynomial{lr, steps, end_lr = 1e-4, power = 1, cycle}
---@param given table
---@return lossdbg.schedule
function M.polynomial(given)
  local checked = options.check("schedule.polynomial", given, schemas.polynomial)
  return new("polynomial", checked)
end

---Half a cosine from lr to alpha lr. cosine{lr, steps, alpha = 0, warmup_steps = 0, warmup_target}
---With warmup_target the rate first rises from lr to it (Keras); without, from 0 to lr.
---@param given table
---@return lossdbg.schedule
function M.cosine(given)
  local checked = options.check("schedule.cosine", given, schemas.cosine)
  return new("cosine", checked)
end

---Cosines of growing length. cosine_restarts{lr, steps, t_mul = 2, m_mul = 1, alpha = 0}
---@param given table
---@return lossdbg.schedule
function M.cosine_restarts(given)
  local checked = options.check("schedule.cosine_restarts", given, schemas.cosine_restarts)
  return new("cosine_restarts", checked)
end

---From start_factor lr to end_factor lr (PyTorch LinearLR). linear{lr, steps = 5, ...}
---@param given table
---@return lossdbg.schedule
function M.linear(given)
  local checked = options.check("schedule.linear", given, schemas.linear)
  return new("linear", checked)
end

---Up to lr and down to almost nothing (PyTorch OneCycleLR). one_cycle{lr, steps, ...}
---@param given table
---@return lossdbg.schedule
function M.one_cycle(given)
  local checked = options.check("schedule.one_cycle", given, schemas.one_cycle)
  return new("one_cycle", checked)
end

---values[i] up to and including boundaries[i]. piecewise{boundaries = {100, 200}, values = {...}}
---@param given table
---@return lossdbg.schedule
function M.piecewise(given)
  local checked = options.check("schedule.piecewise", given, schemas.piecewise)
  combined.check_piecewise(checked, 3)
  return new("piecewise", checked)
end

---Half a period from lr to end_lr and back up again (PyTorch CosineAnnealingLR).
---cosine_annealing{lr, steps, end_lr = 0}
---@param given table
---@return lossdbg.schedule
function M.cosine_annealing(given)
  local checked = options.check("schedule.cosine_annealing", given, schemas.cosine_annealing)
  return new("cosine_annealing", checked)
end

---factor lr for the first steps, then lr (PyTorch ConstantLR). constant_lr{lr, steps = 5, factor}
---@param given table
---@return lossdbg.schedule
function M.constant_lr(given)
  local checked = options.check("schedule.constant_lr", given, schemas.constant_lr)
  return new("constant_lr", checked)
end

---lr times rate at every milestone (PyTorch MultiStepLR). multi_step{lr, milestones, rate = 0.1}
---@param given table
---@return lossdbg.schedule
function M.multi_step(given)
  local checked = options.check("schedule.multi_step", given, schemas.multi_step)
  combined.ascending(checked.milestones, "schedule.multi_step", "milestones", 2)
  return new("multi_step", checked)
end

---Up to max_lr and down again, for ever (PyTorch CyclicLR, without its momentum).
---cyclic{lr, max_lr, steps_up = 2000, steps_down, mode = "triangular", gamma = 1}
---@param given table
---@return lossdbg.schedule
function M.cyclic(given)
  local checked = options.check("schedule.cyclic", given, schemas.cyclic)
  return new("cyclic", checked)
end

local function composed(name, given)
  local checked = options.check("schedule." .. name, given, schemas[name], 3)
  combined.check(name, checked, read, 3)
  return new(name, checked)
end

---Any schedule after a straight rise to its first rate. warmup{steps = , schedule = , from = 0}
---@param given table
---@return lossdbg.schedule
function M.warmup(given)
  local made = composed("warmup", given)
  return made
end

---One schedule after another, each counting from its milestone (PyTorch SequentialLR).
---sequential{schedules = {...}, milestones = {...}}
---@param given table
---@return lossdbg.schedule
function M.sequential(given)
  local made = composed("sequential", given)
  return made
end

---Schedules at the same time (PyTorch ChainedScheduler): the first one's rate times the share
---value / lr of each other one; a function among them is a factor. chain{a, b, ...}
---@param given table
---@return lossdbg.schedule
function M.chain(given)
  if type(given) == "table" and #given > 0 and not given.schedules
    and (#given > 1 or M.is_schedule(given[1]) or type(given[1]) == "function"
      or type(given[1]) == "table" and given[1].name) then
    given = { schedules = given }
  end
  local made = composed("chain", given)
  return made
end

---A function of the step as a schedule. custom(function(step) return lr end)
---@param given function|table
---@return lossdbg.schedule
function M.custom(given)
  local made = composed("custom", given)
  return made
end

---A schedule from its plain data: { name = "cosine", lr = 0.1, steps = 100 }. The other way round:
---a schedule's name and options.
---@param given table
---@return lossdbg.schedule
function M.from(given)
  local copy = {}
  if type(given) ~= "table" then
    options.fail("schedule.from", "schedule", "a table with a name", given)
  end
  for key, value in pairs(given) do
    if key ~= "name" then copy[key] = value end
  end
  if not schemas[given.name] then
    local names = {}
    for name in pairs(schemas) do names[#names + 1] = name end
    table.sort(names)
    error(("lossdbg: schedule: unknown schedule %s%s"):format(options.show(given.name),
      options.hint(given.name, names)), 2)
  end
  return (M[given.name](copy))
end

M.reduce_on_plateau = require("lossdbg.optim.schedule.reduce_on_plateau").new

return M
