--- Reads head, loss, coding and task of a case: what the closed table (head_table) judges.
local robust = require "lossdbg.diagnose.robust"
local structure = require "lossdbg.diagnose.structure"
local heads = require "lossdbg.diagnose.heads.head_table"

local M = {}

local function set(text)
  local out = {}
  for word in text:gmatch "%S+" do out[word] = true end
  return out
end

-- Layers that hand values on as they are, or nearly so.
local passing = set [[flatten reshape permute dropout spatial_dropout spatial_dropout1d
  spatial_dropout2d alpha_dropout gaussian_dropout gaussian_noise]]
-- Layers that make values of any size out of any.
local linear = set [[dense conv1d conv2d conv1d_transpose conv2d_transpose separable_conv1d
  separable_conv2d depthwise_conv1d depthwise_conv2d linear time_distributed embedding batch_norm
  layer_norm rms_norm group_norm batch_normalization layer_normalization multi_head_attention
  scale_shift]]
local recurrent = set "lstm gru simple_rnn rnn"

-- Layers from the output backwards: the chain of single inputs in a graph.
local function chain(layers)
  local list, by_path = {}, {}
  for _, layer in ipairs(layers) do by_path[layer.path or ""] = layer end
  local last = layers[#layers]
  if not (last and last.inputs) then
    for i = #layers, 1, -1 do list[#list + 1] = layers[i] end
    return list
  end
  for _, layer in ipairs(layers) do
    if layer.is_output then last = layer end
  end
  while last and #list < #layers do
    list[#list + 1] = last
    local calls = last.inputs or {}
    last = #calls == 1 and #calls[1] == 1 and by_path[calls[1][1]] or nil
  end
  return list
end

local function own_activation(layer)
  local name = structure.activation_of(layer)
  if recurrent[layer.kind] then return name or "tanh" end
  return name
end

-- What was measured of the output of a layer that cannot be read.
local function measured(signals)
  local output = (signals.init or {}).output or (signals.final or {}).output
  if not output then return nil end
  if not robust.finite(output.min) or not robust.finite(output.max) then return nil end
  if output.min < -1e-6 or output.max > 1 + 1e-6 then return "linear" end
  local low, high = output.row_sum_min, output.row_sum_max
  return low and low > 0.95 and high < 1.05 and "softmax" or "sigmoid"
end

---@class lossdbg.Head
---@field activation string|nil the last one, "linear" without one
---@field group string|nil of head_table.head_of
---@field inner string|nil an activation between the last weights and the last activation
---@field layer table|nil that applies the last activation
---@field width integer|nil size of the last axis where it is applied
---@field measured boolean|nil read from the values, since the layer is the user's own

local function width_of(layer)
  local shape = layer and layer.output_shape
  return type(shape) == "table" and shape[#shape] or nil
end

-- The activations behind the last weights, last first, with their layers.
local function activations(layers)
  local found = {}
  for _, layer in ipairs(chain(layers)) do
    local name = own_activation(layer)
    if name then found[#found + 1] = { name = name, layer = layer } end
    if linear[layer.kind] or recurrent[layer.kind] then return found, layer end
    if not name and not passing[layer.kind] then return found, nil, layer end
  end
  return found
end

---The head of a network.
---@param case table
---@return lossdbg.Head
function M.head(case)
  local layers = case.description.layers or {}
  local found, map, opaque = activations(layers)
  local outer = found[1]
  if not outer and not map then
    local name = opaque and measured(case.signals)
    return { activation = name, group = name, measured = true, layer = opaque,
      width = width_of(layers[#layers]) }
  end
  local name = outer and outer.name or "linear"
  local layer = outer and outer.layer or map
  return { activation = name, group = heads.head_of[name], layer = layer,
    width = width_of(layer) or width_of(map),
    inner = found[2] and found[2].name or nil }
end

---Width of what the network really answers: the last axis of its output.
---@param case table
---@return integer|nil
function M.width(case)
  local shape, layers = case.description.output_shape, case.description.layers or {}
  if type(shape) == "table" and #shape > 0 then return shape[#shape] end
  return width_of(layers[#layers]) or case.facts.net.units
end

local by_class = { sparse = true, sparse_logits = true, nll = true }
local by_row = { ce = true, ce_logits = true, kl = true, categorical_hinge = true }

-- Targets per step: several columns of ids, or a one-hot row for every step.
local function name_of_steps(y, loss, shape)
  if (y.width or 1) < 2 or type(shape) ~= "table" or #shape < 2 then return nil end
  if by_class[loss] then return "ids" end
  if by_row[loss] and y.kind == "zero_one" and y.mean and y.mean * shape[#shape] < 1.001 then
    return "one_hot"
  end
end

local function name_of_coding(y)
  if y.kind == "index" then
    if (y.max or 0) <= 1 and (y.min or 0) >= 0 and (y.classes or 0) <= 2 then return "flags" end
    return "ids"
  end
  if y.kind == "one_hot" then return y.integral == false and "distribution" or "one_hot" end
  if y.kind == "zero_one" then return "flags" end
  if y.kind == "plus_minus_one" then return "signs" end
  if y.min and y.min >= 0 and y.max <= 1 then return "shares" end
  return y.integral and y.min and y.min >= 0 and "counts" or "real"
end

-- What a loss takes, where the targets themselves were not seen.
local taken = { sparse = "ids", sparse_logits = "ids", nll = "ids", ce = "one_hot",
  ce_logits = "one_hot", kl = "one_hot", categorical_hinge = "one_hot", bce = "flags",
  bce_logits = "flags", hinge = "signs" }

---How the targets are coded.
---@param case table
---@return { name: string, min: number?, max: number?, classes: integer?, width: integer? }|nil
function M.coding(case)
  local y = case.signals.data and case.signals.data.y
  local loss = heads.loss_group(case.description.loss or {})
  if not y or not y.kind then return taken[loss] and { name = taken[loss] } end
  local seen = case.facts.y or y -- standardised where the experiment does so
  local per_step = name_of_steps(y, loss, case.description.output_shape)
  local name = per_step or name_of_coding(y)
  if name == "flags" and by_class[loss] then name = "ids" end -- two classes by number
  return { name = name, min = seen.min, max = seen.max, classes = y.classes,
    width = not per_step and y.width or nil, integral = y.integral, row_sum_bad = y.row_sum_bad }
end

---The task that loss and targets pose together; what was declared decides where they leave it open.
---@param case table
---@param loss string|nil group
---@param coding table
---@param width integer|nil
---@return string|nil
function M.task(case, loss, coding, width)
  local told, name = case.facts.task, coding.name
  if not told and not coding.width and (loss == "bce" or loss == "bce_logits") then
    told = (width or 1) > 1 and "multilabel" or "binary"
  end
  if by_class[loss] and name == "ids" then return "multiclass" end
  if by_row[loss] and name == "one_hot" then return "multiclass" end
  if told == "binary" and ((name == "ids" and (coding.classes or 0) > 2) or name == "one_hot"
      or (width or 1) > 1) then
    return "multiclass"
  end
  if told == "multiclass" and name == "flags" and (width or 1) == 1 then return "binary" end
  return told
end

return M
