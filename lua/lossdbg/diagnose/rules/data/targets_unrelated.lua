local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local facts_of = require "lossdbg.diagnose.facts"

local M = {
  id = "targets_unrelated", cause = "misaligned_labels", family = "data", class = "measured",
  needs = { "val_skill|tests.data_independence" }, cost = "free", least = { n = 30 },

  limits = {
    rows = { 30, "fewer validation rows cannot tell chance from a small gain" },
    learnt = { 0.1, "a tenth of the baseline removed from the training rows: it does memorise" },
    never = { 0.97, "validation never went under 97 % of its baseline" },
    accuracy = { 0.1, "ten points over the majority are no chance" },
    memorised = { 0.9, "a network that large memorises any pairing: only validation can tell" },
    useful = { 0.3, "validation rows with that skill do follow from the inputs" },
    batch = { 0.95, "of the baseline of sixteen rows: they are memorised" },
    dead = { 0.9, "a dead network cannot use its inputs" },
  },
  doc = {
    what = "Targets do not depend on the inputs: they are paired wrongly, shuffled alone, or"
      .. " random. The training loss falls by memorising while held-out rows stay at chance.",
    formula = "training rows are learnt while the best validation loss never beat its baseline"
      .. " and the last validation skill is not better than chance; or the side run with"
      .. " shuffled inputs is as good as the real one although a small batch can be memorised",
    source = "own; TheDeepChecker trains 50 epochs and looks for a constant loss",
    false_alarms = "validation rows from another distribution look alike: train_val_shift is"
      .. " reported beside and explains it",
  },
}

local function best_of(list)
  local best = math.huge
  for _, v in ipairs(list or {}) do
    if v < best then best = v end
  end
  return best
end

local function memorises(case, limits)
  local facts, v = case.facts, case.signals.val_skill
  if not v or not facts.val_failed or (v.n or 0) < limits.rows then return false end
  if not facts.skill or facts.skill < limits.learnt then return false end
  local baseline = v.baseline or facts.baseline
  local best = best_of(case.signals.val_loss)
  if baseline and facts_of.finite(best) and best < limits.never * baseline then return false end
  local accuracy, majority = case.signals.val_accuracy, case.signals.majority
  if accuracy and majority and accuracy > majority + limits.accuracy then return false end
  return true
end

-- Whether a small batch can be memorised, at the rate of the run; or at a tenfold one, where the
-- run has learnt nothing at its own.
local function memorised(fit, facts, limits)
  if fit.passed then return true end
  if (facts.skill or 0) >= limits.learnt then return false end
  for _, skill in pairs(fit.at_lr or {}) do
    if skill >= limits.batch then return true end
  end
  return false
end

local function independent(case, limits)
  local tests = case.signals.tests or {}
  local di, fit = tests.data_independence, tests.overfit_batch
  local state = case.facts.state
  if state == "too_slow" or state == "cannot_tell" or state == "diverging" then return false end
  local x = case.signals.data and case.signals.data.x or {}
  if not (di and di.independent) or x.identical
    or case.facts.dead > limits.dead then return false end
  -- A large network memorises any pairing: only validation can tell then. By chance a wrong
  -- pairing of few rows may help a little.
  if (case.facts.skill or 0) >= limits.memorised or case.facts.outliers then return false end
  if case.facts.val_skill and case.facts.val_skill >= limits.useful then return false end
  return fit ~= nil and memorised(fit, case.facts, limits) and not case.facts.nonfinite
end

function M.check(case, limits)
  local facts, s = case.facts, case.signals
  local by_val, by_test = memorises(case, limits), independent(case, limits)
  if not (by_val or by_test) then
    if s.val_skill and s.val_skill.verdict == "undetermined" and not s.tests then
      return nil, "cannot tell: too few validation rows"
    end
    return nil
  end
  local evidence = {}
  if by_val then
    evidence[#evidence + 1] = finding.evidence("training skill", facts.skill, "any")
    evidence[#evidence + 1] = finding.evidence("validation skill", facts.val_skill or 0,
      "more than 0", s.val_skill.t and ("0 = as good as the best constant answer, which is %s"
        .. " standard errors away"):format(numfmt.number(math.abs(s.val_skill.t)))
        or "0 = as good as the best constant answer")
  end
  if by_test then
    local di = s.tests.data_independence
    evidence[#evidence + 1] = finding.evidence("skill on real inputs", di.real or "unknown")
    evidence[#evidence + 1] = finding.evidence("skill on shuffled inputs", di.shuffled or "unknown",
      "clearly lower")
  end
  local title = by_val and string.format("targets do not follow from the inputs: training skill %s,"
      .. " validation skill %s", numfmt.number(facts.skill), numfmt.number(facts.val_skill or 0))
    or "targets do not follow from the inputs: shuffled inputs train as well as the real ones"
  return finding.new(M, {
    title = title, part = by_val and "validation" or nil,
    -- A network that learns any pairing as well as the given one has learnt nothing of this one.
    class = by_test and (s.tests.data_independence.shuffled or 0) >= limits.learnt and "exact"
      or nil,

    evidence = evidence,
    fixes = { { text = "check that inputs and targets are shuffled together and joined by row" } },
  })
end

return M
