--- What an optimiser has learnt, taken out of it and put back: steps done, rate, slots.
local core = require "lossdbg.core"
local options = require "lossdbg.support.options"
local slots = require "lossdbg.optim.slots"
local source = require "lossdbg.support.source"

local M = {}

---@param self lossdbg.Optimizer
---@param list table[] entries of its parameters
---@return { name: string, iterations: integer, lr: number, slots: table<string, table> }
function M.save(self, list)
  local kept = {}
  for _, entry in ipairs(list) do
    kept[entry.name] = {}
    for name, tensor in pairs(entry.slots) do kept[entry.name][name] = tensor:clone() end
  end
  return { name = self.name, iterations = self.iterations, lr = self.lr, slots = kept }
end

local function check_slot(entry, name, tensor, wanted, where)
  if type(wanted) ~= "table" then
    core.train.check(entry.tensor, tensor)
  elseif not options.is_tensor(tensor) or tensor.dtype ~= entry.tensor.dtype
    or table.concat(tensor.shape, ",") ~= table.concat(wanted.shape, ",") then
    options.fail(where, "state", ("slot '%s' of '%s' with shape [%s]"):format(name, entry.name,
      table.concat(wanted.shape, ", ")), tensor, nil, source.level())
  end
end

---All or nothing.
---@param self lossdbg.Optimizer
---@param list table[] entries of its parameters
---@param state table from save()
function M.load(self, list, state)
  local where, fresh = "optimizer:load_state", {}
  if type(state) ~= "table" or state.name ~= self.name or type(state.slots) ~= "table" then
    options.fail(where, "state", "the state of an optimiser '" .. self.name .. "'", state, nil,
      source.level())
  end
  for i, entry in ipairs(list) do
    fresh[i] = {}
    local wanted = slots.wanted(self, entry)
    for name, tensor in pairs(state.slots[entry.name] or {}) do
      check_slot(entry, name, tensor, wanted[name], where)
      fresh[i][name] = tensor:clone()
    end
  end
  for i, entry in ipairs(list) do entry.slots = fresh[i] end
  core.plan.changed()
  core.plan.rate_changed()
  self.iterations = state.iterations
  if not self.rate.schedule then self.rate.value = state.lr end
end

return M
