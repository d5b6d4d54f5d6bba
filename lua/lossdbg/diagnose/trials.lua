--- Which fixes are tried, and what follows from it: fixes of errors first, then of warnings where
-- the task skill leaves room; pairs of fixes where none helps alone. A cause whose fix is verified
-- goes before those whose fixes are not, and a warning of it becomes an error.
--
-- What is tried is fixed by the findings and by a budget of work (see trial_work.lua); no clock is
-- read, so that the same call gives the same answer on a slow machine.
local proof = require "lossdbg.diagnose.proof"
local search = require "lossdbg.diagnose.search"
local severity = require "lossdbg.diagnose.severity"
local order = require "lossdbg.diagnose.trial_order"
local trial = require "lossdbg.experiment.trial"

local M = {}

--- name = { limit, why }
M.limits = {
  each = { 2, "fixes of one finding: the first ones are the likely ones" },
  helping = { 3, "causes with a fix that helps: a report has three in front" },
  pairs = { 3, "pairs of fixes, where none helps alone" },
  promising = { 4, "fixes that are combined" },
}

local function limit(name) return M.limits[name][1] end

local weight = severity.LADDER

-- Causes that are about rows not trained on.
local generalisation = { overfitting = true, missing_regularisation = true,
  train_validation_leak = true, inconsistent_test_preprocessing = true }

-- Rows on which a fix has to help: those held out where the fault is one of generalisation, or
-- where training is learnt already.
local function part_of(f, experiment, status)
  if experiment.recipe.val_rows == nil then return "train" end
  if f.part == "validation" then return "val" end -- rows of one class have a loss at least
  local judged = status.task.val ~= nil and (generalisation[f.cause] or status.learns)
  return judged and "val" or "train"
end

--- Findings whose fixes are worth a trial, best first.
---@param findings table[] ranked
---@param status lossdbg.State
---@param least_severity? "info"|"warning" default "info"
---@return table[]
local function worth(findings, status, least_severity)
  local list = {}
  local room = not status.learns or status.task.lower == nil or status.task.room
  for least = 3, least_severity == "warning" and 2 or 1, -1 do
    for _, f in ipairs(findings) do
      local counts = weight[f.severity] == least
        and (least == 3 or room and (least == 2 or f.class ~= "suggestive"))
      if counts and #(f.fixes or {}) > 0 then list[#list + 1] = f end
    end
  end
  return list
end

