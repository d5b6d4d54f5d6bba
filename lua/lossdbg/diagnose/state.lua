--- What a run shows, judged three things apart: movement (does the loss fall, see movement.lua),
-- level (against the best constant answer and the floor of the loss) and task skill (accuracy over
-- the majority, or R2, from predictions, whatever head and loss). One state follows; the table
-- below says what each means and what it allows. Diagnosis, views and recorded runs all ask here.
local movement = require "lossdbg.diagnose.movement"
local robust = require "lossdbg.diagnose.robust"
local severity = require "lossdbg.diagnose.severity"

local M = {}

local finite = robust.finite

--- name = { limit, why }
M.limits = {
  poor = { 0.1, "of what there is to learn: less is next to nothing" },
  learnt = { 0.5, "half of what there is to learn" },
  fitted = { 0.9, "hardly any room is left" },
  rounding = { 1e-3, "over 1, the skill of a loss of 0" },
  there = { 0.03, "of skill that a plain recipe finds: less is chance" },
  reached = { 0.05, "of skill below a plain recipe: as much as it finds" },
  behind = { 0.2, "of the baseline: two orders of the rows differ by less" },
  gap = { 0.2, "between training and validation skill: more than rows left to chance" },
  val_rise = { 1.1, "times the best validation loss, and more than its noise" },
  val_z = { 2.326, "of the trend after the best epoch: 1 % by chance" },
  val_rows = { 20, "fewer validation rows say nothing" },
}

local function limit(name) return M.limits[name][1] end

--- One row a state, worst first; what each allows stands in severity.lua. fails: the run ended
--- without having learnt; learns: it
--- demonstrably learns.
M.states = {
  { id = "nan", fails = true,
    means = "the loss became NaN or infinite" },
  { id = "diverging", fails = true,
    means = "the loss ends above its start, or leaps over ten times its level" },
  { id = "constant", fails = true,
    means = "the loss lost under 5 % of what there was to lose, wherever it began, or has settled "
      .. "where a constant answer is (skill under 0.1)" },
  { id = "too_slow", fails = true,
    means = "the loss falls, but a whole run took off under 5 %, or left a skill under 0.1, or a "
      .. "plain fit on the same rows learns over 0.2 more in as many steps" },
  { id = "oscillating",
    means = "the loss of whole epochs jumps up and down by 20 %, and skill is under 0.5" },
  { id = "plateau_after_progress",
    means = "the loss settled half way: skill from 0.1 to 0.5" },
  { id = "cannot_tell",
    means = "too short to judge; so many more steps would do" },
  { id = "overfitting", learns = true,
    means = "training rows are learnt, validation loss has turned up or validation skill lags by "
      .. "0.2 or more" },
  { id = "still_falling", learns = true,
    means = "the loss was still falling when training stopped, and skill is under 0.9" },
  { id = "healthy", learns = true,
    means = "skill of 0.5 or more, or all that a plain recipe finds, and nothing of the "
      .. "above" },
}

local by_id = {}
for _, state in ipairs(M.states) do
  local row = severity.TABLE[state.id]
  state.allows = ("exact evidence: %s, measured: %s, suggestive: %s%s"):format(row.exact,
    row.measured, row.suggestive, state.fails and "" or "; by a verified fix: error")
  by_id[state.id] = state
end

---@param id string
---@return { id: string, means: string, allows: string, fails: boolean?, learns: boolean? }?
function M.get(id) return by_id[id] end

-- ---- level and task skill ----------------------------------------------------------------------

---@class lossdbg.Level
---@field loss number?
---@field baseline number?
---@field skill number? (baseline - loss) / (baseline - floor)
---@field verdict "better"|"at_baseline"|"worse"|nil

local function level_of(i, m)
  local s = i.skill or {}
  local level = { loss = finite(i.level) and i.level or m.last,
    baseline = finite(i.baseline) and i.baseline or nil }
  level.skill, level.verdict = finite(s.value) and s.value or nil, s.verdict
  local floor = i.floor or 0
  local room = level.baseline and level.baseline - floor
  if not level.skill and room and room > 0 and finite(level.loss) then
    level.skill = 1 - (level.loss - floor) / room
  end
  -- Below its floor a loss is none: what it says of the level is worth nothing.
  level.broken = level.skill ~= nil and level.skill > 1 + limit "rounding" or nil
  if level.broken then level.skill, level.verdict = nil, nil end
  if level.skill and (not level.verdict or level.verdict == "undetermined") then
    level.verdict = level.skill > 0.02 and "better" or level.skill < -0.02 and "worse"
      or "at_baseline"
  end
  -- What the whole curve says where a few rows carry the mean of the probed ones away.
  local stop = m.stop or m.last
  if room and room > 0 and not level.broken and finite(stop) and m.verdict ~= "rising" then
    level.by_curve = 1 - (stop - floor) / room
  end
  return level
end

local function task_of(i)
  local t = i.task or {}
  local train = finite(t.train) and t.train or nil
  local val = finite(t.val) and (t.val_rows or math.huge) >= limit "val_rows" and t.val or nil
  local lower = train and val and math.min(train, val) or train or val
  return { train = train, val = val, lower = lower, measure = t.measure, accuracy = t.accuracy,
    train_rows = t.train_rows, val_rows = t.val_rows, majority = t.majority,
    room = lower and lower < limit "fitted" }
end

-- ---- validation --------------------------------------------------------------------------------

