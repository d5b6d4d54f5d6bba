-- One or more models for every kind of layer of nn: list of { kind, model description, shape of a
-- sample, ids = number of ids, inputs = list of shapes, reason = why it cannot be planned }.
local ld = require "lossdbg"
local nn = ld.nn

local list = {}

-- The layer between trained ones, so that its own gradient is needed, too.
local function layer(kind, item, shape, more)
  local entry = { kind = kind, shape = shape }
  entry.make = function()
    return nn.sequential { nn.dense { shape[#shape], "tanh" }, item(), nn.flatten(), nn.dense(2) }
  end
  for key, value in pairs(more or {}) do entry[key] = value end
  list[#list + 1] = entry
end

local function whole(kind, make, shape, more)
  local entry = { kind = kind, shape = shape, make = make }
  for key, value in pairs(more or {}) do entry[key] = value end
  list[#list + 1] = entry
end

local function options(kind, shape, ...)
  for _, given in ipairs { ... } do
    layer(kind, function() return nn[kind](given) end, shape)
  end
end

whole("sequential", function()
  return nn.sequential { nn.sequential { nn.dense { 4, "relu" }, nn.dropout(0.3) }, nn.dense(2) }
end, { 3 })
whole("residual", function()
  return nn.sequential { nn.residual { nn.dense { 5, "tanh" }, nn.dense(3) },
    nn.residual { nn.dense(4), shortcut = nn.dense(4) }, nn.dense(2) }
end, { 3 })
whole("graph", function()
  local a, b = nn.input { 3 }, nn.input { 3 }
  local shared = nn.dense { 4, "tanh" }
  return nn.graph { inputs = { a, b },
    outputs = { nn.dense(2)(nn.dropout(0.2)(shared(a)) - nn.dropout(0.4)(shared(b))) } }
end, nil, { inputs = { { 3 }, { 3 } } })
whole("input", function()
  local a = nn.input { 3 }
  return nn.graph { inputs = { a }, outputs = { nn.dense(2)(a) } }
end, { 3 })
for _, kind in ipairs { "add", "subtract", "multiply", "average", "maximum", "minimum",
  "concat" } do
  whole(kind, function()
    local a, b = nn.input { 3 }, nn.input { 3 }
    local joined = nn[kind] { nn.dense(4)(a), nn.dense { 4, "tanh" }(b) }
    return nn.graph { inputs = { a, b }, outputs = { nn.dense(2)(joined) } }
  end, nil, { inputs = { { 3 }, { 3 } } })
end
whole("dot", function()
  local a, b = nn.input { 3, 2 }, nn.input { 3, 4 }
  local joined = nn.dot { axes = 2 } { nn.dense(3)(a), nn.dense(2)(b) }
  return nn.graph { inputs = { a, b }, outputs = { nn.dense(2)(nn.flatten()(joined)) } }
end, nil, { inputs = { { 3, 2 }, { 3, 4 } } })

options("dense", { 3 }, 4, { 4, "relu" }, { 4, "softmax" }, { 3, bias = false })
for _, name in ipairs(nn.activations) do
  layer("activation", function() return nn.activation(name) end, { 4 })
end
options("flatten", { 2, 3 }, {})
options("reshape", { 2, 3 }, { shape = { 3, 2 } })
options("rescale", { 3 }, { 2, -0.5 })
options("dropout", { 7 }, 0.5, { 0.3, seed = 4 }, 0)
options("normalization", { 3 }, { mean = 0.5, variance = 2 })
layer("lambda", function()
  return nn.lambda(function(t) return t:mul(t):add(1):sqrt() end)
end, { 3 })
options("batch_norm", { 3 }, {}, { momentum = 0.5, scale = false })
options("batch_norm", { 4, 4, 2 }, {})
options("layer_norm", { 4, 3 }, {})
options("group_norm", { 3, 3, 4 }, 2)
options("rms_norm", { 4 }, {})
whole("embedding", function()
  return nn.sequential { nn.embedding { 9, 4 }, nn.flatten(), nn.dense(2) }
end, { 5 }, { ids = 9 })
whole("embedding", function()
  return nn.sequential { nn.embedding { 9, 4, mask_zero = true }, nn.lstm(3), nn.dense(2) }
end, { 5 }, { ids = 9 })
whole("positional_embedding", function()
  return nn.sequential { nn.embedding { 9, 4 }, nn.positional_embedding(), nn.flatten(),
    nn.dense(2) }
end, { 5 }, { ids = 9 })
options("positional_embedding", { 5, 4 }, "sine")
options("multi_head_attention", { 5, 4 }, { 2, 3 }, { 2, 2, causal = true },
  { 2, 3, dropout = 0.3 }, { 1, 4, bias = false, causal = true, dropout = 0.2 })
whole("multi_head_attention", function()
  return nn.sequential { nn.embedding { 9, 4, mask_zero = true },
    nn.multi_head_attention { 2, 3, dropout = 0.1 }, nn.flatten(), nn.dense(2) }
end, { 5 }, { ids = 9 })
whole("multi_head_attention", function()
  local a, b = nn.input { 3, 4 }, nn.input { 5, 4 }
  local seen = nn.multi_head_attention { 2, 3 } { nn.dense(4)(a), nn.dense(4)(b) }
  return nn.graph { inputs = { a, b }, outputs = { nn.dense(2)(nn.flatten()(seen)) } }
end, nil, { inputs = { { 3, 4 }, { 5, 4 } } })
options("spatial_dropout", { 4, 3 }, 0.5)
options("spatial_dropout", { 4, 4, 3 }, 0.5)
options("gaussian_noise", { 5 }, 0.2)
options("gaussian_dropout", { 5 }, 0.3)
options("alpha_dropout", { 5 }, 0.3)
options("repeat_vector", { 3 }, 4)
options("permute", { 3, 2 }, { 2, 1 })
whole("masking", function()
  return nn.sequential { nn.masking(), nn.lstm(3), nn.dense(2) }
end, { 4, 3 })
for _, kind in ipairs { "simple_rnn", "lstm", "gru" } do
  options(kind, { 5, 3 }, 4, { 4, return_sequences = true }, { 4, go_backwards = true },
    { 4, dropout = 0.3, return_sequences = true }, { 4, activation = "relu" })
end
options("gru", { 5, 3 }, { 4, reset_after = false })
layer("gru", function() return nn.gru { 4, stateful = true } end, { 5, 3 },
  { reason = "worked on another tensor in two steps" })
for _, kind in ipairs { "lstm", "gru", "simple_rnn" } do
  layer("bidirectional", function() return nn.bidirectional(nn[kind](3)) end, { 4, 3 })
end
layer("bidirectional", function()
  return nn.bidirectional { nn.lstm { 3, return_sequences = true, dropout = 0.2 },
    merge_mode = "sum" }
end, { 4, 3 })
layer("time_distributed", function() return nn.time_distributed(nn.dense { 4, "relu" }) end,
  { 4, 3 })
layer("time_distributed", function() return nn.time_distributed(nn.conv2d { 2, 2 }) end,
  { 3, 4, 4, 1 })
options("conv1d", { 7, 3 }, { 4, 3 }, { 4, 3, padding = "same", strides = 2 },
  { 4, 3, dilation = 2, activation = "relu" })
options("conv2d", { 6, 6, 2 }, { 4, 3 }, { 4, 3, padding = "same", strides = 2, bias = false })
options("depthwise_conv1d", { 7, 3 }, { 3 })
options("depthwise_conv2d", { 6, 6, 2 }, { 3 }, { 3, depth_multiplier = 2, padding = "same" })
options("separable_conv1d", { 7, 3 }, { 4, 3 })
options("separable_conv2d", { 6, 6, 2 }, { 4, 3 })
options("conv1d_transpose", { 4, 3 }, { 2, 3, strides = 2 })
options("conv2d_transpose", { 4, 4, 2 }, { 3, 3, strides = 2 })
for _, kind in ipairs { "max_pool", "avg_pool" } do
  options(kind .. "1d", { 6, 3 }, 2, { 3, 2, padding = "same" })
  options(kind .. "2d", { 6, 6, 2 }, 2, { 3, 2, padding = "same" })
end
for _, kind in ipairs { "global_avg_pool", "global_max_pool" } do
  options(kind .. "1d", { 6, 3 }, {})
  options(kind .. "2d", { 6, 6, 2 }, {})
end
options("zero_padding1d", { 4, 3 }, 1)
options("zero_padding2d", { 4, 4, 2 }, 1)
options("up_sampling1d", { 4, 3 }, 2)
options("up_sampling2d", { 3, 3, 2 }, 2, { 2, interpolation = "bilinear" })

return list
