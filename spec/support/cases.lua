--- Literal cases (description and signals) for the specs of the rules: healthy runs that no rule
--- may call an error, and faulty ones. Numbers are those of the data sets' measurements.
local checks = require "spec.support.case_checks"
local parts = require "spec.support.case_parts"

local M = {}
for _, from in ipairs { parts, checks } do
  for name, value in pairs(from) do M[name] = value end
end

local dense, layer_stats = parts.dense, parts.layer_stats
local activity, probabilities = parts.activity, parts.probabilities

---wine.csv, standardised, one layer of 32, sgd 0.1, 30 epochs: 0.0248, accuracy 0.971.
function M.wine()
  return {
    description = {
      layers = {
        { index = 1, path = "normalization_1", kind = "normalization",
          options = { adapt = true }, adapted = "train", trainable = true,
          input_shape = { 13 }, output_shape = { 13 }, n_parameters = 27 },
        dense(2, 32, 13, "relu"), dense(3, 3, 32, "softmax"),
      },
      loss = { name = "sparse_crossentropy", from_logits = false, label_smoothing = 0,
        reduction = "mean" },
      optimizer = { name = "sgd", lr = 0.1, flavor = "keras", momentum = 0,
        schedule = { name = "constant" } },
      batch = 32, epochs = 30, shuffle = true, seed = 7, steps_per_epoch = 5, n_train = 142,
      n_val = 36, n_parameters = 547, task = { kind = "multiclass", classes = 3 },
    },
    signals = {
      data = {
        n = 142, d = 13,
        x = { nonfinite = { count = 0 }, mean = 69.1, std = 215.7, rms = 226.5, min = 0.13,
          max = 1680, integral = false, identical = false,
          feature = {
            mean = { 13, 2.3, 2.37, 19.5, 99.7, 2.3, 2.03, 0.36, 1.59, 5.06, 0.96, 2.61, 747 },
            std = { 0.81, 1.12, 0.27, 3.3, 14.3, 0.63, 1, 0.124, 0.57, 2.3, 0.23, 0.71, 314 },
          },
          constant = { count = 0, share = 0, columns = {} }, disparity = 2532, kappa = 59000,
          offset_share = 0.85, largest = { column = 13, name = "proline", max_abs = 1680 } },
        y = { kind = "index", nonfinite = { count = 0 }, n = 142, width = 1, min = 0, max = 2,
          mean = 0.94, std = 0.77, var = 0.6, integral = true, constant = false, classes = 3,
          counts = { [0] = 47, [1] = 57, [2] = 38 }, prior = { 0.331, 0.401, 0.268 },
          entropy = 1.0879, majority = 0.401, runs_z = 0.3 },
        duplicates = { share = 0 }, conflicts = { share = 0, floor = 0 },
        val = { n = 36, leak_share = 0, mean_shift = 0.4, sd_ratio_bad_share = 0 },
      },
      baseline = 1.0879, baseline_name = "entropy of the class frequencies",
      init = { loss = 1.31, logit_std = 0.8, output = probabilities(3),
        layers = { dense_2 = activity(0), dense_3 = activity(nil) } },
      loss = M.curve(150, 1.3, 0.025, 0.2), epoch_loss = M.curve(30, 1.0, 0.0248),
      val_loss = M.curve(30, 1.0, 0.05),
      trend = { verdict = "decreasing", z = -6.1, slope = -0.02, noise_cv = 0.1,
        blocks = 20, first = 0.2, last = 0.0248, best = 0.0248 },
      skill = { value = 0.977, verdict = "better", t = -40, n = 142, loss = 0.0248,
        baseline = 1.0879 },
      val_skill = { value = 0.95, verdict = "better", t = -20, n = 36, loss = 0.05,
        baseline = 1.08 },
      accuracy = 1, val_accuracy = 0.971, majority = 0.401,
      final = { loss = 0.0248, output = probabilities(3),
        layers = { dense_2 = activity(0), dense_3 = activity(nil) } },
      layers = { dense_2 = layer_stats(0.005), dense_3 = layer_stats(0.01) },
      grad_norm = M.curve(150, 1, 0.05, 0.2), steps = 150,
    },
  }