---Whether a validation loss has turned up while the training loss went on falling.
---@param val number[]?
---@param train number[]?
---@return boolean turned
---@return integer? best epoch
function M.turned(val, train)
  local n = val and #val or 0
  if n < 8 then return false end
  local at, sum = 1, 0
  for e = 1, n do
    if not finite(val[e]) then return false end
    if val[e] < val[at] then at = e end
    if e > 1 then sum = sum + (val[e] - val[e - 1]) ^ 2 end
  end
  local tail = table.move(val, at, n, 1, {})
  local noise = math.sqrt(sum / (n - 1) / 2)
  local fell = not (train and train[at] and train[#train]) or train[#train] < train[at]
  return fell and (robust.mann_kendall(tail) or 0) > limit "val_z"
    and val[n] > limit "val_rise" * val[at] and val[n] > val[at] + 2 * noise, at
end

local function overfits(i, task)
  local lags = task.train and task.val and task.train >= limit "learnt"
    and task.train - task.val >= limit "gap"
  local turned = M.turned(i.val_losses, i.epochs)
  if task.train and task.val then return lags end
  return turned
end

-- ---- the state ---------------------------------------------------------------------------------

---The best that speaks for the run: what of the loss or of the task is learnt. Accuracy alone is
---no proof: a loss above that of a constant answer wants an explanation.
local function learnt_share(level, task)
  local best = level.skill
  local by_curve = level.by_curve
  if best and by_curve and by_curve >= limit "learnt" then best = math.max(best, by_curve) end
  local honest = not best or best > 0 or by_curve and by_curve > 0
  if task.train and honest and (not best or task.train > best) then best = task.train end
  return best
end

local moving = { falling = true, crawling = true }

-- Whether little is learnt because little is there: a plain recipe reaches no more, on rows that it
-- did not see, and what is learnt is not by chance.
local function is_all(i, level, task, skill)
  local reach = i.reachable
  if not reach or level.verdict ~= "better" then return false end
  local held = i.val_verdict == "better" and task.val or reach
  return math.max(reach, held) >= limit "there"
    and (task.lower or skill) >= reach - limit "reached"
end

local function by_level(m, skill)
  if skill >= limit "learnt" then
    return moving[m.verdict] and skill < limit "fitted" and "still_falling" or "healthy"
  end
  if m.verdict == "falling" and skill >= limit "poor" then return "still_falling" end
  if m.verdict == "swinging" then return "oscillating" end
  if skill < limit "poor" then
    if m.still then return "constant" end
    if moving[m.verdict] then return m.long and "too_slow" or "cannot_tell" end
    return m.verdict == "undetermined" and "cannot_tell" or "constant"
  end
  return m.verdict == "undetermined" and "cannot_tell" or "plateau_after_progress"
end

local function by_movement(m)
  if m.verdict == "swinging" then return "oscillating" end
  if m.verdict == "falling" then return "still_falling" end
  if m.verdict == "undetermined" then return "cannot_tell" end
  return "plateau_after_progress"
end

local function decide(i, m, level, task)
  if i.nonfinite or m.verdict == "nonfinite" then return "nan" end
  local skill = learnt_share(level, task)
  local good = skill and skill >= limit "learnt"
  if (m.verdict == "leaping" or m.verdict == "rising") and not good then return "diverging" end
  if not (skill and skill >= limit "fitted") and not i.pretrained then
    if m.verdict == "still" then return "constant" end
    if m.verdict == "crawling" then
      return (m.long or not skill) and "too_slow" or "cannot_tell"
    end
  end
  if (i.behind or 0) > limit "behind" then return "too_slow" end
  if (good or not skill) and overfits(i, task) then return "overfitting" end
  if skill and skill < limit "learnt" and is_all(i, level, task, skill) then return "healthy" end
  if skill then return by_level(m, skill) end
  return by_movement(m)
end

---@class lossdbg.StateInput: lossdbg.MovementInput
---@field nonfinite any? anything that is no number was seen
---@field skill { value: number, verdict: string }? loss against the baseline's, paired by row
---@field val_losses number[]? per epoch
---@field task { train: number?, val: number?, val_rows: integer?, measure: string? }? task skill
---@field reachable number? task skill of a plain recipe on rows that it did not see
---@field val_verdict string? of the loss of validation rows against the baseline's
---@field behind number? skill that a plain fit on the same rows has more
---@field pretrained boolean? it began with weights that were trained before

---@class lossdbg.State
---@field id string see M.states
---@field fails boolean
---@field learns boolean
---@field movement lossdbg.Movement
---@field level lossdbg.Level
---@field task { train: number?, val: number?, lower: number?, room: boolean? }
---@field skill number? the best that speaks for the run
---@field bad_loss boolean the task is learnt although little of the loss is removed: what is wrong
---  by construction counts as in a run that stopped half way

---Judges a run from its series and, where they are known, its level and skill.
---@param i lossdbg.StateInput
---@return lossdbg.State
function M.judge(i)
  local m = i.movement or movement.of(i)
  local level, task = level_of(i, m), task_of(i)
  local id = decide(i, m, level, task)
  local skill = learnt_share(level, task)
  return {
    id = id, fails = by_id[id].fails == true, learns = by_id[id].learns == true, movement = m,
    level = level, task = task, skill = skill,
    bad_loss = by_id[id].learns and level.skill ~= nil and level.skill < limit "learnt"
      and (task.train or 0) >= limit "learnt",
  }
end

return M
