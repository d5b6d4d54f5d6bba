--- A run and a diagnosis as literal tables, with numbers of wine.csv trained unscaled at lr 0.1:
--- 178 rows, class counts 59, 71, 48, entropy 1.0860; the training split of 142 rows 1.0879.
local M = {}

local function flat(n, value)
  local out = {}
  for i = 1, n do out[i] = value end
  return out
end

function M.description()
  return {
    name = "wine",
    layers = {
      { index = 1, path = "dense_1", kind = "dense", options = { units = 32 }, activation = "relu",
        source = "wine.lua:8", trainable = true, input_shape = { 13 }, output_shape = { 32 },
        n_parameters = 448, fan_in = 13, init = "glorot_uniform" },
      { index = 2, path = "dense_2", kind = "dense", options = { units = 3 },
        activation = "softmax", source = "wine.lua:9", trainable = true, input_shape = { 32 },
        output_shape = { 3 }, n_parameters = 99, fan_in = 32, init = "glorot_uniform" },
    },
    loss = { name = "sparse_crossentropy", from_logits = false, label_smoothing = 0,
      reduction = "mean" },
    optimizer = { name = "sgd", lr = 0.1, flavor = "keras", momentum = 0,
      schedule = { name = "constant" } },
    batch = 32, epochs = 30, shuffle = true, seed = 7, steps_per_epoch = 5, n_train = 142,
    n_val = 36, n_parameters = 547, task = { kind = "multiclass", classes = 3 },
  }
end

function M.signals()
  return {
    data = { n = 142, d = 13, names = { "alcohol", "malic_acid", "proline" },
      x = { nonfinite = { count = 0 }, mean = 69.13, std = 215.7, min = 0.13, max = 1680,
        feature = { mean = { 13.0, 2.3, 746.9 }, std = { 0.81, 1.1, 314.9 },
          min = { 11.03, 0.74, 278 }, max = { 14.83, 5.8, 1680 } },
        largest = { column = 13, name = "proline", max_abs = 1680 } },
      y = { kind = "index", classes = 3, counts = { [0] = 47, [1] = 57, [2] = 38 },
        prior = { [0] = 0.331, [1] = 0.401, [2] = 0.268 }, entropy = 1.0879, majority = 0.401 } },
    baseline = 1.0879, baseline_name = "entropy of the class frequencies",
    loss = flat(150, 1.088),
    trend = { verdict = "plateau", z = 0.3, first = 1.088, last = 1.088, best = 1.0876 },
    skill = { value = 0.0, verdict = "at_baseline", t = 0.1, n = 142, loss = 1.088,
      baseline = 1.0879 },
    accuracy = 0.401, majority = 0.401,
    layers = {
      dense_1 = { grad_norm = { 812.0, 0, 0, 0, 0, 0 }, ratio = { 3.1, 0, 0, 0, 0, 0 },
        ratio_median = 0, zero_grad = 0.99 },
      dense_2 = { grad_norm = { 41.0, 0.02, 0.03, 0.02, 0.01, 0.02 },
        ratio = { 0.7, 1e-3, 2e-3, 1e-3, 1e-3, 1e-3 }, ratio_median = 1e-3 },
    },
    grad_norm = { 813.0, 0.02, 0.03, 0.02, 0.01, 0.02 }, steps = 150,
  }
end

--- The run whose loss stays at the entropy of the classes.
function M.run()
  local loss, val = flat(30, 1.088), flat(30, 1.085)
  loss[1] = 1.0912
  return { name = "wine", description = M.description(), n_epochs = 30, n_steps = 150,
    history = { loss = loss, val_loss = val, accuracy = flat(30, 0.401),
      val_accuracy = flat(30, 0.389), lr = flat(30, 0.1) },
    steps = { loss = flat(150, 1.088), grad_norm = { 813.0, 0.02 } },
    signals = M.signals(), seconds = 0.31, stopped = "completed", seed = 7 }
end

--- The diagnosis of that run: unscaled inputs, with dead units as their consequence.
function M.diagnosis()
  local curve = {}
  for i = 1, 30 do curve[i] = 1.1 * math.exp(-i / 7) + 0.02 end
  return {
    verdict = "not learning: the inputs are not scaled, and the first layer died of it",
    healthy = false, probability = 0.97, run = M.run(), baseline = 1.0879,
    checked = { "label_range", "loss_matches_output", "class_imbalance", "nonfinite_data",
      "constant_features", "initial_loss", "gradcheck" },
    unjudged = { { rule = "overfitting", why = "training loss never fell" },
      { rule = "missing_regularisation", why = "training loss never fell" } },
    { rule = "unnormalised_inputs", cause = "unnormalised_inputs", family = "data",
      severity = "error", class = "measured", probability = 0.97,
      title = "features are not scaled: proline reaches 1680",
      where = { layer = "dense_1", source = "wine.lua:8" },
      evidence = { { name = "largest feature", value = 1680, reference = "about 1",
        note = "column proline" }, { name = "spread of the features' scales", value = 2540.3,
        reference = "below 100" } },
      explains = { "dying_relu", "zero_gradient_layer", "loss_at_baseline" },
      fixes = { { text = "standardise the inputs with the training rows",
        patch = { insert = { at = 1, layer = "normalization" } },
        trial = { before = 1.088, after = 0.021, placebo = 1.088, seeds = { 0.020, 0.021, 0.024 },
          verified = true, metric = "loss",
          curves = { before = flat(30, 1.088), after = curve, placebo = flat(30, 1.088) } } },
        { text = "lower the learning rate", patch = { optimizer = { lr = 0.001 } },
          trial = { before = 1.088, after = 1.087, placebo = 1.088, seeds = { 1.087, 1.088, 1.087 },
            verified = false, metric = "loss" } } } },
    { rule = "dying_relu", cause = "dying_relu", family = "activations", severity = "warning",
      class = "exact", title = "32 of 32 units of dense_1 are zero for every row",
      where = { layer = "dense_1", step = 2, source = "wine.lua:8" },
      evidence = { { name = "dead units", value = "100 %", reference = "below 10 %" } },
      explains = {}, fixes = {} },
  }
end

return M
