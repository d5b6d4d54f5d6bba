local finding = require "lossdbg.diagnose.finding"
local heads = require "lossdbg.diagnose.heads"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "wrong_label_encoding", cause = "wrong_label_encoding", family = "data",
  needs = { "data.y", "description.loss" }, cost = "free", least = { n = 1 },
  doc = {
    what = "Labels are coded in a way that the loss does not expect: ids outside 0..K-1, fractional"
      .. " ids, targets of a binary cross-entropy outside 0..1, 0/1 labels for a hinge loss,"
      .. " one-hot rows that do not add up to 1.",
    formula = "sparse: y integral and 0 <= y < K; binary: 0 <= y <= 1; hinge: y in {-1, 1};"
      .. " categorical: |sum of a row - 1| <= 1e-3",
    source = "own; the range is the definition of the loss",
    false_alarms = "none for ids; soft targets that do not add up to 1 may be meant",
  },
}

local function rows_do_not_add_up(case)
  local y, facts = case.signals.data.y, case.facts
  local name = facts:loss().name
  if name ~= "categorical_crossentropy" and name ~= "kl" or (y.row_sum_bad or 0) == 0 then
    return nil
  end
  return finding.new(M, {
    title = string.format("%s target rows of a categorical cross-entropy do not add up to 1",
      numfmt.number(y.row_sum_bad)),
    class = "measured",
    evidence = { finding.evidence("rows that do not add up to 1", y.row_sum_bad, "0") },
    fixes = { { text = "divide every target row by its sum" } },
  })
end

function M.check(case)
  local f, why = heads.finding(M, case)
  local outside = case.signals.data.y.out_of_range
  if f and outside then
    f.evidence[#f.evidence + 1] = finding.evidence("labels that are no class", outside.count, "0",
      ("the first is %s in row %d"):format(numfmt.number(outside.value), outside.row))
  end
  if f then return f end
  return rows_do_not_add_up(case), why
end

return M
