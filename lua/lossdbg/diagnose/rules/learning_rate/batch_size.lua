local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "batch_size", cause = "bad_batch_size", family = "learning_rate",
  needs = { "description.batch", "description.n_train", "steps" }, cost = "free",
  limits = {
    large = { 64, "the usual largest for small sets" },
    epoch = { 16, "updates an epoch: fewer, and an epoch changes little" },
    steps = { 500, "updates in all: a few hundred are few for any network" },
    single = { 1, "one row a step" },
    rows = { 64, "rows from which one a step is a choice" },
  },
  doc = {
    what = "So large a batch leaves few updates in an epoch; a batch of one row makes every update"
      .. " the noise of that row.",
    formula = "rows over batch, updates in all; a batch of 1",
    source = "Humbatova's taxonomy (wrong batch size), covered by no tool",
    false_alarms = "small sets in one batch are common and work: where a run learns it is a remark",
  },
}

local function large(case, limits)
  local d, steps = case.description, case.signals.steps
  local per_epoch = d.n_train / d.batch
  if d.batch < limits.large or per_epoch >= limits.epoch then return nil end
  if steps >= limits.steps then return nil end
  local to = math.max(16, d.batch // 8)
  return finding.new(M, {
    title = ("a batch of %s leaves %s update%s an epoch, %s in all"):format(numfmt.number(d.batch),
      numfmt.number(math.ceil(per_epoch)), per_epoch > 1 and "s" or "", numfmt.number(steps)),
    -- Where training fails, few updates explain little: something else is to blame first.
    class = case.facts.learned and "measured" or "suggestive",
    strength = limits.steps / math.max(steps, 1),
    evidence = { finding.evidence("updates in all", steps, finding.over(limits.steps)),
      finding.evidence("updates an epoch", math.ceil(per_epoch), finding.over(limits.epoch)) },
    fixes = { { text = ("use batches of %d for as many epochs"):format(to),
      patch = { batch = to, max_steps = false } } },
  })
end

local function single(case, limits)
  local d = case.description
  if d.batch > limits.single or d.n_train < limits.rows then return nil end
  return finding.new(M, {
    title = "every update is that of a single row", class = "suggestive",
    evidence = { finding.evidence("rows a batch", d.batch, "8 .. 64") },
    fixes = { { text = "use batches of 32", patch = { batch = 32 } } },
  })
end

function M.check(case, limits) return large(case, limits) or single(case, limits) end

return M
