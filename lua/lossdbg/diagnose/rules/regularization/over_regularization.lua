local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local effects = require "lossdbg.diagnose.effects"
local facts_of = require "lossdbg.diagnose.facts"

local M = {
  id = "over_regularization", cause = "over_regularisation", family = "regularization",
  severity = "err", needs = { "penalty|description.optimizer" }, cost = "free",
  explains = effects.union(effects.STALL, effects.POOR, { "loss_not_decreasing", "dead_relu",
    "loss_oscillating" }),
  doc = {
    what = "A weight penalty or decay governs the fit: the weights are pulled to zero faster than"
      .. " the data can push them.",
    formula = "share of the reported loss that is penalty; |gradient of the penalty| / |gradient of"
      .. " the data loss|; lr x decay x steps",
    threshold = "share > 0.5 or gradient ratio > 2, or decay x lr x steps > 3 with decay x lr >"
      .. " 1e-4,"
      .. " while skill < 0.5; a remark when it learns",
    source = "TheDeepChecker (ratio 2), own condition on skill",
    false_alarms = "at convergence the data gradient is small: silent above skill 0.9",
  },
}

local function decay_of(facts)
  local optimizer = facts:optimizer()
  local decay, lr = optimizer.weight_decay, optimizer.lr
  if type(decay) ~= "number" or type(lr) ~= "number" or decay <= 0 then return 0, 0 end
  return decay * lr * facts.steps, decay * lr
end

function M.check(case)
  local facts, penalty = case.facts, case.signals.penalty or {}
  if facts:well_fitted() then return nil end
  local shrink, rate = decay_of(facts)
  local share, ratio = penalty.share or 0, penalty.ratio or 0
  local by_decay = shrink > 3 and rate > 1e-4
  if not (share > 0.5 or ratio > 2 or by_decay) then return nil end
  local strong = (share > 0.5 and ratio > 0.5) or ratio > 2 or (share > 0.5 and not penalty.ratio)
    or by_decay
  local poor = facts.failed or facts.state == "partial"
  return finding.new(M, {
    title = by_decay and string.format("weight decay shrinks the weights by exp(-%s) over the run",
        numfmt.number(shrink))
      or string.format("the penalty governs the fit: %s of the loss, its gradient %s times that of"
        .. " the data", numfmt.percent(share), numfmt.number(ratio)),
    severity = strong and poor and "err" or poor and "warn" or "info",
    confidence = math.max(strong and 0.6 or 0.4, ratio > 0 and facts_of.strength(ratio, 2, 50)
      or 0),
    evidence = { finding.evidence("share of the loss that is penalty", share, "under 0.5"),
      finding.evidence("gradient of the penalty over that of the data", ratio, "under 1"),
      finding.evidence("decay over the run", shrink, "under 1") },
    fixes = { { text = "train without penalty and decay", patch = by_decay
      and { { regularizer = "none" }, { optimizer = { weight_decay = 0 } } }
      or { regularizer = "none" } } },
  })
end

return M
