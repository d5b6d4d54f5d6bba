--- What a finding prints as probability: how often findings like it named a cause that was there.
---
--- A logistic model over the features below, each from 0 to about 1; its weights (hit_rates.lua)
--- are fitted by spec/faultbench/fit_probability.lua to programs whose fault is known.
local hit_rates = require "lossdbg.diagnose.hit_rates"
local severity = require "lossdbg.diagnose.severity"

local M = {}

local LADDER = severity.LADDER

--- name, what it is
M.FEATURES = {
  { "exact", "true by construction" },
  { "suggestive", "a smell" },
  { "error", "of severity error" },
  { "warning", "of severity warning" },
  { "consequence", "another finding may explain it" },
  { "symptom", "it says what is seen, and a cause by the way" },
  { "verified", "a fix was verified against a placebo" },
  { "gain", "skill that the verified fix brings" },
  { "in_vain", "all its fixes were tried and none helped" },
  { "fails", "the run ended without having learnt" },
  { "learns", "the run demonstrably learns" },
  { "room", "skill that the run left" },
  { "gap", "skill by which the run lags a plain recipe" },
  { "later", "logarithm of its rank among the named causes" },
  { "rivals", "logarithm of one more than the other causes that are as grave" },
}

local function clamp(x) return x and x == x and math.min(1, math.max(0, x)) or 0 end

local function bit(condition) return condition and 1 or 0 end

local function trials_of(f)
  local verified, gain, tried = false, 0, 0
  for _, fix in ipairs(f.fixes or {}) do
    local trial = fix.trial
    if trial and trial.verified then
      verified, gain = true, math.max(gain, clamp(trial.gain))
    elseif trial and not trial.reason then
      tried = tried + 1
    end
  end
  return verified, gain, not verified and tried > 0
end

-- Rank of a cause among those named, and how many others are as grave.
local function standing(findings, f)
  local rank, rivals, before, seen = 1, 0, true, { [f.cause] = true }
  for _, g in ipairs(findings) do
    if g.cause == f.cause then
      before = false
    elseif g.cause and not seen[g.cause] then
      if before then rank = rank + 1 end
      if LADDER[g.severity] >= LADDER[f.severity] then
        seen[g.cause], rivals = true, rivals + 1
      elseif before then
        seen[g.cause] = true
      end
    end
  end
  return rank, rivals
end

---What the model reads of a finding that names a cause.
---@param f table one of the findings
---@param findings table[] ranked, their fixes tried
---@param known { fails: boolean, learns: boolean, skill: number?, gap: number? } of the run
---@return table<string, number>
function M.features(f, findings, known)
  local verified, gain, in_vain = trials_of(f)
  local rank, rivals = standing(findings, f)
  return {
    exact = bit(f.class == "exact"), suggestive = bit(f.class == "suggestive"),
    error = bit(f.severity == "error"), warning = bit(f.severity == "warning"),
    consequence = bit(f.role == "consequence"), symptom = bit(f.role == "symptom"),
    verified = bit(verified), gain = gain, in_vain = bit(in_vain),
    fails = bit(known.fails), learns = bit(known.learns),
    room = known.skill and 1 - clamp(known.skill) or 0.5, gap = clamp(known.gap),
    later = math.log(rank), rivals = math.log(1 + rivals),
  }
end

---@param features table<string, number>
---@param weights? table<string, number> default: those of hit_rates.lua
---@return number between 0 and 1
function M.of(features, weights)
  weights = weights or hit_rates.weights
  local z = weights.intercept
  for _, row in ipairs(M.FEATURES) do z = z + weights[row[1]] * features[row[1]] end
  return 1 / (1 + math.exp(-z))
end

---What the model reads of a run.
---@param status lossdbg.State
---@param reference? { gap: number? }
---@return { fails: boolean, learns: boolean, skill: number?, gap: number? }
function M.known(status, reference)
  return { fails = status.fails, learns = status.learns,
    skill = status.task.lower or status.skill, gap = reference and reference.gap }
end

---Gives every finding that names a cause its probability.
---@param findings table[] ranked; changed
---@param known { fails: boolean, learns: boolean, skill: number?, gap: number? }
function M.assign(findings, known)
  for _, f in ipairs(findings) do
    f.probability = f.cause and M.of(M.features(f, findings, known)) or nil
  end
end

return M
