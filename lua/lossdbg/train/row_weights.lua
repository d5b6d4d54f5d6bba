--- Weights of rows: given with them (Keras' sample_weight), or by their classes (class_weight).
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"
local tensors = require "lossdbg.tensor"

local M = {}

---Weights of rows as they are given.
---@param value userdata|number[]
---@param n integer rows
---@param name string argument for messages
---@return userdata [n]
function M.read(value, n, name)
  local weight = options.is_tensor(value) and value:detach() or type(value) == "table"
    and value[1] ~= nil and tensors.tensor(value, "f64") or nil
  if not weight or weight.numel ~= n or weight:has_nonfinite() or weight:min():item() < 0 then
    options.fail("experiment", name .. ".weight", ("%d finite numbers >= 0, one a row"):format(n),
      value, nil, source.level())
  end
  return weight:reshape { n }
end

---One weight per row from weights per class.
---@param y userdata prepared targets
---@param loss lossdbg.Loss
---@param weights table<integer, number> class id to weight; absent ids weigh 1
---@param dtype string
---@param classes integer
---@return userdata
function M.by_class(y, loss, weights, dtype, classes)
  for id, weight in pairs(weights) do
    if math.type(id) ~= "integer" or id < 0 or id >= classes or type(weight) ~= "number"
      or weight < 0 then
      error(("lossdbg: experiment: argument 'class_weight': expected a number >= 0 per class id " ..
        "0..%d, got [%s] = %s%s"):format(classes - 1, tostring(id), tostring(weight),
        id == classes and " (ids start at 0: { [0] = 1, [1] = 5 })" or ""), source.level())
    end
  end
  local ids = y
  if loss.target ~= "index" then
    ids = y.shape[#y.shape] > 1 and y:argmax(-1):sub(1) or y:gt(0.5)
  end
  local list = ids:reshape({ ids.numel }):totable()
  for i, id in ipairs(list) do list[i] = weights[math.tointeger(id)] or 1 end
  return tensors.tensor(list, dtype)
end

---Weights of the rows: those given with them, by those of their classes; nil where there are none.
---@param y userdata prepared targets
---@param loss lossdbg.Loss
---@param recipe table
---@param model lossdbg.Model
---@return userdata|nil
function M.of(y, loss, recipe, model)
  local own, by_class = recipe.train_rows.weight, nil
  if recipe.class_weight then
    by_class = M.by_class(y, loss, recipe.class_weight, model.dtype,
      math.max(model.output_shape[#model.output_shape], 2))
  end
  own = own and own:cast(model.dtype)
  return own and by_class and own:mul(by_class) or own or by_class
end

return M
