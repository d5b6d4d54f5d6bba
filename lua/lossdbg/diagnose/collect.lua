--- From a run to the case that the rules read: what the run measured, the audit of its data, and
-- the trend of its loss.

local broadcast = require "lossdbg.diagnose.broadcast"
local core = require "lossdbg.core"
local inputs = require "lossdbg.data.inputs"
local facts = require "lossdbg.diagnose.facts"
local movement = require "lossdbg.diagnose.movement"
local row_audit = require "lossdbg.diagnose.row_audit"
local verdicts = require "lossdbg.diagnose.verdict"

local M = {}

local function flat(t) return t:contiguous() end

--- The audit of a training set (signals.data).
---@param rows { x: lossdbg.Tensor, y: lossdbg.Tensor, names: string[]? }
---@param val? { x: lossdbg.Tensor }
---@param task? { kind: string, classes: integer? }
---@return table
function M.audit(rows, val, task)
  local x, val_x = inputs.columns(rows.x), val and inputs.columns(val.x)
  local y = not inputs.is_several(rows.y) and rows.y or nil
  local same_width = val and val_x.rank == x.rank and val_x.dtype == x.dtype
  local labelled = task and (task.kind == "multiclass" or task.kind == "binary")
  local o = { classes = labelled and task.classes or nil,
    val_x = same_width and flat(val_x) or nil }
  if task and task.kind == "regression" then o.kind = "real" end
  local audit = core.diagnose.audit(flat(x), y and flat(y) or nil, o)
  audit.names = rows.names
  local largest = audit.x and audit.x.largest
  if largest and rows.names then largest.name = rows.names[largest.column] end
  row_audit.add(audit, rows, val, task)
  return audit
end

M.trend = movement.trend

local function copy(t)
  local twin = {}
  for key, value in pairs(t) do twin[key] = value end
  return twin
end

local function case_of(run, rows, val)
  local description, signals = run.description, copy(run.signals)
  signals.data = rows and M.audit(rows, val, description.task) or nil
  signals.trend = M.trend(signals.loss, description.steps_per_epoch)
  signals.lr = run.steps and run.steps.lr
  signals.majority = signals.data and signals.data.y and signals.data.y.majority
  signals.epoch_loss = signals.epoch_loss or run.history and run.history.loss
  return { description = description, signals = signals }
end

--- The case of an experiment and its run.
---@param experiment lossdbg.Experiment
---@param run lossdbg.Run
---@return { description: table, signals: table }
function M.experiment(experiment, run)
  local case = case_of(run, experiment.recipe.train_rows, experiment.recipe.val_rows)
  if not case.description.loss.broadcast and broadcast.found(experiment) then
    case.description = copy(case.description)
    case.description.loss = copy(case.description.loss)
    case.description.loss.broadcast = true
  end
  return case
end

--- The case of a watch; its run so far comes second.
---@param watch lossdbg.Watch
---@return { description: table, signals: table }
---@return lossdbg.Run
function M.watch(watch)
  local run = watch:run()
  return case_of(run, watch.rows and watch.rows.source, watch.val_rows), run
end

--- What the run shows.
---@param case table
---@return lossdbg.State
function M.status(case) return facts.of(case).status end

--- The one sentence on the whole.
---@param case table
---@param ranked table[]
---@return { text: string, healthy: boolean, state: string, probability: number? }
function M.verdict(case, ranked) return verdicts.build(ranked, case) end

return M
