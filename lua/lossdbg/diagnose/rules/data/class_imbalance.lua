local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "class_imbalance", cause = "class_imbalance", family = "data",
  needs = { "data.y.counts" }, cost = "free", least = { n = 50 },

  limits = {
    perplexity = { 0.5, "the classes are worth fewer than half of their number" },
    rare = { 0.1, "the rarest class is under a tenth of its even share, with 95 % certainty" },
    largest = { 0.9, "nine rows in ten are of one class" },
    collapsed = { 0.98, "next to all answers are one class" },
  },
  doc = {
    what = "Class frequencies are so uneven that answering the majority is nearly the best that a"
      .. " short training finds; rare classes are ignored.",
    formula = "perplexity of the frequencies exp(H) / K, the Wilson upper bound of the rarest"
      .. " class against its even share 1 / K, and the largest share; measured where the network"
      .. " gives one answer only",
    source = "SageMaker Debugger (ratio 10), cleanlab (0.1 / K), TheDeepChecker (perplexity)",
    false_alarms = "the bound keeps small samples of many classes from raising it",
  },
}

---Wilson upper 95 % bound of a share.
local function wilson_upper(count, n)
  local z = 1.96
  local p = count / n
  return (p + z * z / (2 * n) + z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)))
    / (1 + z * z / n)
end

local function read(counts)
  local n, classes, least, most, entropy = 0, 0, math.huge, 0, 0
  for _, c in pairs(counts) do
    n, classes = n + c, classes + (c > 0 and 1 or 0)
    if c > 0 then least = math.min(least, c) end
    most = math.max(most, c)
  end
  local order = {}
  for _, c in pairs(counts) do order[#order + 1] = c end
  table.sort(order)
  for _, c in ipairs(order) do
    if c > 0 then entropy = entropy - c / n * math.log(c / n) end
  end
  return n, classes, least, most, math.exp(entropy) / math.max(classes, 1)
end

function M.check(case, limits)
  local facts = case.facts
  if facts.task == "regression" then return nil, "not applicable: no classes" end
  local n, classes, least, most, perplexity = read(case.signals.data.y.counts)
  if classes < 2 or n == 0 then return nil end
  local rare = wilson_upper(least, n) < limits.rare / classes
  if not (perplexity < limits.perplexity or rare or most / n > limits.largest) then return nil end
  local output = case.signals.final and case.signals.final.output or {}
  local collapsed = (output.single_class_share or 0) > limits.collapsed
  return finding.new(M, {
    title = string.format("classes are uneven: %s of the rows in the largest, %d row%s in the"
      .. " rarest of %d", numfmt.percent(most / n), least, least == 1 and "" or "s", classes),

    class = collapsed and "measured" or "suggestive",
    evidence = {
      finding.evidence("largest over smallest class", most / least),
      finding.evidence("perplexity over number of classes", perplexity,
        finding.over(limits.perplexity)),
      finding.evidence("share of the largest class", most / n,
        finding.under(limits.largest)),
    },
    fixes = { { text = "weight the classes or resample, and report a balanced metric" } },
  })
end

return M
