local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "padding_counts", cause = "padding_dominates", family = "loop", class = "measured",
  needs = { "labels.padding" }, cost = "forward",
  limits = {
    share = { 0.5, "of the positions" },
    skill = { 0.5, "over the majority, on what is no padding" },
  },
  doc = {
    what = "Most positions are padding (one id, one input) and count as answers: the loss falls"
      .. " without anything being learnt.",
    formula = "share of the commonest id whose inputs are all the same; accuracy elsewhere over the"
      .. " majority there",
    source = "DALLE-pytorch issue 57",
    false_alarms = "padding that does not keep the rest from being learnt is silent",
  },
}

function M.check(case, limits)
  local p = case.signals.labels.padding
  local skill = p.majority < 1 and (p.accuracy - p.majority) / (1 - p.majority) or 1
  if p.share < limits.share or skill >= limits.skill then return nil end
  return finding.new(M, {
    title = ("%s of the positions are padding and count in the loss"):format(
      numfmt.percent(p.share)), part = "lost", strength = p.share / limits.share,
    evidence = { finding.evidence("share of padding", p.share, finding.under(limits.share)),
      finding.evidence("skill on what is none", skill, finding.over(limits.skill)) },
    fixes = { { text = ("ignore_class = %d in the loss, or a mask"):format(p.class) } },
  })
end

return M
