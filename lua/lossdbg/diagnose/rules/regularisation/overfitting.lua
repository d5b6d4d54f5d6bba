local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local facts_of = require "lossdbg.diagnose.facts"

local M = {
  id = "overfitting", cause = "overfitting", family = "regularisation", part = "validation",
  needs = { "val_loss" }, cost = "free", least = { epochs = 8 },

  limits = {
    z = { 2.326, "one in a hundred trends without a rise" },
    rise = { 1.1, "a tenth above the best epoch" },
    much = { 1.5, "half above it: less is confidence that grows, and hurts no answer yet" },
    better = { 0.2, "of skill that a plain learner reaches more on rows it did not see" },
    rows = { 30, "fewer validation rows cannot tell chance from a small gain" },
    noise = { 2, "and two standard deviations of the noise between epochs" },
  },
  doc = {
    what = "The training loss goes on falling while the validation loss has turned upwards.",
    formula = "Mann-Kendall trend of the validation loss after its minimum, training loss lower"
      .. " than at that epoch, last validation loss beyond the best by more than its noise; or the"
      .. " training rows alone are learnt, and a plain learner does clearly better on the others",
    source = "SageMaker (ratio of the gap), UMLAUT (one epoch), AutoTrainer (accuracy gap 0.1)",
    false_alarms = "noise: the trend test and the size of the rise have to agree",
  },
}

local function best_epoch(list)
  local at = 1
  for i = 2, #list do
    if list[i] < list[at] then at = i end
  end
  return at
end

---Standard deviation of the differences between neighbours, over sqrt 2.
local function noise(list)
  local sum, n = 0, 0
  for i = 2, #list do
    local d = list[i] - list[i - 1]
    if facts_of.finite(d) then sum, n = sum + d * d, n + 1 end
  end
  return n > 0 and math.sqrt(sum / n / 2) or 0
end

local function parts(val)
  local at = best_epoch(val)
  local tail = {}
  for i = at, #val do tail[#tail + 1] = val[i] end
  local z = facts_of.mann_kendall(tail) or 0
  return at, z
end

local function fixes_of(at)
  return {
    { text = string.format("stop after %d epochs", at), patch = { epochs = at } },
    { text = "drop 20 % of the hidden units", patch = { dropout = 0.2 } },
  }
end

-- The loss need not turn: rows learnt by heart from the first epochs on leave validation flat.
local function by_heart(case, limits, at)
  local plain, task = case.signals.reference, case.facts.status.task
  if case.facts.state ~= "overfitting" or not (plain and plain.held_out and task.val)
    or (task.val_rows or 0) < limits.rows or plain.skill - task.val <= limits.better then
    return nil
  end
  return finding.new(M, {
    title = string.format("the training rows are learnt by heart: skill %s on them, %s on"
      .. " validation rows, where %s reaches %s", numfmt.number(task.train),
      numfmt.number(task.val), plain.name, numfmt.number(plain.skill)),
    class = "measured", strength = (plain.skill - task.val) / limits.better,
    evidence = { finding.evidence("validation skill", task.val, "about "
      .. numfmt.number(plain.skill)), finding.evidence("training skill", task.train) },
    fixes = fixes_of(at),
  })
end

function M.check(case, limits)
  local facts, val, train = case.facts, case.signals.val_loss, case.signals.epoch_loss
  if facts.nonfinite or facts.state == "diverging" then return nil end
  if #val < M.least.epochs then return nil, "cannot tell: too few validation losses" end
  local at, z = parts(val)
  local best, last = val[at], val[#val]
  if not facts_of.finite(best) or not facts_of.finite(last) then return nil end
  local fell = train and train[at] and train[#train] and train[#train] < train[at]
  if not fell or z <= limits.z or last <= limits.rise * best
    or last <= best + limits.noise * noise(val) then
    return by_heart(case, limits, at)
  end
  return finding.new(M, {
    title = string.format("overfitting since epoch %d: validation loss rose from %s to %s while the"
      .. " training loss fell to %s", at, numfmt.number(best), numfmt.number(last),
      numfmt.number(train[#train])),

    class = last > limits.much * best and "measured" or "suggestive",
    strength = last / best / limits.rise,
    evidence = { finding.evidence("validation loss, last over best", last / best,
        finding.under(limits.rise)),
      finding.evidence("trend statistic z after the best epoch", z,
        finding.under(limits.z)) },
    fixes = fixes_of(at),
  })
end

return M