end

local function without_scaling(case)
  table.remove(case.description.layers, 1)
  return case
end

---The same from raw features: all units dead after the first steps, loss at the entropy.
function M.wine_raw()
  local case = without_scaling(M.wine())
  return M.with(case, { signals = {
    init = { loss = 120, logit_std = 160 },
    loss = (function()
      local list = M.flat(150, 1.088)
      list[1], list[2], list[3], list[4] = 120, 360, 40, 3
      return list
    end)(),
    epoch_loss = (function()
      local list = {}
      for i = 1, 30 do list[i] = 1.0880 + 2e-4 * ((i * 7 % 5) - 2) / 2 end
      list[1] = 90
      return list
    end)(),
    val_loss = M.flat(30, 1.09),
    trend = { verdict = "plateau", z = 0.3, slope = -1e-6, noise_cv = 2e-4,
      blocks = 20, first = 1.0881, last = 1.0880, best = 1.0879 },
    skill = { value = -1e-4, verdict = "at_baseline", t = 0.5, n = 142, loss = 1.0880,
      baseline = 1.0879 },
    val_skill = { value = -0.01, verdict = "at_baseline", t = 0.4, n = 36, loss = 1.09,
      baseline = 1.08 },
    accuracy = 0.401, val_accuracy = 0.429,
    final = { loss = 1.0880,
      output = { min = 0.26, max = 0.41, row_sum_min = 1, row_sum_max = 1, finite = true,
        std_over_samples = 0, max_prob_mean = 0.41, single_class_share = 1 },
      layers = { dense_2 = { dead_share = 1 } } },
    layers = {
      dense_2 = { ratio = (function()
        local list = M.flat(30, 0)
        list[1], list[2] = 80, 6
        return list
      end)(), ratio_median = 0, zero_grad = 0.97, unchanged = 0.97, grad_rms_median = 0,
        grad_norm = (function()
          local list = M.flat(30, 0)
          list[1], list[2] = 4000, 900
          return list
        end)() },
    },
    grad_norm = (function()
      local list = M.flat(150, 0.05)
      list[1], list[2], list[3] = 4000, 900, 30
      return list
    end)(),
  } })
end

---mnist scaled to 0..1, 64 units, 10 epochs: 0.1179 / 0.907; rectified outputs 80 % zero, sparse
---inputs, constant border.
function M.mnist()
  local std, mean = {}, {}
  for j = 1, 784 do
    std[j] = j <= 123 and 0 or 0.004 + 0.44 * ((j * 37) % 661) / 661
    mean[j] = j <= 123 and 0 or 0.5 * std[j]
  end
  local case = M.with(without_scaling(M.wine()), { description = { epochs = 10, batch = 32,
    steps_per_epoch = 157, n_train = 5000, n_val = 1000,
    task = { kind = "multiclass", classes = 10 } }, signals = {
    data = { n = 5000, d = 784, x = { mean = 0.131, std = 0.308, rms = 0.335, min = 0, max = 1,
      feature = { mean = mean, std = std }, constant = { count = 123, share = 0.157,
        columns = { 1, 2, 3 } }, disparity = 110, kappa = 95, offset_share = 0,
      largest = { column = 400, max_abs = 1 } },
      y = { n = 5000, max = 9, classes = 10, mean = 4.4, std = 2.9, var = 8.4,
        counts = { [0] = 500, 560, 490, 505, 480, 440, 540, 530, 470, 485 }, entropy = 2.3002,
        majority = 0.112 } },
    baseline = 2.3002, init = { loss = 2.42, logit_std = 0.6 },
    loss = M.curve(1570, 2.4, 0.12, 0.4), epoch_loss = M.curve(10, 0.9, 0.1179),
    val_loss = M.curve(10, 0.7, 0.30), trend = { z = -5.5, slope = -0.05, blocks = 20,
      first = 0.3, last = 0.118, best = 0.118 },
    skill = { value = 0.949, n = 512, loss = 0.1179, baseline = 2.3002 },
    val_skill = { value = 0.87, n = 512, loss = 0.30, baseline = 2.3 }, accuracy = 0.966,
    val_accuracy = 0.907, majority = 0.112, steps = 1570,
    final = { loss = 0.1179, layers = { dense_2 = { zero_share = 0.8,
      dead_share = 0.03 } } },
  } })
  case.description.layers = { dense(2, 64, 784, "relu"), dense(3, 10, 64, "softmax") }
  case.signals.grad_norm = M.curve(1570, 1.5, 0.3, 0.5)
  return case
