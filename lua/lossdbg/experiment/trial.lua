--- Trials: a fix is tried, not believed.
-- For each of several seeds three runs of equal budget are compared: the experiment as it is, the
-- experiment with the fix (same seed: the same initial weights, batches and dropout wherever the
-- two share them), and a placebo: the experiment as it is, started anew with other random numbers,
-- which shows what mere luck does. A fix is verified when it beats both in every seed and by at
-- least 0.05 of skill in the median (paired sign test: p = 2^-n for n seeds). Skill = 1 - loss /
-- loss of the best constant answer: it compares runs across losses and target scales, and a run
-- that ends in NaN has none.

local attempt = require "lossdbg.support.attempt"
local M = {}

local least_gain = 0.05
local placebo_offset = 7919 -- any number that no seed of a trial is away from another

---@class lossdbg.Trial
---@field before number median final loss of the experiment as it is
---@field after number median final loss with the fix
---@field placebo number median final loss of the placebo
---@field seeds number[] final loss with the fix, one per seed
---@field skill { before: number, after: number, placebo: number } medians
---@field verified boolean
---@field part "train"|"val" which rows were compared
---@field epochs integer of the runs with the fix
---@field curves table<string, number[]> loss per epoch of the first seed, before, after and placebo
---@field reason? string why it could not be tried

local function median(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted, function(a, b) -- NaN last: a run without a loss is never the better one
    if a ~= a then return false end
    return b ~= b or a < b
  end)
  local n = #sorted
  return n % 2 == 1 and sorted[n // 2 + 1] or (sorted[n // 2] + sorted[n // 2 + 1]) / 2
end

-- What a trial compares of a run.
local function outcome(run, part)
  local s = part == "val" and run.signals.val_skill or run.signals.skill
  local skill = s and s.value or -math.huge
  if skill ~= skill or run.stopped == "nonfinite_loss" then skill = -math.huge end
  local name = part == "val" and "val_loss" or "loss"
  return { loss = s and s.loss or 0 / 0, skill = skill, curve = run.history[name] }
end

---@class lossdbg.TrialBench runs without a fix, trained once and shared by all fixes
local Bench = {}
Bench.__index = Bench

--- A bench for one experiment: `seeds` runs per arm, of at most as many epochs as it has.
---@param experiment table
---@param o { seeds: integer, epochs?: integer, run?: table } run: a finished run of the first seed
function M.bench(experiment, o)
  local description = experiment:description()
  local bench = setmetatable({
    experiment = experiment, seed = description.seed, n = o.seeds,
    epochs = math.min(o.epochs or description.epochs, description.epochs), runs = {},
  }, Bench)
  if o.run and o.run.n_epochs and bench.epochs == description.epochs then
    bench.runs[bench.seed] = o.run
  end
  return bench
end

-- A fix that sets the number of epochs is tried with that number: there the budget is the fix.
function Bench:epochs_of(experiment)
  local epochs = experiment.recipe.epochs
  return epochs ~= self.experiment.recipe.epochs and epochs or self.epochs
end

function Bench:fit(experiment, seed)
  return experiment:with({ seed = seed }):fit { verbose = 0, epochs = self:epochs_of(experiment) }
end

function Bench:unpatched(seed)
  self.runs[seed] = self.runs[seed] or self:fit(self.experiment, seed)
  return self.runs[seed]
end

local function gains(after, before)
  local list, all = {}, true
  for i = 1, #after do
    local gain = after[i].skill - before[i].skill
    if gain ~= gain then gain = 0 end -- both without skill
    list[i] = gain
    all = all and gain > 0
  end
  return median(list), all
end

local function column(list, key)
  local out = {}
  for i, item in ipairs(list) do out[i] = item[key] end
  return out
end

--- Tries one patch. A patch that does not fit the experiment gives a trial with `reason`.
---@param patch table
---@param part? "train"|"val" default "train"
---@return lossdbg.Trial
function Bench:try(patch, part)
  part = part or "train"
  local ok, patched = attempt.call(self.experiment.with, self.experiment, patch)
  if not ok then return { verified = false, reason = tostring(patched) } end
  local before, after, placebo = {}, {}, {}
  for i = 1, self.n do
    local seed = self.seed + i - 1
    before[i] = outcome(self:unpatched(seed), part)
    placebo[i] = outcome(self:unpatched(seed + placebo_offset), part)
    local fits, run = attempt.call(self.fit, self, patched, seed)
    if not fits then return { verified = false, reason = tostring(run) } end
    after[i] = outcome(run, part)
  end
  local gain, always = gains(after, before)
  local over_placebo, always_over = gains(after, placebo)
  return {
    curves = { before = before[1].curve, after = after[1].curve, placebo = placebo[1].curve },
    before = median(column(before, "loss")), after = median(column(after, "loss")),
    placebo = median(column(placebo, "loss")), seeds = column(after, "loss"),
    skill = { before = median(column(before, "skill")), after = median(column(after, "skill")),
      placebo = median(column(placebo, "skill")) },
    verified = always and always_over and gain >= least_gain and over_placebo >= least_gain,
    part = part, metric = part == "val" and "val_loss" or "loss", epochs = self:epochs_of(patched),
  }
end

return M
