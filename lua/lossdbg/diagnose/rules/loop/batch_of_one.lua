local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "batch_of_one", cause = "bad_batch_size", family = "loop", class = "exact",
  needs = { "loop.passes", "description.layers" }, cost = "free",
  limits = { share = { 0.5, "of the training passes: a short last batch is no habit" } },
  doc = {
    what = "Batch normalisation sees batches of one row without positions: every value is its own"
      .. " mean, so that the layer's output is its offset whatever goes in.",
    formula = "training passes with one row, and a batch normalisation of vectors",
    source = "pytorch-3dunet issue 53",
    false_alarms = "normalisation over positions (images, sequences) has more values than rows",
  },
}

function M.check(case, limits)
  local passes, where = case.signals.loop.passes, nil
  for _, layer in ipairs(case.facts.net.layers) do
    if layer.kind == "batch_norm" and layer.trainable ~= false
      and #(layer.input_shape or {}) == 1 then
      where = where or layer.path
    end
  end
  if not where then return nil, "not applicable: no batch normalisation of vectors" end
  if passes.training == 0 then return nil, "cannot tell: no training pass was seen" end
  local share = (passes.single_row or 0) / passes.training
  if share < limits.share then return nil end
  return finding.new(M, {
    title = "batch normalisation over batches of one row: its output is always the offset",
    where = case.facts:where(where), part = "lost",
    evidence = { finding.evidence("training passes with one row", share,
      finding.under(limits.share)) },
    fixes = { { text = "feed 16 rows or more a batch, or use layer or group normalisation" } },
  })
end

return M
