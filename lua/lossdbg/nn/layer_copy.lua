--- Copies and conversions of built layers, statistics and frozen layers included.
local core = require "lossdbg.core"
local settings = require "lossdbg.support.settings"

local M = {}

---A layer's options: what is written later is checked as its constructor would, and noticed.
---@param class lossdbg.LayerKind
---@param values table<string, any>
---@return table
function M.settable(class, values)
  local own = {}
  for name, value in pairs(values) do own[name] = value end
  return settings.new(own, { where = "nn." .. class.kind, schema = class.schema, noticed = true,
    written = core.plan.changed })
end

-- Statistics among the parameters never learn.
local function learns(layer, parameter)
  return layer.trainable and parameter.trainable ~= false
end

local function sizes(layer)
  local list = { table.concat(layer.input_shape, ",") }
  for i, parameter in ipairs(layer.parameters) do
    list[i + 1] = table.concat(parameter.tensor.shape, ",")
  end
  return table.concat(list, ";")
end

---Whether two layers take the same input and have parameters of the same shapes.
---@param a lossdbg.Layer
---@param b lossdbg.Layer
---@return boolean
function M.same_shapes(a, b) return sizes(a) == sizes(b) end

---Takes over values, learnt statistics and whether the layer is frozen.
---@param layer lossdbg.Layer
---@param from lossdbg.Layer
---@param dtype string
function M.take_over(layer, from, dtype)
  core.plan.changed()
  layer.trainable = from.trainable
  for i, parameter in ipairs(layer.parameters) do
    parameter.tensor.requires_grad = false
    parameter.tensor:copy_(from.parameters[i].tensor:detach())
    parameter.tensor.requires_grad = learns(layer, parameter)
  end
  -- An original that has learnt nothing has nothing to give.
  local unlearnt = layer.state and not from.state
  if from.buffers and not layer.options.adapt and not unlearnt then
    layer.state = from.state
    for name, tensor in pairs(from.buffers) do layer.buffers[name] = tensor:cast(dtype):clone() end
  end
end

---Replaces every tensor of a layer by convert(tensor).
---@param layer lossdbg.Layer
---@param convert fun(tensor: userdata): userdata
function M.convert(layer, convert)
  core.plan.changed()
  for _, parameter in ipairs(layer.parameters) do
    local tensor = convert(parameter.tensor)
    tensor.requires_grad = learns(layer, parameter)
    parameter.tensor, layer.weights[parameter.name] = tensor, tensor
  end
  for name, tensor in pairs(layer.buffers or {}) do layer.buffers[name] = convert(tensor) end
end

---A copy that shares no tensor with the original.
---@param layer lossdbg.Layer
---@return lossdbg.Layer
function M.copy(layer)
  local twin = {}
  for key, value in pairs(layer) do twin[key] = value end
  twin.parameters, twin.weights = {}, {}
  twin.options = M.settable(getmetatable(layer), layer.options)
  for i, parameter in ipairs(layer.parameters) do
    local entry = {}
    for key, value in pairs(parameter) do entry[key] = value end
    twin.parameters[i], twin.weights[entry.name] = setmetatable(entry, getmetatable(parameter)),
      entry.tensor
  end
  if layer.buffers then
    twin.buffers = {}
    for name, tensor in pairs(layer.buffers) do twin.buffers[name] = tensor end
  end
  setmetatable(twin, getmetatable(layer))
  M.convert(twin, function(tensor) return tensor:clone() end)
  return twin
end

return M
