--- The workloads, in their order.
local M = {}

local names = { "xor_mlp", "small_mlp", "wide_mlp", "digit_cnn", "lstm_tagger", "char_gpt",
  "norm_mlp", "depthwise_cnn", "gru_pair", "mlp_ensemble" }

---@return table[] workloads
function M.all()
  local list = {}
  for i, name in ipairs(names) do list[i] = require("lossdbg.cli.bench." .. name) end
  return list
end

---@param id string "W1" ...
---@return table|nil workload
function M.get(id)
  for _, workload in ipairs(M.all()) do
    if workload.id == id then return workload end
  end
end

return M
