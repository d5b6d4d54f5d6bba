--- Cases on either side of the limits of rules about data, targets, regularisation and the loss
--- curve. Form: see spec/44_limits_spec.lua.
local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, flat, NONE = cases.with, cases.flat, cases.NONE

local function raw(signals, description)
  return with(cases.wine_raw(), { signals = signals, description = description })
end

-- A failed run that answers with several classes.
local function data(part)
  return raw { data = part, final = { output = { single_class_share = 0.5 } } }
end

---Counts of k classes with a share for the largest, the rest even.
local function counts(k, n, largest, least)
  local list = {}
  local rest = (1 - largest - (least or 0)) / (k - (least and 2 or 1))
  for i = 1, k do list[i - 1] = math.floor(n * rest + 0.5) end
  list[0] = math.floor(n * largest + 0.5)
  if least then list[1] = math.floor(n * least + 0.5) end
  return { y = { counts = list } }
end

---Four classes whose perplexity is v times four.
local function perplexity(v)
  local low, high = 0.25, 0.999
  for _ = 1, 60 do
    local p = 0.5 * (low + high)
    local q = (1 - p) / 3
    local value = math.exp(-p * math.log(p) - 3 * q * math.log(q)) / 4
    if value > v then low = p else high = p end
  end
  return data(counts(4, 1000000, low))
end

local function inputs(x)
  for name, value in pairs { feature = NONE, kappa = 1, offset_share = 0, rms = 1 } do
    if x[name] == nil then x[name] = value end
  end
  return data { x = x }
end

local function features(mean, std, rms)
  return data { x = { rms = rms or 1, offset_share = 0, feature = { mean = mean, std = std } } }
end

local function targets(mean, std)
  return with(cases.regression(), { signals = { data = { y = { mean = mean, std = std,
    var = std * std, mean_square = mean * mean + std * std } } } })
end

local function validation(n, shift, bad)
  return data { n = n, val = { n = n, mean_shift = shift, sd_ratio_bad_share = bad } }
end

local function leak(share, duplicates, n)
  return data { val = { n = n or 1000, leak_share = share }, duplicates = { share = duplicates } }
end

local function permuted(signals) return with(faulty.permuted(), { signals = signals }) end

---Side tests that say: shuffled inputs train as well, and a batch can be learnt by heart.
local independent = { data_independence = { independent = true, real = 0.5, shuffled = 0.5 },
  overfit_batch = { passed = true, skill = 1 } }

local function spare(units, classes)
  local case = data { y = { classes = classes } }
  case.description.layers[2] = cases.dense(3, units, 32, "softmax")
  return case
end

local function penalty(share, ratio, signals)
  return with(raw { penalty = { share = share, ratio = ratio } }, { signals = signals })
end

local function decay(rate, steps)
  return raw({ steps = steps }, { optimizer = { lr = 0.1, weight_decay = rate / 0.1 } })
end

---A validation loss with its best at the second epoch, rising evenly to `last` times it.
local function turning(first, last, n)
  local list = { first, 0.5 }
  for i = 1, n do list[2 + i] = 0.5 + (last - 1) * 0.5 * i / n end
  return with(cases.wine(), { signals = { val_loss = list,
    epoch_loss = cases.curve(n + 2, 1, 0.02) } })
end

---The first value that makes the noise of a curve rising by 0.1 the 1 / v-th part of that rise.
local function noisy_turn(v)
  local n = 28
  local wanted = 2 * (n + 1) * (0.1 / v) ^ 2 - n * (0.1 / n) ^ 2
  return turning(0.5 + math.sqrt(wanted), 1.2, n)
end

---Twelve validation losses that fall; the last n rise, from the best on.
local function late_turn(n)
  local list = {}
  for i = 1, 12 - n do list[i] = 0.7 - 0.01 * i end
  for i = 1, n do list[12 - n + i] = i == 1 and 0.5 or 0.6 + 0.01 * i end
  return with(cases.wine(), { signals = { val_loss = list,
    epoch_loss = cases.curve(12, 1, 0.02) } })
end

local function epochs(list) return raw { epoch_loss = list } end

---Epochs whose second half goes up and down; a share of the rises is large.
local function zigzag(n, is_large, rise)
  local list = flat(n, 1)
  for i = n // 2 + 1, n do
    local k = i - n // 2
    list[i] = k % 2 == 1 and 1 + (is_large(k) and rise or 0.01) or 1
  end
  return epochs(list)
end

local function few_rises(n)
  return epochs { 1, 1, 1, 1, 1.5, 1, n == 2 and 1.5 or 1.01, 1 }
end

---The second half: zigzag for a share of the epochs, then up all the time.
local function flipping(v)
  local list = flat(4000, 1)
  for k = 1, 2000 do
    local zig = k <= v * 2000
    local up = k <= v * 2000 + 100 and 1.3 or 1.0001
    list[2000 + k] = zig and (k % 2 == 1 and 1.5 or 1) or list[1999 + k] * up
  end
  return epochs(list)
