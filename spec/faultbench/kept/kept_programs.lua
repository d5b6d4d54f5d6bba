--- Programs of our own for the fault benchmark: sound ones, and the same with one fault each. The
-- form is that of the benchmark (`../README.md`); the fault stands in the truth alone.
local function dense(units, activation, more)
  local layer = { layer = "dense", units = units, activation = activation }
  for key, value in pairs(more or {}) do layer[key] = value end
  return layer
end

local probabilities = { name = "sparse_categorical_crossentropy", from_logits = false,
  reduction = "mean" }
local yes_or_no = { name = "binary_crossentropy", from_logits = false, reduction = "mean" }
local squares = { name = "mse", reduction = "mean" }

local function adam(rate) return { name = "adam", learning_rate = rate } end
local function sgd(rate, momentum)
  return { name = "sgd", learning_rate = rate, momentum = momentum }
end

-- data, its shape, task, labels, model, loss, optimizer; what differs from 20 epochs of batches
-- of 20.
local BASES = {
  groups = { shape = { 4 }, task = "multiclass", labels = "index", loss = probabilities,
    model = { dense(16, "relu"), dense(3, "softmax") }, optimizer = adam(0.01) },
  disc = { shape = { 2 }, task = "binary", labels = "zero_one", loss = yes_or_no, epochs = 30,
    model = { dense(16, "relu"), dense(1, "sigmoid") }, optimizer = adam(0.02) },
  readings = { shape = { 5 }, task = "binary", labels = "zero_one", loss = yes_or_no,
    model = { dense(12, "relu"), dense(1, "sigmoid") }, optimizer = adam(0.01),
    transform = { { op = "subtract", by = { 1013, 290, 4e-6, 5200, 0 } },
      { op = "divide", by = { 25, 8, 1e-6, 900, 0.4 } } } },
  surface = { shape = { 3 }, task = "regression", labels = "real", loss = squares, epochs = 40,
    model = { dense(24, "tanh"), dense(1, "linear") }, optimizer = adam(0.02),
    metrics = { "r2" } },
  bars = { shape = { 6, 6, 1 }, task = "multiclass", labels = "index", loss = probabilities,
    transform = { { op = "reshape", shape = { 6, 6, 1 } } }, optimizer = adam(0.01),
    model = { { layer = "conv2d", filters = 6, kernel_size = 3, activation = "relu" },
      { layer = "flatten" }, dense(2, "softmax") } },
}

-- base, what is changed, first cause (none: sound), further causes that count as right.
local PROGRAMS = {
  { "groups", {} },
  { "disc", {} },
  { "readings", {} },
  { "surface", {} },
  { "bars", {} },
  { "groups", { optimizer = sgd(0.1, 0.9), batch_size = 64, epochs = 40 } },
  { "groups", { model = { dense(24, "relu"), { layer = "dropout", rate = 0.4 },
    dense(3, "softmax") }, epochs = 40 } },
  { "disc", { model = { dense(12, "tanh"), dense(12, "tanh"), dense(1, "sigmoid") } } },
  { "disc", { batch_size = 4, optimizer = sgd(0.1) } },
  { "readings", { model = { dense(1, "sigmoid") }, optimizer = adam(0.05) } },
  { "surface", { model = { dense(24, "relu"), dense(12, "relu"), dense(1, "linear") } } },
  { "bars", { model = { { layer = "flatten" }, dense(24, "relu"), dense(2, "softmax") },
    epochs = 30 } },

  { "readings", { transform = false, optimizer = sgd(0.01) }, "unnormalised_inputs" },
  { "groups", { optimizer = sgd(300) }, "lr_too_high", { "dying_relu" } },
  { "surface", { optimizer = adam(1e-7) }, "lr_too_low" },
  { "disc", { model = { dense(16, "relu"), dense(1, "softmax") } }, "softmax_single_unit" },
  { "groups", { model = { dense(16, "relu"), dense(3, "relu") } }, "wrong_output_activation" },
  { "disc", { model = { dense(16, "relu", { kernel_initializer = { name = "zeros" } }),
    dense(1, "sigmoid", { kernel_initializer = { name = "zeros" } }) } }, "symmetric_init",
    { "bad_init_scale", "dying_relu" } },
  { "groups", { loop = { gradient_sign = -1 }, optimizer = sgd(0.05) }, "gradient_sign_flipped" },
  { "bars", { loop = { shuffle = "x_only" } }, "misaligned_labels" },
  { "disc", { model = { dense(16, "linear"), dense(16, "linear"), dense(1, "sigmoid") } },
    "missing_nonlinearity", { "too_few_units" } },
  { "groups", { model = { dense(16, "relu", { kernel_regularizer = { l2 = 3 } }),
    dense(3, "softmax", { kernel_regularizer = { l2 = 3 } }) } }, "over_regularisation" },
  { "surface", { model = { dense(24, "tanh"), dense(1, "relu") }, transform = {
    { op = "divide", by = 1 } }, negative = true }, "output_range_mismatch",
    { "wrong_output_activation", "dying_relu" } },
  { "surface", { scale = 1e5, optimizer = sgd(0.05) }, "unscaled_targets", { "lr_too_high" } },
  -- programs that learn, and less than they could
  { "groups", { model = { dense(24, "relu"), { layer = "dropout", rate = 0.95 },
    dense(3, "softmax") } }, "dropout_misuse" },
  { "groups", { loss = { name = "sparse_categorical_crossentropy", from_logits = true,
    reduction = "mean" } }, "double_softmax" },
  { "bars", { optimizer = sgd(0.001), epochs = 10 }, "lr_too_low", { "too_few_epochs" } },
  { "surface", { epochs = 2, optimizer = adam(0.002) }, "too_few_epochs", { "lr_too_low" } },
}

return { bases = BASES, programs = PROGRAMS }
