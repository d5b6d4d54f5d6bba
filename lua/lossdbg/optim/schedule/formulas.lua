--- Formulas and options of the schedules: rate of a step (0, 1, 2, ...) from checked options.

local LR = { name = "lr", type = "number", min = 0, positional = 1, required = true,
  alias = { "learning_rate", "initial" }, doc = "the learning rate to start from" }
local STEPS = { name = "steps", type = "number", open_min = 0, positional = 2, required = true,
  alias = { "decay_steps" }, doc = "length of the decay in steps" }

local function fraction_cosine(x) return 0.5 * (1 + math.cos(math.pi * x)) end

local evaluate, schemas = {}, {}

schemas.constant = { LR }
function evaluate.constant(o) return o.lr end

schemas.step = {
  LR,
  { name = "steps", type = "integer", min = 1, positional = 2, required = true,
    alias = { "step_size" }, doc = "steps between two drops" },
  { name = "rate", type = "number", min = 0, max = 1, positional = 3, default = 0.1,
    alias = { "gamma" },
    doc = "factor at each drop" },
}
function evaluate.step(o, step) return o.lr * o.rate ^ math.floor(step / o.steps) end

schemas.exponential = {
  LR, STEPS,
  { name = "rate", type = "number", open_min = 0, positional = 3, required = true,
    alias = { "decay_rate", "gamma" }, doc = "factor per `steps` steps" },
  { name = "staircase", type = "boolean", default = false,
    doc = "drop at whole multiples of steps only" },
}
function evaluate.exponential(o, step)
  local power = step / o.steps
  return o.lr * o.rate ^ (o.staircase and math.floor(power) or power)
end

schemas.inverse_time = {
  LR, STEPS,
  { name = "rate", type = "number", min = 0, positional = 3, required = true,
    alias = { "decay_rate" }, doc = "decay per `steps` steps" },
  { name = "staircase", type = "boolean", default = false,
    doc = "drop at whole multiples of steps only" },
}
function evaluate.inverse_time(o, step)
  local part = step / o.steps
  return o.lr / (1 + o.rate * (o.staircase and math.floor(part) or part))
end

schemas.polynomial = {
  LR, STEPS,
  { name = "end_lr", type = "number", min = 0, default = 1e-4, alias = { "end_learning_rate" },
    doc = "rate at the end" },
  { name = "power", type = "number", open_min = 0, default = 1,
    doc = "exponent of the decay; 1 is a line" },
  { name = "cycle", type = "boolean", default = false,
    doc = "begin anew when the steps are over" },
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
  { name = "alpha", type = "number", min = 0, max = 1, default = 0,
    doc = "share of the rate that is left at the end" },
  { name = "warmup_steps", type = "integer", min = 0, default = 0, alias = { "warmup" },
    doc = "steps of a straight rise before" },
  { name = "warmup_target", type = "number", min = 0,
    doc = "rate after the rise; default: lr, from 0" },
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
  { name = "t_mul", type = "number", min = 1, default = 2,
    doc = "factor on the length of each further cycle" },
  { name = "m_mul", type = "number", open_min = 0, default = 1,
    doc = "factor on the rate of each further cycle" },
  { name = "alpha", type = "number", min = 0, max = 1, default = 0,
    doc = "share of the rate that is left at the end" },
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
  { name = "steps", type = "integer", min = 1, positional = 2, default = 5,
    doc = "how many steps it lasts" },
  { name = "start_factor", type = "number", open_min = 0, max = 1, default = 1 / 3,
    doc = "factor on lr at first" },
  { name = "end_factor", type = "number", min = 0, max = 1, default = 1,
    doc = "factor on lr at last" },
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
    alias = { "pct_start" },
    doc = "share of the steps that the rise takes" },
  { name = "div", type = "number", open_min = 0, default = 25, alias = { "div_factor" },
    doc = "lr / div is the first rate" },
  { name = "final_div", type = "number", open_min = 0, default = 1e4,
    alias = { "final_div_factor" },
    doc = "first rate / final_div is the last one" },
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

schemas.cosine_annealing = {
  LR,
  { name = "steps", type = "number", open_min = 0, positional = 2, required = true,
    alias = { "T_max" }, doc = "half a period in steps" },
  { name = "end_lr", type = "number", min = 0, default = 0, alias = { "eta_min" },
    doc = "rate at the end" },
}
function evaluate.cosine_annealing(o, step)
  return o.end_lr + (o.lr - o.end_lr) * fraction_cosine(step / o.steps)
end

schemas.constant_lr = {
  LR,
  { name = "steps", type = "integer", min = 0, positional = 2, default = 5,
    alias = { "total_iters" },
    doc = "how many steps it lasts" },
  { name = "factor", type = "number", min = 0, max = 1, default = 1 / 3,
    doc = "on lr during these steps" },
}
function evaluate.constant_lr(o, step) return step < o.steps and o.lr * o.factor or o.lr end

schemas.multi_step = {
  LR,
  { name = "milestones", type = "table", positional = 2, required = true,
    doc = "ascending list of steps" },
  { name = "rate", type = "number", min = 0, max = 1, positional = 3, default = 0.1,
    alias = { "gamma" },
    doc = "factor at each drop" },
}
function evaluate.multi_step(o, step)
  local passed = 0
  for _, bound in ipairs(o.milestones) do
    if step >= bound then passed = passed + 1 end
  end
  return o.lr * o.rate ^ passed
end

schemas.cyclic = {
  { name = "lr", type = "number", min = 0, positional = 1, required = true,
    alias = { "base_lr" }, doc = "the lowest learning rate" },
  { name = "max_lr", type = "number", min = 0, positional = 2, required = true,
    doc = "the highest learning rate" },
  { name = "steps_up", type = "integer", min = 1, default = 2000, alias = { "step_size_up" },
    doc = "steps from the lowest rate to the highest" },
  { name = "steps_down", type = "integer", min = 1, alias = { "step_size_down" },
    doc = "default: as steps_up" },
  { name = "mode", type = "string", choices = { "triangular", "triangular2", "exp_range" },
    default = "triangular",
    doc = "what becomes of the height: kept, halved each cycle, or times gamma^step" },
  { name = "gamma", type = "number", open_min = 0, default = 1, doc = "of exp_range" },
}
function evaluate.cyclic(o, step)
  local total = o.steps_up + (o.steps_down or o.steps_up)
  local ratio, cycle = o.steps_up / total, math.floor(1 + step / total)
  local x = 1 + step / total - cycle
  local height = x <= ratio and x / ratio or (x - 1) / (ratio - 1)
  if o.mode == "triangular2" then
    height = height / 2 ^ (cycle - 1)
  elseif o.mode == "exp_range" then
    height = height * o.gamma ^ step
  end
  return o.lr + (o.max_lr - o.lr) * height
end

return { evaluate = evaluate, schemas = schemas }