end

local function falling(gain)
  return with(cases.noisy(), { signals = { trend = { slope = math.log(1 - gain) / 20,
    blocks = 20 } } })
end

local function level(value, se)
  return raw { trend = { level = value, se = se, best = NONE }, data = { y = { prior = NONE } } }
end

local function slow(signals) return with(faulty.sonar_slow(), { signals = signals }) end

---Leaps over ten times the level, or a loss that ends above its start.
local function diverging(n)
  if n == 2 then
    local list = flat(500, 0.69)
    list[200], list[300] = 100, 100
    return with(faulty.shuttle_raw(), { signals = { loss = list } })
  end
  local list = {}
  for i = 1, 150 do list[i] = 1 + 0.02 * i end
  list[75] = 100
  local by_epoch = {}
  for i = 1, 30 do by_epoch[i] = 1 + 0.1 * i end
  return raw { loss = list, epoch_loss = by_epoch, init = { loss = 1 },
    trend = { verdict = "increasing", z = 6, first = 1, last = 4, best = 1 },
    skill = { value = -2.7, verdict = "worse", loss = 4 }, final = { loss = 4 } }
end

return {
  class_imbalance = {
    perplexity = { 0.5, "suggestive", "passes", perplexity },
    rare = { 0.1, "suggestive", "passes", function(v)
      return data(counts(10, 1000000000, 0.1, v / 10)) end },
    largest = { 0.9, "passes", "suggestive", function(v) return data(counts(2, 100000, v)) end },
    collapsed = { 0.98, "suggestive", "measured", function(v)
      return with(data(counts(2, 1000, 0.95)),
        { signals = { final = { output = { single_class_share = v } } } }) end },
  },
  conflicting_labels = {
    part = { 0.05, "passes", "suggestive", function(v)
      return data { conflicts = { floor = v * 1.0879, share = 0.1 } } end },
    most = { 0.5, "suggestive", "measured", function(v)
      return data { conflicts = { floor = v * 1.0879, share = 0.1 } } end },
  },
  constant_feature = { share = { 0.5, "passes", "suggestive", function(v)
    return data { x = { constant = { count = 6, share = v } } } end } },
  feature_scale_disparity = {
    to_median = { 30, "passes", "measured", function(v)
      return features({ 0, 0, 0 }, { 1, 1, v }) end },
    to_least = { 1e4, "passes", "measured", function(v)
      return features({ 0, 0, 0 }, { 10 / v, 1, 10 }) end },
    uneven = { 5, "passes", "measured", function(v)
      return features({ 0, 0, 0 }, { v / 2e4, 1, v }) end },
    varies = { 1e-6, "passes", "measured", function(v)
      return features({ 0, 0, 1e8 }, { 1, 1, v * 1e8 }) end },
  },
  integer_input = { largest = { 10, "passes", "suggestive", function(v)
    return inputs { integral = true, min = 0, max = v } end } },
  targets_unrelated = {
    rows = { 30, "passes", "measured", function(n) return permuted { val_skill = { n = n } } end,
      whole = true },
    learnt = { 0.1, "passes", "measured", function(v)
      return permuted { skill = { value = v } } end },
    never = { 0.97, "passes", "measured", function(v)
      return permuted { val_loss = flat(30, v * 1.08) } end },
    accuracy = { 0.1, "measured", "passes", function(v)
      return permuted { val_accuracy = 0.401 + v } end },
    memorised = { 0.9, "exact", "passes", function(v)
      return with(cases.wine(), { signals = { skill = { value = v }, val_skill = NONE,
        tests = independent } }) end },
    useful = { 0.3, "exact", "passes", function(v)
      return with(cases.wine(), { signals = { skill = { value = 0.7 },
        val_skill = { value = v }, tests = independent } }) end },
    dead = { 0.9, "exact", "passes", function(v)
      return raw { final = { layers = { dense_2 = { dead_share = v } } },
        tests = independent, val_skill = NONE } end },
  },
  train_val_shift = {
    shift = { 1, "passes", "suggestive", function(v) return validation(1000, v, 0) end },
    far = { 3, "suggestive", "measured", function(v) return validation(1000, v, 0) end },
    errors = { 6, "passes", "suggestive", function(v)
      return validation(20, v * math.sqrt(0.1), 0) end },
    spread = { 0.5, "passes", "measured", function(v) return validation(1000, 0, v) end },
    rows = { 20, "unjudged", "measured", function(n)
      return data { n = 1000, val = { n = n, mean_shift = 0, sd_ratio_bad_share = 1 } } end,
      whole = true },
  },
  train_validation_leak = {
    share = { 0.01, "passes", "measured", function(v) return leak(v, 0) end },
    over_duplicates = { 2, "passes", "measured", function(v) return leak(0.01 + v * 0.1, 0.1) end },
    rows = { 2.5, "passes", "measured", function(v) return leak(v / 100, 0, 100) end },
    most = { 0.5, "measured", "exact", function(v) return leak(v, 0) end },
    duplicates = { 0.25, "exact", "measured", function(v) return leak(0.9, v) end },
  },
  unnormalised_inputs = {
    rms_high = { 5, "passes", "measured", function(v) return inputs { rms = v } end },
    rms_low = { 0.05, "measured", "passes", function(v) return inputs { rms = v } end },
    kappa = { 100, "passes", "measured", function(v)
      return inputs { rms = 3, kappa = v } end },
    offset = { 0.5, "passes", "measured", function(v)
      return inputs { rms = 3, offset_share = v } end },
    unit = { 2, "passes", "measured", function(v) return inputs { rms = v, kappa = 1000 } end },
    varies = { 1e-6, "passes", "measured", function(v)
      return features({ 0, 0, 1e8 }, { 1, 1, v * 1e8 }, 3) end },
  },
  unscaled_targets = {
    sd_high = { 10, "passes", "measured", function(v) return targets(0, v) end },
    sd_low = { 0.1, "suggestive", "passes", function(v) return targets(0, v) end },
    offset = { 3, "passes", "suggestive", function(v) return targets(v, 1) end },
  },
  unshuffled_data = { z = { -6, "passes", "measured", function(v)
    return with(data { y = { runs_z = v } }, { description = { shuffle = false } }) end } },
  unused_output_class = {
    spare = { 2, "passes", "suggestive", function(n) return spare(5, 5 - n) end, whole = true },
    share = { 0.2, "passes", "suggestive", function(v)
      return spare(1000, 1000 - math.floor(1000 * v + 0.5)) end, points = { 0.198, 0.202 } },
  },
  over_regularisation = {
    share = { 0.5, "passes", "measured", function(v) return penalty(v, 0) end },
    ratio = { 2, "passes", "measured", function(v) return penalty(0.1, v) end },
    with_share = { 0.5, "suggestive", "measured", function(v) return penalty(0.6, v) end },
    travel = { 3, "passes", "measured", function(v) return decay(1e-3, v * 1000) end },
    rate = { 1e-4, "passes", "measured", function(v) return decay(v, 1e6) end },
    left = { 0.2, "measured", "passes", function(v)
      return penalty(0.1, 0.1, { init = { layers = { dense_2 = { weight_rms = 1 } } },
        final = { layers = { dense_2 = { weight_rms = v } } } }) end },
  },
  overfitting = {
    rise = { 1.1, "passes", "suggestive", function(v) return turning(0.51, v, 28) end },
    much = { 1.5, "suggestive", "measured", function(v) return turning(0.51, v, 28) end },
    noise = { 2, "passes", "suggestive", noisy_turn },
    z = { 2.326, "passes", "suggestive", late_turn, points = { 5, 6 } },
  },
  train_eval_inconsistent = {
    ratio = { 2, "passes", "measured", function(v)
      return raw { final = { train_mode_loss = 1, loss = v } } end },
    share = { 0.2, "passes", "measured", function(v)
      return raw { final = { train_mode_loss = 0.01, loss = 0.01 + v * 1.0879 } } end },
  },
  loss_diverging = { leaps = { 2, "grows", "leaps", diverging, whole = true,
    by = function(f) return f.title:match "grows" or f.title:match "leaps" end } },
  loss_negative = { rounding = { 1e-6, "passes", "exact", function(v)
    return raw { loss = { 1, -v, 1 }, epoch_loss = flat(30, 1) } end } },
  loss_oscillating = {
    rise = { 0.2, "passes", "suggestive", function(v)
      return zigzag(40, function() return true end, v) end },
    share = { 0.25, "passes", "suggestive", function(v)
      return zigzag(4000, function(k) return k <= 4000 * v end, 0.5) end,
      points = { 0.2475, 0.2525 } },
    flips = { 0.5, "passes", "suggestive", flipping, points = { 0.49, 0.51 } },
    rises = { 2, "passes", "suggestive", few_rises, whole = true },
  },
  loss_still_falling = {
    gain = { 0.05, "passes", "suggestive", falling },
    much = { 0.3, "suggestive", "measured", falling },
  },
  plateau_fingerprint = {
    errors = { 3, "measured", "passes", function(v) return level(1.0879 - v * 0.01, 0.01) end },
    share = { 0.003, "measured", "passes", function(v) return level(1.0879 * (1 - v), 0) end },
  },
  progress_rate_too_low = {
    budgets = { 3, "passes", "measured", function(v)
      return slow { trend = { first = 1, last = 2 ^ (-1 / v) } } end },
    dead = { 0.5, "lr_too_low", "too_few_epochs", function(v)
      return slow { final = { layers = { dense_2 = { dead_share = v } } } } end,
      by = function(f) return f.cause end },
  },
}
