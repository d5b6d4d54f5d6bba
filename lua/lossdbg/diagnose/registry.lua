--- The ordered list of rules and their evaluation.
---
--- A rule is a statement:
---   { id, family, cause?, class? = "exact"|"measured"|"suggestive" (else each finding says it),
---     role = "cause"|"symptom" (default "cause"), part = "training"|"validation" (which rows),
---     needs = { "data.x", "final.layers", "description.layers", "a|b" }, -- must be present
---     least = { steps =, epochs =, n = }, cost = "free"|"forward"|"backward"|"side_run",
---     limits = { rms_high = { 5, "why" }, … },
---     plain_loop = true, -- a plain loop over the same data is without this fault
---     doc = { what, formula, source, false_alarms },
---     check = function(case, limits) … end } -- limits.rms_high is 5
--- check returns a finding, a list of findings, nil (passed), or nil and a reason that starts
--- with "cannot tell" (not judged) or "not applicable" (says nothing about this network).
local attempt = require "lossdbg.support.attempt"
local facts = require "lossdbg.diagnose.facts"
local finding = require "lossdbg.diagnose.finding"
local severity = require "lossdbg.diagnose.severity"
local signals = require "lossdbg.diagnose.signals"

local M = {}

local COSTS = { free = true, forward = true, backward = true, side_run = true }

--- Order = order of "checked" and "unjudged"; causal order is the business of rank.lua.
local MODULES = {
  "data.nan_in_data", "data.wrong_label_encoding", "data.constant_target",
  "data.constant_inputs", "data.constant_feature", "data.unnormalised_inputs",
  "data.feature_scale_disparity", "data.integer_input", "data.unscaled_targets",
  "data.unused_output_class", "data.class_imbalance", "data.conflicting_labels",
  "data.targets_unrelated", "data.unshuffled_data",
  "data.train_validation_leak", "data.train_val_shift", "data.unseen_validation_classes",
  "data.padding_dominates", "data.rows_on_another_scale", "data.integer_targets",
  "configuration.shape_broadcast", "configuration.wrong_output_units",
  "configuration.softmax_single_unit", "configuration.softmax_wrong_axis",
  "configuration.loss_activation_mismatch", "configuration.missing_output_activation",
  "configuration.double_softmax", "configuration.double_sigmoid",
  "configuration.final_layer_nonlinear", "configuration.target_range_unreachable",
  "configuration.softmax_hidden_activation", "configuration.missing_nonlinearity",
  "configuration.wrong_metric", "configuration.embedding_of_real_features",
  "configuration.normalization_not_adapted", "configuration.rows_leak",
  "configuration.redundant_activation",
  "configuration.loss_sum_reduction",
  "initialisation.symmetric_init", "initialisation.bad_init_scale",
  "initialisation.activation_gain_bad", "initialisation.init_logit_scale_large",
  "initialisation.init_loss_unexpected",
  "learning_rate.lr_zero_or_schedule_collapsed", "learning_rate.lr_range_mismatch",
  "learning_rate.step_overshoot", "learning_rate.step_undershoot",
  "learning_rate.update_ratio_too_large", "learning_rate.update_ratio_too_small",
  "learning_rate.batch_size",
  "learning_rate.adam_epsilon_dominates", "learning_rate.lr_outside_typical_range",
  "loop.gradient_sign_flipped", "loop.missing_zero_grad", "loop.parameters_not_in_optimizer",
  "loop.optimizer_step_missing", "loop.layer_reinitialised", "loop.weights_unchanged",
  "gradient.gradient_blocked",
  "loop.misaligned_labels", "loop.targets_recoded", "loop.repeated_batch", "loop.data_exhausted",
  "loop.step_seldom_called", "loop.several_backwards", "loop.optimizer_recreated",
  "loop.gradient_clipped_away", "loop.warmup_too_long", "loop.weights_changed_outside",
  "loop.inputs_changed_in_place", "loop.train_mode_in_evaluation",
  "loop.evaluation_mode_in_training", "loop.average_lags", "loop.batch_of_one",
  "loop.still_statistics", "loop.softmax_in_loop", "loop.activation_in_loop",
  "loop.batches_of_one_class", "loop.evaluated_on_another_scale", "loop.loss_ignores_prediction",
  "loop.loss_points_away", "loop.outputs_without_gradient", "loop.class_ignored_by_loss",
  "loop.class_weights_inverted", "loop.val_in_other_units", "loop.loop_falls_short",
  "loop.inputs_on_another_scale", "loop.contract_broken", "loop.state_over_shuffled_rows",
  "gradient.frozen_parameters", "gradient.gradient_check_failed", "gradient.zero_gradient_layer",
  "gradient.vanishing_gradient", "gradient.exploding_gradient",
  "activation.dying_relu", "activation.saturating_hidden_activation", "activation.saturated_output",
  "activation.output_constant", "activation.single_class_prediction",
  "numerics.update_underflow", "numerics.first_nonfinite_op", "numerics.nonfinite_tensor",
  "numerics.nonfinite_loss",
  "regularisation.dropout_rate_high",
  "regularisation.dropout_on_narrow_layer", "regularisation.dropout_after_output",
  "regularisation.over_regularisation", "regularisation.overfitting",
  "regularisation.missing_regularisation", "regularisation.train_eval_inconsistent",
  "capacity.model_too_simple", "capacity.cannot_overfit_batch", "capacity.data_independence",
  "capacity.underfitting", "capacity.behind_reference",
  "symptom.loss_negative", "symptom.loss_diverging", "symptom.loss_oscillating",
  "symptom.loss_constant", "symptom.plateau_fingerprint", "symptom.loss_at_baseline",
  "symptom.loss_not_decreasing", "symptom.progress_rate_too_low", "symptom.loss_still_falling",
}

