local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local facts_of = require "lossdbg.diagnose.facts"

local M = {
  id = "init_loss_unexpected", cause = "bad_init_scale", family = "initialisation",
  class = "suggestive",
  role = "symptom", needs = { "init.loss", "description.loss" },
  cost = "forward",
  limits = {
    classes = { 2, "he weights and standardised inputs cost up to half of ln K" },
    square = { 4, "mse: fresh outputs may double the error, not its square" },
    low = { 0.5, "half of the entropy: the network knows the classes before training" },
  },
  doc = {
    what = "The loss of the fresh network is not what its loss function predicts: about ln K for"
      .. " classes, the mean square of the target for squared error.",
    formula = "L0 over max(ln K, H) for cross-entropies, L0 under H; L0 over E[y^2] and var(y)"
      .. " for mse",
    source = "Karpathy's recipe; TheDeepChecker allows a factor of two",
    false_alarms = "he initialisation and standardised inputs cost up to half of ln K",
  },
}

local CLASS = { sparse_crossentropy = true, categorical_crossentropy = true }

local function expected(case)
  local facts, name = case.facts, case.facts:loss().name or ""
  local y = facts.y
  if CLASS[name] or name == "binary_crossentropy" then
    local k = name == "binary_crossentropy" and 2 or facts:units() or facts.classes
    if not k or k < 2 then return nil end
    local h = y.entropy or math.log(k)
    return math.max(math.log(k), h), "ln " .. k, h
  end
  if name == "mse" and y.var then
    local square = y.mean_square or ((y.mean or 0) ^ 2 + y.var)
    return square, "mean square of the target", nil
  end
  return nil
end

function M.check(case, limits)
  local facts, l0 = case.facts, case.signals.init.loss
  if not facts_of.finite(l0) then
    return nil, "cannot tell: the first loss is not finite"
  end
  local want, name, entropy = expected(case)
  if not want or want <= 0 then return nil, "not applicable: no expectation for this loss" end
  local high = entropy and l0 > limits.classes * want
    or not entropy and l0 > limits.square * math.max(want, facts.baseline or 0)
  local low = entropy and l0 < limits.low * entropy
  if not (high or low) then return nil end
  return finding.new(M, {
    title = string.format("the first loss is %s, expected about %s (%s)", numfmt.number(l0),
      numfmt.number(want), name),

    cause = not low and "bad_init_scale",

    strength = low and 1 or l0 / want,
    evidence = { finding.evidence("first loss", l0, "about " .. numfmt.number(want)) },
    fixes = {},
  })
end

return M
