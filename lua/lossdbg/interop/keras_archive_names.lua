--- Which layer an array of a .keras archive belongs to. Keras 3 names the groups of
-- model.weights.h5 by the classes of the layers in their order ("dense", "dense_1", ...), whatever
-- the layers are called, and counts the weights of each: "layers/dense_1/vars/0",
-- "layers/lstm/cell/vars/2", "layers/functional/layers/dense/vars/1".
local M = {}

-- Keras' own rule for names of classes: "MaxPooling2D" -> "max_pooling2d", "ReLU" -> "re_lu".
local function snake(name)
  return (name:gsub("%W+", ""):gsub("(.)(%u%l+)", "%1_%2"):gsub("(%l)(%u)", "%1_%2"):lower())
end

local function layers_of(object)
  local c = type(object) == "table" and object.config
  return type(c) == "table" and type(c.layers) == "table" and c.layers or nil
end

-- Paths of groups to names of layers, nested models included.
local function collect(object, prefix, into)
  local used = {}
  for _, one in ipairs(layers_of(object) or {}) do
    local class = snake(tostring(one.class_name))
    local group = used[class] and class .. "_" .. used[class] or class
    used[class] = (used[class] or 0) + 1
    local name = type(one.config) == "table" and one.config.name or one.name
    if layers_of(one) then
      collect(one, prefix .. group .. "/layers/", into)
    else
      into[prefix .. group] = name
    end
  end
end

-- Parts of one layer in the order of its weights; a plain layer has one part, "".
local parts = { "^$", "^cell$", "^layer$", "^query", "^key", "^value", "^output", "^forward",
  "^backward" }

local function rank(part)
  for i, pattern in ipairs(parts) do
    if part:find(pattern) then return i end
  end
  return #parts + 1
end

local function split(name, groups)
  local path, number = name:match "^(.*)/vars/(%d+)$"
  local group = path and path:gsub("^_layer_checkpoint_dependencies", "layers")
  local inner = ""
  while group and group ~= "" do
    local layer = groups[group]
    if layer then return layer, inner, tonumber(number) end
    local above, last = group:match "^(.*)/([^/]+)$"
    group, inner = above, last and (inner == "" and last or last .. "/" .. inner) or inner
  end
end

---The arrays with the name of their layer and their number in it, from 1.
---@param arrays { name: string, tensor: userdata }[]
---@param object table decoded configuration of the model
---@return { name: string, tensor: userdata, layer: string|nil, number: integer|nil }[]
function M.of(arrays, object)
  local groups, by_layer, out = {}, {}, {}
  collect(object, "layers/", groups)
  for i, array in ipairs(arrays) do
    local layer, part, number = split(array.name, groups)
    out[i] = { name = array.name, tensor = array.tensor, layer = layer, part = part,
      place = number }
    if layer then
      by_layer[layer] = by_layer[layer] or {}
      table.insert(by_layer[layer], out[i])
    end
  end
  for _, list in pairs(by_layer) do
    table.sort(list, function(a, b)
      local ra, rb = rank(a.part), rank(b.part)
      if ra ~= rb then return ra < rb end
      if a.part ~= b.part then return a.part < b.part end
      return a.place < b.place
    end)
    for i, array in ipairs(list) do array.number = i end
  end
  return out
end

return M
