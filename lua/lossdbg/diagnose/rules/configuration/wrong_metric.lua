local finding = require "lossdbg.diagnose.finding"
local heads = require "lossdbg.diagnose.heads"

local M = {
  id = "wrong_metric", cause = "wrong_metric", family = "configuration", class = "exact",
  part = "validation", -- what is read, not what is trained
  needs = { "description.metrics", "description.layers", "description.loss" }, cost = "free",
  doc = {
    what = "A metric cuts raw scores at a threshold that is meant for probabilities: training may"
      .. " be sound, the number that is watched is not.",
    formula = "a threshold between 0 and 1 on the outputs of a loss on logits, whose own is 0",
    source = "public question threads",
    false_alarms = "metrics that know of logits have no threshold of their own and are silent",
  },
}

function M.check(case)
  local verdict, why = heads.judge(case)
  if not verdict then return nil, why end
  local read = verdict.read
  if read.loss ~= "bce_logits" or read.head.group == "sigmoid" then
    return nil, "not applicable: the outputs are no raw scores of two classes"
  end
  for _, metric in ipairs(case.description.metrics) do
    local at = type(metric) == "table" and metric.threshold
    if at and at > 0 and at < 1 then
      return finding.new(M, {
        title = ("%s cuts raw scores at %g: probability %g is a score of 0"):format(
          metric.name or metric[1] or "a metric", at, 0.5),
        where = case.facts:where(read.head.layer and read.head.layer.path),
        evidence = { finding.evidence("threshold", at, "0") },
        fixes = { { text = "apply a sigmoid before the metric, or cut at 0" } },
      })
    end
  end
  return nil
end

return M
