--- The ordered list of rules and their evaluation.
---
--- A rule is a table
---   { id, cause?, family, severity, role = "cause"|"symptom" (default "cause"),
---     needs = { "data.x", "final.layers", "description.layers", "a|b" }, -- must be present
---     least = { steps =, epochs =, n = }, cost = "free"|"forward"|"backward"|"side_run",
---     explains = { rule ids or causes, or "*" }, doc = { what, formula, threshold, source,
---     false_alarms }, check = function(case) … end }
--- check returns a finding, a list of findings, nil (passed), or nil and a reason that starts
--- with "cannot tell" (not judged) or "not applicable" (says nothing about this network).
local attempt = require "lossdbg.support.attempt"
local facts = require "lossdbg.diagnose.facts"
local finding = require "lossdbg.diagnose.finding"

local M = {}

local COSTS = { free = true, forward = true, backward = true, side_run = true }

--- Order = order of "checked" and "unjudged"; causal order is the business of rank.lua.
local MODULES = {
  "data.nonfinite_input", "data.label_out_of_range", "data.constant_target",
  "data.inputs_identical", "data.constant_feature", "data.input_not_normalized",
  "data.feature_scale_disparity", "data.integer_input", "data.target_not_normalized",
  "data.unused_output_class", "data.class_imbalance", "data.conflicting_labels",
  "data.xy_misaligned", "data.labels_uninformative", "data.unshuffled_stream",
  "data.train_val_leakage", "data.train_val_shift",
  "configuration.shape_broadcast", "configuration.output_width_mismatch",
  "configuration.softmax_single_unit", "configuration.softmax_wrong_axis",
  "configuration.loss_activation_mismatch", "configuration.logits_into_probability_loss",
  "configuration.double_softmax", "configuration.double_sigmoid",
  "configuration.final_layer_nonlinear", "configuration.target_range_unreachable",
  "configuration.softmax_hidden_activation", "configuration.missing_nonlinearity",
  "configuration.redundant_activation", "configuration.loss_reduction_sum",
  "initialization.init_symmetric", "initialization.init_scale_mismatch",
  "initialization.activation_gain_bad", "initialization.init_logit_scale_large",
  "initialization.init_loss_unexpected",
  "learning_rate.lr_zero_or_schedule_collapsed", "learning_rate.lr_range_mismatch",
  "learning_rate.step_overshoot", "learning_rate.step_undershoot",
  "learning_rate.update_ratio_too_large", "learning_rate.update_ratio_too_small",
  "learning_rate.adam_epsilon_dominates", "learning_rate.lr_outside_typical_range",
  "loop.loss_sign_flipped", "loop.gradient_not_zeroed", "loop.parameter_not_in_optimizer",
  "loop.optimizer_step_missing", "loop.multiple_or_missing_init", "loop.weights_unchanged",
  "gradient.frozen_layer", "gradient.gradient_check_failed", "gradient.zero_gradient_layer",
  "gradient.vanishing_gradient", "gradient.exploding_gradient",
  "activation.dead_relu", "activation.saturated_activation", "activation.saturated_output",
  "activation.output_constant", "activation.single_class_prediction",
  "numerics.update_underflow", "numerics.first_nonfinite_op", "numerics.nonfinite_tensor",
  "numerics.nonfinite_loss",
  "regularization.dropout_rate_high", "regularization.dropout_after_output",
  "regularization.over_regularization", "regularization.overfit",
  "regularization.missing_regularization", "regularization.train_eval_inconsistent",
  "capacity.model_too_simple", "capacity.cannot_overfit_batch", "capacity.data_independence",
  "capacity.underfitting",
  "symptom.loss_negative", "symptom.loss_diverging", "symptom.loss_oscillating",
  "symptom.loss_constant", "symptom.plateau_fingerprint", "symptom.loss_at_baseline",
  "symptom.loss_not_decreasing", "symptom.progress_rate_too_low", "symptom.epochs_insufficient",
}

local rules, by_id

local function complain(rule, what)
  error(string.format("lossdbg: registry.add: rule '%s': %s", tostring(rule.id), what), 3)
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
  for _, key in ipairs { "id", "family", "severity" } do
    if type(rule[key]) ~= "string" then complain(rule, "field '" .. key .. "' must be a string") end
  end
  if type(rule.check) ~= "function" then complain(rule, "field 'check' must be a function") end
  if type(rule.doc) ~= "table" then complain(rule, "field 'doc' must be a table") end
  if not COSTS[rule.cost or "free"] then complain(rule, "unknown cost " .. tostring(rule.cost)) end
  if by_id[rule.id] then complain(rule, "the id is taken") end
  local explained = {}
  for _, name in ipairs(rule.explains or {}) do
    if name ~= rule.id then explained[#explained + 1] = name end -- shared lists may hold it
  end
  rule.explains = explained
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

---@param id string
---@return table|nil
function M.get(id)
  M.rules()
  return by_id[id]
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
  if case.options.strict then return rule.check(case) end
  local ok, result, why = attempt.call(rule.check, case)
  if ok then return result, why end
  return nil, "cannot tell: the rule failed (" .. tostring(result) .. ")"
end

local function collect(findings, result)
  if result.rule then result = { result } end
  for _, f in ipairs(result) do
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
        collect(findings, result)
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