local rules, by_id

local function complain(rule, what)
  error(string.format("lossdbg: registry.add: rule '%s': %s", tostring(rule.id), what), 4)
end

local function check_fields(rule)
  for _, key in ipairs { "id", "family" } do
    if type(rule[key]) ~= "string" then complain(rule, "field '" .. key .. "' must be a string") end
  end
  if type(rule.check) ~= "function" then complain(rule, "field 'check' must be a function") end
  if type(rule.doc) ~= "table" then complain(rule, "field 'doc' must be a table") end
  if not COSTS[rule.cost or "free"] then complain(rule, "unknown cost " .. tostring(rule.cost)) end
  if rule.class and not severity.CLASS[rule.class] then
    complain(rule, "unknown class of evidence " .. tostring(rule.class))
  end
  if by_id[rule.id] then complain(rule, "the id is taken") end
end

local function check_needs(rule)
  for _, need in ipairs(rule.needs or {}) do
    local why = signals.complaint(need)
    if why then complain(rule, "needs " .. why) end
  end
end

-- What `check` is given: the numbers alone.
local function limit_values(rule)
  local values = {}
  for name, limit in pairs(rule.limits or {}) do
    if type(limit) ~= "table" or type(limit[1]) ~= "number" or type(limit[2]) ~= "string" then
      complain(rule, "limit '" .. tostring(name) .. "' must be { number, why }")
    end
    values[name] = limit[1]
  end
  return values
end

