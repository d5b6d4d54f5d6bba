--- From an experiment to a diagnosis: train it, measure, let the rules read, run the tests that the
-- rules still need, rank the causes, and try the fixes against a placebo.

local collect = require "lossdbg.diagnose.collect"
local diagnosis = require "lossdbg.diagnose.diagnosis"
local options = require "lossdbg.support.options"
local probability = require "lossdbg.diagnose.probability"
local proof = require "lossdbg.diagnose.proof"
local rank = require "lossdbg.diagnose.rank"
local references = require "lossdbg.diagnose.reference"
local registry = require "lossdbg.diagnose.registry"
local side_tests = require "lossdbg.diagnose.tests"
local source = require "lossdbg.support.source"
local states = require "lossdbg.diagnose.state"
local trials = require "lossdbg.diagnose.trials"
local workers = require "lossdbg.support.workers"

local M = {}

local schema = options.declare "diagnose" {
  { name = "budget", type = "number", open_min = 0, infinite = true, default = 30,
    doc = "work for tests and trials beside the diagnosed run itself, in nominal seconds: " ..
      "steps and multiplications are counted, so that every machine does the same" },
  { name = "tests", type = "boolean", default = true, doc = "run side experiments when needed" },
  { name = "trials", type = "boolean", default = true, doc = "try the fixes" },
  { name = "seeds", type = "integer", min = 3, max = 25, default = 3,
    doc = "per arm of a trial; the budget cuts arms, never seeds" },
  { name = "max_fixes", type = "integer", min = 1, default = 8, doc = "most fixes tried" },
  { name = "run", type = "table", doc = "a finished run of the same experiment" },
  { name = "disable", type = "table", doc = "list of rule ids to leave out" },
  workers.option,
}

local grave = { error = true }
local fitted = states.limits.fitted[1]

local function clock() return os and os.clock and os.clock() or 0 end

local function set_of(list)
  local set = {}
  for _, id in ipairs(list or {}) do
    if not registry.get(id) then
      error(("lossdbg: diagnose: argument 'disable': unknown rule '%s'"):format(tostring(id)),
        source.level())
    end
    set[id] = true
  end
  return set
end

local function has_errors(findings)
  for _, f in ipairs(findings) do
    if grave[f.severity] then return true end
  end
  return false
end

-- Whether side experiments can change the picture: not everything there is to learn is learnt, or
-- something grave was found.
local function needs_tests(status, findings)
  return has_errors(findings) or not status.learns or status.task.room
    or status.task.lower == nil and not (status.skill and status.skill >= fitted)
end

---@class lossdbg.Evaluation
---@field findings table[] ranked
---@field checked string[]
---@field unjudged { rule: string, why: string }[]
---@field skipped { rule: string, why: string }[]
local function evaluate(case)
  local findings, checked, unjudged, skipped = registry.evaluate(case)
  return { findings = rank.order(findings), checked = checked, unjudged = unjudged,
    skipped = skipped }
end

-- What a finding explains in this diagnosis, out of all that its rule may explain.
local function name_explained(findings)
  local explained = {}
  for _, f in ipairs(findings) do
    for _, by in ipairs(f.explained_by or {}) do
      explained[by] = explained[by] or {}
      table.insert(explained[by], f.rule)
    end
  end
  for _, f in ipairs(findings) do f.explains = explained[f.rule] end
end

