--- The layer list of a graph: which activations follow a layer with weights before the next one,
--- which layers collapse into one linear map, which are outputs, whether raw inputs come in.
local M = {}

-- What joins or picks values in a way that is no linear map of them.
local NONLINEAR = {
  multiply = true, maximum = true, minimum = true, dot = true, lambda = true, embedding = true,
  multi_head_attention = true, max_pool1d = true, max_pool2d = true, global_max_pool1d = true,
  global_max_pool2d = true, layer_norm = true, rms_norm = true, group_norm = true,
}

-- What is known of a value: maps = paths of the layers with weights that it comes from (those
-- nearest to it), nonlinear = an activation is on the way, raw = an input of the model comes in
-- unscaled.
local function join(layer, known, by_path)
  local value, seen = { maps = {}, nonlinear = false, raw = false }, {}
  for _, call in ipairs(layer.inputs) do
    for _, path in ipairs(call) do
      local from = known[path]
      if from then
        for _, map in ipairs(from.maps) do
          if not seen[map] then
            seen[map] = true
            value.maps[#value.maps + 1] = map
          end
        end
        value.nonlinear = value.nonlinear or from.nonlinear
        value.raw = value.raw or from.raw
      elseif not by_path[path] then
        value.raw = true
      end
    end
  end
  return value
end

local function is_head(layer, value, heads)
  if not layer.is_output then return end
  for _, map in ipairs(value.maps) do heads[map] = true end
end

---Whether a description is that of a graph: its layers say what feeds them.
---@param layers table[] description.layers
---@return boolean
function M.is_graph(layers) return layers[1] ~= nil and layers[1].inputs ~= nil end

---Fills maps, after, by_path, heads, collapsed and raw_inputs of a structure.
---@param net lossdbg.structure
---@param tell { is_map: fun(layer: table): boolean, is_linear: fun(layer: table): boolean,
---  is_scaling: fun(layer: table): boolean, activation_of: fun(layer: table): string|nil }
function M.trace(net, tell)
  local known, listed = {}, {}
  net.collapsed = {}
  for _, layer in ipairs(net.layers) do net.by_path[layer.path or ""] = layer end
  for _, layer in ipairs(net.layers) do
    local value, activation = join(layer, known, net.by_path), tell.activation_of(layer)
    if tell.is_map(layer) then
      net.maps[#net.maps + 1], net.after[layer.path] = layer, {}
      net.raw_inputs = net.raw_inputs or value.raw
      for _, path in ipairs(value.maps) do
        if tell.is_linear(layer) and not value.nonlinear and not listed[path] then
          listed[path], net.collapsed[#net.collapsed + 1] = true, path
        end
      end
      value = { maps = { layer.path }, nonlinear = not tell.is_linear(layer), raw = false }
      if not tell.is_linear(layer) then activation = activation or "tanh" end
    end
    if activation then
      value.nonlinear = true
      for _, path in ipairs(value.maps) do table.insert(net.after[path], activation) end
    end
    if NONLINEAR[layer.kind] then value.nonlinear = true end
    if tell.is_scaling(layer) then value.raw = false end
    is_head(layer, value, net.heads)
    known[layer.path] = value
  end
end

return M
