--- Layers as operators of ONNX: products, convolutions, pooling, normalisation, shapes, merges.
local nn_window = require "lossdbg.nn.window"
local tensors = require "lossdbg.tensor"

local rows = {}

-- Axes from 0 of a value whose channels go from the end to the second place, and back.
local function turns(n)
  local first, last = { 0, n + 1 }, { 0 }
  for i = 1, n do first[i + 2], last[i + 1] = i, i + 1 end
  last[n + 2] = 1
  return first, last
end

local function channels_first(self, x, n, fn)
  local first, last = turns(n)
  return self:transpose(fn(self:transpose(x, first)), last)
end

-- ---- products -----------------------------------------------------------------------------------

local function product(self, x, kernel, bias, rank)
  local weights = self:tensor("kernel", kernel)
  if rank == 2 then
    return self:node("Gemm", { x, weights, bias and self:tensor("bias", bias) })
  end
  local y = self:node("MatMul", { x, weights })
  return bias and self:node("Add", { y, self:tensor("bias", bias) }) or y
end

function rows.dense(self, layer, x)
  local y = product(self, x, layer.weights.kernel, layer.weights.bias, #layer.input_shape + 1)
  return self:activate(layer, layer.activation, y)
end

function rows.activation(self, layer, x)
  local o = layer.options
  local given = o.activation
  if type(given) == "string" and (o.slope or o.alpha or o.axis or o.approximate ~= nil) then
    given = { given, slope = o.slope, alpha = o.alpha, axis = o.axis, approximate = o.approximate }
  end
  return self:activate(layer, given, x)
end

-- ---- windows ------------------------------------------------------------------------------------

local function list_of(value, n)
  if type(value) == "table" then return value end
  local list = {}
  for i = 1, n do list[i] = value end
  return list
end

-- Cells before and behind each axis, in ONNX's order: all before, then all behind.
local function pads_of(layer, n, sizes, strides, dilation)
  local name, given = nn_window.padding(layer.options.padding, n, "nn",
    { "valid", "same", "causal" })
  local pads = {}
  for i = 1, n do
    local span = (sizes[i] - 1) * dilation[i] + 1
    local before, behind = 0, 0
    if given then
      before, behind = given[2 * i - 1], given[2 * i]
    elseif name == "causal" then
      before = span - 1
    elseif name == "same" then
      local size = layer.input_shape[i]
      local total = math.max(0, ((size + strides[i] - 1) // strides[i] - 1) * strides[i]
        + span - size)
      before, behind = total // 2, total - total // 2
    end
    pads[i], pads[n + i] = before, behind
  end
  return pads
end

-- kernel [sizes, channels / groups, filters] -> [filters, channels / groups, sizes]
local function convolution(n)
  return function(self, layer, x)
    local o, kernel = layer.options, layer.weights.kernel
    local sizes, strides = list_of(o.kernel, n), list_of(o.strides, n)
    local dilation, order = list_of(o.dilation, n), { n + 2, n + 1 }
    for i = 1, n do order[i + 2] = i end
    local weights, groups = kernel:transpose(order):contiguous(), o.groups or 1
    if layer.kind:find "depthwise" then -- [channels, multiplier, sizes]: a filter is one of both
      local shape = table.move(kernel.shape, 1, n, 3, { -1, 1 })
      groups = kernel.shape[n + 1]
      order[1], order[2] = n + 1, n + 2
      weights = kernel:transpose(order):contiguous():reshape(shape)
    end
    local y = channels_first(self, x, n, function(turned)
      local bias = layer.weights.bias
      return self:node("Conv", { turned, self:tensor("kernel", weights),
        bias and self:tensor("bias", bias) }, { kernel_shape = sizes, strides = strides,
        dilations = dilation, group = groups, pads = pads_of(layer, n, sizes, strides, dilation) })
    end)
    return self:activate(layer, layer.activation, y)
  end
end
rows.conv1d, rows.conv2d = convolution(1), convolution(2)
rows.depthwise_conv1d, rows.depthwise_conv2d = convolution(1), convolution(2)

local function pooling(op, n)
  return function(self, layer, x)
    local o = layer.options
    local sizes = list_of(o.pool, n)
    local strides = list_of(o.strides or o.pool, n)
    return channels_first(self, x, n, function(turned)
      return self:node(op, { turned }, { kernel_shape = sizes, strides = strides,
        pads = pads_of(layer, n, sizes, strides, list_of(1, n)),
        count_include_pad = op == "AveragePool" and (o.count_pads and 1 or 0) or nil })
    end)
  end
end
for n = 1, 2 do
  rows[("max_pool%dd"):format(n)] = pooling("MaxPool", n)
  rows[("avg_pool%dd"):format(n)] = pooling("AveragePool", n)
  for kind, op in pairs { avg = "ReduceMean", max = "ReduceMax" } do
    rows[("global_%s_pool%dd"):format(kind, n)] = function(self, layer, x)
      return self:node(op, { x, self:integers("axes", n == 1 and { 1 } or { 1, 2 }) },
        { keepdims = layer.options.keepdims and 1 or 0 })
    end
  end
end

-- ---- normalisation ------------------------------------------------------------------------------

local function filled(given, shape, value)
  return given or tensors.ones(shape, "f32"):mul(value)
end

-- x with its axes in the order of a layer, and back.
local function turned(self, layer, x, fn)
  if not layer.there then return fn(x) end
  local there, back = {}, {}
  for i, axis in ipairs(layer.there) do there[i] = axis - 1 end
  for i, axis in ipairs(layer.back) do back[i] = axis - 1 end
  return self:transpose(fn(self:transpose(x, there)), back)
end

function rows.batch_norm(self, layer, x)
  local w, n = layer.weights, #layer.input_shape
  local shape = w.moving_mean.shape
  local function apply(y)
    return self:node("BatchNormalization", { y, self:tensor("gamma", filled(w.gamma, shape, 1)),
      self:tensor("beta", filled(w.beta, shape, 0)), self:tensor("mean", w.moving_mean),
      self:tensor("variance", w.moving_variance) }, { epsilon = layer.epsilon + 0.0 })
  end
  return turned(self, layer, x, function(y)
    return n == 1 and apply(y) or channels_first(self, y, n - 1, apply)
  end)
end

function rows.layer_norm(self, layer, x)
  local w, shape = layer.weights, {}
  for i, axis in ipairs(layer.axes) do shape[i] = layer.input_shape[axis - 1] end
  return turned(self, layer, x, function(y)
    return self:node("LayerNormalization", { y, self:tensor("gamma", filled(w.gamma, shape, 1)),
      self:tensor("beta", filled(w.beta, shape, 0)) },
      { axis = -#layer.axes, epsilon = layer.epsilon + 0.0 })
  end)
end

function rows.normalization(self, layer, x)
  local mean = self:tensor("mean", layer.buffers.mean)
  local deviation = self:tensor("deviation", layer.buffers.deviation)
  if layer.options.invert then
    return self:node("Add", { self:node("Mul", { x, deviation }), mean })
  end
  return self:node("Div", { self:node("Sub", { x, mean }), deviation })
end

function rows.rescale(self, layer, x)
  local y = self:node("Mul", { x, self:number("scale", layer.options.scale) })
  if layer.options.offset == 0 then return y end
  return self:node("Add", { y, self:number("offset", layer.options.offset) })
end

-- ---- shapes, ids, merges ------------------------------------------------------------------------

function rows.flatten(self, _, x) return self:node("Flatten", { x }, { axis = 1 }) end

function rows.reshape(self, layer, x)
  local shape = table.move(layer.output_shape, 1, #layer.output_shape, 2, { 0 })
  return self:node("Reshape", { x, self:integers("shape", shape) })
end

function rows.permute(self, layer, x)
  local order = {}
  for i, axis in ipairs(layer.order) do order[i] = axis - 1 end
  return self:transpose(x, order)
end

-- What acts in training alone.
for _, kind in ipairs { "dropout", "spatial_dropout", "alpha_dropout", "gaussian_dropout",
  "gaussian_noise" } do
  rows[kind] = function(_, _, x) return x end
end

function rows.embedding(self, layer, ids)
  if layer.options.mask_zero then self:refuse(layer, "masks have no form in ONNX (mask_zero)") end
  if not self.ids[ids] then ids = self:node("Cast", { ids }, { to = 7 }) end
  return self:node("Gather", { self:tensor("embeddings", layer.weights.embeddings), ids })
end

function rows.positional_embedding(self, layer, x)
  local places = layer.buffers and layer.buffers.encoding or layer.weights.embeddings
  return self:node("Add", { x, self:tensor("places", places:slice(1, 1, layer.input_shape[1])) })
end

local function joined(op)
  return function(self, layer, ...)
    local list, rank = { ... }, #layer.output_shape
    for i, shape in ipairs(layer.input_shapes) do
      if #shape < rank then -- new axes stand behind the batch
        local wide = { 0 }
        for k = 1, rank - #shape do wide[k + 1] = 1 end
        table.move(shape, 1, #shape, #wide + 1, wide)
        list[i] = self:node("Reshape", { list[i], self:integers("shape", wide) })
      end
    end
    local y = list[1]
    for i = 2, #list do y = self:node(op, { y, list[i] }) end
    return y
  end
end
rows.add, rows.subtract, rows.multiply = joined "Add", joined "Sub", joined "Mul"
rows.maximum, rows.minimum = joined "Max", joined "Min"

function rows.average(self, layer, ...)
  return self:node("Div", { rows.add(self, layer, ...), self:number("count", select("#", ...)) })
end

function rows.concat(self, layer, ...)
  return self:node("Concat", { ... }, { axis = layer.place - 1 })
end

-- ---- attention ----------------------------------------------------------------------------------

local function heads_of(self, layer, name, x, width)
  local kernel, bias = layer.weights[name .. "_kernel"], layer.weights[name .. "_bias"]
  local y = product(self, x, kernel:reshape { kernel.shape[1], -1 }, bias and bias:reshape { -1 })
  local shape = self:integers("shape", { 0, 0, layer.options.num_heads, width })
  return self:node("Reshape", { y, shape })
end

local function causal(self, scores, steps, keys)
  local rows_of = {}
  for i = 1, steps do
    rows_of[i] = {}
    for k = 1, keys do rows_of[i][k] = k > i and -math.huge or 0 end
  end
  return self:node("Add", { scores, self:tensor("causal", tensors.tensor(rows_of, "f32")) })
end

function rows.multi_head_attention(self, layer, query, value, key)
  local o = layer.options
  value, key = value or query, key or value or query
  local shapes = layer.input_shapes or {}
  local width = o.value_dim or o.key_dim
  local q = self:transpose(heads_of(self, layer, "query", query, o.key_dim), { 0, 2, 1, 3 })
  local k = self:transpose(heads_of(self, layer, "key", key, o.key_dim), { 0, 2, 3, 1 })
  local v = self:transpose(heads_of(self, layer, "value", value, width), { 0, 2, 1, 3 })
  local scores = self:node("Mul", { self:node("MatMul", { q, k }),
    self:number("scale", 1 / math.sqrt(o.key_dim)) })
  if o.causal then
    local steps = layer.output_shape[1]
    scores = causal(self, scores, steps, shapes[2] and shapes[2][1] or steps)
  end
  local mixed = self:node("MatMul", { self:node("Softmax", { scores }, { axis = -1 }), v })
  local rowed = self:node("Reshape", { self:transpose(mixed, { 0, 2, 1, 3 }),
    self:integers("shape", { 0, 0, o.num_heads * width }) })
  local kernel = layer.weights.output_kernel
  return product(self, rowed, kernel:reshape { -1, kernel.shape[3] }, layer.weights.output_bias)
end

return rows
