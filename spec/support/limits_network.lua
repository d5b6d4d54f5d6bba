--- Cases on either side of the limits of rules about activations, gradients, initialisation
--- and architecture. Form: see spec/44_limits_spec.lua.
local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, flat, NONE = cases.with, cases.flat, cases.NONE

local function raw(signals, description)
  return with(cases.wine_raw(), { signals = signals, description = description })
end

local function layer_of(when, name, stats)
  return raw { [when] = { layers = { [name] = stats } } }
end

-- Training rows are learnt, validation rows hardly; a plain learner does better there by `more`.
local function by_heart(more, rows)
  return with(cases.wine(), { signals = { reference = { held_out = true, skill = 0.1 + more,
    name = "a linear model" }, task_skill = { measure = "accuracy", train = 0.98, val = 0.1,
    val_rows = rows, majority = 0.4 }, val_loss = flat(30, 1) } })
end

---n hidden layers of 32 and an output of 3, as a failed run.
local function deep(n, signals)
  local layers = {}
  for i = 1, n do layers[i] = cases.dense(i, 32, 32, "relu") end
  layers[n + 1] = cases.dense(n + 1, 3, 32, "softmax")
  local case = raw(signals)
  case.description.layers = layers
  return case
end

local function mean_squares(list)
  local stats = {}
  for i, q in ipairs(list) do stats["dense_" .. i] = { z_mean_sq = q } end
  return deep(#list, { init = { layers = stats } })
end

local function dropout(rate, at)
  local case, layers = raw(), { cases.dense(1, 32, 13, "relu"), cases.dense(2, 3, 32, "softmax") }
  table.insert(layers, at, cases.layer("dropout", { rate = rate }))
  return cases.network(case, layers)
end

local function gradients(list) return raw { grad_norm = list } end

local function peak(value)
  local list = flat(150, 1)
  list[75] = value
  return gradients(list)
end

local function growing(value)
  local list = flat(150, 1)
  for i = 110, 150 do list[i] = value end
  return gradients(list)
end

local function frozen(share)
  local case = raw()
  case.description.layers[1].trainable = false
  case.description.layers[1].n_parameters = share * 1e6
  case.description.layers[2].n_parameters = (1 - share) * 1e6
  return case
end

return {
  dying_relu = {
    some = { 0.3, "passes", "suggestive", function(v)
      return layer_of("final", "dense_2", { dead_share = v }) end },
    most = { 0.5, "suggestive", "measured", function(v)
      return layer_of("final", "dense_2", { dead_share = v }) end },
    all = { 0.999, "measured", "exact", function(v)
      return layer_of("final", "dense_2", { dead_share = v }) end },
  },
  output_constant = { spread = { 1e-3, "measured", "passes", function(v)
    return raw { final = { output = { std_over_samples = v } } } end } },
  saturated_output = {
    certain = { 0.999, "passes", "suggestive", function(v)
      return raw { final = { output = { max_prob_mean = v } } } end },
    right = { 0.95, "suggestive", "passes", function(v)
      return raw { final = { output = { max_prob_mean = 1 } }, accuracy = v } end },
  },
  saturating_hidden_activation = {
    most = { 0.5, "passes", "suggestive", function(v)
      return with(faulty.sigmoid_raw(), { signals = { final = { layers = {
        dense_2 = { saturated_share = v } } } } }) end },
    nearly_all = { 0.9, "suggestive", "measured", function(v)
      return with(faulty.sigmoid_raw(), { signals = { final = { layers = {
        dense_2 = { saturated_share = v } } } } }) end },
  },
  single_class_prediction = {
    share = { 0.98, "passes", "measured", function(v)
      return raw { final = { output = { single_class_share = v } } } end },
    majority = { 0.8, "measured", "passes", function(v)
      return raw { final = { output = { single_class_share = 1 } }, majority = v } end },
  },
  cannot_overfit_batch = { by_rate = { 0.95, "too_few_units", "lr_too_low", function(v)
    return raw { tests = { overfit_batch = { passed = false, skill = 0.2, steps = 500,
      at_lr = { ["1"] = 0.2, ["10"] = v } } } } end, by = function(f) return f.cause end } },
  data_independence = { skill = { 0.5, "measured", "passes", function(v)
    return with(cases.noisy(), { signals = { skill = { value = v }, accuracy = NONE,
      tests = { data_independence = { independent = true, real = v, shuffled = v } } } }) end } },
  model_too_simple = { gain = { 0.1, "passes", "measured", function(v)
    return raw { val_skill = { value = 0.2 }, reference = { level = 0.2 + v } } end } },
  overfitting = {
    better = { 0.2, "passes", "measured", function(v) return by_heart(v, 60) end },
    rows = { 30, "passes", "measured", function(n) return by_heart(0.5, n) end, whole = true },
  },
  targets_unrelated = { batch = { 0.95, "passes", "measured", function(v)
    return raw { val_skill = NONE, final = { layers = { dense_2 = { dead_share = 0 } } },
      tests = { overfit_batch = { passed = false, skill = 0.5,
        at_lr = { ["1"] = 0.5, ["10"] = v } },
        data_independence = { independent = true, real = 0.03, shuffled = 0.03 } } }
    end } },
  behind_reference = { gap = { 0.3, "passes", "suggestive", function(v)
    return raw { reference = { own = 0.2, skill = 0.2 + v, gap = v, name = "a recipe" } } end } },
  underfitting = {
    least = { 0.1, "passes", "suggestive", function(v)
      return raw { skill = { value = v }, val_skill = { value = v } } end },
    most = { 0.9, "suggestive", "passes", function(v)
      return raw { skill = { value = v }, val_skill = { value = v } } end },
    gap = { 0.1, "suggestive", "passes", function(v)
      return raw { skill = { value = 0.5 }, val_skill = { value = 0.5 - v } } end },
  },
  loss_sum_reduction = { batch = { 8, "suggestive", "measured", function(v)
    return raw(nil, { loss = { reduction = "sum" }, batch = v }) end, whole = true } },
  softmax_wrong_axis = { row_sum = { 1e-3, "passes", "exact", function(v)
    return raw { init = { output = { row_sum_min = 1 - v } } } end } },
  exploding_gradient = {
    peak = { 1e3, "passes", "measured", peak },
    growth = { 10, "passes", "measured", growing },
  },
  frozen_parameters = { most = { 0.5, "suggestive", "measured", frozen } },
  gradient_check_failed = { error = { 1e-5, "passes", "suggestive", function(v)
    return raw { tests = { gradcheck = { max_error = v, checked = 9, skipped = 0 } } } end } },
  vanishing_gradient = { ratio = { 1e-3, "measured", "passes", function(v)
    return deep(3, { init = NONE, layers = { dense_1 = { grad_rms_median = v },
      dense_2 = { grad_rms_median = 1 }, dense_3 = { grad_rms_median = 1 },
      dense_4 = { grad_rms_median = 1 } } }) end } },
  zero_gradient_layer = { share = { 0.9, "passes", "measured", function(v)
    return raw { layers = { dense_2 = { zero_grad = v } } } end } },
  activation_gain_bad = {
    ratio = { 1e3, "passes", "measured", function(v)
      return mean_squares { 1, v ^ 0.5, v } end },
    gain = { 2, "passes", "suggestive", function(v)
      return mean_squares { 1, v, v ^ 2, v ^ 3, v ^ 4 } end },
    layers = { 5, "passes", "suggestive", function(n)
      local list = {}
      for i = 1, n do list[i] = 3.0 ^ (i - 1) end
      return mean_squares(list) end, whole = true },
  },
  bad_init_scale = { off = { 25, "passes", "measured", function(v)
    return layer_of("init", "dense_2", { weight_std = math.sqrt(2 * v / 13) }) end } },
  init_logit_scale_large = {
    sd = { 3, "passes", "suggestive", function(v) return raw { init = { logit_std = v } } end },
    far = { 10, "suggestive", "measured", function(v) return raw { init = { logit_std = v } } end },
  },
  init_loss_unexpected = {
    classes = { 2, "passes", "suggestive", function(v)
      return raw { init = { loss = v * math.log(3) } } end },
    square = { 4, "passes", "suggestive", function(v)
      return with(cases.regression(), { signals = { init = { loss = v } } }) end },
    low = { 0.5, "suggestive", "passes", function(v)
      return raw { init = { loss = v * 1.0879 } } end },
  },
  symmetric_init = { width = { 2, "passes", "exact", function(v)
    local case = layer_of("init", "dense_2", { symmetric = true })
    case.description.layers[1].output_shape = { v }
    return case end, whole = true } },
  update_underflow = {
    most = { 0.5, "passes", "suggestive", function(v)
      return raw { layers = { dense_2 = { underflow = v } } } end },
    nearly_all = { 0.9, "suggestive", "measured", function(v)
      return raw { layers = { dense_2 = { underflow = v } } } end },
  },
  dropout_rate_high = {
    far = { 0.8, "suggestive", "measured", function(v) return dropout(v, 2) end },
    high = { 0.5, "passes", "suggestive", function(v) return dropout(v, 2) end },
    input = { 0.3, "passes", "suggestive", function(v) return dropout(v, 1) end },
  },
}
