local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "integer_input", cause = "unnormalised_inputs", family = "data", class = "suggestive",
  needs = { "data.x" }, cost = "free", least = { n = 2 },
  limits = {
    largest = { 10, "codes up to ten are within what a layer bears" },
  },
  doc = {
    what = "All inputs are whole numbers beyond 1: bytes or codes that were never scaled.",
    formula = "every x integral and the largest |x| beyond the limit, no scaling or embedding"
      .. " layer first",
    source = "UMLAUT looks at the type only",
    false_alarms = "counts are whole numbers too: a remark at most",
  },
}

function M.check(case, limits)
  local x, net = case.signals.data.x, case.facts.net
  if not x.integral or net.input_scaling ~= "none" then return nil end
  local top = math.max(math.abs(x.min or 0), math.abs(x.max or 0))
  if top <= limits.largest then return nil end
  return finding.new(M, {
    title = string.format("all inputs are whole numbers up to %s", numfmt.number(top)),

    evidence = { finding.evidence("largest input", top, "about 1"),
      finding.evidence("share of whole numbers", 1) },
    fixes = { { text = string.format("divide the inputs by %s", numfmt.number(top)),
      patch = { insert = { at = 1, layer = { kind = "rescale", scale = 1 / top } } } } },
  })
end

return M
