--- What leads to what: one directed acyclic graph over causes, mechanisms and what is seen.
---
--- A node is a cause (causes.lua), a rule that sees a symptom, or a mechanism: a step between the
--- two that has no name in any program and is written with a capital. An edge says "may bring
--- about". Loading fails on a cycle, and a spec fails on a node that is none of the three.
---
--- A finding stands at the node of its rule where the graph has one, else at that of its cause: so
--- two rules that find the same cause support each other and do not explain each other away.
local M = {}

M.EDGES = {
  -- mechanisms, last first
  Poor = { "loss_at_baseline", "loss_not_decreasing", "plateau_fingerprint", "underfitting",
    "cannot_overfit_batch", "data_independence", "too_few_epochs", "output_constant",
    "single_class_prediction", "too_few_units", "behind_reference" },
  Still = { "zero_gradient_layer", "vanishing_gradient", "lr_too_low", "class_imbalance",
    "loss_constant", "Poor" },
  Wild = { "exploding_gradient", "nonfinite_loss", "nonfinite_tensor", "first_nonfinite_op",
    "loss_diverging", "loss_oscillating", "saturated_output", "train_eval_inconsistent" },
  Blind = { "targets_unrelated", "data_independence" },
  Step = { "lr_too_high", "lr_too_low" },
  Signal = { "dying_relu", "saturating_hidden_activation", "init_loss_unexpected",
    "bad_init_scale" },
  Everything = { "Still", "Wild", "Blind", "Step", "Signal", "overfitting", "weights_unchanged",
    "over_regularisation", "dropout_misuse", "adam_epsilon_too_small", "gradient_check_failed",
    "symmetric_init", "missing_zero_grad", "gradient_sign_flipped", "layer_reinitialised",
    "parameters_not_in_optimizer", "loss_negative" },

  -- loops
  Loop = { "Still", "Wild", "Blind", "Step", "Signal", "overfitting", "missing_regularisation",
    "weights_unchanged", "over_regularisation", "dropout_misuse", "adam_epsilon_too_small",
    "gradient_check_failed", "loss_negative", "loop_falls_short", "train_eval_inconsistent",
    "parameters_not_in_optimizer", "unnormalised_inputs", "wrong_loss", "double_softmax",
    "train_validation_leak", "lr_zero_or_schedule_collapsed", "too_few_epochs" },
  repeated_batch = { "Loop" }, data_exhausted = { "Loop" }, step_seldom_called = { "Loop" },
  several_backwards = { "Loop" }, optimizer_recreated = { "Loop" },
  gradient_clipped_away = { "Loop" }, warmup_too_long = { "Loop" }, targets_recoded = { "Loop" },
  weights_changed_outside = { "Loop" }, inputs_changed_in_place = { "Loop" },
  train_mode_in_evaluation = { "Loop" }, average_lags = { "Loop" },
  class_ignored_by_loss = { "Loop" }, class_weights_inverted = { "Loop", "class_imbalance" },
  outputs_without_gradient = { "Loop" }, loss_ignores_prediction = { "Loop" },
  loss_points_away = { "Loop" }, softmax_in_loop = { "Loop" },
  activation_in_loop = { "Loop" }, batches_of_one_class = { "Loop" },
  evaluated_on_another_scale = { "overfitting", "train_val_shift" },
  batch_of_one = { "Loop", "still_statistics" },
  still_statistics = { "Loop" }, evaluation_mode_in_training = { "still_statistics", "Loop" },
  val_in_other_units = { "overfitting", "targets_unrelated", "missing_regularisation",
    "train_val_shift" }, state_over_shuffled_rows = { "Loop" },
  contract_broken = { "Loop" },

  -- data and targets
  nan_in_data = { "Everything", "unscaled_targets", "unnormalised_inputs", "class_imbalance",
    "unshuffled_data", "train_val_shift", "constant_feature", "missing_nonlinearity",
    "loss_sum_reduction", "wrong_label_encoding" },
  constant_inputs = { "Everything", "unnormalised_inputs", "misaligned_labels",
    "train_validation_leak", "train_val_shift", "constant_feature" },
  constant_target = { "Everything", "class_imbalance", "wrong_label_encoding",
    "unshuffled_data" },
  unnormalised_inputs = { "Signal", "Still", "Wild", "Step", "weights_unchanged",
    "constant_feature" },
  rows_on_another_scale = { "train_val_shift", "Signal", "Still", "Wild", "Step",
    "weights_unchanged", "constant_feature" },
  double_normalisation = { "Signal", "Still", "Step", "constant_feature" },
  unscaled_targets = { "Wild", "Step", "Still", "dying_relu", "saturating_hidden_activation",
    "init_loss_unexpected", "weights_unchanged" },
  misaligned_labels = { "Loop", "Poor", "targets_unrelated", "overfitting", "loss_oscillating" },
  targets_unrelated = { "overfitting", "missing_regularisation", "Poor", "lr_too_low" },
  train_val_shift = { "overfitting", "targets_unrelated", "missing_regularisation" },
  unshuffled_data = { "loss_oscillating", "single_class_prediction", "Poor",
    "train_eval_inconsistent" },
  class_imbalance = { "single_class_prediction" },
  wrong_label_encoding = { "Poor", "Wild", "loss_negative", "zero_gradient_layer",
    "init_loss_unexpected" },

  padding_dominates = { "Loop", "Poor", "class_imbalance", "wrong_output_activation" },
  unseen_validation_classes = { "overfitting", "train_val_shift", "missing_regularisation",
    "inconsistent_test_preprocessing" },
  embedding_of_real_features = { "Blind", "Poor", "unnormalised_inputs" },

  -- output and loss
  shape_broadcast = { "Still" },
  softmax_single_unit = { "Still", "weights_unchanged", "dying_relu", "wrong_output_units",
    "wrong_loss", "wrong_output_activation", "init_loss_unexpected", "saturated_output" },
  wrong_output_units = { "Still", "Wild", "wrong_loss", "wrong_output_activation",
    "wrong_label_encoding", "init_loss_unexpected", "loss_negative" },
  softmax_wrong_axis = { "Still", "missing_output_activation", "init_loss_unexpected" },
  double_softmax = { "Still", "wrong_output_activation", "wrong_loss", "init_loss_unexpected" },
  wrong_loss = { "Still", "Wild", "dying_relu", "init_loss_unexpected", "loss_negative" },
  wrong_output_activation = { "output_range_mismatch", "Still", "Wild", "dying_relu",
    "init_loss_unexpected", "loss_negative" },
  output_range_mismatch = { "Still", "dying_relu", "saturated_output", "unscaled_targets",
    "saturating_hidden_activation" },
  missing_output_activation = { "Still", "Wild", "init_loss_unexpected", "bad_init_scale" },
  loss_sum_reduction = { "Wild", "Step", "dying_relu", "saturating_hidden_activation",
    "zero_gradient_layer", "Poor", "init_loss_unexpected" },
  log_of_zero = { "nonfinite_loss", "nonfinite_tensor", "loss_diverging", "loss_at_baseline" },

  -- architecture, initialisation, regularisation
  softmax_hidden_activation = { "Blind", "Still", "bad_init_scale" },
  missing_nonlinearity = { "Poor" },
  symmetric_init = { "Blind", "Still", "dying_relu", "weights_unchanged", "bad_init_scale",
    "saturating_hidden_activation", "init_loss_unexpected" },
  bad_init_scale = { "Still", "Wild", "Step", "init_loss_unexpected", "dying_relu",
    "saturating_hidden_activation" },
  over_regularisation = { "Blind", "Still", "Step", "dying_relu", "loss_oscillating" },
  dropout_misuse = { "Blind", "Still", "Wild", "Step", "dying_relu" },
  dropout_after_output = { "Poor", "Wild", "init_loss_unexpected", "missing_output_activation",
    "softmax_wrong_axis" },
  batchnorm_statistics_lag = { "overfitting", "dropout_misuse", "Poor", "missing_regularisation",
    "targets_unrelated" },
  overfitting = { "too_few_epochs" },

  -- the step
  bad_batch_size = { "loss_oscillating" },
  lr_zero_or_schedule_collapsed = { "Still", "Step", "weights_unchanged", "init_loss_unexpected",
    "parameters_not_in_optimizer", "dying_relu" },
  lr_too_high = { "Wild", "Still", "dying_relu", "saturating_hidden_activation" },
  lr_too_low = { "Poor" },
  adam_epsilon_too_small = { "Poor", "Wild", "Step" },
  gradient_sign_flipped = { "Loop", "Wild", "Still", "Step", "dying_relu",
    "saturating_hidden_activation" },
  missing_zero_grad = { "Loop", "Wild", "Step", "Poor", "dying_relu" },
  update_underflow = { "Poor", "weights_unchanged", "lr_too_low", "loss_constant",
    "parameters_not_in_optimizer" },
  frozen_parameters = { "loop_falls_short", "Blind", "Still", "weights_unchanged",
    "parameters_not_in_optimizer" },
  layer_reinitialised = { "Loop", "Blind", "Step", "Poor", "loss_oscillating", "weights_unchanged",
    "parameters_not_in_optimizer" },
  parameters_not_in_optimizer = { "Blind", "Still", "weights_unchanged",
    "init_loss_unexpected" },
  weights_unchanged = { "loss_constant", "Poor" },

  -- inside the network
  gradient_blocked = { "zero_gradient_layer", "vanishing_gradient", "exploding_gradient",
    "gradient_check_failed", "weights_unchanged", "parameters_not_in_optimizer", "Blind", "Still" },
  rows_leak = { "overfitting", "train_eval_inconsistent", "Poor" },
  gradient_check_failed = { "exploding_gradient", "vanishing_gradient", "zero_gradient_layer",
    "Poor", "loss_diverging", "loss_oscillating" },
  exploding_gradient = { "nonfinite_loss", "nonfinite_tensor", "first_nonfinite_op",
    "loss_diverging", "loss_oscillating", "loss_at_baseline", "dying_relu",
    "saturating_hidden_activation" },
  dying_relu = { "Blind", "Still", "weights_unchanged" },
  saturating_hidden_activation = { "Blind", "Still" },
  zero_gradient_layer = { "loss_constant", "vanishing_gradient", "weights_unchanged", "Poor" },
  vanishing_gradient = { "Blind", "lr_too_low", "Poor" },
  too_few_units = { "cannot_overfit_batch", "underfitting" },
  too_few_epochs = { "loss_at_baseline", "underfitting", "plateau_fingerprint",
    "cannot_overfit_batch", "single_class_prediction", "output_constant" },

  -- what is seen
  first_nonfinite_op = { "nonfinite_loss", "nonfinite_tensor" },
  nonfinite_tensor = { "nonfinite_loss" },
  nonfinite_loss = { "loss_diverging", "loss_at_baseline", "loss_not_decreasing",
    "single_class_prediction", "output_constant" },
  loss_negative = { "loss_diverging", "loss_not_decreasing" },
  loss_diverging = { "loss_not_decreasing", "loss_at_baseline", "single_class_prediction",
    "plateau_fingerprint", "underfitting", "train_eval_inconsistent", "saturated_output",
    "loss_oscillating" },
  loss_oscillating = { "loss_not_decreasing" },
  output_constant = { "loss_constant", "loss_at_baseline", "loss_not_decreasing",
    "plateau_fingerprint", "underfitting", "cannot_overfit_batch", "data_independence",
    "single_class_prediction" },
  cannot_overfit_batch = { "underfitting" },
  data_independence = { "loss_at_baseline", "underfitting" },
  plateau_fingerprint = { "loss_not_decreasing" },
}