end

---diabetes, standardised X and y, 16 units, sgd 0.01: 0.45 of a variance of 1.
function M.regression()
  local case = M.with(M.wine(), { description = { loss = { name = "mse" },
    optimizer = { lr = 0.01 }, epochs = 60, n_train = 354, n_val = 88,
    task = { kind = "regression" } }, signals = {
    data = { n = 354, d = 10, y = { kind = "real", n = 354, min = -1.65, max = 2.5, mean = 0,
      std = 1, var = 1, median = -0.15, mad = 0.83, mean_square = 1, integral = false,
      classes = M.NONE, counts = M.NONE, prior = M.NONE, entropy = M.NONE, majority = M.NONE,
      runs_z = M.NONE }, val = { n = 88 } },
    baseline = 1, baseline_name = "variance of the target", init = { loss = 1.5,
      logit_std = M.NONE, output = { min = -2, max = 2, row_sum_min = -2, row_sum_max = 2 } },
    loss = M.curve(720, 1.5, 0.45, 0.4), epoch_loss = M.curve(60, 1.2, 0.4473),
    val_loss = M.curve(60, 1.1, 0.56),
    trend = { verdict = "plateau", z = -1.9, slope = -5e-4, blocks = 20, first = 0.452,
      last = 0.4473, best = 0.4473 },
    skill = { value = 0.553, t = -9, n = 354, loss = 0.4473, baseline = 1 },
    val_skill = { value = 0.45, t = -4, n = 88, loss = 0.56, baseline = 1.02 },
    accuracy = M.NONE, val_accuracy = M.NONE, majority = M.NONE, steps = 720,
    final = { loss = 0.4473, output = { min = -1.2, max = 1.6,
      row_sum_min = -1.2, row_sum_max = 1.6, std_over_samples = 0.7, max_prob_mean = M.NONE,
      single_class_share = M.NONE } },
  } })
  case.description.layers[2] = dense(2, 16, 10, "relu")
  case.description.layers[3] = dense(3, 1, 16)
  case.signals.data.x = { nonfinite = { count = 0 }, mean = 62.5, std = 59.7, rms = 86.4, min = 1,
    max = 301, identical = false, constant = { count = 0, share = 0, columns = {} },
    disparity = 69, kappa = 3000, offset_share = 0.7, largest = { column = 5, max_abs = 301 } }
  return case
end

---A late, converged run: tiny gradients and steps, loss flat near zero.
function M.converged()
  return M.with(M.wine(), { signals = {
    loss = M.flat(2000, 2e-4), epoch_loss = M.flat(400, 2e-4), val_loss = M.flat(400, 0.06),
    trend = { verdict = "plateau", z = -1, slope = -1e-5, first = 2.1e-4, last = 2e-4,
      best = 2e-4 },
    skill = { value = 0.9998, loss = 2e-4 }, steps = 2000,
    final = { loss = 2e-4, output = { max_prob_mean = 0.9998 } },
    grad_norm = M.flat(2000, 1e-6),
    layers = { dense_2 = { ratio = M.flat(30, 1e-9), ratio_median = 1e-9,
      grad_rms_median = 1e-9, grad_norm = M.flat(30, 1e-7) },
      dense_3 = { ratio = M.flat(30, 1e-9), ratio_median = 1e-9, grad_rms_median = 1e-9,
        grad_norm = M.flat(30, 1e-7) } },
  } })
