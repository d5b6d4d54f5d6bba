local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local effects = require "lossdbg.diagnose.effects"
local structure = require "lossdbg.diagnose.structure"

local M = {
  id = "dead_relu", cause = "dying_relu", family = "activation", severity = "crit",
  needs = { "final.layers", "description.layers" }, cost = "forward",
  explains = effects.union(effects.BLIND, effects.STALL, effects.POOR, { "weights_unchanged" }),
  doc = {
    what = "Rectified units that are zero for every sample pass no gradient; a layer whose units"
      .. " are"
      .. " all dead cuts everything before it off, and the loss settles at the best constant"
      .. " answer.",
    formula = "unit dead when it is > 0 for none of the probed samples; share of dead units per"
      .. " layer",
    threshold = "> 10 %: remark, > 30 %: warning, > 50 %: error where the run fails, all: critical",
    source = "own per-unit test (0 firings in n samples bounds the rate by 3/n); the share of zero"
      .. " entries that DeepDiagnosis uses flags healthy sparse layers",
    false_alarms = "narrow layers lose a unit or two at random; in a run that learns a warning at"
      .. " most",
  },
}

local RECTIFIED = { relu = true, relu6 = true }

local function severity_of(share, facts)
  if share >= 0.999 then return facts:well_fitted() and "warn" or "crit" end
  if share > 0.5 then
    return facts.state == "plateau_after_progress" and "err" or facts:grade("err", "warn")
  end
  return share > 0.3 and facts.failed and "warn" or "info"
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

local function look(case, layer, stat)
  local facts, share = case.facts, stat.dead_share
  local init = case.signals.init and case.signals.init.layers
  local before = init and init[layer.path] and init[layer.path].dead_share
  local evidence = { finding.evidence("dead units", share, "under 0.1", "share of the layer") }
  if before then
    evidence[2] = finding.evidence("dead units before training", before, "about 0")
  end
  local born = before and before > 0.5
  return finding.new(M, {
    title = string.format("%s of the rectified units in %s are dead%s", numfmt.percent(share),
      layer.path, born and " from the start" or before and " after training" or ""),
    severity = severity_of(share, facts), where = facts:where(layer.path),
    confidence = share > 0.5 and 0.95 or 0.4, evidence = evidence,
    fixes = fixes_of(layer.path, facts:optimizer().lr),
  })
end

function M.check(case)
  local facts, found, seen = case.facts, {}, false
  for _, layer, stat in facts:measured("final") do
    local activation = structure.activation_of(layer)
    if RECTIFIED[activation or ""] and stat.dead_share then
      seen = true
      if stat.dead_share > 0.1 then found[#found + 1] = look(case, layer, stat) end
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
