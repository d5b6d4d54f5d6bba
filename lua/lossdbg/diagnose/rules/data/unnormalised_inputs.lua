local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local facts_of = require "lossdbg.diagnose.facts"

local M = {
  id = "unnormalised_inputs", cause = "unnormalised_inputs", family = "data", class = "measured",
  needs = { "data.x" }, cost = "free", least = { n = 2 },

  limits = {
    rms_high = { 5, "one step overshoots by the square of that scale" },
    rms_low = { 0.05, "the first layer sees next to nothing: a scaling step was applied twice" },
    kappa = { 100, "the steepest axis allows a hundredth of the step of the middle one" },
    offset = { 0.5, "most features sit further from zero than they vary" },
    unit = { 2, "kappa and offset are felt only beyond the size of standardised data" },
    varies = { 1e-6, "a smaller spread, relative to the mean, is a constant column" },
  },
  doc = {
    what = "Features are on a raw scale (pixels 0..255, mixed units). The first layer's outputs are"
      .. " as large as its inputs, one step of the optimiser overshoots by the square of that"
      .. " scale, and rectified units die, sigmoid units saturate, or the loss explodes.",
    formula = "RMS of all inputs after any rescale layer; kappa = max_j E[x_j^2] / median_j"
      .. " E[x_j^2] over the features that vary; share of the features with |mean| > 2 sd; the"
      .. " last two only with an RMS beyond that of standardised data",
    source = "own; a box of -1..1 as UMLAUT and DeepDiagnosis use it flags standardised data",
    false_alarms = "tree-like or very wide first layers can live with it: a run that learns gets a"
      .. " remark. A normalisation layer ahead of the first weights silences the rule",
  },
}

---kappa over features that vary, from the feature table when it is there.
local function kappa_of(x, varies)
  local feature = x.feature
  if not (feature and feature.mean and feature.std) then return x.kappa end
  local squares, largest = {}, 0
  for j = 1, #feature.std do
    local m, s = feature.mean[j], feature.std[j]
    if facts_of.finite(m) and facts_of.finite(s) and s > varies * (1 + math.abs(m)) then
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

local function judge(x, scale, limits)
  local rms = (x.rms or math.sqrt((x.mean or 0) ^ 2 + (x.std or 0) ^ 2)) * scale
  local kappa, offset = kappa_of(x, limits.varies) or 1, x.offset_share or 0
  local strength
  if rms > limits.rms_high then
    strength = rms / limits.rms_high
  elseif rms < limits.rms_low then
    strength = limits.rms_low / math.max(rms, 1e-300)
  elseif rms > limits.unit and kappa > limits.kappa then
    strength = kappa / limits.kappa
  elseif rms > limits.unit and offset > limits.offset then
    strength = offset / limits.offset
  end
  return strength, rms, kappa, offset
end

local function title_of(x, rms, scale, limits)
  local name, reach = worst_feature(x)
  if rms < limits.rms_low then
    return string.format("features are nearly zero: RMS %s instead of about 1", numfmt.number(rms))
  end
  if name and reach then
    return string.format("features are not scaled: %s reaches %s, RMS of all inputs %s",
      name, numfmt.number(reach * scale), numfmt.number(rms))
  end
  return string.format("features are not scaled: %s to %s, RMS %s", numfmt.number((x.min or 0)
    * scale), numfmt.number((x.max or 0) * scale), numfmt.number(rms))
end

-- An autoencoder's targets are its inputs: one without the other would ask for raw values of it.
local function fixes_of(case)
  local inserted = { insert = { at = 1, layer = { kind = "normalization", adapt = true } } }
  if case.signals.data.mirrored then
    return { { text = "standardise the inputs with the training rows, and the targets, which are"
      .. " the inputs, with them", patch = { inserted, { target = "standardize" } } } }
  end
  return { { text = "standardise the inputs with the training rows (a normalization layer first)",
    patch = inserted } }
end

function M.check(case, limits)
  local x, facts = case.signals.data.x, case.facts
  local net = facts.net
  if net.input_scaling == "normalised" or net.input_scaling == "embedded" then return nil end
  if net.input_scaling == "unknown" then
    return nil, "cannot tell: a lambda layer stands before the first weights"
  end
  if x.identical then return nil end
  local scale = math.abs(net.input_scale)
  local strength, rms, kappa, offset = judge(x, scale, limits)
  if not strength then return nil end
  local name, reach = worst_feature(x)
  return finding.new(M, {
    cause = rms < limits.rms_low and "double_normalisation" or "unnormalised_inputs",
    title = title_of(x, rms, scale, limits), strength = strength,

    where = facts:where(net.maps[1] and net.maps[1].path),
    evidence = {
      finding.evidence("largest feature", reach and reach * scale or x.max or 0, "about 1 to 4",
        name),
      finding.evidence("RMS of the inputs", rms,
        finding.between(limits.rms_low, limits.rms_high)),
      finding.evidence("largest over median E[x^2]", kappa,
        finding.under(limits.kappa)),
      finding.evidence("features with |mean| > 2 sd", offset,
        finding.under(limits.offset)),
    },
    fixes = fixes_of(case),
  })
end

return M
