--- How grave a finding is: one table, class of evidence by state of the run. No rule says it.
---
--- exact       true by construction: softmax on one unit, labels outside the range of the loss
--- measured    a quantity beyond a limit, or a test whose errors are known
--- suggestive  a smell: it points somewhere and proves nothing
---
--- What is wrong by construction is wrong in a run that still falls too. What was measured counts
--- where something needs an explanation; in a run that learns it stays a remark.
local M = {}

--- Severities by weight.
M.LADDER = { info = 1, warning = 2, error = 3 }

--- Classes of evidence by weight.
M.CLASS = { suggestive = 1, measured = 2, exact = 3 }

local failed = { exact = "error", measured = "error", suggestive = "warning" }
local open = { exact = "error", measured = "warning", suggestive = "info" }

M.TABLE = {
  nan = failed, diverging = failed, constant = failed, oscillating = failed, too_slow = failed,
  plateau_after_progress = open, cannot_tell = open,
  overfitting = { exact = "error", measured = "error", suggestive = "warning" },
  still_falling = { exact = "error", measured = "warning", suggestive = "info" },
  healthy = { exact = "warning", measured = "info", suggestive = "info" },
}

--- The column that counts for a finding. Where a rule measured what was lost (part "lost"), its
--- finding explains that, whether the run learns something or not. What is said about held-out rows
--- is judged by them: where they do badly it explains that, and elsewhere nothing there needs an
--- explanation yet. What is said about training is judged by training, which works in a run that
--- overfits.
local function column(state, part)
  if part == "lost" then return M.TABLE[state] and "too_slow" or state end
  if part == "validation" then return state == "overfitting" and state or "cannot_tell" end
  return state == "overfitting" and "healthy" or state
end

---@param class "exact"|"measured"|"suggestive"
---@param state string a state of the run
---@param part? "training"|"validation"|"lost" what the finding is about (default training)
---@return "error"|"warning"|"info"
function M.of(class, state, part)
  local row = M.TABLE[column(state, part)]
  if not row then error(("lossdbg: severity.of: unknown state '%s'"):format(tostring(state)), 2) end
  return row[class]
end

return M
