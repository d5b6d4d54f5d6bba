local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "softmax_in_loop", cause = "double_softmax", family = "loop", class = "exact",
  needs = { "loop.relation|loop.law" }, cost = "free",
  limits = { looks = { 3, "a single match may be chance" } },
  plain_loop = true,
  doc = {
    what = "The loop, or a loss of the user's own, puts a softmax or sigmoid before a cross-entropy"
      .. " that takes logits and has one already.",
    formula = "loss of the step = named loss of softmax(output) and not of the output; or the loss"
      .. " of the surest right answer is ln(1 + (K-1)/e), that of two softmaxes",
    source = "PyTorch issue 55902; daisyRec pull 15",
    false_alarms = "none: the numbers agree to rounding in every look",
  },
}

local function by_loop(loop, limits)
  local relation, between = loop.relation or {}, loop.between or {}
  for _, name in ipairs { "softmax", "sigmoid" } do
    local hits = relation[name] or 0
    if hits >= limits.looks and not relation.same then return name, hits end
    hits = loop.takes_logits and between[name] or 0
    if hits >= limits.looks and not between.nothing then return name, hits end
  end
end

function M.check(case, limits)
  local loop = case.signals.loop
  local name, hits = by_loop(loop, limits)
  if not name and loop.law and loop.law.double_softmax then
    name, hits = "softmax or sigmoid", loop.looks
  end
  if not name then return nil end
  return finding.new(M, {
    title = ("a %s stands before a loss that has one already"):format(name), part = "lost",
    evidence = { finding.evidence("steps in which the numbers agree", hits,
      finding.under(limits.looks)) },
    fixes = { { text = "give the loss the output of the model as it is" } },
  })
end

return M
