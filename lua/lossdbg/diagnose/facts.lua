--- What is known about a case before any rule looks: did the run learn, and how far?
--- The severity of a cause is conditioned on this state, so that a smell in a run that
--- demonstrably learns stays a remark.
local robust = require "lossdbg.diagnose.robust"
local structure = require "lossdbg.diagnose.structure"

local M = { finite = robust.finite, median = robust.median, mann_kendall = robust.mann_kendall,
  strength = robust.strength }
local Facts = {}
Facts.__index = Facts

local finite, huge = robust.finite, math.huge
--- Share of the baseline loss removed that counts as learnt, and as next to nothing.
local GOOD, POOR = 0.5, 0.1
--- A run this long is judged even where the trend test cannot decide.
local LONG_STEPS, LONG_EPOCHS = 200, 20
local LADDER = { info = 1, warn = 2, err = 3, crit = 4 }
local FAILED = { nonfinite = true, diverged = true, baseline = true, stuck = true, slow = true,
  poor = true }

local function any_nonfinite(list)
  for i = 1, list and #list or 0 do
    if not finite(list[i]) then return i end
  end
  return nil
end

---Steps or epochs after the first fifth whose loss leaps over ten times the larger of the
---baseline and the median: divergence that may recover and leap again.
local function leaps(list, baseline)
  local n = list and #list or 0
  if n < 5 then return 0, 0 end
  local level = math.max(baseline or 0, M.median(list) or 0)
  if level <= 0 then return 0, 0 end
  local count, worst = 0, 0
  for i = math.max(2, n // 5 + 1), n do
    if list[i] > 10 * level then
      count = count + 1
      worst = math.max(worst, list[i])
    end
  end
  return count, worst
end

---Exactly constant to rounding over the last three epochs or more (all of them up to ten).
local function is_constant(f)
  local list = f.signals.epoch_loss
  local n = list and #list or 0
  if n < 3 then return false end
  local lo, hi = huge, -huge
  for i = math.max(1, n - 9), n do
    if not finite(list[i]) then return false end
    lo, hi = math.min(lo, list[i]), math.max(hi, list[i])
  end
  return hi - lo <= 1e-6 * math.max(math.abs(hi), math.abs(lo))
end

---Whether training loss or accuracy show learning although the mean loss of the probe does not:
---a few rows with huge losses carry a mean away.
local function evidently_learnt(f)
  local s, trend = f.signals, f.signals.trend or {}
  local rate = f.trend ~= "increasing" and finite(trend.last) and f.baseline and f.baseline > 0
    and 1 - trend.last / f.baseline or 0
  local accuracy, majority = s.accuracy, s.majority
  local gain = finite(accuracy) and finite(majority) and majority < 1
    and (accuracy - majority) / (1 - majority) or 0
  -- accuracy alone is no proof: a loss above that of a constant answer wants an explanation
  return rate >= GOOD or gain >= GOOD and rate > 0
end

local function classify_by_skill(f)
  local skill, trend = f.skill, f.trend
  local long = f.steps >= LONG_STEPS or f.epochs >= LONG_EPOCHS
  if skill >= GOOD or (trend == "decreasing" and skill >= POOR) then return "learning" end
  if evidently_learnt(f) then
    local epochs, trend_now = f.signals.epoch_loss or {}, f.signals.trend or {}
    local last = epochs[#epochs] or trend_now.last
    f.outliers = finite(last) and finite(f.level) and f.level > 1.5 * last or skill < POOR
    return "learning"
  end
  local beaten = f.skill_verdict == "better"
  if skill < POOR then
    if f.constant then return f.skill_verdict == "worse" and "stuck" or "baseline" end
    if trend == "decreasing" then return long and "slow" or "unknown" end
    if trend == "undetermined" and not long then return "unknown" end
    if beaten then return "poor" end
    return skill < -0.05 and "stuck" or "baseline"
  end
  if trend == "undetermined" and not long then return "unknown" end
  return "partial"
end

local function classify(f)
  if f.nonfinite then return "nonfinite" end
  if f.diverged then return "diverged" end
  if f.skill then return classify_by_skill(f) end
  if f.constant then return "stuck" end
  if f.trend == "decreasing" then return "learning" end
  local trend = f.signals.trend or {}
  if f.trend == "plateau" then
    local fell = finite(trend.first) and finite(trend.last) and trend.last < 0.5 * trend.first
    return fell and "learning" or "stuck"
  end
  return f.trend == "increasing" and "stuck" or "unknown"
end

local function read_loss(f)
  local s = f.signals
  local final, trend = s.final or {}, s.trend or {}
  local epochs = s.epoch_loss
  f.steps = s.steps or (s.loss and #s.loss) or 0
  f.epochs = epochs and #epochs or 0
  f.trend = trend.verdict or "undetermined"
  f.baseline = finite(s.baseline) and s.baseline or nil
  f.level = final.level or final.loss or trend.last or (epochs and epochs[#epochs])
  local skill = s.skill or {}
  f.skill, f.skill_verdict = finite(skill.value) and skill.value or nil, skill.verdict
  if not f.skill and f.baseline and f.baseline > 0 and finite(f.level) then
    f.skill = 1 - f.level / f.baseline
  end
  if f.skill and (not f.skill_verdict or f.skill_verdict == "undetermined") then
    f.skill_verdict = f.skill > 0.02 and "better" or f.skill < -0.02 and "worse" or "at_baseline"
  end
end

local function read_failure(f)
  local s, trend = f.signals, f.signals.trend or {}
  f.nonfinite = s.nonfinite ~= nil or any_nonfinite(s.loss) ~= nil
    or any_nonfinite(s.epoch_loss) ~= nil
    or (s.final ~= nil and s.final.loss ~= nil and not finite(s.final.loss))
  f.constant = is_constant(f)
  f.leaps, f.worst = 0, 0
  if f.nonfinite then return end
  local count, worst = leaps(s.loss, f.baseline)
  local count_e, worst_e = leaps(s.epoch_loss, f.baseline)
  f.leaps, f.worst = math.max(count, count_e), math.max(worst, worst_e)
  local rising = f.trend == "increasing" and finite(trend.best) and finite(trend.last)
    and trend.last > 2 * math.max(trend.best, 0)
  f.diverged = (f.leaps >= 2 or rising) and not (f.skill and f.skill >= GOOD)
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
  return copy
end

---Derives the facts of a case.
---@param case { description: table, signals: table }
---@return lossdbg.facts
function M.of(case)
  local f = setmetatable({ signals = case.signals or {}, description = case.description or {} },
    Facts)
  f.net = structure.of(f.description)
  read_loss(f)
  read_failure(f)
  read_validation(f)
  f.state = classify(f)
  f.failed = FAILED[f.state] == true
  f.learned = f.state == "learning"
  local task = f.description.task or {}
  local y = effective_targets(f)
  f.y = y
  local index_like = y.kind == "index" or y.kind == "one_hot"
  f.task = task.kind or (y.kind == "real" and "regression") or (index_like and "multiclass")
    or ((y.kind == "zero_one" or y.kind == "plus_minus_one") and "binary") or nil
  f.classes = task.classes or y.classes
  f.dead = f:worst_share("final", "dead_share")
  -- A fit without a loop of its own runs the usual one; loops of a user are not known.
  f.loop = f.description.loop or (f.description.epochs and {}) or nil
  return f
end

---@class lossdbg.facts
---@field state string nonfinite diverged baseline stuck slow poor partial learning unknown
---@field failed boolean the run ended without having learnt
---@field learned boolean the run demonstrably learns
---@field skill number|nil 1 - loss / loss of the best constant answer
---@field outliers boolean|nil it learnt, but few rows carry the mean loss of the probe away
---@field net lossdbg.structure
---@field loop table|nil what is special about the training loop; nil where nobody observed it
---@field y table statistics of the targets as the loss sees them

---Severity of a cause given the symptom: full when the run failed, at most "warn" when it
---half failed or cannot be judged yet, `learned` when it learns.
---@param severity string severity when the run failed
---@param learned string|nil severity when the run learns (default "info")
---@return string
function Facts:grade(severity, learned)
  if self.failed then return severity end
  if self.learned then return learned or "info" end
  return LADDER[severity] > 2 and "warn" or severity
end

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

M.LADDER = LADDER
return M
