local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "outputs_without_gradient", cause = "loss_term_ignored", family = "loop",
  class = "exact", needs = { "loop.silent_outputs" }, cost = "backward",
  doc = {
    what = "Some outputs of the model got no gradient in any step that was looked at, while others"
      .. " did: a term of the loss has weight zero, or does not look at them.",
    formula = "columns of the last layer's gradient that are exactly 0 in every look",
    source = "d2c issue 5",
    false_alarms = "outputs of rectified units that died belong to the rule on dying units",
  },
}

function M.check(case)
  local loop = case.signals.loop
  local n, width = #loop.silent_outputs, loop.output_width
  if n == 0 or n == width then return nil end
  local last = case.facts.net.layers[#case.facts.net.layers] or {}
  if last.activation == "relu" then return nil, "not applicable: rectified outputs may be dead" end
  local first, final = loop.silent_outputs[1], loop.silent_outputs[n]
  return finding.new(M, {
    title = ("%s of the %d outputs never get a gradient"):format(n == 1 and "output " .. first
      or final - first + 1 == n and ("outputs %d to %d"):format(first, final) or n, width),
    part = "lost", where = case.facts:where(last.path),
    evidence = { finding.evidence("outputs without a gradient", n, "0"),
      finding.evidence("steps looked at", numfmt.number(loop.looks)) },
    fixes = { { text = "weigh every term of the loss, or leave the outputs out of the model" } },
  })
end

return M
