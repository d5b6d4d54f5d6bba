--- What surrounds the rule in Keras: gradients summed over several steps, a running average of the
-- weights, constraints on the weights.
local observers = require "lossdbg.support.observers"
local tensors = require "lossdbg.tensor"

local M = {}

---Adds the gradients to their sums. At every n-th step the sums become means.
---@param active table[] entries
---@param gradients userdata[]
---@param n integer
---@param due boolean whether this step updates
---@return userdata[] the sums
function M.accumulate(active, gradients, n, due)
  local sums = {}
  for i, entry in ipairs(active) do
    local sum = entry.slots.gradient_sum
    sum:add_(gradients[i])
    if due then sum:mul_(1 / n) end
    sums[i] = sum
  end
  return sums
end

---Moves the averages of all weights; a first step starts them at the weights.
---@param list table[] entries
---@param o table options: ema_momentum, ema_overwrite_frequency
---@param updates integer updates done before this step
function M.follow(list, o, updates)
  local keep = updates > 0 and o.ema_momentum or 0
  local overwrite = o.ema_overwrite_frequency and (updates + 1) % o.ema_overwrite_frequency == 0
  for _, entry in ipairs(list) do
    local average = entry.slots.weight_average
    if average then
      local weights = entry.tensor:detach()
      if keep == 0 then average:copy_(weights) else average:mul_(keep):add_(weights, 1 - keep) end
      if overwrite then weights:copy_(average) end
    end
  end
end

---Puts the averages into the weights.
---@param list table[] entries
---@param swap boolean keep the weights in the averages
function M.apply(list, swap)
  if observers.any then observers.tell("averaged", list, swap) end
  for _, entry in ipairs(list) do
    local average = entry.slots.weight_average
    if average then
      local weights = entry.tensor:detach()
      local old = swap and weights:clone()
      weights:copy_(average)
      if swap then average:copy_(old) end
    end
  end
end

---Applies the constraints of the parameters that were updated.
---@param active table[] entries
function M.constrain(active)
  tensors.no_grad(function()
    for _, entry in ipairs(active) do
      if entry.constraint then entry.constraint(entry.tensor:detach()) end
    end
  end)
end

return M