---Nodes in an order in which every edge points forward, or the cycle that makes it impossible.
---@param edges table<string, string[]>
---@return table<string, integer>|nil place
---@return string|nil cycle
function M.order(edges)
  local place, state, count, path = {}, {}, 0, {}
  local function visit(node)
    if state[node] == "done" then return nil end
    path[#path + 1] = node
    if state[node] == "open" then
      local from = 1
      while path[from] ~= node do from = from + 1 end
      return table.concat(path, " > ", from)
    end
    state[node] = "open"
    for _, nxt in ipairs(edges[node] or {}) do
      local cycle = visit(nxt)
      if cycle then return cycle end
    end
    state[node], path[#path], count = "done", nil, count - 1
    place[node] = count
    return nil
  end
  local nodes = {}
  for node in pairs(edges) do nodes[#nodes + 1] = node end
  table.sort(nodes)
  for _, node in ipairs(nodes) do
    local cycle = visit(node)
    if cycle then return nil, cycle end
  end
  return place
end

local place, cycle = M.order(M.EDGES)
if not place then error("lossdbg: causal: the graph has a cycle: " .. cycle) end

---@param name string
---@return boolean whether the graph has the node
function M.has(name) return place[name] ~= nil end

---How early a node stands: smaller is nearer to a root. Unknown nodes stand behind all others.
---@param name string
---@return integer
function M.place(name) return place[name] or 1 end

local reach = {}

---All that a node may bring about, over any number of steps, mechanisms left out.
---@param name string
---@return table<string, boolean>
function M.effects(name)
  if reach[name] then return reach[name] end
  local found, seen = {}, {}
  local function walk(node)
    for _, nxt in ipairs(M.EDGES[node] or {}) do
      if not seen[nxt] then
        seen[nxt] = true
        if not nxt:find "^%u" then found[nxt] = true end
        walk(nxt)
      end
    end
  end
  walk(name)
  reach[name] = found
  return found
end

---Where a finding stands in the graph.
---@param f { rule: string, cause: string|nil }
---@return string
function M.node(f)
  if place[f.rule] then return f.rule end
  return f.cause or f.rule
end

---@param a table a finding
---@param b table a finding
---@return boolean whether what a found may bring about what b found
function M.explains(a, b) return M.effects(M.node(a))[M.node(b)] == true end

return M
