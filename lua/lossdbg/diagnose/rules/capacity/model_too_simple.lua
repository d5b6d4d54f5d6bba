local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local structure = require "lossdbg.diagnose.structure"

local M = {
  id = "model_too_simple", cause = "too_few_units", family = "capacity", class = "measured",
  needs = { "reference" }, cost = "side_run",

  limits = {
    gain = { 0.1, "a tenth of the baseline: more than luck of one seed" },
  },
  doc = {
    what = "A plain recipe on the same rows does clearly better: the network cannot represent"
      .. " what is there.",
    formula = "skill of the recipe minus that of the network, on validation rows where there are"
      .. " some; without a hidden layer also that of the recipe minus that of ridge regression,"
      .. " where the network is no better than the latter",
    source = "deepchecks (simple model comparison)",
    false_alarms = "a network that is still falling: needs a settled trend",
  },
}

-- The only layer with weights of a network without a hidden layer.
local function only_map(net)
  local map = net.maps[1]
  return #net.maps == 1 and map.kind == "dense" and structure.is_linear_map(map) and map or nil
end

-- No rate and no patience bend a straight line: such a network is judged while it falls, too.
local function straight(case, limits)
  local plain, map = case.signals.reference, only_map(case.facts.net)
  if not (map and plain.linear and plain.own) then return nil end
  local line = math.max(plain.linear, 0) -- which a constant answer reaches, too
  if plain.network - line <= limits.gain or plain.own > line + limits.gain then return nil end
  return finding.new(M, {
    title = string.format("without a hidden layer the network is no more than a linear model, and"
      .. " a linear model reaches %s of skill here, a plain network %s",
      numfmt.number(line), numfmt.number(plain.network)),
    where = case.facts:where(map.path),
    evidence = { finding.evidence("skill of a plain network", plain.network,
      "at most " .. numfmt.number(line)),
      finding.evidence("skill of the network", plain.own) },
    fixes = { { text = "add a hidden layer of 64 rectified units", patch = { insert = {
      before = map.path, layer = { kind = "dense", units = 64, activation = "relu" } } } } },
  })
end

function M.check(case, limits)
  local facts, plain = case.facts, case.signals.reference
  local own = facts.val_skill or facts.skill
  if not plain.level or not own then return nil, "cannot tell: skills were not measured" end
  local line = straight(case, limits)
  if line then return line end
  local gain = plain.level - own
  if gain <= limits.gain or facts.trend == "decreasing" then return nil end
  return finding.new(M, {
    title = string.format("%s does better than the network: skill %s against %s",
      plain.name or "a simple learner", numfmt.number(plain.level), numfmt.number(own)),
    evidence = { finding.evidence("skill of " .. (plain.name or "the simple learner"),
      plain.level, "at most " .. numfmt.number(own)) },
    fixes = { { text = "use 64 units in the hidden layers", patch = { layers = { kind = "dense",
      hidden = true, options = { units = 64, activation = "relu" } } } } },
  })
end

return M
