local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local structure = require "lossdbg.diagnose.structure"

local M = {
  id = "symmetric_init", cause = "symmetric_init", family = "initialisation", class = "exact",
  needs = { "init.layers|description.layers" }, cost = "free",

  limits = {
    width = { 2, "a single unit has no twin" },
  },
  doc = {
    what = "All units of a hidden layer start from the same weights: they get the same gradient and"
      .. " stay one unit; with zeros no gradient passes at all.",
    formula = "var(W) <= 1e-12 mean(W)^2, or all columns equal; or a constant initialiser",
    source = "TheDeepChecker, NeuraLint",
    false_alarms = "a zero-initialised output layer is sound (logistic regression, residual ends)"
      .. " and exempt",
  },
}

local CONSTANT = { zeros = true, ones = true, constant = true }

local function init_name(layer)
  local init = layer.init or (layer.options or {}).init
  if type(init) == "table" then init = init.name or init[1] end
  return init
end

local function symmetric_layers(case, limits)
  local net, found, zero = case.facts.net, {}, false
  local stats = case.signals.init and case.signals.init.layers or {}
  for i = 1, #net.maps - 1 do
    local layer = net.maps[i]
    local stat = stats[layer.path]
    local name = init_name(layer)
    local measured = stat and stat.symmetric
    if measured == nil and structure.is_linear_map(layer) then measured = CONSTANT[name or ""] end
    local shape = layer.output_shape
    local width = type(shape) == "table" and shape[#shape] or 2
    if measured and width >= limits.width then
      found[#found + 1] = layer
      zero = zero or name == "zeros" or (stat and stat.weight_rms == 0)
    end
  end
  return found, zero
end

function M.check(case, limits)
  local facts = case.facts
  local found, zero = symmetric_layers(case, limits)
  if #found == 0 then return nil end
  local paths = {}
  for i, layer in ipairs(found) do paths[i] = layer.path end
  return finding.new(M, {
    title = string.format("all units of %s start from %s weights", numfmt.list(paths),
      zero and "zero" or "equal"),

    where = facts:where(paths[1]),
    evidence = { finding.evidence("hidden layers whose units are alike", #found, "0",
      numfmt.list(paths)) },
    fixes = { { text = "draw the weights with he_normal", patch = { init = "he_normal" } },
      { text = "draw the weights with glorot_uniform", patch = { init = "glorot_uniform" } } },
  })
end

return M
