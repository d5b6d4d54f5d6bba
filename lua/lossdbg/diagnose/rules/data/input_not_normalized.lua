local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local effects = require "lossdbg.diagnose.effects"
local facts_of = require "lossdbg.diagnose.facts"

local M = {
  id = "input_not_normalized", cause = "unnormalised_inputs", family = "data", severity = "err",
  needs = { "data.x" }, cost = "free", least = { n = 2 },
  explains = effects.union(effects.STALL, effects.DIVERGE, effects.STEP, effects.POOR, {
    "dead_relu", "saturated_activation", "init_loss_unexpected", "init_logit_scale_large",
    "feature_scale_disparity", "integer_input", "weights_unchanged", "constant_feature",
    "activation_gain_bad", "init_scale_mismatch" }),
  doc = {
    what = "Features are on a raw scale (pixels 0..255, mixed units). The first layer's outputs are"
      .. " as large as its inputs, one step of the optimiser overshoots by the square of that"
      .. " scale, and rectified units die, sigmoid units saturate, or the loss explodes.",
    formula = "RMS of all inputs after any rescale layer; kappa = max_j E[x_j^2] / median_j"
      .. " E[x_j^2] over the features that vary; share of the features with |mean| > 2 sd",
    threshold = "RMS > 5 or < 0.05, or kappa > 100 with RMS > 2, or |mean| > 2 sd on more than half"
      .. " of the features with RMS > 2; an error only where training failed, or where more than"
      .. " half of a layer died and skill is under 0.9",
    source = "own; a box of -1..1 as UMLAUT and DeepDiagnosis use it flags standardised data",
    false_alarms = "tree-like or very wide first layers can live with it: a run that learns gets a"
      .. " remark. A normalisation layer ahead of the first weights silences the rule",
  },
}

local RMS_HIGH, RMS_LOW, KAPPA, OFFSET, UNIT = 5, 0.05, 100, 0.5, 2

---kappa over features that vary, from the feature table when it is there.
local function kappa_of(x)
  local feature = x.feature
  if not (feature and feature.mean and feature.std) then return x.kappa end
  local squares, largest = {}, 0
  for j = 1, #feature.std do
    local m, s = feature.mean[j], feature.std[j]
    if facts_of.finite(m) and facts_of.finite(s) and s > 1e-6 * (1 + math.abs(m)) then
      squares[#squares + 1] = m * m + s * s
      largest = math.max(largest, m * m + s * s)
    end
  end
  local middle = facts_of.median(squares)
  if not middle or middle <= 0 then return x.kappa end
  return largest / middle
end

local function worst_feature(x)
  local largest = x.largest
  if not largest then return nil end
  local name = largest.name or (largest.column and "column " .. largest.column)
  return name, largest.max_abs
end

local function judge(x, scale)
  local rms = (x.rms or math.sqrt((x.mean or 0) ^ 2 + (x.std or 0) ^ 2)) * scale
  local kappa, offset = kappa_of(x) or 1, x.offset_share or 0
  local confidence
  if rms > RMS_HIGH then
    confidence = facts_of.strength(rms, RMS_HIGH, 20 * RMS_HIGH)
  elseif rms < RMS_LOW then
    confidence = facts_of.strength(RMS_LOW / rms, 1, 20)
  elseif kappa > KAPPA and rms > UNIT then
    confidence = facts_of.strength(kappa, KAPPA, 100 * KAPPA)
  elseif offset > OFFSET and rms > UNIT then
    confidence = 0.55
  end
  return confidence, rms, kappa, offset
end

---Units that died of it are a fault even in a run that learns a little.
local function severity_of(facts)
  if facts.dead <= 0.5 then return facts:grade("err") end
  return facts:well_fitted() and "warn" or "err"
end

local function title_of(x, rms, scale)
  local name, reach = worst_feature(x)
  if rms < RMS_LOW then
    return string.format("features are nearly zero: RMS %s instead of about 1", numfmt.number(rms))
  end
  if name and reach then
    return string.format("features are not scaled: %s reaches %s, RMS of all inputs %s",
      name, numfmt.number(reach * scale), numfmt.number(rms))
  end
  return string.format("features are not scaled: %s to %s, RMS %s", numfmt.number((x.min or 0)
    * scale), numfmt.number((x.max or 0) * scale), numfmt.number(rms))
end

function M.check(case)
  local x, facts = case.signals.data.x, case.facts
  local net = facts.net
  if net.input_scaling == "normalised" or net.input_scaling == "embedded" then return nil end
  if net.input_scaling == "unknown" then
    return nil, "cannot tell: a lambda layer stands before the first weights"
  end
  if x.identical then return nil end
  local scale = math.abs(net.input_scale)
  local confidence, rms, kappa, offset = judge(x, scale)
  if not confidence then return nil end
  local name, reach = worst_feature(x)
  return finding.new(M, {
    cause = rms < RMS_LOW and "double_normalisation" or "unnormalised_inputs",
    title = title_of(x, rms, scale), confidence = confidence,
    severity = severity_of(facts),
    where = facts:where(net.maps[1] and net.maps[1].path),
    evidence = {
      finding.evidence("largest feature", reach and reach * scale or x.max or 0, "about 1 to 4",
        name),
      finding.evidence("RMS of the inputs", rms, "0.05 .. 5"),
      finding.evidence("largest over median E[x^2]", kappa, "under 100"),
      finding.evidence("features with |mean| > 2 sd", offset, "under 0.5"),
    },
    fixes = {
      { text = "standardise the inputs with the training rows (a normalization layer first)",
        patch = { insert = { at = 1, layer = { kind = "normalization", adapt = true } } } },
    },
  })
end

return M
