--- From the nodes of an ONNX graph to an nn.graph: values, layers with weights, constants. ONNX
-- keeps channels first, our convolutions last: a value knows how it is stored, and is turned only
-- where an op asks for the other order.
--   value { sym, shape = of one sample in ONNX's order, last = true: stored channels last,
--           swapped = true: ONNX has [steps, batch, ...], stored batch first }
--   constant { tensor, list = integers|nil }      list { list = integers, "batch" for the batch }
--   what a recurrent layer made { dirs = directions, turned = true behind a Transpose }
local nn = require "lossdbg.nn"
local tensors = require "lossdbg.tensor"

local M = {}

---@class lossdbg.OnnxBuild
---@field values table<string, table>
---@field weights { layer: string, parameter: string, tensor: userdata }[]
---@field names table<string, string> path of a layer -> name of the module
---@field notices string[]
local Build = {}
Build.__index = Build

function M.refuse(node, form, ...)
  error({ onnx = ("node '%s' (%s): "):format(node.name, node.op) .. form:format(...) }, 0)
end

---@param graph table of onnx_file
---@return lossdbg.OnnxBuild
function M.new(graph)
  local self = setmetatable({ values = {}, weights = {}, names = {}, notices = {}, used = {},
    shared = {}, graph = graph, readers = {} }, Build)
  for name, tensor in pairs(graph.constants) do
    self.values[name] = { tensor = tensor, list = graph.lists[name] }
  end
  for _, node in ipairs(graph.nodes) do
    for _, name in ipairs(node.inputs) do
      self.readers[name] = self.readers[name] or {}
      table.insert(self.readers[name], node)
    end
  end
  return self
end

---The value of input i of a node; nil when it is left out.
function Build:input(node, i)
  local name = node.inputs[i]
  if name == nil or name == "" then return nil end
  local value = self.values[name]
  if not value then M.refuse(node, "nothing makes its input '%s'", name) end
  return value
end

function Build:symbol(node, i)
  local value = self:input(node, i)
  if not value or not value.sym then M.refuse(node, "input %d is no value of the network", i) end
  return value
end

---The constant tensor of input i; nil when it is left out.
function Build:constant(node, i)
  local value = self:input(node, i)
  if value and not value.tensor then M.refuse(node, "input %d must be a constant", i) end
  return value and value.tensor
end

---Integers of a constant or of a shape; nil when the input is left out.
function Build:integers(node, i)
  local value = self:input(node, i)
  if not value then return nil end
  if value.list then return value.list end
  if value.tensor and value.tensor.numel < 1000 then
    return value.tensor:reshape({ value.tensor.numel }):totable()
  end
  M.refuse(node, "input %d must be known integers", i)
end

---Axes of an operator, as an attribute or, in newer files, as an input.
function M.axes(self, node)
  return node.attributes.axes or node.inputs[2] and self:integers(node, 2) or {}
end

-- ---- names --------------------------------------------------------------------------------------

-- The module that a node belongs to: of its weights ("net.0.weight"), else of its name.
local function module_of(node)
  for i = #node.inputs, 2, -1 do
    local name = node.inputs[i]:match "^(.*)%.[%w_]+$"
    if name and not name:find "::" and not node.inputs[i]:find "^onnx" then return name end
  end
  local path = node.name:match "^/(.*)/[^/]+$"
  return path and path:gsub("/", ".") or node.name ~= "" and node.name or node.op
end

---A path of its own for the layer of a node.
function Build:path(node, module)
  module = module or module_of(node)
  local path = module:gsub("[^%w_]", "_")
  if path == "" then path = node.op:lower() end
  local n, free = 1, path
  while self.used[free] do
    n = n + 1
    free = path .. "_" .. n
  end
  self.used[free], self.names[free] = true, module
  return free
end

-- ---- values -------------------------------------------------------------------------------------

local function stored(value)
  if not value.last then return value.shape end
  local shape = table.move(value.shape, 2, #value.shape, 1, {})
  shape[#shape + 1] = value.shape[1]
  return shape
end

-- [H, W, C] in ONNX's order [C, H, W], or back.
local function from_stored(shape, last)
  if not last then return shape end
  return table.move(shape, 1, #shape - 1, 2, { shape[#shape] })
end

---The value with its axes in ONNX's order.
function Build:logical(value)
  if not value.last then return value end
  local dims = { #value.shape }
  for i = 1, #value.shape - 1 do dims[i + 1] = i end
  return { sym = nn.permute(dims)(value.sym), shape = value.shape }
end

---The value with its channels last.
function Build:channels_last(value)
  if value.last then return value end
  local dims = {}
  for i = 2, #value.shape do dims[i - 1] = i end
  dims[#dims + 1] = 1
  return { sym = nn.permute(dims)(value.sym), shape = value.shape, last = true }
end

---One layer of one input on a value, which keeps how it is stored.
---@param value table
---@param layer lossdbg.LayerDescription
---@param more? table fields of the result
function Build:apply(value, layer, more)
  local shape = layer:build(stored(value)).output_shape
  local out = { sym = (layer(value.sym)), shape = from_stored(shape, value.last),
    last = value.last, swapped = value.swapped }
  for key, one in pairs(more or {}) do out[key] = one end
  return out
end

---A function of tensors in ONNX's order with the batch in front.
---@param values table[]
---@param fn fun(...): userdata
function Build:compute(values, fn)
  local syms, zeros = {}, {}
  for i, value in ipairs(values) do
    value = self:logical(value)
    syms[i], zeros[i] = value.sym, tensors.zeros { 2, table.unpack(value.shape) }
  end
  local y = fn(table.unpack(zeros))
  return { sym = nn.lambda(fn)(table.unpack(syms)),
    shape = table.move(y.shape, 2, #y.shape, 1, {}), swapped = values[1].swapped }
end

function Build:weight(path, parameter, tensor)
  self.weights[#self.weights + 1] = { layer = path, parameter = parameter, tensor = tensor }
end

---The layer that has a weight already: modules that are called twice share it.
function Build:once(name, make)
  if not self.shared[name] then self.shared[name] = make() end
  return self.shared[name]
end

---The one node that reads a value, nil when there are several or it is an output.
function Build:only_reader(name)
  for _, output in ipairs(self.graph.outputs) do
    if output.name == name then return nil end
  end
  local readers = self.readers[name]
  return readers and #readers == 1 and readers[1] or nil
end

return M
