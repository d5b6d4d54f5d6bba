local finding = require "lossdbg.diagnose.finding"
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

local SPARSE = { sparse_crossentropy = true, sparse_categorical_crossentropy = true }

local function sparse(y, units)
  if y.out_of_range and (y.out_of_range.count or 0) > 0 then return "id", y.out_of_range end
  if y.integral == false then return "fraction" end
  if y.min and (y.min < 0 or (units and y.max >= units)) then return "id", {} end
  return nil
end

local function problem(case)
  local y, loss = case.signals.data.y, case.facts:loss()
  local name, units = loss.name or "", case.facts:units()
  if SPARSE[name] then
    local what, at = sparse(y, units)
    -- Well-formed ids 0..K'-1 with too few outputs are the business of output_width_mismatch.
    if what == "id" and y.min == 0 and units and y.max >= units and units > 1
      and y.classes == y.max + 1 then
      return nil
    end
    return what, at
  end
  local outside = y.min and (y.min < 0 or y.max > 1)
  if name == "binary_crossentropy" and outside then return "binary" end
  if (name == "hinge" or name == "squared_hinge") and y.kind == "zero_one" then return "hinge" end
  if (name == "categorical_crossentropy" or name == "kl") and (y.row_sum_bad or 0) > 0 then
    return "row_sum", { count = y.row_sum_bad }
  end
  return nil
end

local function title_of(what, y, at, units)
  if what == "fraction" then return "class labels are not whole numbers" end
  if what == "binary" then
    return string.format("targets of a binary cross-entropy reach from %s to %s, not 0 to 1",
      numfmt.number(y.min), numfmt.number(y.max))
  end
  if what == "hinge" then return "a hinge loss gets labels 0 and 1 instead of -1 and 1" end
  if what == "row_sum" then
    return string.format("%s target rows of a categorical cross-entropy do not add up to 1",
      numfmt.number(at.count))
  end
  if y.min == 1 and units and y.max == units then
    return string.format("class ids run from 1 to %d, expected 0 to %d", units, units - 1)
  end
  return string.format("class ids reach from %s to %s, expected 0 to %s%s", numfmt.number(y.min),
    numfmt.number(y.max), units and tostring(units - 1) or "K-1",
    at.row and string.format(" (row %d holds %s)", at.row, numfmt.number(at.value)) or "")
end

function M.check(case)
  local y, facts = case.signals.data.y, case.facts
  local what, at = problem(case)
  if not what then return nil end
  local units = facts:units()
  local soft = what == "row_sum" or what == "hinge" or what == "binary"
  return finding.new(M, {
    title = title_of(what, y, at or {}, units),

    class = soft and "measured" or "exact",
    where = facts:where(facts.net.output and facts.net.output.path),
    evidence = {
      finding.evidence("smallest label", y.min or "unknown", "0"),
      finding.evidence("largest label", y.max or "unknown",
        units and units > 1 and tostring(units - 1) or "1"),
      finding.evidence("loss", facts:loss().name or "unknown"),
    },
    fixes = { {
      text = what == "hinge" and "code the labels as -1 and 1"
        or what == "binary" and "code the labels as 0 and 1"
        or "code the labels as class ids 0..K-1 without gaps",
    } },
  })
end

return M
