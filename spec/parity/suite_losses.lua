-- Cases of losses.lua: a loss, reduced or not, and its gradient by the prediction.
local ld = require "lossdbg"
local core = require "lossdbg.core"
local measure = require "measure"

local function check(row, dtype, near)
  local p = ld.tensor(row.prediction, dtype)
  p.requires_grad = true
  local loss = ld.loss[row.name](row.options)
  local value = loss(p, ld.tensor(row.target, "f64"), row.weight, row.mask)
  near("loss", row.value, value)
  local total = value.rank > 0 and value:sum() or value
  total:backward()
  near("gradient", row.gradient, p.grad, 1e-12)
end

return function(golden)
  local ops = {}
  for _, row in ipairs(core.op_rows()) do ops[row.name] = true end
  local cases = {}
  for i, row in ipairs(golden) do
    local covers = { "loss " .. row.name, ops[row.name] and "op " .. row.name or nil }
    cases[i] = {
      title = ("%s %s%s%s"):format(row.name, measure.text(row.options),
        row.weight and " weighted" or "", row.mask and " masked" or ""),
      peers = row.peer, covers = covers,
      check = function(dtype, near) check(row, dtype, near) end,
    }
  end
  return cases
end
