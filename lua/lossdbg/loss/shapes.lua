--- Targets brought to the shape and type of the predictions, or a message that says why they do not
-- fit. [N] and [N, 1] are repaired as in Keras; PyTorch would broadcast them to [N, N].
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local M = {}

local function text(shape) return "[" .. table.concat(shape, ", ") .. "]" end

local function same(a, b)
  if #a ~= #b then return false end
  for i = 1, #a do
    if a[i] ~= b[i] then return false end
  end
  return true
end

---Raises when the arguments look swapped: a target with a gradient, a prediction without.
function M.refuse_swapped(where, prediction, target)
  if options.is_tensor(target) and target.requires_grad and not prediction.requires_grad then
    error(("lossdbg: %s: the target carries a gradient and the prediction does not (arguments " ..
      "swapped? the call is loss(prediction, target))"):format(where), source.level())
  end
end

local function fail(loss, expected, prediction, target, cause)
  error(("lossdbg: loss.%s: argument 'target': expected %s for predictions %s, got %s (%s)"):format(
    loss.name, expected, text(prediction), text(target), cause), source.level())
end

local function mismatch_cause(loss, prediction, target)
  local k = prediction[#prediction]
  if #target == #prediction - 1 and loss.name == "categorical_crossentropy" then
    return "class ids instead of one-hot rows: use sparse_crossentropy, or one_hot the labels"
  elseif prediction[1] ~= target[1] then
    return ("%d predictions, %d targets"):format(prediction[1] or 1, target[1] or 1)
  elseif loss.name == "binary_crossentropy" and #target < #prediction and k > 1 then
    return ("%d outputs for one label a sample: use one output, or sparse_crossentropy"):format(k)
  elseif #target == #prediction and target[#target] ~= k then
    return ("the model has %d outputs, the target %d columns"):format(k, target[#target])
  end
  return "one target value per output is needed"
end

-- Class ids [batch, ...]: i32 without the class axis.
local function index_target(loss, prediction, target)
  local shape, ids = prediction.shape, target.shape
  local expected = table.move(shape, 1, #shape - 1, 1, {})
  if #ids == #expected + 1 and ids[#ids] == 1 then
    target = target:reshape(expected)
  elseif not same(ids, expected) then
    local cause = ids[1] ~= shape[1] and ("%d predictions, %d labels"):format(shape[1], ids[1])
      or same(ids, shape) and "one-hot rows instead of class ids: use categorical_crossentropy"
      or "one class id a sample is needed"
    fail(loss, "class ids " .. text(expected), shape, ids, cause)
  end
  if target.dtype == "i32" then return target end
  if target:has_nonfinite() then
    local row = target:reshape({ target.numel }):mul(0):eq(0):argmin(1):item()
    error(("lossdbg: loss.%s: argument 'target': expected class ids 0, 1, ..., got a value that " ..
      "is not finite in row %d (a missing label?)"):format(loss.name, row), source.level())
  end
  local whole = target:floor():eq(target):min():item() == 1
  if not whole then
    error(("lossdbg: loss.%s: argument 'target': expected class ids 0, 1, ..., got values that " ..
      "are not integers (a regression target? use mse)"):format(loss.name), source.level())
  end
  return target:cast "i32"
end

---@param loss lossdbg.Loss
---@param prediction userdata
---@param target userdata
---@return userdata
function M.target(loss, prediction, target)
  if prediction.rank == 0 then
    error(("lossdbg: loss.%s: argument 'prediction': expected [batch, outputs], got a scalar")
      :format(loss.name), source.level())
  end
  if loss.target == "index" then
    if prediction.rank == 1 then
      fail(loss, "predictions [batch, classes]", prediction.shape, target.shape,
        "one column per class is needed")
    end
    return index_target(loss, prediction, target)
  end
  if target.dtype ~= prediction.dtype then target = target:cast(prediction.dtype) end
  local shape, wanted = target.shape, prediction.shape
  if #wanted == 1 then wanted = { wanted[1], 1 } end
  if not same(shape, wanted) then
    local last = #wanted
    local repaired = (#shape == last - 1 and wanted[last] == 1)
      or (#shape == last + 1 and shape[#shape] == 1)
    if not repaired or target.numel ~= prediction.numel or shape[1] ~= wanted[1] then
      fail(loss, text(prediction.shape), prediction.shape, shape,
        mismatch_cause(loss, prediction.shape, shape))
    end
    target = target:reshape(wanted)
  end
  return target
end

return M
