local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "output_constant", cause = nil, family = "activation", class = "measured",
  role = "symptom", needs = { "final.output.std_over_samples" }, cost = "forward",

  limits = {
    spread = { 1e-3, "a thousandth of the targets' spread is no answer to the input" },
  },
  doc = {
    what = "The network answers the same for every sample.",
    formula = "mean over outputs of the standard deviation over samples, relative to that of the"
      .. " targets (regression) or to 1 (probabilities)",
    source = "TheDeepChecker, DeepLocalize; Karpathy's recipe",
    false_alarms = "scale-free; a network that predicts a constant target is silenced by skill",
  },
}

function M.check(case, limits)
  local facts, output = case.facts, case.signals.final.output
  local y = facts.y
  local reference = facts.task == "regression" and (y.std or 0) or 1
  if reference <= 0 then return nil, "cannot tell: the targets do not vary" end
  if output.finite == false then return nil, "cannot tell: the outputs are not finite" end
  if facts.task ~= "regression" and facts.net.output_activation == "linear" then
    reference = math.max(1, case.signals.init and case.signals.init.logit_std or 1)
  end
  local spread = output.std_over_samples / reference
  if spread >= limits.spread or facts.learned then return nil end
  return finding.new(M, {
    title = "the network gives the same answer for every sample",

    where = facts:where(facts.net.output and facts.net.output.path),
    evidence = { finding.evidence("spread of the answers over samples", spread,
      finding.over(limits.spread),
      "relative to the targets") },
    fixes = {},
  })
end

return M
