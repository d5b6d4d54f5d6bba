local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local facts_of = require "lossdbg.diagnose.facts"

local M = {
  id = "init_logit_scale_large", cause = "bad_init_scale", family = "initialisation",
  needs = { "init.logit_std" }, cost = "forward",

  limits = {
    sd = { 3, "the largest of ten classes starts near certainty" },
    far = { 10, "every answer starts certain" },
  },
  doc = {
    what = "The fresh network is already certain of its (wrong) answers: the first steps only"
      .. " unlearn that.",
    formula = "standard deviation of the logits across classes before training",
    source = "Karpathy's recipe (in words)",
    false_alarms = "pre-trained networks: a remark when it learns",
  },
}

function M.check(case, limits)
  local facts, sd = case.facts, case.signals.init.logit_std
  if facts.task == "regression" then return nil, "not applicable: no classes" end
  if not facts_of.finite(sd) then return nil, "cannot tell: the first answers are not finite" end
  if sd <= limits.sd then return nil end
  return finding.new(M, {
    title = string.format("logits start with a standard deviation of %s", numfmt.number(sd)),

    class = sd > limits.far and "measured" or "suggestive",
    strength = sd / limits.sd, where = facts:where(facts.net.output and facts.net.output.path),
    evidence = { finding.evidence("standard deviation of the first logits", sd,
      finding.under(limits.sd)) },
    fixes = facts.net.output and { { text = "start the last layer small",
      patch = { layer = { path = facts.net.output.path, options = { init = "zeros" } } } } } or {},
  })
end

return M
