--- The graph that torch.fx traced (model.fx.json of examples/torch/lossdbg_torch.py) as the nodes
-- that ONNX has for it, so that there is one way from operators to layers.
local json = require "lossdbg.support.json"

local M = {}

local function refuse(node, form, ...)
  local what = node.class_name or node.target
  error({ onnx = ("node '%s' (%s): "):format(node.name, tostring(what)) .. form:format(...) }, 0)
end

local function is_node(value) return type(value) == "table" and type(value.node) == "string" end
local function given(value) return value ~= nil and value ~= json.null and value or nil end

-- A number or a list, as a list of n.
local function list_of(value, n)
  if type(value) == "table" then return table.move(value, 1, #value, 1, {}) end
  local out = {}
  for i = 1, n do out[i] = value end
  return out
end

local function both_sides(pads)
  return table.move(pads, 1, #pads, #pads + 1, table.move(pads, 1, #pads, 1, {}))
end

-- ---- modules: op, attributes, names of weights --------------------------------------------------

local modules = {}

function modules.Linear() return "Gemm", { transB = 1 }, { "weight", "bias" } end

local function convolution(n)
  return function(c, node)
    local pads = c.padding
    if c.padding_mode ~= "zeros" then refuse(node, "padding_mode %s", tostring(c.padding_mode)) end
    if pads == "same" or pads == "valid" then
      pads = pads == "valid" and list_of(0, n) or nil
      if not pads then
        return "Conv", { auto_pad = "SAME_UPPER", strides = list_of(c.stride, n),
          dilations = list_of(c.dilation, n), group = c.groups }, { "weight", "bias" }
      end
    end
    return "Conv", { pads = both_sides(list_of(pads, n)), strides = list_of(c.stride, n),
      dilations = list_of(c.dilation, n), group = c.groups }, { "weight", "bias" }
  end
end
modules.Conv1d, modules.Conv2d = convolution(1), convolution(2)

local function batch_norm(c)
  return "BatchNormalization", { epsilon = c.eps, momentum = 1 - (given(c.momentum) or 0.1) },
    { "weight", "bias", "running_mean", "running_var" }
end
modules.BatchNorm1d, modules.BatchNorm2d = batch_norm, batch_norm

function modules.LayerNorm(c)
  return "LayerNormalization", { epsilon = c.eps, axis = -#c.normalized_shape },
    { "weight", "bias" }
end

function modules.Embedding() return "Gather", { axis = 0, table_first = true }, { "weight" } end

local plain = { ReLU = "Relu", Sigmoid = "Sigmoid", Tanh = "Tanh", Softplus = "Softplus",
  Identity = "Identity", SELU = "Selu", Mish = "Mish", Hardswish = "HardSwish",
  Softsign = "Softsign", AdaptiveAvgPool2d = "GlobalAveragePool",
  AdaptiveAvgPool1d = "GlobalAveragePool" }
for class, op in pairs(plain) do
  modules[class] = function(c, node)
    local size = c.output_size
    if size and size ~= 1 and not (type(size) == "table" and size[1] == 1 and (size[2] or 1) == 1)
    then
      refuse(node, "only an output of one place")
    end
    return op, {}, {}
  end
end

function modules.LeakyReLU(c) return "LeakyRelu", { alpha = c.negative_slope }, {} end
function modules.ELU(c) return "Elu", { alpha = c.alpha }, {} end
function modules.GELU(c) return "Gelu", { approximate = c.approximate }, {} end
function modules.Softmax(c) return "Softmax", { axis = given(c.dim) or -1 }, {} end
function modules.LogSoftmax(c) return "LogSoftmax", { axis = given(c.dim) or -1 }, {} end
function modules.Dropout(c) return "Dropout", { ratio = c.p }, {} end
function modules.Flatten(c) return "Flatten", { axis = c.start_dim }, {} end

local function pool(op, n)
  return function(c)
    return op, { kernel_shape = list_of(c.kernel_size, n),
      strides = list_of(given(c.stride) or c.kernel_size, n),
      pads = both_sides(list_of(c.padding or 0, n)), ceil_mode = c.ceil_mode and 1 or 0,
      count_include_pad = c.count_include_pad and 1 or 0 }, {}
  end
end
modules.MaxPool1d, modules.MaxPool2d = pool("MaxPool", 1), pool("MaxPool", 2)
modules.AvgPool1d, modules.AvgPool2d = pool("AveragePool", 1), pool("AveragePool", 2)

-- ---- functions and methods: op and attributes from the arguments --------------------------------

local calls = {}

for target, op in pairs { add = "Add", iadd = "Add", sub = "Sub", mul = "Mul", truediv = "Div",
  div = "Div", matmul = "MatMul", relu = "Relu", relu_ = "Relu", sigmoid = "Sigmoid",
  tanh = "Tanh", gelu = "Gelu", softplus = "Softplus", contiguous = "Identity" } do
  calls[target] = function() return op, {} end
end

local function over(op)
  return function(node) return op, { axis = node.kwargs.dim or node.args[2] or -1 }, 1 end
end
calls.softmax, calls.log_softmax = over "Softmax", over "LogSoftmax"

function calls.flatten(node) return "Flatten", { axis = node.args[2] or 1 }, 1 end
function calls.dropout(node) return "Dropout", { ratio = node.kwargs.p or 0.5 }, 1 end

function calls.cat(node)
  return "Concat", { axis = node.kwargs.dim or node.args[2] or 0 }, node.args[1]
end

function calls.mean(node)
  local axes = node.kwargs.dim or node.args[2]
  return "ReduceMean", { axes = list_of(axes, 1), keepdims = node.kwargs.keepdim and 1 or 0 }, 1
end

function calls.max_pool2d(node)
  local size = node.args[2] or node.kwargs.kernel_size
  return "MaxPool", { kernel_shape = list_of(size, 2),
    strides = list_of(given(node.kwargs.stride) or size, 2) }, 1
end

function calls.view(node, graph)
  local sizes = type(node.args[2]) == "table" and not is_node(node.args[2]) and node.args[2]
    or table.move(node.args, 2, #node.args, 1, {})
  for i, size in ipairs(sizes) do
    if type(size) ~= "number" then
      if i > 1 then refuse(node, "sizes that depend on values") end
      sizes[i] = "batch"
    end
  end
  graph.lists[node.name .. ".sizes"] = sizes
  return "Reshape", { sizes = node.name .. ".sizes" }, 1
end
calls.reshape = calls.view

-- ---- the graph ----------------------------------------------------------------------------------

local function inputs_of(node, which, graph)
  local args, out = type(which) == "table" and which or node.args, {}
  for i = 1, which == 1 and 1 or #args do
    local arg = args[i]
    if is_node(arg) then
      out[i] = arg.node
    elseif type(arg) == "number" then
      out[i] = ("%s.%d"):format(node.name, i)
      graph.constants[out[i]] = require("lossdbg.tensor").tensor({ arg }, "f32")
    else
      refuse(node, "an argument that is no value of the network")
    end
  end
  return out
end

local function of_module(node, graph)
  local read = modules[node.class_name]
  if not read then
    return { op = tostring(node.class_name), name = node.target, inputs = {}, attributes = {} }
  end
  local op, attributes, weights = read(node.config, node)
  local inputs = inputs_of(node, 1, graph)
  for _, name in ipairs(weights) do
    local full = node.target .. "." .. name
    if graph.constants[full] then
      table.insert(inputs, attributes.table_first and 1 or #inputs + 1, full)
    elseif name ~= "bias" then
      refuse(node, "no weights '%s'", full)
    end
  end
  return { op = op, name = "/" .. node.target:gsub("%.", "/") .. "/" .. op, inputs = inputs,
    attributes = attributes }
end

local function of_call(node, graph)
  local read = calls[node.target]
  if not read then
    return { op = tostring(node.target), name = node.name, inputs = {}, attributes = {} }
  end
  local op, attributes, which = read(node, graph)
  local made = { op = op, name = node.name, inputs = inputs_of(node, which, graph),
    attributes = attributes }
  if attributes.sizes then made.inputs[2] = attributes.sizes end
  return made
end

---The graph in the form of onnx_file.
---@param traced table decoded model.fx.json
---@param weights { name: string, tensor: userdata }[] of the state dict
---@param shape integer[] of one sample
---@return table graph raises { onnx = text }
function M.graph(traced, weights, shape)
  if traced.schema ~= "lossdbg-fx" or traced.version ~= 1 then
    error({ onnx = "expected schema lossdbg-fx, version 1" }, 0)
  end
  local graph = { nodes = {}, constants = {}, lists = {}, inputs = {}, outputs = {} }
  for _, one in ipairs(weights) do graph.constants[one.name] = one.tensor end
  for _, node in ipairs(traced.nodes) do
    if node.op == "placeholder" then
      graph.inputs[#graph.inputs + 1] = { name = node.name, shape = { false, table.unpack(shape) } }
    elseif node.op == "output" then
      if not is_node(node.args[1]) then refuse(node, "expected one output") end
      graph.outputs[1] = { name = node.args[1].node }
    else
      local made = node.op == "call_module" and of_module(node, graph) or of_call(node, graph)
      made.outputs = { node.name }
      graph.nodes[#graph.nodes + 1] = made
    end
  end
  if #graph.inputs ~= 1 then error({ onnx = "expected a model with one input" }, 0) end
  return graph
end

return M
