local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "lr_zero_or_schedule_collapsed", cause = "lr_too_low", family = "learning_rate",
  needs = { "description.optimizer" }, cost = "free",

  limits = {
    peak_share = { 1e-3, "a thousandth of the peak moves nothing that is left to learn" },
    steps = { 10, "a shorter run has no half time to speak of" },
  },
  doc = {
    what = "The effective learning rate is zero, or a schedule has shrunk it to nothing long before"
      .. " the end.",
    formula = "lr = 0; or lr after schedule and warm-up, over its peak so far, in the first half"
      .. " of the steps",
    source = "Tuning Playbook (schedule counted in epochs instead of steps)",
    false_alarms = "decay after convergence: graded by whether the run learnt",
  },
}

local function collapsed(lrs, limits)
  local n, peak = #lrs, 0
  if n < limits.steps then return nil end
  for i = 1, n do peak = math.max(peak, lrs[i]) end
  local at
  for i = 1, n // 2 do
    if lrs[i] == peak then at = i end
    if at and lrs[i] < limits.peak_share * peak then return i, lrs[i], peak end
  end
  return nil
end

-- A warm-up begins at 0 and is no rate of 0.
local function warms_up(lrs)
  for _, lr in ipairs(type(lrs) == "table" and lrs or {}) do
    if lr > 0 then return true end
  end
  return false
end

function M.check(case, limits)
  local facts, optimizer = case.facts, case.facts:optimizer()
  if optimizer.lr == 0 and not warms_up(case.signals.lr) then
    return finding.new(M, {
      title = "the learning rate is 0: nothing can be learnt", class = "exact",
      evidence = { finding.evidence("learning rate", 0, "more than 0") },
      fixes = {
        { text = "set the learning rate to 0.1 (sgd)", patch = { optimizer = { lr = 0.1 } } },
        { text = "use adam with its default of 0.001",
          patch = { optimizer = { name = "adam", lr = 0.001 } } },
      },
    })
  end
  local lrs = case.signals.lr
  if type(lrs) ~= "table" then
    local name = optimizer.schedule and optimizer.schedule.name
    if name and name ~= "constant" then
      return nil, "cannot tell: the learning rate per step was not recorded"
    end
    return nil
  end
  local step, value, peak = collapsed(lrs, limits)
  if not step then return nil end
  return finding.new(M, {
    title = string.format("the schedule cut the learning rate from %s to %s by step %d of %d",
      numfmt.number(peak), numfmt.number(value), step, #lrs),
    class = "measured", where = facts:where(nil, step),
    evidence = { finding.evidence("share of the peak at half time", value / peak,
      finding.over(limits.peak_share)) },
    fixes = { { text = "keep the learning rate constant",
      patch = { schedule = false } } },
  })
end

return M
