--- Names of symptoms that causes commonly explain, shared by the rules' `explains` lists.
local M = {}

--- A network that does not move: no gradient, or nothing to move for.
M.STALL = {
  "zero_gradient_layer", "vanishing_gradient", "output_constant", "single_class_prediction",
  "loss_constant", "loss_at_baseline", "loss_not_decreasing", "plateau_fingerprint",
  "underfitting", "cannot_overfit_batch", "data_independence", "update_ratio_too_small",
  "class_imbalance", "step_undershoot", "update_underflow",
}

--- A network that moves too much.
M.DIVERGE = {
  "exploding_gradient", "nonfinite_loss", "nonfinite_tensor", "first_nonfinite_op",
  "loss_diverging", "loss_oscillating", "saturated_output", "train_eval_inconsistent",
}

--- What a badly scaled input or target does to the measured step.
M.STEP = {
  "update_ratio_too_large", "step_overshoot", "lr_range_mismatch", "lr_outside_typical_range",
  "step_undershoot",
}

--- What is only the poor end of it all.
M.POOR = {
  "loss_at_baseline", "loss_not_decreasing", "plateau_fingerprint", "underfitting",
  "cannot_overfit_batch", "data_independence", "progress_rate_too_low", "epochs_insufficient",
  "output_constant", "single_class_prediction", "model_too_simple",
}

--- A network that cannot use its inputs looks as if they said nothing about the targets.
M.BLIND = { "labels_uninformative", "data_independence" }

---Concatenates lists of names, each name once.
---@param ... string[]
---@return string[]
function M.union(...)
  local list, seen = {}, {}
  for _, part in ipairs { ... } do
    for _, name in ipairs(part) do
      if not seen[name] then
        seen[name] = true
        list[#list + 1] = name
      end
    end
  end
  return list
end

return M
