--- One sentence on the whole: does the run learn, and if not, why.
local facts_of = require "lossdbg.diagnose.facts"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {}

local LADDER = facts_of.LADDER

local number = numfmt.number

local function near(a, b)
  return a and b and math.abs(a - b) <= math.max(0.005 * math.abs(b), 1e-9)
end

local function describe_level(f)
  local s = f.signals
  local level, baseline = f.level, f.baseline
  if near(level, baseline) then
    return string.format("loss constant at %s = %s", number(level),
      s.baseline_name or "the best constant answer")
  end
  if f.constant then return "loss constant at " .. number(level) end
  if baseline and level and f.state ~= "partial" then
    return string.format("loss %s against %s for a constant answer", number(level),
      number(baseline))
  end
  return "loss " .. number(level)
end

local function falling(f)
  local trend, epochs = f.signals.trend or {}, f.signals.epoch_loss
  local first = epochs and epochs[1] or trend.first
  if f.outliers then
    return string.format("training loss %s to %s; few rows carry the mean over the probe to %s",
      number(first), number(epochs and epochs[#epochs] or trend.last), number(f.level))
  end
  local text = first and string.format("loss %s to %s", number(first), number(f.level))
    or "loss " .. number(f.level)
  if f.skill then
    text = text .. string.format(", %s of the baseline removed",
      numfmt.percent(math.max(0, f.skill)))
  end
  return text
end

local function first_nonfinite(f)
  local list = f.signals.loss or {}
  for i = 1, #list do
    if not facts_of.finite(list[i]) then return string.format("NaN or infinity from step %d", i) end
  end
  local at = f.signals.nonfinite
  return at and at.step and string.format("NaN or infinity from step %d", at.step)
    or "NaN or infinity"
end

local STATE = {
  nonfinite = function(f) return "not learning: " .. first_nonfinite(f) end,
  diverged = function(f)
    return f.leaps >= 2 and string.format("not learning: the loss leaps up to %s", number(f.worst))
      or "not learning: the loss grows to " .. number(f.level)
  end,
  baseline = function(f) return "not learning: " .. describe_level(f) end,
  stuck = function(f) return "not learning: " .. describe_level(f) end,
  poor = function(f) return "hardly learning: " .. describe_level(f) end,
  slow = function(f) return "learning too slowly: " .. falling(f) end,
  partial = function(f)
    return string.format("learning stopped half way: loss %s, %s of the baseline removed",
      number(f.level), numfmt.percent(f.skill or 0))
  end,
  learning = function(f) return "learning: " .. falling(f) end,
  unknown = function(f)
    local more = f.signals.trend and f.signals.trend.more_steps
    if f.steps == 0 then return "not judged: nothing was trained" end
    return string.format("too short to judge: %d steps%s", f.steps,
      more and string.format(", %s more would do", number(math.ceil(more))) or "")
  end,
}

---The finding that names the reason, or nil.
local function reason(ranked)
  for _, f in ipairs(ranked) do
    if f.severity == "crit" or f.severity == "err" then
      if f.role == "cause" or f.cause then return f end
    end
  end
  return nil
end

--- Consequences worth a place in the sentence, best first.
local CHAIN = { "dead_relu", "saturated_activation", "vanishing_gradient", "zero_gradient_layer",
  "exploding_gradient", "update_ratio_too_large" }

---The consequence that leads from the cause to what is seen, or nil.
local function consequence(ranked, cause)
  for _, rule in ipairs(CHAIN) do
    for _, f in ipairs(ranked) do
      if f.rule == rule and f.role == "consequence" and LADDER[f.severity] >= LADDER.err then
        for _, id in ipairs(f.explained_by or {}) do
          if id == cause.rule then return f end
        end
      end
    end
  end
  return nil
end

---Builds the verdict.
---@param ranked table[] findings in the order of rank.order
---@param case { description: table, signals: table }
---@return { text: string, healthy: boolean, state: string, confidence: number|nil }
function M.build(ranked, case)
  local f = facts_of.of(case)
  local cause = reason(ranked)
  local text = STATE[f.state](f)
  local grave = 0
  for _, finding in ipairs(ranked) do
    if finding.severity == "crit" or finding.severity == "err" then grave = grave + 1 end
  end
  if cause then
    local joint = f.learned and ", but " or f.state == "unknown" and "; " or ", because "
    text = text .. joint .. cause.title
    local next_one = consequence(ranked, cause)
    if next_one then text = text .. " (so that " .. next_one.title .. ")" end
  elseif f.failed then
    text = text .. "; no cause was found"
  elseif ranked[1] and ranked[1].severity == "warn" and ranked[1].family == "regularization" then
    text = text .. ", but " .. ranked[1].title -- the training rows are learnt; others may not be
  end
  return {
    text = text, state = f.state, healthy = grave == 0 and not f.failed,
    confidence = cause and (cause.score or cause.confidence) or nil,
  }
end

return M