-- Arms in the order of the findings, each patch once: the first fixes of all before second ones.
local function arms_of(bench, experiment, findings, status)
  local list, known = {}, {}
  for round = 1, limit "each" do
    for _, f in ipairs(findings) do
      local nth = 0
      for _, fix in ipairs(f.fixes) do
        if fix.patch then
          nth = nth + 1
          if nth == round then
            local part = part_of(f, experiment, status)
            local name = part .. trial.name(fix.patch)
            local item = known[name]
            if not item then
              item = { arm = bench:arm(fix.patch, part), finding = f, fix = fix, fixes = {} }
              known[name], list[#list + 1] = item, item
            end
            table.insert(item.fixes, fix)
          end
        end
      end
    end
  end
  return list
end

-- Arms that the budget allows, at least one. Seeds are never cut. Kept back is what a clear answer
-- needs beside them: one more seed as it is, and two placebos.
local function affordable(bench, list, o)
  local work, kept = bench.spent + 3 * bench:base_cost(), {}
  for _, item in ipairs(list) do
    if item.arm.reason then
      kept[#kept + 1] = item
    else
      local one = bench:cost(item.arm.experiment)
      if #kept > 0 and (work + one > o.budget or #kept >= o.max_fixes) then break end
      work = work + one
      kept[#kept + 1] = item
    end
  end
  return kept
end

local function record(bench, item, tried)
  local result = bench:result(item.arm)
  if not result then return nil end
  for _, fix in ipairs(item.fixes) do fix.trial = result end
  item.arm.listed = item.arm.listed or #tried + 1
  tried[item.arm.listed] = { trial = result, patch = item.fix.patch, rule = item.finding.rule,
    text = item.fix.text }
  return result
end

-- Every arm on its first seed.
local function screen(bench, list)
  bench:expect(order.screening(bench, list, limit "helping"))
  for _, item in ipairs(list) do bench:screen(item.arm) end
end

local function finish(bench, list, tried, o)
  local helping = 0
  bench:expect(function() return order.likely(bench, list, limit "helping") end)
  for _, item in ipairs(list) do
    local over = bench.spent > o.budget and helping + #tried > 0
    if trial.open(item.arm) and not over and helping < limit "helping"
      and not item.finding.helped then
      bench:finish(item.arm)
    end
    local result = record(bench, item, tried)
    if result and result.verified then
      helping = helping + 1
      item.finding.helped = true
    end
  end
  for _, item in ipairs(list) do item.finding.helped = nil end
  return helping
end

local function overlap(a, b)
  for key in pairs(a) do
    if b[key] ~= nil and key ~= "insert" and key ~= "layer" then return true end
  end
  return false
end

-- Two fixes of different findings at once, the ones that came furthest alone first. They stand at
-- the finding that was ranked before the other.
local function combined(bench, list)
  local best, pairs_of, rank = {}, {}, {}
  for i, item in ipairs(list) do rank[item.finding] = rank[item.finding] or i end
  for _, item in ipairs(order.by_gain(list)) do
    if not item.arm.reason and item.arm.verdict and #best < limit "promising" then
      best[#best + 1] = item
    end
  end
  for j = 2, #best do
    for i = 1, j - 1 do
      local a, b = best[i], best[j]
      if rank[b.finding] < rank[a.finding] then a, b = b, a end
      if a.finding ~= b.finding and a.finding.cause ~= b.finding.cause
        and not overlap(a.fix.patch, b.fix.patch) and #pairs_of < limit "pairs" then
        local fix = { text = a.fix.text .. ", and " .. b.fix.text,
          patch = { a.fix.patch, b.fix.patch }, with = b.finding.rule }
        pairs_of[#pairs_of + 1] = { arm = bench:arm(fix.patch, a.arm.part), finding = a.finding,
          other = b.finding, fix = fix, fixes = { fix } }
      end
    end
  end
  return pairs_of
end

local function try_pairs(bench, list, tried, o)
  local both = combined(bench, list)
  bench:expect(function() return order.likely(bench, both, limit "helping") end)
  for _, item in ipairs(both) do
    if bench.spent + bench:base_cost() > o.budget then return false end
    if not item.arm.reason then
      bench:finish(item.arm)
      local result = record(bench, item, tried)
      if result and result.verified then
        table.insert(item.finding.fixes, 1, item.fix)
        return true
      end
    end
  end
  return false
end

---@class lossdbg.Trials the trials of one diagnosis
---@field tried { trial: lossdbg.Trial, patch: table, rule: string, text: string }[]
local Trials = {}
Trials.__index = Trials

--- Trials of a diagnosed run; runs without a fix are shared by all of them.
---@param experiment lossdbg.Experiment
---@param run lossdbg.Run
---@param status lossdbg.State
---@param o { budget: number, seeds: integer, max_fixes: integer, pool: lossdbg.Workers? }
---@return lossdbg.Trials
function M.bench(experiment, run, status, o)
  return setmetatable({ experiment = experiment, status = status, o = o, tried = {},
    bench = trial.bench(experiment, { seeds = o.seeds, run = run, pool = o.pool }) }, Trials)
end

--- Takes work that was done elsewhere off the budget.
---@param work number nominal seconds
function Trials:spend(work) self.bench.spent = self.bench.spent + work end

--- Work done so far, in nominal seconds.
---@return number
function Trials:spent() return self.bench.spent end

--- Tries the fixes of findings and reorders these by what came out.
---@param findings table[] ranked; fixes get their trials
---@param least? "info"|"warning" of what is tried
---@return integer helping how many causes have a fix that helps
function Trials:try(findings, least)
  local bench, status, o = self.bench, self.status, self.o
  local list = affordable(bench,
    arms_of(bench, self.experiment, worth(findings, status, least), status), o)
  if #list == 0 then return 0 end
  screen(bench, list)
  local helping = finish(bench, order.by_gain(list), self.tried, o)
  if helping == 0 and try_pairs(bench, list, self.tried, o) then helping = 1 end
  proof.heed(findings, status)
  return helping
end

--- Looks for a cause among usual changes where a plain recipe does much better than any fix.
---@param findings table[] ranked; the finding of the search is put among them
---@param case table
---@param reference lossdbg.Reference
---@return table? finding
function Trials:search(findings, case, reference)
  local bench, part = self.bench, part_of({}, self.experiment, self.status)
  local list = {}
  for i, arm in ipairs(search.arms(case)) do
    local fix = { text = arm.text, patch = arm.patch }
    list[i] = { arm = bench:arm(arm.patch, part), finding = { rule = "behind_reference" },
      fix = fix, fixes = { fix }, named = arm }
  end
  list = affordable(bench, list, { budget = self.o.budget, seeds = self.o.seeds,
    max_fixes = #list })
  screen(bench, list)
  finish(bench, order.by_gain(list), self.tried, self.o)
  local results = {}
  for _, item in ipairs(list) do
    local result = item.fix.trial
    if result and result.verified then
      results[#results + 1] = { family = item.named.family, cause = item.named.cause,
        text = item.named.text, gain = result.gain, fix = item.fix }
    end
  end
  local arm = search.name(results)
  if #results == 0 or not arm and proof.helped(findings) then return nil end
  local f = search.finding(reference, arm, results)
  f.severity, f.explained_by = severity.of(f.class, self.status.id), {}
  f.tuning = reference.gap <= search.limits.alarm[1] or nil
  for i = #findings, 1, -1 do -- what it says without a search is said by this one
    if findings[i].rule == f.rule then table.remove(findings, i) end
  end
  findings[#findings + 1] = f
  proof.heed(findings, self.status)
  return f
end

return M
