--- What a loop of somebody's own lost, measured from outside: against a plain fit of the same model
-- on the same rows for as many steps, and against the losses that its own steps reported.
local M = {}

M.limits = {
  much = { 0.2, "of the baseline: fits in another order of the rows differ by less" },
  twice = { 2, "times what the plain fit leaves over" },
  some = { 0.02, "of the baseline: less is not worth a word" },
}

local function limit(name) return M.limits[name][1] end

---By how much of the baseline the loop stays behind, where that is more than chance.
---@param case { signals: table }
---@return number|nil
function M.much(case)
  local out = case.signals.outside
  if not out then return nil end
  local most = math.max(out.gain or 0, out.gap or 0)
  return most > limit "much" and most or nil
end

---Whether the loop leaves over at least twice what the plain fit does: enough where the reason is
---known by construction.
---@param case { signals: table }
---@return boolean
function M.visibly(case)
  local out, skill = case.signals.outside or {}, (case.signals.skill or {}).value
  if M.much(case) then return true end
  local reference = out.reference and out.reference.skill
  if not (skill and reference) then return false end
  return out.gain ~= nil and out.gain >= limit "some"
    and 1 - skill >= limit "twice" * (1 - reference)
end

---The part that a finding is about: "lost" where its effect was measured.
---@param measured any
---@return "lost"|nil
function M.part(measured) return measured and "lost" or nil end

return M
