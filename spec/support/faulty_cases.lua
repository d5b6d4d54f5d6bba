--- Literal cases of faulty runs with the cause that has to come first. Levels, shares of dead
--- units and losses are those measured on the data sets named.
local cases = require "spec.support.cases"

local M = {}
local with, flat, curve, NONE = cases.with, cases.flat, cases.curve, cases.NONE

local function plateau(level, z)
  return { verdict = "plateau", z = z or 0.2, slope = -1e-6, noise_cv = 1e-3,
    blocks = 20, first = level * 1.0005, last = level, best = level * 0.9995 }
end

local function stuck_output(k)
  return { min = 1 / k - 0.1, max = 1 / k + 0.1, row_sum_min = 1, row_sum_max = 1, finite = true,
    std_over_samples = 0, max_prob_mean = 1 / k + 0.1, single_class_share = 1 }
end

---A run of wine, scaled, that stays where `change` puts it.
local function wine_at(level, skill, change)
  return with(with(cases.wine(), { signals = {
    loss = flat(150, level), epoch_loss = flat(30, level), val_loss = flat(30, level),
    trend = plateau(level), accuracy = 0.401, val_accuracy = 0.429,
    skill = { value = skill, verdict = skill < -0.02 and "worse" or "at_baseline", t = 0.5,
      loss = level },
    val_skill = { value = skill, verdict = "at_baseline", t = 0.5 },
    final = { loss = level, output = stuck_output(3) },
  } }), change)
end

---All weights zero: only the bias of the last layer moves; 1.087963.
function M.zero_init()
  return wine_at(1.087963, -1e-5, { signals = {
    init = { loss = 1.0986, logit_std = 0, layers = { dense_2 = { symmetric = true,
      weight_rms = 0, weight_std = 0, z_mean_sq = 0, dead_share = 1 },
      dense_3 = { symmetric = true, weight_rms = 0 } } },
    final = { layers = { dense_2 = { dead_share = 1 } } },
    layers = { dense_2 = { zero_grad = 1, unchanged = 1, ratio = flat(30, 0), ratio_median = 0,
      grad_rms_median = 0, grad_norm = flat(30, 0) } },
  } })
end

---lr 0: stays at its first loss, 1.5307.
function M.zero_lr()
  return wine_at(1.5307, -0.407, { description = { optimizer = { lr = 0 } }, signals = {
    init = { loss = 1.5307 }, final = { output = { std_over_samples = 0.3,
      single_class_share = 0.6 } },
    layers = { dense_2 = { unchanged = 1, ratio = flat(30, 0), ratio_median = 0 },
      dense_3 = { unchanged = 1, ratio = flat(30, 0), ratio_median = 0 } },
  } })
end

---Features all zero: 1.087963.
function M.zero_features()
  return wine_at(1.087963, -1e-5, { signals = {
    data = { x = { mean = 0, std = 0, rms = 0, min = 0, max = 0, identical = true,
      constant = { count = 13, share = 1 }, feature = NONE, disparity = NONE, kappa = NONE,
      offset_share = 0, largest = NONE } },
    final = { layers = { dense_2 = { dead_share = 1 } } },
    layers = { dense_2 = { zero_grad = 1, unchanged = 1, ratio_median = 0 } },
  } })
end

---Labels permuted: training 0.877, test at chance 0.314.
function M.permuted()
  return with(cases.wine(), { signals = {
    loss = curve(150, 1.3, 0.87, 0.1), epoch_loss = curve(30, 1.2, 0.877),
    val_loss = curve(30, 1.25, 1.31),
    trend = { verdict = "decreasing", z = -5, slope = -0.008, first = 1.02, last = 0.877,
      best = 0.877 },
    skill = { value = 0.194, loss = 0.877 },
    val_skill = { value = -0.2, verdict = "worse", t = 3, n = 36, loss = 1.31, baseline = 1.08 },
    accuracy = 0.6, val_accuracy = 0.314, final = { loss = 0.877,
      output = { max_prob_mean = 0.6 } },
  } })
end

---Sigmoid units on raw features: saturated, 1.0942.
function M.sigmoid_raw()
  local case = with(cases.wine_raw(), { signals = {
    init = { loss = 1.4, logit_std = 0.9, layers = { dense_2 = { dead_share = NONE,
      saturated_share = 0.93 } } },
    epoch_loss = flat(30, 1.0942), loss = flat(150, 1.0942), trend = plateau(1.0942),
    skill = { value = -0.006, loss = 1.0942 },
    final = { loss = 1.0942, layers = { dense_2 = { dead_share = NONE,
      saturated_share = 0.99 } }, output = { std_over_samples = 0.02 } },
    layers = { dense_2 = { zero_grad = 0, unchanged = 0, ratio = flat(30, 1e-3),
      ratio_median = 1e-3, grad_rms_median = 1e-6, grad_norm = flat(30, 1e-4) } },
    grad_norm = flat(150, 0.2),
  } })
  case.description.layers[1].activation = "sigmoid"
  return case
