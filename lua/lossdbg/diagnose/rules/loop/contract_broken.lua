local finding = require "lossdbg.diagnose.finding"
local lost = require "lossdbg.diagnose.lost"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "contract_broken", cause = nil, family = "loop", class = "exact",
  needs = { "contracts.broken" }, cost = "free",
  doc = {
    what = "Something that every training loop keeps was not kept in a step that was looked at:"
      .. " who holds and who moves the weights, what evaluation may change, what micro-batches add"
      .. " up to, what an op of your own says its slope is, and contracts of your own.",
    formula = "true or false, without a threshold; step, layer and line of the first time",
    source = "own; TrainCheck (invariants of training loops)",
    false_alarms = "some contracts are broken on purpose (a straight-through estimate): a warning"
      .. " where the model learns",
  },
}

-- Contracts that a rule of their own reads, which knows more than that they were broken: always, or
-- where a watch looked on.
local TOLD = { labels_cover = true }
local TOLD_OF_LOOPS = {
  ignored_outside = true, targets_of_data = true, rows_belong = true,
  batches_differ = true, state_follows_rows = true, training_mode = true, evaluation_mode = true,
  evaluation_repeats = true, initialised_first = true, only_step_moves_weights = true,
  one_backward = true, gradients_cleared = true, gradient_sign = true, outputs_get_gradient = true,
}

local function tell(case, contracts, broken)
  return finding.new(M, {
    title = ("%s: %s"):format(broken.says, broken.text or "broken"), cause = broken.cause,
    where = { layer = broken.layer, step = broken.step, source = broken.line },
    part = lost.part(lost.visibly(case)),
    evidence = { finding.evidence("steps looked at that broke it", broken.count, "0"),
      finding.evidence("other contracts that were kept", #(contracts.kept or {}), nil,
        #(contracts.unasked or {}) > 0 and "not asked: " .. numfmt.list(contracts.unasked)
        or nil) },
    fixes = { { text = broken.fix } },
  })
end

function M.check(case)
  local list, contracts = {}, case.signals.contracts
  for _, broken in ipairs(contracts.broken) do
    local told = TOLD[broken.id] or case.signals.loop and TOLD_OF_LOOPS[broken.id]
    if not told then list[#list + 1] = tell(case, contracts, broken) end
  end
  return #list > 0 and list or nil
end

return M
