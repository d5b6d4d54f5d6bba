--- Reads the layer list of a description: which layers are linear maps, what follows them,
--- what the output layer is. Normalisation, dropout, flatten and the like are transparent.
local graphs = require "lossdbg.diagnose.structure_graph"

local M = {}

local LINEAR = { dense = true, conv1d = true, conv2d = true, linear = true }
local RECURRENT = { lstm = true, gru = true, simple_rnn = true, rnn = true }
local NORMALISERS = {
  normalization = true, batch_normalization = true, batch_norm = true,
  layer_normalization = true, layer_norm = true,
}
local ACTIVATIONS = {
  relu = true, leaky_relu = true, prelu = true, elu = true, celu = true, selu = true, gelu = true,
  silu = true, swish = true, mish = true, softplus = true, softsign = true, tanh = true,
  sigmoid = true, hard_sigmoid = true, hard_silu = true, relu6 = true, log_sigmoid = true,
  softmax = true, log_softmax = true, exponential = true,
}
--- Closed range of each bounded activation; absent = all reals.
local RANGE = {
  relu = { 0, math.huge }, relu6 = { 0, 6 }, sigmoid = { 0, 1 }, hard_sigmoid = { 0, 1 },
  tanh = { -1, 1 }, softsign = { -1, 1 }, softplus = { 0, math.huge }, softmax = { 0, 1 },
  elu = { -1, math.huge }, selu = { -1.7581, math.huge }, log_sigmoid = { -math.huge, 0 },
  log_softmax = { -math.huge, 0 }, exponential = { 0, math.huge },
}

local function name_of(value)
  if type(value) == "table" then value = value.name or value[1] end
  if value == nil or value == "linear" or value == false then return nil end
  return value
end

---The activation that a layer itself applies.
---@param layer table an entry of description.layers
---@return string|nil nil for none or "linear"
function M.activation_of(layer)
  local options = layer.options or {}
  if layer.activation ~= nil then return name_of(layer.activation) end
  if layer.kind == "activation" then
    return name_of(options.activation or options.name or options[1])
  end
  if ACTIVATIONS[layer.kind] then return layer.kind end
  return name_of(options.activation)
end

---@param activation string|nil
---@return number lo, number hi range of its values (-inf, inf when unbounded)
function M.range(activation)
  local r = RANGE[activation or "linear"]
  if r then return r[1], r[2] end
  return -math.huge, math.huge
end

---Whether a layer holds weights that are a linear map of its input.
---@param layer table
---@return boolean
function M.is_linear_map(layer) return LINEAR[layer.kind] == true end

---Whether a layer normalises its input by statistics of the data.
---@param layer table
---@return boolean
function M.is_normaliser(layer) return NORMALISERS[layer.kind] == true end

local function width_of(layer)
  local shape = layer.output_shape
  if type(shape) == "table" and #shape > 0 then return shape[#shape] end
  local options = layer.options or {}
  return options.units or (type(options[1]) == "number" and options[1]) or nil
end

---The parts of a network that rules ask for.
---@class lossdbg.structure
---@field layers table[] description.layers
---@field maps table[] layers that are linear maps or recurrent, in order
---@field after table<string, string[]> activations applied after each map before the next one
---@field heads table<string, true> paths of the maps whose values are outputs
---@field collapsed string[]|nil graphs: maps that are one linear map with the next
---@field output table|nil the last map
---@field output_activations string[] activations after the last map
---@field output_activation string the last of them, or "linear"
---@field units integer|nil width of the output
---@field has_batch_norm boolean|nil
---@field input_scaling "none"|"normalised"|"rescaled"|"unknown"|"embedded"
---@field input_scale number factor of a rescale layer ahead of the first map (1 otherwise)

local function is_map(layer) return (LINEAR[layer.kind] or RECURRENT[layer.kind]) == true end

local function is_scaling(layer)
  return NORMALISERS[layer.kind] or layer.kind == "embedding" or layer.kind == "lambda"
end

local function trace_graph(net)
  graphs.trace(net, { is_map = is_map, is_linear = M.is_linear_map, is_scaling = is_scaling,
    activation_of = M.activation_of })
  for _, layer in ipairs(net.layers) do
    if not is_map(layer) then M.note_scaling(net, layer) end
    if is_map(layer) then break end
  end
  if net.raw_inputs and net.input_scaling == "normalised" then net.input_scaling = "none" end
end

local function trace_list(net)
  local current
  for _, layer in ipairs(net.layers) do
    net.by_path[layer.path or ""] = layer
    if not current and not is_map(layer) then M.note_scaling(net, layer) end
    if is_map(layer) then
      current = layer
      net.maps[#net.maps + 1] = layer
      net.after[layer.path] = {}
    end
    local activation = M.activation_of(layer)
    if activation and current and not RECURRENT[layer.kind] then
      table.insert(net.after[current.path], activation)
    end
    if RECURRENT[layer.kind] then table.insert(net.after[layer.path], activation or "tanh") end
  end
  if current then net.heads[current.path] = true end
end

---@param description table
---@return lossdbg.structure
function M.of(description)
  local net = { layers = description.layers or {}, maps = {}, after = {}, output_activations = {},
    input_scaling = "none", input_scale = 1, by_path = {}, heads = {} }
  if graphs.is_graph(net.layers) then trace_graph(net) else trace_list(net) end
  for _, layer in ipairs(net.layers) do
    net.has_batch_norm = net.has_batch_norm or layer.kind == "batch_norm"
  end
  net.output = net.maps[#net.maps]
  if net.output then
    net.output_activations = net.after[net.output.path]
    net.units = width_of(net.output)
  end
  net.output_activation = net.output_activations[#net.output_activations] or "linear"
  return net
end

---Notes what a layer ahead of the first map does to the scale of the inputs.
---@param net lossdbg.structure
---@param layer table
function M.note_scaling(net, layer)
  if layer.kind == "normalization" then
    -- Without statistics it is the identity.
    local options = layer.options or {}
    if layer.adapted or layer.given_statistics or options.adapt or options.mean then
      net.input_scaling = "normalised"
    end
  elseif NORMALISERS[layer.kind] then
    net.input_scaling = "normalised"
  elseif layer.kind == "embedding" then
    net.input_scaling = "embedded"
  elseif layer.kind == "lambda" and net.input_scaling == "none" then
    net.input_scaling = "unknown"
  elseif layer.kind == "rescale" or layer.kind == "rescaling" then
    local options = layer.options or {}
    local scale = options.scale or options[1]
    if type(scale) == "number" then
      net.input_scale = net.input_scale * scale
      if net.input_scaling == "none" then net.input_scaling = "rescaled" end
    end
  end
end

return M
