--- What is known about a case before any rule looks: did the run learn, and how far?
local lost = require "lossdbg.diagnose.lost"
local robust = require "lossdbg.diagnose.robust"
local states = require "lossdbg.diagnose.state"
local structure = require "lossdbg.diagnose.structure"

local M = { finite = robust.finite, median = robust.median, mann_kendall = robust.mann_kendall }
local Facts = {}
Facts.__index = Facts

local finite = robust.finite

local function any_nonfinite(list)
  for i = 1, list and #list or 0 do
    if not finite(list[i]) then return i end
  end
  return nil
end

local function skill_signals(s)
  local t = s.task_skill
  if t then
    return { train = t.train, val = t.val, val_rows = t.val_rows,
      train_rows = t.train_rows, measure = t.measure,
      accuracy = t.accuracy, majority = t.majority }
  end
  return nil
end

---What the state is judged from.
---@param case { description: table, signals: table }
---@return lossdbg.StateInput
function M.input(case)
  local s, description = case.signals or {}, case.description or {}
  local final, init, trend = s.final or {}, s.init or {}, s.trend
  local skill = s.skill
  return {
    losses = s.loss, epochs = s.epoch_loss, val_losses = s.val_loss, trend = trend,
    steps_per_epoch = description.steps_per_epoch, steps = s.steps,
    start = finite(init.loss) and init.loss or nil,
    level = final.loss or trend and trend.last
      or s.epoch_loss and s.epoch_loss[#s.epoch_loss],
    floor = s.floor, baseline = s.baseline, skill = skill, task = skill_signals(s),
    nonfinite = s.nonfinite ~= nil or any_nonfinite(s.loss) or any_nonfinite(s.epoch_loss)
      or (final.loss ~= nil and not finite(final.loss)) or nil,
    pretrained = description.pretrained, behind = lost.much(case),
    val_verdict = s.val_skill and s.val_skill.verdict,
    reachable = s.reference and s.reference.held_out and s.reference.skill or nil,
  }
end

local function read_state(f, case)
  local input = M.input(case)
  local judged = states.judge(input)
  local m, level = judged.movement, judged.level
  f.status, f.state, f.failed, f.learned = judged, judged.id, judged.fails, judged.learns
  f.steps, f.epochs = m.steps, m.epochs
  f.trend = f.signals.trend and f.signals.trend.verdict or "undetermined"
  f.baseline, f.level = level.baseline, input.level
  f.skill, f.skill_verdict = level.skill, level.verdict
  f.nonfinite, f.constant = input.nonfinite ~= nil, m.still == true
  f.leaps, f.worst = m.leaps, m.worst
  local last = m.last
  local learnt = f.learned and (judged.skill or 0) >= 0.5 and finite(f.skill)
  f.outliers = learnt and (f.skill < 0.1 or f.skill < 0.5
    and finite(last) and finite(f.level) and f.level > 1.5 * last) or nil
end

local function read_validation(f)
  local v = f.signals.val_skill
  f.val_skill = v and finite(v.value) and v.value or nil
  local enough = v ~= nil and (v.n or 0) >= 20
  f.val_failed = enough and (v.verdict == "at_baseline" or v.verdict == "worse") or false
end

---Statistics of the targets as the loss sees them: standardised ones when the experiment does so.
local function effective_targets(f)
  local y = f.signals.data and f.signals.data.y or {}
  if f.description.target ~= "standardize" or not finite(y.mean) then return y end
  local sd = y.std and y.std > 0 and y.std or 1
  local copy = {}
  for key, value in pairs(y) do copy[key] = value end
  for _, key in ipairs { "min", "max", "median" } do
    if finite(y[key]) then copy[key] = (y[key] - y.mean) / sd end
  end
  copy.mean, copy.std, copy.var, copy.mean_square = 0, 1, 1, 1
  copy.mean_absolute = nil
  return copy
end

---Derives the facts of a case.
---@param case { description: table, signals: table }
---@return lossdbg.facts
function M.of(case)
  local f = setmetatable({ signals = case.signals or {}, description = case.description or {} },
    Facts)
  f.net = structure.of(f.description)
  read_state(f, case)
  read_validation(f)
  local task = f.description.task or {}
  local y = effective_targets(f)
  f.y = y
  local index_like = y.kind == "index" or y.kind == "one_hot"
  f.task = task.kind or (y.kind == "real" and "regression") or (index_like and "multiclass")
    or ((y.kind == "zero_one" or y.kind == "plus_minus_one") and "binary") or nil
  f.classes = task.classes or y.classes
  f.dead = f:worst_share("final", "dead_share")
  return f
end

---@class lossdbg.facts
---@field state string id of a row of diagnose.state
---@field status lossdbg.State
---@field failed boolean the run ended without having learnt
---@field learned boolean the run demonstrably learns
---@field skill number|nil 1 - loss / loss of the best constant answer
---@field outliers boolean|nil it learnt, but few rows carry the mean loss of the probe away
---@field net lossdbg.structure
---@field y table statistics of the targets as the loss sees them

---Whether training has nothing left to gain.
---@return boolean
function Facts:well_fitted() return self.skill ~= nil and self.skill >= 0.9 end

---@param path string|nil layer path
---@param step integer|nil
---@return table|nil where for a finding
function Facts:where(path, step)
  if not path and not step then return nil end
  local layer = path and self.net.by_path[path]
  return { layer = path, step = step, source = layer and layer.source or nil }
end

---Largest value of a per-layer share over hidden and output layers.
---@param when "init"|"final"
---@param key string
---@return number share, string|nil path
function Facts:worst_share(when, key)
  local block = self.signals[when]
  local worst, where = 0, nil
  for _, layer in ipairs(self.net.layers) do
    local stat = block and block.layers and block.layers[layer.path]
    local value = stat and stat[key]
    if finite(value) and value > worst then worst, where = value, layer.path end
  end
  return worst, where
end

---Iterates description layers that have measured statistics: index, layer, statistics.
---@param when "init"|"final"
---@return fun(): integer|nil, table|nil, table|nil
function Facts:measured(when)
  local block = self.signals[when]
  local stats = block and block.layers or {}
  local i, layers = 0, self.net.layers
  return function()
    while true do
      i = i + 1
      local layer = layers[i]
      if not layer then return nil end
      if stats[layer.path] then return i, layer, stats[layer.path] end
    end
  end
end

---Number of independent scalar outputs.
---@return integer|nil
function Facts:units() return self.net.units end

---@return table loss description (never nil)
function Facts:loss() return self.description.loss or {} end

---@return table optimiser description (never nil)
function Facts:optimizer() return self.description.optimizer or {} end

return M