local function build(case, evaluation, extra)
  name_explained(evaluation.findings)
  probability.assign(evaluation.findings,
    probability.known(collect.status(case), case.signals.reference))
  local d = table.move(evaluation.findings, 1, #evaluation.findings, 1, {})
  for key, value in pairs(extra) do d[key] = value end
  d.checked, d.unjudged, d.skipped = evaluation.checked, evaluation.unjudged, evaluation.skipped
  d.signals, d.description = case.signals, case.description
  d.baseline = case.signals.baseline
  local verdict = collect.verdict(case, evaluation.findings)
  d.verdict, d.state, d.healthy, d.probability = verdict.text, verdict.state, verdict.healthy,
    verdict.probability
  return diagnosis.new(d)
end

-- Side experiments and trials, as far as they can change the picture: none where a fix of what the
-- rules found already helps, none where a plain recipe reaches no more than the run.
local function examine(experiment, run, case, evaluation, o)
  local status = collect.status(case)
  local bench = o.trials and trials.bench(experiment, run, status, o)
  local errors = has_errors(evaluation.findings)
  if errors and bench and bench:try(evaluation.findings, "warning") > 0 then
    return evaluation, bench, {}
  end
  if not (o.tests and needs_tests(status, evaluation.findings)) then
    if bench and not errors then bench:try(evaluation.findings) end
    return evaluation, bench, {}
  end
  local left = o.budget - (bench and bench:spent() or 0)
  local wanted, missing, spent = true, {}, 0
  if references.work(experiment) <= left then
    spent = references.work(experiment)
    local reference, why = side_tests.work(o.pool,
      side_tests.task("reference", references.try, experiment, run),
      side_tests.tasks(experiment, run, left - spent))
    case.signals.reference = reference
    if not reference then missing[1] = { test = "reference", why = why } end
    evaluation, status = evaluate(case), collect.status(case) -- which may be all there is to learn
    if bench then bench.status = status end
    wanted = has_errors(evaluation.findings) or references.leaves_open(reference)
  end
  if wanted then
    local results, more, work = side_tests.run(experiment, run, { budget = left - spent,
      pool = o.pool })
    case.signals.tests, spent = results, spent + work
    table.move(more, 1, #more, #missing + 1, missing)
  end
  evaluation = evaluate(case)
  if not bench then return evaluation, bench, missing end
  bench:spend(spent)
  if not wanted then proof.reached(evaluation.findings) end
  local helping = bench:try(evaluation.findings, not wanted and "warning" or nil)
  local reference = case.signals.reference
  local gap = reference and reference.gap or 0
  local closed = helping > 0 and proof.best_gain(evaluation.findings) or 0
  if gap > references.limits.gap[1] and closed < proof.limits.closed[1] * gap then
    bench:search(evaluation.findings, case, reference)
  end
  proof.calm(evaluation.findings, status, not wanted)
  return evaluation, bench, missing
end

-- What callbacks do in another process is lost: with them all is done in this one.
local function pool_of(experiment, o)
  workers.check("diagnose", o.jobs)
  if o.jobs == 1 or #experiment.recipe.callbacks > 0 then return nil end
  return workers.pool { jobs = o.jobs }
end

--- Diagnoses an experiment. What `experiment:diagnose` does.
---@param experiment lossdbg.Experiment
---@param given? table budget (seconds), tests, trials, seeds, max_fixes, run, disable,
---  jobs: see schema
---@return lossdbg.Diagnosis
function M.run(experiment, given)
  local o = options.check("diagnose", given or {}, schema, source.level())
  local started = clock()
  if o.run and not require("lossdbg.experiment.run").is_run(o.run) then
    options.fail("diagnose", "run", "what experiment:fit() returned", o.run, nil, source.level())
  end
  local run = o.run or experiment:fit { verbose = 0 }
  local case = collect.experiment(experiment, run)
  case.options = { disable = set_of(o.disable) }
  local pool <close> = pool_of(experiment, o)
  o.pool = pool
  local evaluation, bench, missing = examine(experiment, run, case, evaluate(case), o)
  for _, line in ipairs(pool and pool.told or {}) do
    missing[#missing + 1] = { test = "workers", why = line }
  end
  return build(case, evaluation, { run = run, trials = bench and bench.tried or {},
    missing_tests = missing, seconds = clock() - started + (pool and pool.seconds or 0) })
end

--- Diagnoses what a watch has seen so far. What `watch:diagnose` does: rules only, no trials, since
-- the training loop is the user's own.
---@param watch lossdbg.Watch
---@param given? { disable?: string[] }
---@return lossdbg.Diagnosis
function M.watched(watch, given)
  local o = options.check("diagnose", given or {}, {
    { name = "disable", type = "table", doc = "list of rule ids to leave out" },
  }, source.level())
  local started = clock()
  local case, run = collect.watch(watch)
  case.options = { disable = set_of(o.disable) }
  local evaluation = evaluate(case)
  proof.by_plain_loop(evaluation.findings, case.signals)
  local missing = {}
  for i, why in ipairs((case.signals.loop or {}).failures or {}) do
    missing[i] = { test = "watch", why = why }
  end
  return build(case, evaluation, { run = run, trials = {}, missing_tests = missing,
    seconds = clock() - started })
end

return M
