--- What kind of problem an experiment poses.
-- sparse and categorical cross-entropy: multiclass; binary cross-entropy: binary, multilabel with
-- several outputs; hinge: binary. A regression loss does not tell: then labels decide (a data set
-- that names classes, one-hot rows, or 0 and 1 behind a sigmoid are classes), and everything else
-- is regression. `task = "..."` overrides it.
local tensors = require "lossdbg.tensor"

local M = {}

local function width(shape) return shape[#shape] or 1 end

local function is_one_hot(y)
  if y.rank < 2 or width(y.shape) < 2 or y.dtype == "i32" then return false end
  return tensors.no_grad(function()
    local corners = y:eq(0):add(y:eq(1)):min():item() == 1
    return corners and y:sum(-1):eq(1):min():item() == 1
  end)
end

local function is_zero_one(y)
  return tensors.no_grad(function() return y:eq(0):add(y:eq(1)):min():item() == 1 end)
end

local function from_labels(recipe, model, y)
  local classes = recipe.train_rows.n_classes
  local last = model:output_layer()
  local ending = last and last.activation and last.activation.name
  if is_one_hot(y) then return { kind = "multiclass", classes = width(y.shape) } end
  if classes and recipe.train_rows.y.dtype == "i32" then
    return classes > 2 and { kind = "multiclass", classes = classes }
      or { kind = "binary", classes = 2 }
  end
  if (ending == "sigmoid" or ending == "softmax") and is_zero_one(y) then
    return width(y.shape) > 1 and y.rank > 1 and { kind = "multilabel", classes = width(y.shape) }
      or { kind = "binary", classes = 2 }
  end
  return { kind = "regression" }
end

local multiclass = { sparse_crossentropy = true, categorical_crossentropy = true, nll = true,
  categorical_focal = true, categorical_hinge = true }

---@param recipe table
---@param loss lossdbg.Loss
---@param model lossdbg.Model
---@param y userdata prepared targets
---@return { kind: "binary"|"multiclass"|"multilabel"|"regression", classes: integer|nil }
function M.infer(recipe, loss, model, y)
  local outputs = width(model.output_shape)
  if loss.parts then return { kind = "several" } end
  if recipe.task then
    local classes = recipe.task ~= "regression" and math.max(outputs, 2) or nil
    return { kind = recipe.task, classes = classes }
  end
  if multiclass[loss.name] then
    return { kind = "multiclass", classes = outputs }
  elseif loss.name == "binary_crossentropy" or loss.name == "binary_focal" then
    if outputs == 1 then return { kind = "binary", classes = 2 } end
    return is_one_hot(y) and { kind = "multiclass", classes = outputs }
      or { kind = "multilabel", classes = outputs }
  elseif loss.family == "margin" then
    return { kind = "binary", classes = 2 }
  end
  return from_labels(recipe, model, y)
end

---Metrics when the experiment names none.
---@param kind { kind: string }
---@param loss lossdbg.Loss
---@return any[]
function M.default_metrics(kind, loss)
  if loss.family == "custom" then return {} end
  if kind.kind == "regression" then return { "r2", "mae" } end
  if loss.family == "margin" then return { { name = "accuracy", plus_minus = true } } end
  if kind.kind == "multilabel" then return { { name = "accuracy", kind = "binary" } } end
  return { "accuracy" }
end

return M
