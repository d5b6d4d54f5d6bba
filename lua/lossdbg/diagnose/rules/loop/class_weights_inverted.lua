local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "class_weights_inverted", cause = "class_weights_inverted", family = "loop",
  class = "measured", needs = { "labels.weights" }, cost = "forward",
  limits = {
    agree = { 0.75, "of the pairs of classes in which the commoner weighs more" },
    imbalance = { 2, "times as many rows: below that weights hardly matter" },
    times = { 1.5, "times the weight of the rarest class" },
    recall = { 0.5, "of the rare class recognised: then nothing is lost" },
  },
  doc = {
    what = "Weights of the classes grow with their frequency: the rare class counts less still.",
    formula = "weight of the commonest class over that of the rarest, and pairs of classes in the"
      .. " order of their frequencies",
    source = "lidar-bonnetal issue 48",
    false_alarms = "weights that fall with the frequency, or do not follow it, are silent",
  },
}

function M.check(case, limits)
  local labels = case.signals.labels
  local w = labels.weights
  local times = w.of_often / math.max(w.of_rare, 1e-12)
  if w.agree < limits.agree or w.imbalance < limits.imbalance or times < limits.times then
    return nil
  end
  local recall = (labels.recall or {})[w.rare] or 0
  return finding.new(M, {
    title = ("class %d has %.3g times the rows of class %d and %.3g times its weight"):format(
      w.often, w.imbalance, w.rare, times),
    part = recall < limits.recall and "lost" or nil, strength = times / limits.times,
    evidence = { finding.evidence("weight, commonest over rarest class", times,
      finding.under(limits.times)),
      finding.evidence("rare class recognised", recall, finding.over(limits.recall)) },
    fixes = { { text = "weights of n / (classes x rows of the class)" } },
  })
end

return M
