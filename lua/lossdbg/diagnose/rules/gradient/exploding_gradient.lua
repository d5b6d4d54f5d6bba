local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local facts_of = require "lossdbg.diagnose.facts"

local M = {
  id = "exploding_gradient", cause = "exploding_gradient", family = "gradient", class = "measured",
  needs = { "grad_norm" }, cost = "free", least = { steps = 3 },

  limits = {
    peak = { 1e3, "three orders of magnitude above the start" },
    growth = { 10, "the median of the last fifth over the start, while the loss does not fall" },
  },
  doc = {
    what = "The gradient norm grows by orders of magnitude during the run.",
    formula = "largest gradient norm over the median of the first tenth (at least the first);"
      .. " growth"
      .. " of the median from first to last fifth",
    source = "TheDeepChecker (1e6 or doubling four times), AutoTrainer (first / last layer 70)",
    false_alarms = "silent in runs that learn",
  },
}

-- Steps that a watch slept through are NaN.
local function survey(all)
  local list, steps = {}, {}
  for step, v in ipairs(all) do
    if v == v then list[#list + 1], steps[#steps + 1] = v, step end
  end
  local n = #list
  local head, tail, top, at = {}, {}, 0, nil
  for i = 1, n do
    local v = list[i]
    if i <= math.max(1, n // 10) then
      head[#head + 1] = v
    elseif facts_of.finite(v) and v > top then
      top, at = v, steps[i]
    end
    if i > n - math.max(1, n // 5) then tail[#tail + 1] = v end
  end
  return facts_of.median(head), facts_of.median(tail), top, at
end

function M.check(case, limits)
  local facts, list = case.facts, case.signals.grad_norm
  if #list < 3 then return nil, "cannot tell: needs at least 3 gradient norms" end
  if not facts.failed then return nil end
  local start, finish, top, at = survey(list)
  if not start or start <= 0 then return nil end
  local peak = top / start
  local growth = finish and facts_of.finite(finish) and finish / start or math.huge
  local rising = growth > limits.growth and facts.trend ~= "decreasing"
  if peak <= limits.peak and not rising then return nil end
  return finding.new(M, {
    title = string.format("gradients explode: the norm grows from %s to %s", numfmt.number(start),
      numfmt.number(top)),
    where = facts:where(nil, at),
    strength = math.max(peak / limits.peak, rising and growth / limits.growth or 0, 1),

    evidence = { finding.evidence("largest gradient norm over the first", peak,
        finding.under(limits.peak)),
      finding.evidence("last over first", growth, finding.under(limits.growth)) },
    fixes = { { text = "clip the gradient norm at 1", patch = { clip_norm = 1 } } },
  })
end

return M
