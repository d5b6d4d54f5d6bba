local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "loss_at_baseline", cause = nil, family = "symptom", class = "measured", role = "symptom",
  needs = { "skill" }, cost = "forward", least = { steps = 5 },
  limits = {
    skill = { 0.1, "a tenth of the baseline removed is something learnt" },
    worse = { 0.05, "a twentieth above the baseline is worse than it, in words" },
  },
  doc = {
    what = "The loss is that of the best constant answer: the network has learnt nothing but class"
      .. " frequencies or the mean.",
    formula = "paired test of the per-sample loss against the baseline's: t = mean(d) / (sd(d) /"
      .. " sqrt n); skill = 1 - sum loss / sum baseline; after a run long enough for the trend"
      .. " test to be decided",
    source = "Karpathy's recipe states the baseline by hand; deepchecks compares simple models",
    false_alarms = "short runs stay undetermined",
  },
}

function M.check(case, limits)
  local facts, skill = case.facts, case.signals.skill
  local state = facts.state
  if state == "cannot_tell" then
    return nil, "cannot tell: the run is too short to judge its level"
  end
  if not (state == "constant" or state == "too_slow") then return nil end
  if not facts.skill or facts.skill >= limits.skill then return nil end
  local loss, baseline = skill.loss or facts.level, skill.baseline or facts.baseline
  local name = case.signals.baseline_name or "the best constant answer"
  return finding.new(M, {
    title = string.format("loss %s is %s a constant answer (%s = %s)", numfmt.number(loss),
      facts.skill_verdict == "better" and "hardly better than"
        or facts.skill < -limits.worse and "worse than" or "no better than",
      numfmt.number(baseline), name),

    evidence = {
      finding.evidence("loss", loss or 0, "well under " .. numfmt.number(baseline)),
      finding.evidence("skill against the baseline", facts.skill or 0, finding.over(limits.skill),
        "0 = as good as a constant answer, 1 = perfect"),
      skill.t and finding.evidence("distance from the baseline in standard errors", skill.t)
        or nil,
    },
    fixes = {},
  })
end

return M
