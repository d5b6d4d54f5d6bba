local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local effects = require "lossdbg.diagnose.effects"

local M = {
  id = "logits_into_probability_loss", cause = "missing_output_activation",
  family = "configuration", severity = "crit",
  needs = { "description.layers", "description.loss" }, cost = "forward",
  explains = effects.union(effects.POOR, effects.STALL, effects.DIVERGE,
    { "init_loss_unexpected", "loss_not_decreasing", "init_logit_scale_large" }),
  doc = {
    what = "Raw scores reach a cross-entropy that expects probabilities: they are clipped, and the"
      .. " clipped ones pass no gradient.",
    formula = "cross-entropy without from_logits on a linear output; outputs below 0, above 1, or"
      .. " rows that do not add up to 1 (5 %)",
    threshold = "the structure, confirmed by the values where they were measured",
    source = "TheDeepChecker, AutoTrainer; UMLAUT looks at the layer's name and flags regressions",
    false_alarms = "networks that normalise in a lambda are judged by their values",
  },
}

local WANTS = { binary_crossentropy = "sigmoid", categorical_crossentropy = "softmax",
  sparse_crossentropy = "softmax" }

local function looks_like_probabilities(output, name)
  if not output or output.min == nil then return nil end
  if output.min < -1e-6 or output.max > 1 + 1e-6 then return false end
  if name == "binary_crossentropy" or not output.row_sum_min then return true end
  return output.row_sum_min > 0.95 and output.row_sum_max < 1.05
end

function M.check(case)
  local facts, loss = case.facts, case.facts:loss()
  local want = WANTS[loss.name or ""]
  if not want or loss.from_logits then
    return nil, "not applicable: the loss does not expect probabilities"
  end
  if facts.net.output_activation ~= "linear" then return nil end
  local init, final = case.signals.init or {}, case.signals.final or {}
  local fits = looks_like_probabilities(init.output, loss.name)
  if fits == nil then fits = looks_like_probabilities(final.output, loss.name) end
  local last = facts.net.layers[#facts.net.layers]
  if fits or (fits == nil and last and last.kind == "lambda") then return nil end
  local output = init.output or final.output or {}
  return finding.new(M, {
    title = string.format("raw scores%s reach %s, which expects probabilities",
      output.min and string.format(" (%s to %s)", numfmt.number(output.min),
        numfmt.number(output.max)) or "", loss.name),
    severity = facts:grade("crit", "warn"), confidence = fits == false and 0.97 or 0.9,
    where = facts:where(facts.net.output and facts.net.output.path),
    evidence = { finding.evidence("smallest output", output.min or "unknown", "0"),
      finding.evidence("largest output", output.max or "unknown", "1") },
    fixes = {
      { text = "let the loss take logits", patch = { loss = { from_logits = true } } },
      { text = "end the network with " .. want, patch = { output = { activation = want } } },
    },
  })
end

return M