---Adds a rule behind the others.
---@param rule table see the head of this file
---@return table rule
---Raises when a field is missing, the cost is unknown or the id is taken.
function M.add(rule)
  M.rules()
  if type(rule) ~= "table" then
    error("lossdbg: registry.add: argument 'rule': expected a table, got " .. type(rule), 2)
  end
  check_fields(rule)
  check_needs(rule)
  rule.limit = limit_values(rule)
  by_id[rule.id] = rule
  rules[#rules + 1] = rule
  return rule
end

---All rules in order.
---@return table[]
function M.rules()
  if not rules then
    rules, by_id = {}, {}
    for _, name in ipairs(MODULES) do M.add(require("lossdbg.diagnose.rules." .. name)) end
  end
  return rules
end

---A rule by its id.
---@param id string
---@return table|nil
function M.get(id)
  M.rules()
  return by_id[id]
end

---Rules that need a signal, or a group that it belongs to.
---@param name string of the signal catalogue
---@return string[] ids in order
function M.readers(name)
  local list = {}
  for _, rule in ipairs(M.rules()) do
    local reads = false
    for _, need in ipairs(rule.needs or {}) do
      for path in need:gmatch "[^|]+" do
        reads = reads or path == name or name:sub(1, #path + 1) == path .. "."
      end
    end
    if reads then list[#list + 1] = rule.id end
  end
  return list
end

local function present(case, path)
  for alternative in path:gmatch("[^|]+") do
    local node
    local rest = alternative:match("^description%.(.*)$")
    if rest then
      node, alternative = case.description, rest
    else
      node = case.signals
    end
    for key in alternative:gmatch("[^.]+") do
      if type(node) ~= "table" then node = nil break end
      node = node[key]
    end
    if node ~= nil then return true end
  end
  return false
end

---First need that is not met, in words.
local function unmet(rule, case)
  for _, path in ipairs(rule.needs or {}) do
    if not present(case, path) then
      return "cannot tell: " .. path:gsub("|", " or ") .. " was not measured"
    end
  end
  local least, f = rule.least, case.facts
  if not least then return nil end
  local data = case.signals.data or {}
  local have = { steps = f.steps, epochs = f.epochs, n = data.n or 0 }
  for _, unit in ipairs { "n", "steps", "epochs" } do
    if least[unit] and have[unit] < least[unit] then
      return string.format("cannot tell: needs at least %d %s, has %d", least[unit],
        unit == "n" and "rows" or unit, have[unit])
    end
  end
  return nil
end

local function run_check(rule, case)
  if case.options.strict then return rule.check(case, rule.limit) end
  local ok, result, why = attempt.call(rule.check, case, rule.limit)
  if ok then return result, why end
  return nil, "cannot tell: the rule failed (" .. tostring(result) .. ")"
end

-- What is wrong by construction counts in full where the task is learnt in spite of the loss.
local function state_for(f, status)
  return f.class == "exact" and status.bad_loss and "plateau_after_progress" or status.id
end

local function collect(findings, result, status)
  if result.rule then result = { result } end
  for _, f in ipairs(result) do
    f.severity = severity.of(f.class, state_for(f, status), f.part)
    local ok, message = finding.validate(f)
    if not ok then error("lossdbg: registry.evaluate: bad finding: " .. message, 3) end
    findings[#findings + 1] = f
  end
end

---Runs every rule on a case.
---@param case { description: table, signals: table, options: table|nil } options.only and
---  options.disable are sets of rule ids; options.strict lets errors inside rules through
---@return table[] findings in registry order
---@return string[] checked ids of the rules that looked and found nothing
---@return table[] unjudged { rule =, why = }
---@return table[] skipped { rule =, why = } rules that do not apply to this network
function M.evaluate(case)
  if type(case) ~= "table" then
    error("lossdbg: registry.evaluate: argument 'case': expected a table, got " .. type(case), 2)
  end
  local prepared = { description = case.description or {}, signals = case.signals or {},
    options = case.options or {} }
  prepared.facts = facts.of(prepared)
  local only, disable = prepared.options.only, prepared.options.disable or {}
  local findings, checked, unjudged, skipped = {}, {}, {}, {}
  for _, rule in ipairs(M.rules()) do
    if not disable[rule.id] and (not only or only[rule.id]) then
      local why, result = unmet(rule, prepared), nil
      if not why then result, why = run_check(rule, prepared) end
      if result and next(result) then
        collect(findings, result, prepared.facts.status)
      elseif not why then
        checked[#checked + 1] = rule.id
      elseif why:find("^not applicable") then
        skipped[#skipped + 1] = { rule = rule.id, why = why }
      else
        unjudged[#unjudged + 1] = { rule = rule.id, why = why }
      end
    end
  end
  return findings, checked, unjudged, skipped
end

return M