end

---mnist from 0..255: 2.262, flat, 0.04 under the entropy, 95 % of the units dead.
function M.mnist_raw()
  return with(cases.mnist(), { signals = {
    data = { x = { mean = 33.4, std = 78.7, rms = 85.5, max = 255, integral = true,
      largest = { max_abs = 255 }, feature = NONE } },
    init = { loss = 110, logit_std = 90 }, epoch_loss = curve(10, 9, 2.262),
    loss = flat(1570, 2.262), val_loss = flat(10, 2.27), trend = plateau(2.262),
    skill = { value = 0.0166, verdict = "better", t = -4, loss = 2.262 },
    val_skill = { value = 0.01, verdict = "better" }, accuracy = 0.13, val_accuracy = 0.13,
    final = { loss = 2.262, layers = { dense_2 = { dead_share = 0.95 } },
      output = { max_prob_mean = 0.13, single_class_share = 0.9, std_over_samples = 0.02 } },
    layers = { dense_2 = { ratio = { 50, 3, 1e-3, 1e-4 }, ratio_median = 1e-4 } },
  } })
end

---digits from 0..16: half a fault, 75 % dead, 0.3532, test accuracy 0.83.
function M.digits_raw()
  return with(cases.mnist(), { signals = {
    data = { x = { mean = 4.9, std = 6.0, rms = 7.75, max = 16, integral = true,
      largest = { max_abs = 16 }, feature = NONE } },
    epoch_loss = curve(30, 3, 0.3532), trend = plateau(0.3532),
    skill = { value = 0.846, loss = 0.3532 }, accuracy = 0.85, val_accuracy = 0.83,
    final = { loss = 0.3532, layers = { dense_2 = { dead_share = 0.75 } },
      output = { max_prob_mean = 0.8 } },
  } })
end

---shuttle raw: leaps up to 1e91 with the units alive, ends near the entropy.
function M.shuttle_raw()
  local loss = flat(500, 0.69)
  for i = 1, 500, 40 do loss[i] = 10.0 ^ (i % 90) end
  local case = with(cases.wine_raw(), { signals = {
    data = { n = 4640, d = 9, x = { mean = 30.4, std = 115, rms = 119, min = -12809, max = 15164,
      feature = NONE, disparity = 35, kappa = 500, largest = { column = 4, name = "V4",
        max_abs = 15164 } }, y = { n = 4640, max = 6, classes = 7, entropy = 0.6925,
        majority = 0.786, counts = { [0] = 3646, 3, 22, 740, 262, 2, 2 } } },
    baseline = 0.6925, loss = loss, epoch_loss = flat(30, 0.69), trend = plateau(0.69),
    skill = { value = 0.001, verdict = "at_baseline", loss = 0.69, baseline = 0.6925 },
    final = { loss = 0.69, layers = { dense_2 = { dead_share = 0.19 } },
      output = { single_class_share = 1 } },
    layers = { dense_2 = { zero_grad = 0, unchanged = 0 } },
    majority = 0.786,
  }, description = { task = { classes = 7 } } })
  case.description.layers[2] = cases.dense(3, 7, 32, "softmax")
  return case
end

local function diverged_regression(change)
  local case = with(with(cases.regression(), { description = { optimizer = { lr = 0.1 } },
    signals = {
      data = { y = { min = 25, max = 346, mean = 152.13, std = 77, var = 5928.31,
        median = 140, mean_square = 28998 } },
      baseline = 5928.31, init = { loss = 29000 }, val_loss = { 0 / 0 },
      loss = { 29000, 4e6, 5e11, 3e23, 1 / 0, 0 / 0 }, epoch_loss = { 0 / 0 },
      trend = { verdict = "undetermined", first = 0 / 0, last = 0 / 0, best = 0 / 0,
        blocks = 1, z = 0, slope = NONE },
      skill = { value = 0 / 0, verdict = "worse", loss = 0 / 0, baseline = 5928.31 },
      val_skill = { value = 0 / 0, verdict = "worse" },
      nonfinite = { step = 6, what = "loss", op = "mul", layer = "dense_3",
        line = "train.lua:8" },
      final = { loss = 0 / 0,
        output = { finite = false, std_over_samples = 0 / 0 } },
      layers = { dense_2 = { ratio = { 0.5, 20, 4e3, 1e5 }, ratio_median = 100,
        first_nonfinite_step = 6 } },
      grad_norm = { 300, 4e4, 5e9, 3e21, 1 / 0 }, steps = 6,
    } }), change)
  return case
