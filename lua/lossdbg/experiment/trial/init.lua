--- Trials: a fix is tried, not believed.
-- For each of several seeds three runs of equal budget are compared: the experiment as it is, the
-- experiment with the fix (same seed: the same initial weights, batches and dropout wherever the
-- two share them), and a placebo: the experiment as it is, started anew with other random numbers,
-- which shows what mere luck does. Which arms and seeds there are is fixed before the first run
-- and no clock is read; a trial ends early only when no further seed could change its answer.
-- With workers, runs that come next are begun before they are asked for; they are asked for in the
-- same order whatever the number of workers, and what nobody asks for is never told.
-- trial_outcome.lua holds the arithmetic, trial_work.lua counts what a run costs.

local attempt = require "lossdbg.support.attempt"
local json = require "lossdbg.support.json"
local outcome = require "lossdbg.experiment.trial.trial_outcome"
local work = require "lossdbg.experiment.trial.trial_work"

local M = {}

local placebo_offset = 7919 -- any number that no seed of a trial is away from another

---@class lossdbg.Trial
---@field before number median final loss of the experiment as it is
---@field after number median final loss with the fix
---@field placebo number? median final loss of the placebo
---@field seeds number[] final loss with the fix, one per seed
---@field skill { before: number, after: number, placebo: number? } medians
---@field measure "task"|"loss" what skill is made of
---@field gain number? median gain of skill over the experiment as it is
---@field verified boolean
---@field why? string why it is not verified
---@field part "train"|"val" which rows were compared
---@field epochs integer of the runs with the fix
---@field curves table<string, number[]> loss per epoch of the first seed, before, after and placebo
---@field reason? string why it could not be tried

---@class lossdbg.TrialBench what runs without a fix ended with, trained once, shared by all fixes
local Bench = {}
Bench.__index = Bench

--- A bench for one experiment: `seeds` runs per arm, of at most as many epochs as it has.
---@param experiment table
---@param o { seeds: integer, epochs?: integer, run?: table, pool?: lossdbg.Workers } run: a
---  finished run of the first seed
function M.bench(experiment, o)
  local description = experiment:description()
  local bench = setmetatable({
    experiment = experiment, seed = description.seed, n = o.seeds, spent = 0,
    epochs = math.min(o.epochs or description.epochs, description.epochs), runs = {}, arms = {},
    expected = function() return {} end,
  }, Bench)
  -- what callbacks do in another process is lost
  if #experiment.recipe.callbacks == 0 then bench.pool = o.pool end
  if o.run and o.run.n_epochs and bench.epochs == description.epochs then
    bench.runs[bench.seed] = outcome.both(o.run)
  end
  return bench
end

-- ---- what a patch changes ----------------------------------------------------------------------

local unseen = { source = true, name = true, seed = true, path = true, index = true }

-- A description without what does not train: places, names.
local function normalised(value)
  if type(value) ~= "table" then
    return type(value) == "number" and ("%.17g"):format(value) or tostring(value)
  end
  local twin = {}
  for key, item in pairs(value) do
    if not unseen[key] then twin[tostring(key)] = normalised(item) end
  end
  return twin
end

local kept = { "train_rows", "val_rows", "class_weight", "schedule", "callbacks", "initial",
  "loop", "terminate_on_nan" }

