--- Cases on either side of the limits of rules about the step. Form: see spec/44_limits_spec.lua.
local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, flat, NONE = cases.with, cases.flat, cases.NONE

local function raw(signals, description)
  return with(cases.wine_raw(), { signals = signals, description = description })
end

local function lr_of(f) return f.fixes[1].patch.optimizer.lr end

local function probes(best, losses)
  return raw { tests = { line = { best = best, losses = losses } } }
end

---1000 probes, a share of them at `value`, the rest at `other`.
local function shared(share, value, other)
  local best = flat(1000, other)
  for i = 1, math.floor(share * 1000 + 0.5) do best[i] = value end
  return probes(best)
end

local function rows_of(n, row)
  local list = {}
  for i = 1, n do list[i] = row end
  return list
end

local function ratios(value, one, failed)
  local list = flat(30, value)
  list[2] = one or value
  local case = failed and cases.wine_raw() or cases.wine()
  return with(case, { signals = { layers = { dense_2 = { ratio = list } } } })
end

local function moved(ratio, steps, signals)
  return with(raw { layers = { dense_2 = { ratio_median = ratio, ratio = NONE, unchanged = 0 },
    dense_3 = { ratio_median = ratio, ratio = NONE } }, steps = steps,
    final = { layers = { dense_2 = { dead_share = 0 } } } }, { signals = signals })
end

---A run that stayed where its initial weights put it, at a skill.
local function unmoved(skill)
  local level = (1 - skill) * 1.0879
  return { loss = flat(150, level), epoch_loss = flat(30, level), init = { loss = level },
    trend = { first = level, last = level, best = level },
    skill = { value = skill, verdict = "better", loss = level },
    final = { loss = level }, accuracy = NONE, val_skill = NONE, val_loss = NONE }
end

local function sgd(name, lr, change)
  return with(cases.wine(), { description = { optimizer = { name = name, lr = lr } },
    signals = change })
end

local function schedule(n, share)
  local list = flat(n, share)
  list[1], list[2] = 1, 1
  return with(cases.wine(), { signals = { lr = list } })
end

local function climbing(n, ratio)
  return with(cases.wine(), { signals = { tests = { line = {
    losses = rows_of(n, { 1, 1.1, 1.2, 1.3, 1.4, 1.5 }) } },
    layers = { dense_2 = { ratio_median = ratio }, dense_3 = { ratio_median = ratio } } } })
end

return {
  adam_epsilon_dominates = {
    large = { 1e-2, "passes", "measured", function(v)
      return raw(nil, { optimizer = { name = "adam", epsilon = v } }) end },
    small = { 1e-12, "measured", "passes", function(v)
      return raw(nil, { optimizer = { name = "adam", epsilon = v } }) end },
  },
  lr_outside_typical_range = {
    adam_high = { 0.03, "passes", "suggestive", function(v) return sgd("adamw", v) end },
    adam_low = { 1e-6, "suggestive", "passes", function(v) return sgd("rmsprop", v) end },
    adamax_high = { 0.06, "passes", "suggestive", function(v) return sgd("adamax", v) end },
    sgd_high = { 1, "passes", "suggestive", function(v) return sgd("sgd", v) end },
    sgd_low = { 1e-5, "suggestive", "passes", function(v) return sgd("adagrad", v) end },
    adadelta_high = { 10, "passes", "suggestive", function(v) return sgd("adadelta", v) end },
    adadelta_low = { 0.01, "suggestive", "passes", function(v) return sgd("adadelta", v) end },
    dead = { 0.5, "suggestive", "measured", function(v)
      return with(faulty.sonar_slow(), { description = { optimizer = { lr = 2 } },
        signals = { final = { layers = { dense_2 = { dead_share = v } } } } }) end },
  },
  lr_range_mismatch = {
    decades = { 1, "passes", "measured", function(v)
      return raw { tests = { lr_range = { suggestion = 0.1 / 10 ^ v } } } end },
    fall_sd = { 3, "unjudged", "measured", function(v)
      return raw { tests = { lr_range = { suggestion = 1e-3, fall_sd = v } } } end },
  },
  lr_zero_or_schedule_collapsed = {
    peak_share = { 1e-3, "measured", "passes", function(v) return schedule(100, v) end },
    steps = { 10, "passes", "measured", function(n) return schedule(n, 1e-6) end, whole = true },
  },
  step_overshoot = {
    best = { 0.25, "measured", "passes", function(v) return probes(flat(10, v)) end },
    share = { 0.7, "passes", "measured", function(v) return shared(v, 0.25, 1) end },
    probes = { 3, "unjudged", "measured", function(n) return probes(flat(n, 0.25)) end,
      whole = true },
    nowhere = { 0.5, 0.01, 0.001, function(v) return shared(v, 0, 0.25) end, by = lr_of,
      points = { 0.49, 0.51 } },
  },
  step_undershoot = {
    best = { 4, "passes", "measured", function(v) return probes(flat(10, v)) end },
    share = { 0.7, "passes", "measured", function(v) return shared(v, 4, 1) end },
    probes = { 3, "unjudged", "measured", function(n) return probes(flat(n, 4)) end,
      whole = true },
    fall = { 1e-6, "unjudged", "measured", function(v)
      return probes(flat(10, 4), rows_of(10, { 1, 1 - v })) end },
  },
  update_ratio_too_large = {
    warn = { 0.03, "passes", "suggestive", function(v) return ratios(v) end },
    high = { 0.3, "suggestive", "measured", function(v) return ratios(v) end },
    leap = { 1, "passes", "measured", function(v) return ratios(1e-3, v, true) end },
    usual = { 1e-3, 0.01, 0.001, function(v) return ratios(100 * v) end, by = lr_of },
  },
  update_ratio_too_small = {
    travel = { 0.01, "measured", "passes", function(v) return moved(v / 150, 150) end },
    step = { 1e-6, "measured", "passes", function(v) return moved(v, 1000000) end },
    skill = { 0.5, "measured", "passes", function(v) return moved(1e-7, 150, unmoved(v)) end },
    dead = { 0.99, "measured", "passes", function(v)
      return moved(1e-7, 150, { final = { layers = { dense_2 = { dead_share = v } } } }) end },
  },
  gradient_sign_flipped = {
    probes = { 3, "unjudged", "measured", function(n) return climbing(n, 1e-3) end, whole = true },
    small = { 0.01, "measured", "unjudged", function(v) return climbing(10, v) end },
  },
  loss_at_baseline = {
    skill = { 0.1, "measured", "passes", function(v) return raw(unmoved(v)) end },
    worse = { 0.05, "no better than", "worse than", function(v)
      return raw { skill = { value = -v } } end,
      by = function(f) return f.title:match "no better than" or f.title:match "worse than" end },
  },
}
