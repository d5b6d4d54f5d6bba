local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "frozen_parameters", cause = "frozen_parameters", family = "gradient",
  needs = { "description.layers" }, cost = "free",

  limits = {
    gain = { 0.2, "of the baseline: what a fit with nothing frozen has more" },
    most = { 0.5, "most of the parameters: what is left is a small part of the network" },
  },
  doc = {
    what = "Layers with parameters are marked as not trainable.",
    formula = "share of the parameters in layers with trainable = false; all of them, most of"
      .. " them or the last layer weigh more than any",
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

function M.check(case, limits)
  local facts = case.facts
  local frozen, total, paths, last = count(facts.net)
  if total == 0 then return nil, "cannot tell: parameter counts are not known" end
  if frozen == 0 then return nil end
  local share = frozen / total
  local lost = ((case.signals.outside or {}).unfrozen_gain or 0) > limits.gain
  local class = (share >= 1 or lost) and "exact" or (share > limits.most or last) and "measured"
    or "suggestive"
  return finding.new(M, {
    title = string.format("%s of the parameters are frozen (%s)", numfmt.percent(share),
      numfmt.list(paths)),
    class = class, part = lost and "lost" or nil,
    where = facts:where(paths[1]),
    evidence = { finding.evidence("share of frozen parameters", share, "0"),
      finding.evidence("frozen layers", #paths, "0", numfmt.list(paths)) },
    fixes = { { text = "make all layers trainable", patch = { trainable = true } } },
  })
end

return M
