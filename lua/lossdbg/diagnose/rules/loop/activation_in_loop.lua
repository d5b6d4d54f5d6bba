local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "activation_in_loop", cause = "wrong_output_activation", family = "loop", class = "exact",
  needs = { "loop.between" }, cost = "free",
  limits = { looks = { 3, "a single match may be chance" } },
  plain_loop = true,
  doc = {
    what = "The loop puts an activation between the output of the model and the loss that does not"
      .. " belong there: relu or tanh before a loss on raw scores, or a softmax over the rows of"
      .. " the batch.",
    formula = "prediction of the loss = activation of the output, to rounding, in every look",
    source = "own; public threads on F.softmax(x, dim=0) and F.relu before the loss",
    false_alarms = "relu and tanh are judged before losses on raw scores alone, or where targets"
      .. " lie outside of what they can reach",
  },
}

local LOWEST, HIGHEST = { relu = 0, tanh = -1 }, { relu = math.huge, tanh = 1 }

-- Whether targets lie where the activation does not reach.
local function beyond(case, name)
  local y = case.signals.data and case.signals.data.y
  if not y or y.kind ~= "real" then return false end
  return (y.min or 0) < LOWEST[name] or (y.max or 0) > HIGHEST[name]
end

local function hits_of(between, name, limits)
  local hits = between[name] or 0
  return hits >= limits.looks and not between.nothing and hits or nil
end

function M.check(case, limits)
  local loop = case.signals.loop
  local between = loop.between
  local title, cause
  local hits = hits_of(between, "over_batch", limits)
  if hits then
    title, cause = "a softmax over the rows of the batch stands before the loss: the"
      .. " probabilities of a row do not add up to 1", "softmax_wrong_axis"
  else
    for _, name in ipairs { "relu", "tanh" } do
      local found = hits_of(between, name, limits)
      if found and (loop.takes_logits or beyond(case, name)) then
        hits = found
        title = ("%s stands between the output and the loss, which wants it as it is"):format(name)
      end
    end
  end
  if not title then return nil end
  return finding.new(M, { title = title, cause = cause, part = "lost",
    evidence = { finding.evidence("steps in which the numbers agree", hits,
      finding.under(limits.looks)) },
    fixes = { { text = cause and "apply softmax over the last axis"
      or "give the loss the output of the model as it is" } } })
end

return M
