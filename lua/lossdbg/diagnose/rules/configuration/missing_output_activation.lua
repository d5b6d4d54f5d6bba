local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "missing_output_activation", cause = "missing_output_activation",
  family = "configuration",
  needs = { "description.layers", "description.loss" }, cost = "forward",

  limits = {
    outside = { 1e-6, "rounding of a probability" },
    row_sum = { 0.05, "rows of probabilities add up to 1 far closer than that" },
  },
  doc = {
    what = "Raw scores reach a cross-entropy that expects probabilities: they are clipped, and the"
      .. " clipped ones pass no gradient.",
    formula = "cross-entropy without from_logits on a linear output, confirmed by outputs below"
      .. " 0, above 1, or rows that do not add up to 1",
    source = "TheDeepChecker, AutoTrainer; UMLAUT looks at the layer's name and flags regressions",
    false_alarms = "networks that normalise in a lambda are judged by their values",
  },
}

local WANTS = { binary_crossentropy = "sigmoid", categorical_crossentropy = "softmax",
  sparse_crossentropy = "softmax" }

local function looks_like_probabilities(output, name, limits)
  if not output or output.min == nil then return nil end
  if output.min < -limits.outside or output.max > 1 + limits.outside then return false end
  if name == "binary_crossentropy" or not output.row_sum_min then return true end
  return output.row_sum_min > 1 - limits.row_sum and output.row_sum_max < 1 + limits.row_sum
end

function M.check(case, limits)
  local facts, loss = case.facts, case.facts:loss()
  local want = WANTS[loss.name or ""]
  if not want or loss.from_logits then
    return nil, "not applicable: the loss does not expect probabilities"
  end
  if facts.net.output_activation ~= "linear" then return nil end
  local init, final = case.signals.init or {}, case.signals.final or {}
  local fits = looks_like_probabilities(init.output, loss.name, limits)
  if fits == nil then fits = looks_like_probabilities(final.output, loss.name, limits) end
  local last = facts.net.layers[#facts.net.layers]
  if fits or (fits == nil and last and last.kind == "lambda") then return nil end
  local output = init.output or final.output or {}
  return finding.new(M, {
    title = string.format("raw scores%s reach %s, which expects probabilities",
      output.min and string.format(" (%s to %s)", numfmt.number(output.min),
        numfmt.number(output.max)) or "", loss.name),
    class = fits == false and "exact" or "measured",
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
