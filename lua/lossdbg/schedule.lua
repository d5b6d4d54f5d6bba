--- Learning-rate schedules: callable objects, schedule(step) -> lr, step = 0, 1, 2, ...
-- An optimiser evaluates its schedule at the number of steps done so far. The formulas are those of
-- Keras 3 (keras.optimizers.schedules) and, for step, linear and one_cycle, of PyTorch.
local options = require "lossdbg.options"

local M = {}

---@class lossdbg.schedule
---@field name string
---@field options table plain data
---@operator call(integer): number

local LR = { name = "lr", type = "number", min = 0, positional = 1, required = true,
  alias = { "learning_rate", "initial" }, doc = "the learning rate to start from" }
local STEPS = { name = "steps", type = "number", open_min = 0, positional = 2, required = true,
  alias = { "decay_steps" }, doc = "length of the decay in steps" }

local function fraction_cosine(x) return 0.5 * (1 + math.cos(math.pi * x)) end

local evaluate = {}
local schemas = {}

schemas.constant = { LR }
function evaluate.constant(o) return o.lr end

schemas.step = {
  LR,
  { name = "steps", type = "integer", min = 1, positional = 2, required = true,
    alias = { "step_size" }, doc = "steps between two drops" },
  { name = "rate", type = "number", min = 0, max = 1, default = 0.1, alias = { "gamma" } },
}
function evaluate.step(o, step) return o.lr * o.rate ^ math.floor(step / o.steps) end

schemas.exponential = {
  LR, STEPS,
  { name = "rate", type = "number", open_min = 0, positional = 3, required = true,
    alias = { "decay_rate", "gamma" }, doc = "factor per `steps` steps" },
  { name = "staircase", type = "boolean", default = false },
}
function evaluate.exponential(o, step)
  local power = step / o.steps
  return o.lr * o.rate ^ (o.staircase and math.floor(power) or power)
end

schemas.inverse_time = {
  LR, STEPS,
  { name = "rate", type = "number", min = 0, positional = 3, required = true,
    alias = { "decay_rate" }, doc = "decay per `steps` steps" },
  { name = "staircase", type = "boolean", default = false },
}
function evaluate.inverse_time(o, step)
  local part = step / o.steps
  return o.lr / (1 + o.rate * (o.staircase and math.floor(part) or part))
end

schemas.polynomial = {
  LR, STEPS,
  { name = "end_lr", type = "number", min = 0, default = 1e-4, alias = { "end_learning_rate" } },
  { name = "power", type = "number", open_min = 0, default = 1 },
  { name = "cycle", type = "boolean", default = false },
}
function evaluate.polynomial(o, step)
  local total = o.steps
  if o.cycle then
    total = total * math.max(1, math.ceil(step / total))
  else
    step = math.min(step, total)
  end
  return (o.lr - o.end_lr) * (1 - step / total) ^ o.power + o.end_lr
end

schemas.cosine = {
  LR, STEPS,
  { name = "alpha", type = "number", min = 0, max = 1, default = 0 },
  { name = "warmup_steps", type = "integer", min = 0, default = 0, alias = { "warmup" } },
  { name = "warmup_target", type = "number", min = 0 },
}
function evaluate.cosine(o, step)
  local warmup, from, peak = o.warmup_steps, o.lr, o.lr
  if warmup > 0 then
    if o.warmup_target then peak = o.warmup_target else from = 0 end
    if step < warmup then return from + (peak - from) * step / warmup end
  end
  local part = math.min(step - warmup, o.steps) / o.steps
  return peak * ((1 - o.alpha) * fraction_cosine(part) + o.alpha)
end

