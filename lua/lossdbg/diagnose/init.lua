--- From an experiment to a diagnosis: train it, measure, let the rules read, run the tests that the
-- rules still need, rank the causes, and try the fixes against a placebo.

local collect = require "lossdbg.diagnose.collect"
local diagnosis = require "lossdbg.diagnose.diagnosis"
local options = require "lossdbg.support.options"
local rank = require "lossdbg.diagnose.rank"
local registry = require "lossdbg.diagnose.registry"
local source = require "lossdbg.support.source"

local M = {}

local schema = {
  { name = "budget", type = "number", open_min = 0, infinite = true, default = 30,
    doc = "seconds of computing for tests and trials, beside the diagnosed run itself" },
  { name = "tests", type = "boolean", default = true, doc = "run side experiments when needed" },
  { name = "trials", type = "boolean", default = true, doc = "try the fixes" },
  { name = "seeds", type = "integer", min = 3, max = 25, default = 5, doc = "per arm of a trial" },
  { name = "max_fixes", type = "integer", min = 1, default = 4, doc = "most fixes tried" },
  { name = "run", type = "table", doc = "a finished run of the same experiment" },
  { name = "disable", type = "table", doc = "list of rule ids to leave out" },
}

local grave = { crit = true, err = true }
local sure_skill = 0.5 -- a run below it may as well memorise as learn

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

-- Whether side experiments can change the picture: nothing, or too little to be sure of, is
-- learnt, or something grave was found.
local function needs_tests(case, findings)
  for _, f in ipairs(findings) do
    if grave[f.severity] then return true end
  end
  local skill, val = case.signals.skill, case.signals.val_skill
  return not collect.learns(case) or not skill or not (skill.value >= sure_skill)
    or (val ~= nil and val.verdict ~= "better")
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

-- Fixes worth a trial, best first: of grave causes, or of warnings where nothing grave stands.
local function candidates(findings)
  local list, least = {}, 3
  for _, f in ipairs(findings) do
    if grave[f.severity] then least = 2 end
  end
  for _, f in ipairs(findings) do
    local counts = grave[f.severity] or (least == 3 and f.severity == "warn")
    for _, fix in ipairs(counts and f.fixes or {}) do
      if fix.patch then list[#list + 1] = { finding = f, fix = fix } end
    end
  end
  return list
end

local function same_patch(a, b)
  local json = require "lossdbg.support.json"
  return json.encode(a) == json.encode(b)
end

-- A fix that stands under several findings is tried once.
local function known_trial(tried, patch)
  for _, t in ipairs(tried) do
    if same_patch(t.patch, patch) then return t.trial end
  end
end

local function affordable_seeds(run, o, arms, left)
  local one = math.max(run.seconds or 0, 1e-3)
  local fits = math.floor(left / (one * arms))
  return math.max(3, math.min(o.seeds, fits))
end

local function try_fixes(experiment, run, list, o, deadline)
  local trial = require "lossdbg.experiment.trial"
  local n = math.min(#list, o.max_fixes)
  if n == 0 then return {} end
  local bench = trial.bench(experiment, {
    seeds = affordable_seeds(run, o, n + 2, deadline - clock()), run = run,
  })
  local tried = {}
  for i, item in ipairs(list) do
    local fix = item.fix
    local known = known_trial(tried, fix.patch)
    if known then
      fix.trial = known
    elseif i <= n and (#tried == 0 or clock() < deadline) then
      local part = item.finding.family == "regularization" and "val" or "train"
      fix.trial = bench:try(fix.patch, part)
      tried[#tried + 1] = { trial = fix.trial, patch = fix.patch, rule = item.finding.rule,
        text = fix.text }
    end
  end
  return tried
end

-- Whether all fixes of a finding were tried and none helped.
local function refuted(f)
  local tried = 0
  for _, fix in ipairs(f.fixes or {}) do
    if fix.trial and fix.trial.verified then return false end
    if fix.trial and not fix.trial.reason then tried = tried + 1 end
  end
  return tried > 0 and tried == #f.fixes
end

local function confirmed(f)
  for _, fix in ipairs(f.fixes or {}) do
    if fix.trial and fix.trial.verified then return true end
  end
  return false
end

-- Experiment before argument: a grave cause whose fix was verified goes before those in front of it
-- whose fixes were all tried in vain. Nothing else changes its place.
local function heed_trials(findings)
  for i = 2, #findings do
    local f = findings[i]
    if f.role == "cause" and grave[f.severity] and confirmed(f) then
      local to = i
      while to > 1 and refuted(findings[to - 1]) do to = to - 1 end
      table.remove(findings, i)
      table.insert(findings, to, f)
    end
  end
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
  local d = table.move(evaluation.findings, 1, #evaluation.findings, 1, {})
  for key, value in pairs(extra) do d[key] = value end
  d.checked, d.unjudged, d.skipped = evaluation.checked, evaluation.unjudged, evaluation.skipped
  d.signals, d.description = case.signals, case.description
  d.baseline = case.signals.baseline
  local verdict = collect.verdict(case, evaluation.findings)
  d.verdict, d.state, d.healthy, d.confidence = verdict.text, verdict.state, verdict.healthy,
    verdict.confidence
  return diagnosis.new(d)
end

--- Diagnoses an experiment. What `experiment:diagnose` does.
---@param experiment lossdbg.Experiment
---@param given? table budget (seconds), tests, trials, seeds, max_fixes, run, disable: see schema
---@return lossdbg.Diagnosis
function M.run(experiment, given)
  local o = options.check("diagnose", given or {}, schema, source.level())
  local started = clock()
  if o.run and not require("lossdbg.experiment.run").is_run(o.run) then
    options.fail("diagnose", "run", "what experiment:fit() returned", o.run, nil, source.level())
  end
  local run = o.run or experiment:fit { verbose = 0 }
  local deadline = clock() + o.budget
  local case = collect.experiment(experiment, run)
  case.options = { disable = set_of(o.disable) }
  local evaluation = evaluate(case)
  local missing
  if o.tests and needs_tests(case, evaluation.findings) then
    case.signals.tests, missing = require("lossdbg.diagnose.tests").run(experiment, run,
      { deadline = deadline, clock = clock })
    evaluation = evaluate(case)
  end
  local trials = {}
  if o.trials then
    trials = try_fixes(experiment, run, candidates(evaluation.findings), o, deadline)
    heed_trials(evaluation.findings)
  end
  return build(case, evaluation, { run = run, trials = trials, missing_tests = missing,
    seconds = clock() - started })
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
  return build(case, evaluate(case), { run = run, trials = {}, seconds = clock() - started })
end

return M