end

---A noisy loss (batch of 4) that falls.
function M.noisy()
  return M.with(M.wine(), { description = { batch = 4 }, signals = {
    loss = M.curve(400, 1.3, 0.3, 0.8), epoch_loss = M.curve(12, 1.1, 0.3, 0.15),
    val_loss = M.curve(12, 1.0, 0.35, 0.1),
    trend = { verdict = "decreasing", z = -2.6, slope = -0.01, noise_cv = 0.5, blocks = 20,
      first = 0.6, last = 0.31, best = 0.27 },
    skill = { value = 0.72, loss = 0.30 }, val_skill = { value = 0.66, loss = 0.36 },
    accuracy = 0.9, final = { loss = 0.30 }, steps = 400,
  } })
end

---One epoch of five steps: too short to say anything.
function M.short()
  return M.with(M.wine(), { description = { epochs = 1 }, signals = {
    loss = { 1.31, 1.2, 1.25, 1.1, 1.05 }, epoch_loss = { 1.18 }, val_loss = { 1.02 },
    trend = { verdict = "undetermined", z = -1.2, blocks = 1, first = 1.18, last = 1.18,
      best = 1.18, more_steps = 116 },
    skill = { value = 0.06, verdict = "undetermined", t = -2, loss = 1.02 },
    val_skill = { value = 0.04, verdict = "undetermined", t = -1, n = 36 }, accuracy = 0.55,
    final = { loss = 1.02, output = { max_prob_mean = 0.5 } }, steps = 5,
    grad_norm = { 1, 0.9, 1, 0.8, 0.9 },
  } })
end

---A run that fits perfectly: loss zero, no gradient left, probabilities all 1.
function M.perfect()
  return M.with(M.wine(), { signals = {
    loss = M.flat(300, 0), epoch_loss = M.flat(60, 0), val_loss = M.flat(60, 0.03),
    trend = { verdict = "plateau", z = 0, slope = 0, first = 0, last = 0, best = 0 },
    skill = { value = 1, loss = 0 }, steps = 300,
    final = { loss = 0, output = { max_prob_mean = 1 } },
    grad_norm = M.flat(300, 0),
    layers = { dense_2 = { ratio = M.flat(30, 0), ratio_median = 0, zero_grad = 1, unchanged = 1,
      grad_rms_median = 0, grad_norm = M.flat(30, 0) },
      dense_3 = { ratio = M.flat(30, 0), ratio_median = 0, zero_grad = 1, unchanged = 1,
        grad_rms_median = 0, grad_norm = M.flat(30, 0) } },
  } })
end

---ionosphere raw: within -1..1, one constant column, learns.
function M.ionosphere()
  local case = M.with(without_scaling(M.wine()), { signals = { data = { n = 281, d = 34,
    x = { mean = 0.25, std = 0.58, rms = 0.63, min = -1, max = 1, feature = M.NONE,
      constant = { count = 1, share = 1 / 34, columns = { 2 } }, disparity = 2.1, kappa = 2.5,
      offset_share = 0.03, largest = { column = 1, max_abs = 1 } },
    y = { n = 281, max = 1, classes = 2, counts = { [0] = 101, [1] = 180 }, entropy = 0.6551,
      majority = 0.641 } },
    baseline = 0.6551, skill = { value = 0.9, loss = 0.0666, baseline = 0.6551 },
    final = { loss = 0.0666 } } })
  case.description.layers = { dense(2, 32, 34, "relu"), dense(3, 2, 32, "softmax") }
  case.description.task = { kind = "multiclass", classes = 2 }
  return case
end

---All healthy cases by name.
---@return table<string, table>
function M.healthy()
  return { wine = M.wine(), mnist = M.mnist(), regression = M.regression(),
    converged = M.converged(), noisy = M.noisy(), short = M.short(), perfect = M.perfect(),
    ionosphere = M.ionosphere() }
end

return M
