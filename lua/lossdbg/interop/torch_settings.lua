--- Loss and optimiser of a PyTorch training as lossdbg.json tells them.
local json = require "lossdbg.support.json"

local M = {}

local function given(value) return value ~= nil and value ~= json.null and value or nil end

local losses = {
  CrossEntropyLoss = function(c, y)
    local ids = y.rank == 1 or y.dtype == "i32"
    local smoothing = given(c.label_smoothing)
    return { name = ids and "sparse_crossentropy" or "categorical_crossentropy", from_logits = true,
      label_smoothing = smoothing and smoothing ~= 0 and smoothing or nil }
  end,
  BCEWithLogitsLoss = function() return { name = "binary_crossentropy", from_logits = true } end,
  BCELoss = function() return { name = "binary_crossentropy" } end,
  MSELoss = function() return { name = "mse" } end,
  L1Loss = function() return { name = "mae" } end,
  HuberLoss = function(c) return { name = "huber", delta = given(c.delta) } end,
  NLLLoss = function() return { name = "nll" } end,
}

---@param about table lossdbg.json
---@param y userdata
---@return table|nil
---@return string|nil message
function M.loss(about, y)
  local told = type(about) == "table" and about.loss or {}
  local read = losses[told.class_name]
  if not read then return nil, ("the loss %s is not known"):format(tostring(told.class_name)) end
  local c = type(told.config) == "table" and told.config or {}
  if given(c.weight) then return nil, "weights of classes in the loss are not read" end
  local out = read(c, y)
  if c.reduction == "sum" then out.reduction = "sum" end
  return out
end

local names = { lr = "lr", eps = "epsilon", momentum = "momentum", nesterov = "nesterov",
  weight_decay = "weight_decay", alpha = "rho", amsgrad = "amsgrad", centered = "centered",
  dampening = "dampening" }
-- What a rule of ours does not take although PyTorch lists it at its neutral value.
local neutral = { nesterov = false, amsgrad = false, centered = false, dampening = 0, momentum = 0 }

---@param about table
---@return table|nil
---@return string|nil message
function M.optimizer(about)
  local told = about.optimizer
  local group = type(told) == "table" and type(told.groups) == "table" and told.groups[1]
  if not group then return nil, "no optimiser was recorded" end
  if #told.groups > 1 then return nil, "several groups of parameters are not read" end
  local out = { name = told.class_name:lower(), flavor = "torch" }
  for theirs, ours in pairs(names) do
    local value = given(group[theirs])
    if value ~= nil and value ~= neutral[theirs] then out[ours] = value end
  end
  if type(group.betas) == "table" then out.beta1, out.beta2 = group.betas[1], group.betas[2] end
  return out
end

return M
