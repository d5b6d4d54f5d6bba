--- Root causes that lie in a training loop of somebody's own: how it feeds, steps and evaluates.
return {
  repeated_batch = { family = "loop", equivalents = { "overfitting" },
    definition = "The iterator or generator gives the same rows again and again; the rest of the "
      .. "data is never seen." },
  data_exhausted = { family = "loop", equivalents = { "too_few_epochs" },
    definition = "The iterator ends after the first pass and later epochs are empty." },
  step_seldom_called = { family = "loop", equivalents = { "parameters_not_in_optimizer" },
    definition = "Updates are far rarer than batches (once an epoch, or never)." },
  several_backwards = { family = "loop", equivalents = { "lr_too_high" },
    definition = "The gradient of one loss is added several times before a step." },
  optimizer_recreated = { family = "loop",
    definition = "The optimiser is made anew in the loop and loses its state (moments, count)." },
  gradient_clipped_away = { family = "loop", equivalents = { "lr_too_low" },
    definition = "Clipping is so tight (or applied on another scale) that steps are far smaller "
      .. "than the rate says." },
  warmup_too_long = { family = "loop", equivalents = { "lr_too_low" },
    definition = "The warm-up is longer than the training, so that the rate named is never "
      .. "reached." },
  weights_changed_outside = { family = "loop",
    definition = "Something besides the optimiser changes weights between two steps." },
  inputs_changed_in_place = { family = "loop", equivalents = { "double_normalisation" },
    definition = "The loop changes the stored rows in place." },
  mixed_units = { family = "loop", equivalents = { "unscaled_targets" },
    definition = "Targets or predictions are in different units in different places." },
  batchnorm_statistics_lag = { family = "normalisation",
    definition = "The moving statistics of batch normalisation do not stand for the data when they "
      .. "are used." },
  state_over_shuffled_rows = { family = "loop",
    definition = "A recurrent state is carried from batch to batch although their rows do not "
      .. "follow each other." },
  train_mode_in_evaluation = { family = "loop", equivalents = { "dropout_misuse" },
    definition = "Dropout or batch statistics of training are active in evaluation." },
  ema_not_caught_up = { family = "loop", equivalents = { "batchnorm_statistics_lag" },
    definition = "Averaged weights are evaluated before the average has followed the weights." },
  class_ignored_by_loss = { family = "loss", equivalents = { "wrong_label_encoding" },
    definition = "The id that the loss leaves out is also a class." },
  class_weights_inverted = { family = "loss", equivalents = { "class_imbalance" },
    definition = "Class weights grow with the frequency of the class." },
  loss_term_ignored = { family = "loss", equivalents = { "wrong_loss" },
    definition = "A term of the loss has weight zero or next to nothing." },
  loss_ignores_prediction = { family = "loss", equivalents = { "wrong_loss" },
    definition = "The data term of the loss does not depend on the prediction; only other terms "
      .. "have a gradient." },
}
