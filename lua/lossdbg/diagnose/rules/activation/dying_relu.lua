local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local structure = require "lossdbg.diagnose.structure"

local M = {
  id = "dying_relu", cause = "dying_relu", family = "activation",
  needs = { "final.layers", "description.layers" }, cost = "forward",

  limits = {
    most = { 0.5, "most of a layer dead is more than chance takes from a narrow one" },
    some = { 0.3, "below it a narrow layer may have lost units at random" },
    all = { 0.999, "no unit is left to pass a gradient" },
  },
  doc = {
    what = "Rectified units that are zero for every sample pass no gradient; a layer whose units"
      .. " are"
      .. " all dead cuts everything before it off, and the loss settles at the best constant"
      .. " answer.",
    formula = "unit dead when it is > 0 for none of the probed samples; share of dead units per"
      .. " layer",
    source = "own per-unit test (0 firings in n samples bounds the rate by 3/n); the share of zero"
      .. " entries that DeepDiagnosis uses flags healthy sparse layers",
    false_alarms = "narrow layers lose a unit or two at random",
  },
}

local RECTIFIED = { relu = true, relu6 = true }

local function class_of(share, limits)
  if share >= limits.all then return "exact" end
  return share > limits.most and "measured" or "suggestive"
end

local function fixes_of(path, lr)
  local fixes = {
    { text = "let negative inputs pass a little: leaky_relu",
      patch = { layer = { path = path, options = { activation = "leaky_relu" } } } },
  }
  if type(lr) == "number" and lr > 0 then
    fixes[2] = { text = string.format("lower the learning rate to %s", numfmt.number(lr / 10)),
      patch = { optimizer = { lr = lr / 10 } } }
  end
  return fixes
end

local function look(case, layer, stat, limits)
  local facts, share = case.facts, stat.dead_share
  local init = case.signals.init and case.signals.init.layers
  local before = init and init[layer.path] and init[layer.path].dead_share
  local evidence = { finding.evidence("dead units", share, finding.under(limits.some),
    "share of the layer") }
  if before then
    evidence[2] = finding.evidence("dead units before training", before, "about 0")
  end
  local born = before and before > limits.most
  return finding.new(M, {
    title = string.format("%s of the rectified units in %s are dead%s", numfmt.percent(share),
      layer.path, born and " from the start" or before and " after training" or ""),
    where = facts:where(layer.path),
    class = class_of(share, limits), evidence = evidence,
    fixes = fixes_of(layer.path, facts:optimizer().lr),
  })
end

function M.check(case, limits)
  local facts, found, seen = case.facts, {}, false
  for _, layer, stat in facts:measured("final") do
    local activation = structure.activation_of(layer)
    if RECTIFIED[activation or ""] and stat.dead_share then
      seen = true
      if stat.dead_share > limits.some then found[#found + 1] = look(case, layer, stat, limits) end
    end
  end
  if not seen then return nil, "not applicable: no rectified layer was measured" end
  -- One finding: the deadest layer, the first of equals, stands for the others.
  local worst
  for _, f in ipairs(found) do
    if not worst or f.evidence[1].value > worst.evidence[1].value then worst = f end
  end
  if worst and #found > 1 then
    worst.evidence[#worst.evidence + 1] = finding.evidence("layers with dead units", #found, "0")
  end
  return worst
end

return M
