local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local effects = require "lossdbg.diagnose.effects"

local M = {
  id = "frozen_layer", cause = "frozen_parameters", family = "gradient", severity = "err",
  needs = { "description.layers" }, cost = "free",
  explains = effects.union(effects.BLIND, effects.POOR, effects.STALL, { "weights_unchanged",
    "loss_not_decreasing", "optimizer_step_missing" }),
  doc = {
    what = "Layers with parameters are marked as not trainable.",
    formula = "share of the parameters in layers with trainable = false",
    threshold = "any: remark; more than half of the parameters, or the last layer: warning, error"
      .. " where training failed; all: critical",
    source = "torchtest",
    false_alarms = "fine-tuning freezes on purpose: a remark while it learns",
  },
}

local function count(net)
  local frozen, total, paths, last = 0, 0, {}, false
  for _, layer in ipairs(net.layers) do
    local n = layer.n_parameters or 0
    -- The statistics of a normalisation layer are never trained.
    if n > 0 and layer.kind ~= "normalization" then
      total = total + n
      if layer.trainable == false then
        frozen = frozen + n
        paths[#paths + 1] = layer.path
        last = last or layer == net.output
      end
    end
  end
  return frozen, total, paths, last
end

function M.check(case)
  local facts = case.facts
  local frozen, total, paths, last = count(facts.net)
  if total == 0 then return nil, "cannot tell: parameter counts are not known" end
  if frozen == 0 then return nil end
  local share = frozen / total
  local severity = "info"
  if share >= 1 then
    severity = "crit"
  elseif share > 0.5 or last then
    severity = facts:grade("err")
  end
  return finding.new(M, {
    title = string.format("%s of the parameters are frozen (%s)", numfmt.percent(share),
      numfmt.list(paths)),
    severity = severity, confidence = share >= 1 and 0.99 or last and 0.85 or 0.6,
    where = facts:where(paths[1]),
    evidence = { finding.evidence("share of frozen parameters", share, "0"),
      finding.evidence("frozen layers", #paths, "0", numfmt.list(paths)) },
    fixes = { { text = "make all layers trainable", patch = { trainable = true } } },
  })
end

return M