schemas.cosine_restarts = {
  LR,
  { name = "steps", type = "number", open_min = 0, positional = 2, required = true,
    alias = { "first_decay_steps" }, doc = "length of the first cycle in steps" },
  { name = "t_mul", type = "number", min = 1, default = 2 },
  { name = "m_mul", type = "number", open_min = 0, default = 1 },
  { name = "alpha", type = "number", min = 0, max = 1, default = 0 },
}
function evaluate.cosine_restarts(o, step)
  local cycle
  local done = step / o.steps
  if o.t_mul == 1 then
    cycle = math.floor(done)
    done = done - cycle
  else
    cycle = math.floor(math.log(1 - done * (1 - o.t_mul)) / math.log(o.t_mul) + 1e-12)
    local before = (1 - o.t_mul ^ cycle) / (1 - o.t_mul)
    done = (done - before) / o.t_mul ^ cycle
  end
  return o.lr * ((1 - o.alpha) * o.m_mul ^ cycle * fraction_cosine(done) + o.alpha)
end

schemas.linear = {
  LR,
  { name = "steps", type = "integer", min = 1, positional = 2, default = 5 },
  { name = "start_factor", type = "number", open_min = 0, max = 1, default = 1 / 3 },
  { name = "end_factor", type = "number", min = 0, max = 1, default = 1 },
}
function evaluate.linear(o, step)
  local part = math.min(step, o.steps) / o.steps
  return o.lr * (o.start_factor + (o.end_factor - o.start_factor) * part)
end

schemas.one_cycle = {
  { name = "lr", type = "number", min = 0, positional = 1, required = true,
    alias = { "max_lr", "learning_rate" }, doc = "the highest learning rate" },
  { name = "steps", type = "integer", min = 2, positional = 2, required = true,
    alias = { "total_steps" }, doc = "steps of the whole cycle" },
  { name = "warmup_share", type = "number", open_min = 0, open_max = 1, default = 0.3,
    alias = { "pct_start" } },
  { name = "div", type = "number", open_min = 0, default = 25, alias = { "div_factor" } },
  { name = "final_div", type = "number", open_min = 0, default = 1e4,
    alias = { "final_div_factor" } },
}
function evaluate.one_cycle(o, step)
  local first, last = o.warmup_share * o.steps - 1, o.steps - 1
  local low = o.lr / o.div
  local function between(a, b, part) return b + (a - b) * fraction_cosine(part) end
  if step <= first then return between(low, o.lr, step / first) end
  return between(o.lr, low / o.final_div, math.min((step - first) / (last - first), 1))
end

schemas.piecewise = {
  { name = "boundaries", type = "table", positional = 1, required = true,
    doc = "ascending list of steps" },
  { name = "values", type = "table", positional = 2, required = true,
    doc = "list of rates, one more than boundaries" },
}
function evaluate.piecewise(o, step)
  for i, bound in ipairs(o.boundaries) do
    if step <= bound then return o.values[i] end
  end
  return o.values[#o.values]
end

local meta = {
  __name = "lossdbg.schedule",
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

local function new(name, checked) return setmetatable({ name = name, options = checked }, meta) end

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

local function check_piecewise(checked, level)
  local where, bounds, values = "schedule.piecewise", checked.boundaries, checked.values
  if #values ~= #bounds + 1 then
    options.fail(where, "values", ("%d rates, one more than boundaries"):format(#bounds + 1),
      #values, nil, level)
  end
  for i, bound in ipairs(bounds) do
    if type(bound) ~= "number" or bound ~= bound or (i > 1 and bound <= bounds[i - 1]) then
      options.fail(where, "boundaries", "ascending numbers", bound, nil, level)
    end
  end
  for _, rate in ipairs(values) do
    if not (type(rate) == "number" and rate >= 0 and rate < math.huge) then
      options.fail(where, "values", "finite numbers >= 0", rate, nil, level)
    end
  end
end

---values[i] up to and including boundaries[i]. piecewise{boundaries = {100, 200}, values = {...}}
---@param given table
---@return lossdbg.schedule
function M.piecewise(given)
  local checked = options.check("schedule.piecewise", given, schemas.piecewise)
  check_piecewise(checked, 3)
  return new("piecewise", checked)
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
  local made = M[given.name](copy)
  return made
end

M.reduce_on_plateau = require("lossdbg.reduce_on_plateau").new

return M
