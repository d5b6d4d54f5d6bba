--- Our two systems: the step as written, and planned.
local ld = require "lossdbg"
local workload = require "lossdbg.cli.bench.workload"

local M = { names = { "lossdbg", "lossdbg eager" } }

---How many steps are compared with others before anything is timed.
M.steps = 20

---A workload ready to run: the losses of the first steps, and one step.
---@param chosen table a workload
---@param threads integer
---@param system "lossdbg"|"lossdbg eager"
---@return { step: fun(): userdata, loss_first: number, loss_last: number, note: string|nil }|nil
---@return string|nil why not
function M.open(chosen, threads, system)
  if ld.threads then
    ld.threads(threads)
  elseif threads > 1 then
    return nil, "this build has one thread"
  end
  local prepared = workload.prepare(ld, chosen)
  local step = prepared.step
  local plan
  if system == "lossdbg" then
    if not ld.plan then return nil, "this version has no ld.plan" end
    plan = ld.plan(step)
    step = plan
  end
  local losses = {}
  for i = 1, M.steps do losses[i] = step():item() end
  return { step = step, loss_first = losses[1], loss_last = losses[#losses],
    note = plan and not plan.planned and "runs eagerly: " .. tostring(plan.reason) or nil }
end

---The numbers that every system begins with, by name: x1, x2, ..., y, p001:PARAMETER, ...
---@param chosen table
---@return table<string, userdata>
function M.initial(chosen)
  local prepared = workload.prepare(ld, chosen)
  local kept = { y = prepared.y }
  local xs = ld.is_tensor(prepared.x) and { prepared.x } or prepared.x
  for i, x in ipairs(xs) do kept["x" .. i] = x end
  for i, p in ipairs(prepared.parameters) do kept[("p%03d:%s"):format(i, p.name)] = p.tensor end
  return kept
end

return M
