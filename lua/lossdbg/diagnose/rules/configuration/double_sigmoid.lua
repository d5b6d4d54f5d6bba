local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "double_sigmoid", cause = "double_softmax", family = "configuration", class = "exact",
  needs = { "description.layers", "description.loss" }, cost = "free",

  doc = {
    what = "The network ends in sigmoid and the loss applies sigmoid again: the second answer lies"
      .. " between 0.5 and 0.731, so that class 0 can never be certain.",
    formula = "sigmoid output under binary cross-entropy with from_logits; floors 0.3133 and"
      .. " 0.6931",
    source = "own",
    false_alarms = "none",
  },
}

function M.check(case)
  local facts, loss = case.facts, case.facts:loss()
  if loss.name ~= "binary_crossentropy" then
    return nil, "not applicable: no binary cross-entropy"
  end
  if not loss.from_logits or facts.net.output_activation ~= "sigmoid" then return nil end
  return finding.new(M, {
    title = "sigmoid twice: in the last layer and inside binary_crossentropy",

    where = facts:where(facts.net.output and facts.net.output.path),
    evidence = { finding.evidence("floor for class 1", 0.3133, "0"),
      finding.evidence("floor for class 0", 0.6931, "0"),
      finding.evidence("loss", facts.level or "unknown") },
    fixes = {
      { text = "tell the loss that it gets probabilities",
        patch = { loss = { from_logits = false } } },
      { text = "drop the sigmoid of the last layer",
        patch = { output = { activation = "linear" } } },
    },
  })
end

return M
