local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "nan_in_data", cause = "nan_in_data", family = "data", class = "exact",
  needs = { "data" }, cost = "free", least = { n = 1 },
  doc = {
    what = "Inputs or targets contain NaN or infinity. One such value reaches the loss in the first"
      .. " batch that holds its row, and every weight one step later.",
    formula = "count of x or y with x ~= x or |x| = inf; first position reported",
    source = "UMLAUT, cleanlab, deepchecks; TensorFlow's check_numerics",
    false_alarms = "none: a masked model that never reads the cell has to say so by removing it",
  },
}

local function part(list, name, block)
  local bad = block and block.nonfinite
  if not bad or (bad.count or 0) == 0 then return 0 end
  local where = bad.row and string.format("first%s in row %d%s",
    bad.value and " " .. numfmt.number(bad.value) or "", bad.row,
    bad.col and (", column " .. bad.col) or "") or nil
  list[#list + 1] = finding.evidence("non-finite values in the " .. name, bad.count, "0", where)
  return bad.count
end

function M.check(case)
  local data = case.signals.data
  local evidence = {}
  local in_x = part(evidence, "inputs", data.x)
  local in_y = part(evidence, "targets", data.y)
  if in_x + in_y == 0 then return nil end
  local first = (in_x > 0 and data.x or data.y).nonfinite
  local place = first.row and string.format(" (first in row %d%s)", first.row,
    first.col and (", column " .. first.col) or "") or ""
  return finding.new(M, {
    title = string.format("the %s hold %s NaN or infinite values%s",
      in_x > 0 and "inputs" or "targets", numfmt.number(in_x + in_y), place),
    evidence = evidence,
    fixes = {
      { text = "drop the rows that hold NaN or infinity", patch = { data = "drop_nonfinite" } },
      { text = "fill the gaps with the means of the training columns",
        patch = { data = "fill_gaps" } },
    },
  })
end

return M
