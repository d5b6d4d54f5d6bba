--- Root causes that findings name: family, definition, causes that count as the same repair.
local causes = {
  unnormalised_inputs = {
    family = "data",
    definition = "Input features are on a raw or strongly uneven scale (pixels 0..255, mixed "
      .. "units), so that the first layer saturates, dies or needs another step size.",
    equivalents = { "double_normalisation" },
  },
  double_normalisation = {
    family = "data",
    definition = "A scaling step is applied twice, so that the inputs become nearly constant or"
      .. " tiny.",
    equivalents = { "unnormalised_inputs", "constant_inputs" },
  },
  constant_inputs = {
    family = "data",
    definition = "All samples, or all features, carry the same value, so that nothing can be told"
      .. " apart.",
    equivalents = { "double_normalisation" },
  },
  nan_in_data = {
    family = "data",
    definition = "Inputs or targets contain NaN or infinity.",
  },
  unshuffled_data = {
    family = "data",
    definition = "Samples are visited in an order sorted by label or time, so that batches are"
      .. " not representative.",
  },
  class_imbalance = {
    family = "data",
    definition = "Class frequencies are so uneven that rare classes are ignored.",
  },
  inconsistent_test_preprocessing = {
    family = "data",
    definition = "Validation or test inputs are prepared in another way than the training inputs.",
  },
  train_validation_leak = {
    family = "data",
    definition = "Validation rows are also training rows (or follow from them).",
  },
  unscaled_targets = {
    family = "targets",
    definition = "Regression targets have a large offset or spread that the freshly initialised "
      .. "output cannot match within the training budget.",
    equivalents = { "lr_too_low", "output_range_mismatch" },
  },
  constant_target = {
    family = "targets",
    definition = "All targets are equal, so that there is nothing to learn but a constant.",
    equivalents = { "uninformative_labels" },
  },
  wrong_label_encoding = {
    family = "targets",
    definition = "Labels are coded in a way that the loss does not expect (scaled ids, ids for a "
      .. "one-hot loss, 1-based ids, 0/1 instead of -1/+1).",
    equivalents = { "wrong_loss" },
  },
  misaligned_labels = {
    family = "targets",
    definition = "Inputs and targets are paired wrongly, for instance because only one of them is"
      .. " shuffled.",
    equivalents = { "uninformative_labels" },
  },
  uninformative_labels = {
    family = "targets",
    definition = "Targets are independent of the inputs; the loss cannot fall below that of a "
      .. "constant answer.",
    equivalents = { "misaligned_labels", "constant_target" },
  },
  softmax_single_unit = {
    family = "output and loss",
    definition = "Softmax over a single unit: the output is always 1 and its gradient 0.",
    equivalents = { "wrong_output_activation", "wrong_output_units" },
  },
  wrong_output_activation = {
    family = "output and loss",
    definition = "The activation of the last layer does not fit the task or the loss (relu or "
      .. "sigmoid where softmax or linear is needed, softmax for independent labels).",
    equivalents = {
      "softmax_single_unit",
      "missing_output_activation",
      "output_range_mismatch",
      "double_softmax",
      "wrong_loss",
    },
  },
  missing_output_activation = {
    family = "output and loss",
    definition = "Raw scores are passed to a loss that expects probabilities.",
    equivalents = { "wrong_output_activation", "wrong_loss" },
  },
  double_softmax = {
    family = "output and loss",
    definition = "Softmax or sigmoid is applied in the model and again inside the loss.",
    equivalents = { "wrong_output_activation", "wrong_loss" },
  },
  output_range_mismatch = {
    family = "output and loss",
    definition = "The range of the output cannot reach the range of the targets, or reaches it "
      .. "only in saturation.",
    equivalents = { "wrong_output_activation", "unscaled_targets" },
  },
  softmax_wrong_axis = {
    family = "output and loss",
    definition = "Softmax normalises over the samples of the batch instead of the classes.",
    equivalents = { "wrong_output_activation" },
  },
  softmax_hidden_activation = {
    family = "architecture",
    definition = "Softmax is used as the activation of a hidden layer.",
    equivalents = { "saturating_hidden_activation", "vanishing_gradient" },
  },
  wrong_output_units = {
    family = "output and loss",
    definition = "The number of output units does not fit the number of classes or targets.",
    equivalents = { "wrong_loss", "wrong_output_activation", "wrong_label_encoding" },
  },
  wrong_loss = {
    family = "output and loss",
    definition = "The loss function does not fit the task, the targets or the output.",
    equivalents = {
      "wrong_output_activation",
      "missing_output_activation",
      "output_range_mismatch",
    },
  },
  log_of_zero = {
    family = "numerics",
    definition = "A hand-written logarithm of a probability is not protected against zero.",
    equivalents = { "missing_output_activation" },
  },
  loss_sum_reduction = {
    family = "output and loss",
    definition = "The loss is summed over the batch instead of averaged, so that the effective "
      .. "step grows with the batch.",
    equivalents = { "lr_too_high" },
  },
  loss_floor_soft_targets = {
    family = "output and loss",
    definition = "The loss has a positive floor for the given targets (cross-entropy with targets"
      .. " strictly between 0 and 1): it is flat without a fault in the network.",
    equivalents = { "wrong_loss" },
  },
  shape_broadcast = {
    family = "output and loss",
    definition = "Prediction and target shapes differ and are broadcast against each other inside "
      .. "the loss.",
    equivalents = { "wrong_loss" },
  },
  wrong_metric = {
    family = "evaluation",
    definition = "The reported metric is computed wrongly (for example logits thresholded at one "
      .. "half) while training itself is sound.",
  },
  too_few_epochs = {
    family = "training budget",
    definition = "Training stops long before the loss has settled.",
    equivalents = { "lr_too_low", "wrong_optimizer" },
  },
  lr_too_low = {
    family = "optimiser",
    definition = "The learning rate is far below what the problem allows; the loss moves, but"
      .. " hardly.",
    equivalents = { "too_few_epochs", "wrong_optimizer", "unscaled_targets" },
  },
  lr_too_high = {
    family = "optimiser",
    definition = "The learning rate is beyond the stability limit: the loss oscillates, diverges "
      .. "or units die at once.",
    equivalents = { "loss_sum_reduction", "unnormalised_inputs" },
  },
  wrong_optimizer = {
    family = "optimiser",
    definition = "The update rule is a poor choice for the problem although its settings are"
      .. " usual.",
    equivalents = { "lr_too_low", "lr_too_high", "too_few_epochs" },
  },
  bad_batch_size = {
    family = "optimiser",
    definition = "The batch is too small (noise, no convergence) or too large (too few updates).",
    equivalents = { "lr_too_high", "lr_too_low", "too_few_epochs" },
  },
  adam_epsilon_too_small = {
    family = "optimiser",
    definition = "The stabiliser of an adaptive method is so small (or large) that it governs the"
      .. " step.",
    equivalents = { "lr_too_high" },
  },
  gradient_sign_flipped = {
    family = "training loop",
    definition = "Parameters move up the gradient: wrong sign of the loss, the gradient or the "
      .. "learning rate.",
  },
  missing_zero_grad = {
    family = "training loop",
    definition = "Gradients are not cleared between steps and pile up.",
  },
  parameters_not_in_optimizer = {
    family = "training loop",
    definition = "The optimiser does not hold the parameters of the network that is trained.",
    equivalents = { "frozen_parameters" },
  },
  frozen_parameters = {
    family = "training loop",
    definition = "Parameters that should be trained are marked as not trainable.",
    equivalents = { "parameters_not_in_optimizer" },
  },
  layer_reinitialised = {
    family = "training loop",
    definition = "A layer is created or drawn anew inside the training loop, so that what it "
      .. "learnt is lost.",
    equivalents = { "parameters_not_in_optimizer" },
  },
  symmetric_init = {
    family = "initialisation",
    definition = "Weights of a layer with hidden units start from zeros, ones or another constant, "
      .. "so that units stay alike or get no gradient.",
    equivalents = { "bad_init_scale" },
  },
  bad_init_scale = {
    family = "initialisation",
    definition = "The spread of the initial weights or biases is far too small or too large.",
    equivalents = { "symmetric_init", "lr_too_high" },
  },
  dying_relu = {
    family = "activation",
    definition = "Rectified units are inactive for all samples, so that no gradient flows.",
    equivalents = { "lr_too_high", "wrong_output_activation", "bad_init_scale" },
  },
  vanishing_gradient = {
    family = "activation",
    definition = "Gradients of the early layers are too small to move them, typically through "
      .. "depth and saturating units.",
    equivalents = { "saturating_hidden_activation", "bad_init_scale" },
  },
  exploding_gradient = {
    family = "activation",
    definition = "Gradients grow without bound through depth, time or scale.",
    equivalents = { "lr_too_high", "bad_init_scale" },
  },
  saturating_hidden_activation = {
    family = "activation",
    definition = "Bounded hidden units (sigmoid, tanh, hard sigmoid) work in their flat range or "
      .. "slow training for no benefit.",
    equivalents = { "vanishing_gradient", "unnormalised_inputs" },
  },
  missing_nonlinearity = {
    family = "architecture",
    definition = "Hidden layers have no activation function, so that the network is linear in its"
      .. " inputs.",
    equivalents = { "too_few_units" },
  },
  too_few_units = {
    family = "architecture",
    definition = "The network is too small for the task, up to a hidden layer that is missing"
      .. " altogether.",
    equivalents = { "missing_nonlinearity" },
  },
  overfitting = {
    family = "generalisation",
    definition = "The training loss falls while validation gets worse; the model is too large or "
      .. "trained too long for the data.",
    equivalents = { "missing_regularisation" },
  },
  missing_regularisation = {
    family = "generalisation",
    definition = "A penalty or dropout that the task needs is absent.",
    equivalents = { "overfitting" },
  },
  over_regularisation = {
    family = "generalisation",
    definition = "A weight penalty or decay is so strong that it governs the fit.",
    equivalents = { "dropout_misuse" },
  },
  dropout_misuse = {
    family = "generalisation",
    definition = "Dropout whose rate or place removes the signal (on few units, after the output).",
    equivalents = { "over_regularisation" },
  },
  batchnorm_statistics_lag = {
    family = "architecture",
    definition = "The running statistics of batch normalisation lag behind training.",
    equivalents = { "bad_batch_size" },
  },
  embedding_of_real_features = {
    family = "architecture",
    definition = "An embedding layer, which takes ids, is fed with real-valued features.",
    equivalents = { "wrong_label_encoding", "unnormalised_inputs" },
  },
  padding_dominates = {
    family = "data",
    definition = "Padding makes up most of a sequence, or is counted in loss and metric.",
    equivalents = { "class_imbalance", "wrong_label_encoding" },
  },
}
for id, cause in pairs(require "lossdbg.diagnose.causes_loop") do causes[id] = cause end

return causes
