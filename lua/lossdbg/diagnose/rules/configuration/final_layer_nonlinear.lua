local finding = require "lossdbg.diagnose.finding"
local structure = require "lossdbg.diagnose.structure"

local M = {
  id = "final_layer_nonlinear", cause = "wrong_output_activation", family = "configuration",
  needs = { "description.layers", "description.loss" }, cost = "free",

  limits = {
    stuck = { 0.5, "half of the output units dead or saturated" },
    room = { 0.01, "targets may leave the range by that part of theirs" },
  },
  doc = {
    what = "The layer that answers real targets, or feeds a softmax, has a hidden-type activation:"
      .. " one dead or saturated unit there and the answer is a constant.",
    formula = "relu, tanh, sigmoid ... on a regression output, or between the last weights and a"
      .. " softmax; measured where the range does not cover the targets or the unit is stuck,"
      .. " else suggestive",
    source = "UMLAUT warns of every non-linear last layer",
    false_alarms = "relu for counts, sigmoid for shares and tanh for -1..1 are right: the range of"
      .. " the targets decides",
  },
}

local REGRESSION = { mse = true, mae = true, huber = true, log_cosh = true }

local function feeds_softmax(net)
  local list = net.output_activations
  if #list >= 2 and list[#list] == "softmax" then return list[#list - 1] end
  return nil
end

local function stuck_output(case, net)
  local final = case.signals.final and case.signals.final.layers or {}
  local stat = final[net.output.path] or {}
  return math.max(stat.dead_share or 0, stat.saturated_share or 0)
end

function M.check(case, limits)
  local facts, net = case.facts, case.facts.net
  if not net.output then return nil, "cannot tell: no layer with weights" end
  local name, activation = facts:loss().name or "", net.output_activation
  local inner = feeds_softmax(net)
  local on_regression = REGRESSION[name] and activation ~= "linear" and activation ~= "softmax"
  if not inner and not (on_regression and facts.task == "regression") then return nil end
  local stuck = stuck_output(case, net)
  local y = facts.y
  local lo, hi = structure.range(activation)
  local room = limits.room * math.max((y.max or 0) - (y.min or 0), 1e-12)
  local covered = inner or not y.min or (y.min >= lo - room and y.max <= hi + room)
  local harmful = stuck > limits.stuck or not covered or inner
  return finding.new(M, {
    title = inner and string.format("%s stands between the last weights and the softmax", inner)
      or string.format("the output for real targets is a %s", activation),

    class = harmful and "measured" or "suggestive",
    where = facts:where(net.output.path),
    evidence = { finding.evidence("last activation", inner or activation, "linear"),
      finding.evidence("dead or saturated output units", stuck, "0") },
    fixes = { { text = inner and "drop the activation before the softmax"
      or "make the last layer linear",
      patch = { output = { activation = inner and "softmax" or "linear" } } } },
  })
end

return M