--- Whether two experiments train the same, up to their seeds and names.
---@param a lossdbg.Experiment
---@param b lossdbg.Experiment
---@return boolean
function M.same(a, b)
  for _, key in ipairs(kept) do
    if a.recipe[key] ~= b.recipe[key] and not (key == "callbacks"
      and #a.recipe.callbacks + #b.recipe.callbacks == 0) then
      return false
    end
  end
  return json.encode(normalised(a:description())) == json.encode(normalised(b:description()))
end

--- The name of a patch: equal patches have equal names.
---@param patch table
---@return string
function M.name(patch) return json.encode(normalised(patch)) end

-- ---- runs --------------------------------------------------------------------------------------

-- A fix that sets the number of epochs is tried with that number: there the budget is the fix.
function Bench:epochs_of(experiment)
  local epochs = experiment.recipe.epochs
  return epochs ~= self.experiment.recipe.epochs and epochs or self.epochs
end

--- Nominal seconds of one run of an experiment on this bench.
function Bench:cost(experiment)
  return work.of(experiment:description(), self:epochs_of(experiment))
end

--- Nominal seconds of a run without a fix: of the steps that the first one made, where it ended
--- early.
function Bench:base_cost()
  local run, whole = self.runs[self.seed], self:cost(self.experiment)
  local steps = work.steps(self.experiment:description(), self.epochs)
  return run and run.steps and run.steps < steps and whole * run.steps / steps or whole
end

-- A run as a task for a worker.
local function task(self, arm, seed)
  local experiment = arm and arm.experiment or self.experiment
  return { ("trial, %s, seed %d"):format(arm and M.name(arm.patch) or "as it is", seed), function()
    return outcome.both(experiment:with({ seed = seed }):fit { verbose = 0,
      epochs = self:epochs_of(experiment) })
  end }
end

-- The runs of the next seed of an arm, in the order in which they are asked for.
local function next_runs(self, arm, i, add)
  local seed = self.seed + i - 1
  for _, other in ipairs { seed, seed + placebo_offset } do
    if not self.runs[other] then add(task(self, nil, other)) end
    if other == seed then add(task(self, arm, seed)) end
  end
end

-- What idle workers may begin with: the seed at work, then what is expected.
local function ahead(self, arm)
  local list = {}
  local function add(item) list[#list + 1] = item end
  if arm then next_runs(self, arm, #arm.seeds + 1, add) end
  for _, item in ipairs(self.expected()) do
    if M.open(item.arm) and #item.arm.seeds < item.seeds then
      next_runs(self, item.arm, #item.arm.seeds + 1, add)
    end
  end
  return list
end

--- Says which arms come next, up to which seed each: for idle workers, and for them alone.
---@param fn fun(): { arm: lossdbg.TrialArm, seeds: integer }[]
function Bench:expect(fn) self.expected = fn end

-- What a run ends with. Its work counts when it is asked for.
local function fit(self, arm, seed, at_work)
  self.spent = self.spent + self:cost(arm and arm.experiment or self.experiment)
  local wanted = task(self, arm, seed)
  if not self.pool then return wanted[2]() end
  return self.pool:call(wanted[1], wanted[2], function() return ahead(self, at_work) end)
end

--- What the experiment as it is ends with; only a reason when it raised.
---@param seed integer
---@param arm? lossdbg.TrialArm for which it is wanted
---@return { train: lossdbg.Outcome, val: lossdbg.Outcome, steps: integer, reason: string? }
function Bench:unpatched(seed, arm)
  if not self.runs[seed] then
    local fits, run = attempt.call(fit, self, nil, seed, arm)
    self.runs[seed] = fits and run
      or { reason = ("the experiment as it is, with seed %d: %s"):format(seed, tostring(run)) }
  end
  return self.runs[seed]
end

local function same_loss(a, b)
  local p, q = a:prepared(), b:prepared()
  return json.encode(normalised(p.loss:describe())) == json.encode(normalised(q.loss:describe()))
    and a.recipe.target == b.recipe.target and a.recipe.train_rows.y == b.recipe.train_rows.y
end

---@class lossdbg.TrialArm a fix that can be tried
---@field patch table
---@field experiment lossdbg.Experiment
---@field part "train"|"val"
---@field seeds lossdbg.TrialPair[]
---@field reason string? why it cannot

--- The arm of a patch, made and checked before anything is trained.
---@param patch table
---@param part? "train"|"val" default "train"
---@return lossdbg.TrialArm
function Bench:arm(patch, part)
  part = part or "train"
  local key = part .. M.name(patch)
  local arm = self.arms[key]
  if arm then return arm end
  arm = { patch = patch, part = part, seeds = {} }
  self.arms[key] = arm
  local ok, patched = attempt.call(self.experiment.with, self.experiment, patch)
  if ok then
    local fits, same, alike = attempt.call(function()
      return M.same(patched, self.experiment), same_loss(patched, self.experiment)
    end)
    if fits then
      arm.reason = same and "it changes nothing" or nil
      arm.experiment, arm.same_loss = patched, alike
      return arm
    end
    patched = same
  end
  arm.reason = tostring(patched)
  return arm
end

-- One more seed; the placebo only where it can change the answer.
local function advance(self, arm)
  local i = #arm.seeds + 1
  local seed = self.seed + i - 1
  local as_is = self:unpatched(seed, arm)
  arm.reason = as_is.reason
  if arm.reason then return end
  local pair = { before = as_is[arm.part] }
  local fits, run = attempt.call(fit, self, arm, seed, arm)
  if not fits then
    arm.reason = tostring(run)
    return
  end
  pair.after = run[arm.part]
  arm.seeds[i] = pair
  arm.verdict = outcome.judge(arm.seeds, self.n, arm.same_loss)
  if arm.verdict.decided then return end
  local placebo = self:unpatched(seed + placebo_offset, arm)
  arm.reason, pair.placebo = placebo.reason, placebo[arm.part]
  arm.verdict = outcome.judge(arm.seeds, self.n, arm.same_loss)
end

--- Tries an arm on its first seed only: enough to see which are worth the others.
---@param arm lossdbg.TrialArm
---@return lossdbg.TrialArm
function Bench:screen(arm)
  if not arm.reason and #arm.seeds == 0 then advance(self, arm) end
  return arm
end

--- Whether an arm still may turn out to help.
---@param arm lossdbg.TrialArm
---@return boolean
function M.open(arm)
  return not arm.reason and not (arm.verdict and arm.verdict.decided)
end

--- Tries an arm on all its seeds, or until the answer is clear.
---@param arm lossdbg.TrialArm
---@return lossdbg.Trial
function Bench:finish(arm)
  while M.open(arm) and #arm.seeds < self.n do advance(self, arm) end
  return self:result(arm)
end

--- What is known of an arm, as the report has it.
---@param arm lossdbg.TrialArm
---@return lossdbg.Trial?
function Bench:result(arm)
  if arm.reason then return { verified = false, reason = arm.reason } end
  if not arm.verdict then return nil end
  local trial = outcome.summary(arm.seeds)
  trial.verified, trial.gain, trial.why = arm.verdict.verified, arm.verdict.gain, arm.verdict.why
  trial.part, trial.metric = arm.part, arm.part == "val" and "val_loss" or "loss"
  trial.epochs = self:epochs_of(arm.experiment)
  return trial
end

--- Tries one patch. A patch that does not fit the experiment, or changes nothing, gives a trial
--- with `reason`.
---@param patch table
---@param part? "train"|"val" default "train"
---@return lossdbg.Trial
function Bench:try(patch, part) return self:finish(self:arm(patch, part)) end

return M