end

---diabetes, scaled X and raw y: NaN.
function M.diabetes_raw_y() return diverged_regression() end

---The same network with an exploding hand-made step: lr 100 on scaled data.
function M.lr_huge()
  return diverged_regression { description = { optimizer = { lr = 100 } }, signals = {
    data = { y = { min = -1.65, max = 2.5, mean = 0, std = 1, var = 1, mean_square = 1 } },
    baseline = 1, init = { loss = 1.5 } } }
end

---diabetes, raw X and y at lr 0.1: all dead at the variance.
function M.diabetes_raw()
  local case = with(cases.regression(), { description = { optimizer = { lr = 0.1 } }, signals = {
    data = { y = { min = 25, max = 346, mean = 152.13, std = 77, var = 5928.31,
      mean_square = 28998 } },
    baseline = 5928.31, loss = flat(720, 5940), epoch_loss = curve(60, 8000, 5935),
    val_loss = flat(60, 6000), trend = plateau(5935), init = { loss = 31000 },
    skill = { value = -0.001, verdict = "at_baseline", loss = 5935, baseline = 5928.31 },
    val_skill = { value = -0.02, verdict = "at_baseline" },
    final = { loss = 5935, output = { std_over_samples = 0 },
      layers = { dense_2 = { dead_share = 1 } } },
    layers = { dense_2 = { zero_grad = 0.99, unchanged = 0.99, ratio = { 400, 0, 0 },
      ratio_median = 0, grad_rms_median = 0 } },
  } })
  table.remove(case.description.layers, 1)
  return case
end

---co2 with gaps: NaN in the inputs.
function M.co2_gaps()
  return diverged_regression { signals = {
    data = { x = { nonfinite = { count = 250, row = 6, col = 1 } },
      y = { nonfinite = { count = 59, row = 6 }, min = 313, max = 374, mean = 340, std = 17,
        var = 289, mean_square = 115900 } },
    baseline = 289, loss = { 0 / 0 }, nonfinite = { step = 1, what = "input", rows = { 6 } },
    grad_norm = NONE, steps = 1,
  } }
end

---sonar raw at lr 0.001: 0.776 to 0.677 in 60 epochs, 16 % dead.
function M.sonar_slow()
  local case = with(cases.ionosphere(), { description = { optimizer = { lr = 0.001 },
    epochs = 60 }, signals = { baseline = 0.691, baseline_name = "entropy of the class frequencies",
    loss = curve(360, 0.776, 0.677, 0.05), epoch_loss = curve(60, 0.776, 0.677),
    val_loss = curve(60, 0.78, 0.69),
    trend = { verdict = "decreasing", z = -6, slope = -0.003, blocks = 20, first = 0.776,
      last = 0.677, best = 0.677 }, steps = 360,
    skill = { value = 0.02, verdict = "better", loss = 0.677, baseline = 0.691 },
    val_skill = { value = 0.0, verdict = "at_baseline", n = 41 }, accuracy = 0.58,
    val_accuracy = 0.537, majority = 0.53,
    final = { loss = 0.677, layers = { dense_2 = { dead_share = 0.16 } },
      output = { max_prob_mean = 0.55 } },
    layers = { dense_2 = { ratio = flat(30, 1e-4), ratio_median = 1e-4 } } } })
  case.signals.data.x.constant = { count = 0, share = 0, columns = {} }
  return case
end

---The cause that has to come first ("a|b": any of them).
M.first = {
  zero_init = "symmetric_init", zero_lr = "lr_too_low", zero_features = "constant_inputs",
  permuted = "misaligned_labels|uninformative_labels", sigmoid_raw = "unnormalised_inputs",
  mnist_raw = "unnormalised_inputs", digits_raw = "unnormalised_inputs",
  shuttle_raw = "unnormalised_inputs", diabetes_raw_y = "unscaled_targets",
  diabetes_raw = "unnormalised_inputs|unscaled_targets", co2_gaps = "nan_in_data",
  sonar_slow = "lr_too_low|too_few_epochs", lr_huge = "lr_too_high",
}

return M
