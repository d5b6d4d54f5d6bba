local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "inputs_changed_in_place", cause = "inputs_changed_in_place", family = "loop",
  class = "exact", needs = { "loop.data_changed" }, cost = "free",
  doc = {
    what = "The rows of the data are no longer what they were when the watch began: the loop"
      .. " changes a view of them, and every pass changes them once more.",
    formula = "hash of all values before and after",
    source = "torchvision issue 680",
    false_alarms = "none",
  },
}

function M.check(case)
  if not case.signals.loop.data_changed then return nil end
  return finding.new(M, {
    title = "the loop changes the rows of the data in place, once more in every epoch",
    part = "lost", evidence = { finding.evidence("rows of the data", "changed", "the same") },
    fixes = { { text = "write x:sub(m):div(s) instead of x:add_(-m):mul_(1 / s), or work on a"
      .. " :clone()" } },
  })
end

return M
