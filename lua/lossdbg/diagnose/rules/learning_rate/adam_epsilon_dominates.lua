local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local effects = require "lossdbg.diagnose.effects"
local facts_of = require "lossdbg.diagnose.facts"

local M = {
  id = "adam_epsilon_dominates", cause = "adam_epsilon_too_small", family = "learning_rate",
  severity = "err", needs = { "description.optimizer" }, cost = "free",
  explains = effects.union(effects.POOR, effects.DIVERGE, effects.STEP,
    { "update_ratio_too_small" }),
  doc = {
    what = "The stabiliser epsilon of an adaptive optimiser governs the step: too large and the"
      .. " method degenerates to plain descent with lr / epsilon, too small and it divides by"
      .. " nothing.",
    formula = "share of parameters with sqrt(v) < epsilon; epsilon itself",
    threshold = "share > 0.5 with epsilon > 1e-6; epsilon >= 1e-2; epsilon < 1e-12. Errors only"
      .. " where training failed",
    source = "TheDeepChecker's mutants, Tuning Playbook (epsilon is worth tuning)",
    false_alarms = "epsilon up to 1 is advised for some vision networks: a remark when they learn",
  },
}

local ADAPTIVE = { adam = true, adamw = true, rmsprop = true, adamax = true, nadam = true,
  adagrad = true, adadelta = true }

local function share_of(case)
  local most
  for _, layer in ipairs(case.facts.net.layers) do
    local stat = (case.signals.layers or {})[layer.path]
    local v = stat and stat.epsilon_share
    if v and (not most or v > most) then most = v end
  end
  return most
end

function M.check(case)
  local facts, optimizer = case.facts, case.facts:optimizer()
  if not ADAPTIVE[optimizer.name or ""] then return nil, "not applicable: no adaptive optimiser" end
  local epsilon, share = optimizer.epsilon, share_of(case)
  if type(epsilon) ~= "number" then return nil, "cannot tell: epsilon is not known" end
  local governs = share and share > 0.5 and epsilon > 1e-6
  if not (governs or epsilon >= 1e-2 or epsilon < 1e-12) then return nil end
  local small = epsilon < 1e-12
  return finding.new(M, {
    title = small and string.format("epsilon %s of %s stabilises nothing", numfmt.number(epsilon),
      optimizer.name) or string.format("epsilon %s of %s governs the step%s",
      numfmt.number(epsilon), optimizer.name,
      share and " for " .. numfmt.percent(share) .. " of the weights" or ""),
    severity = facts:grade("err"), confidence = governs and 0.75
      or small and 0.55 or facts_of.strength(epsilon, 1e-2, 10),
    evidence = { finding.evidence("epsilon", epsilon, "1e-8 .. 1e-3"),
      finding.evidence("weights whose sqrt(v) is below it", share or "unknown", "under 0.5") },
    fixes = { { text = "set epsilon to 1e-7", patch = { optimizer = { epsilon = 1e-7 } } } },
  })
end

return M
