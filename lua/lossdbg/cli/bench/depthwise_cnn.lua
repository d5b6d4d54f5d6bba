--- W8: depthwise separable convolutions on small colour images.
local workload = require "lossdbg.cli.bench.workload"

local function block(nn, layers, filters, strides)
  for _, layer in ipairs {
    nn.depthwise_conv2d { 3, padding = "same", strides = strides, bias = false },
    nn.batch_norm { flavor = "torch" }, nn.activation "relu",
    nn.conv2d { filters, 1, bias = false },
    nn.batch_norm { flavor = "torch" }, nn.activation "relu",
  } do layers[#layers + 1] = layer end
end

return {
  id = "W8", title = "depthwise CNN 32x32x3, 32-64-128-128, batch 32, Adam", batch = 32,
  optimizer = { kind = "adam", lr = 1e-3 },
  loss = { name = "sparse_crossentropy", options = { from_logits = true } }, tolerance = 2e-2,
  inputs = function(ld) return ld.randn { 32, 32, 32, 3 }, workload.classes(ld, { 32 }, 10) end,
  model = function(nn)
    local layers = { nn.conv2d { 32, 3, "relu", padding = "same" } }
    for _, filters in ipairs { 64, 128, 128 } do block(nn, layers, filters, 1) end
    layers[#layers + 1] = nn.global_avg_pool2d()
    layers[#layers + 1] = nn.dense(10)
    return nn.sequential(layers), { 32, 32, 3 }
  end,
  -- The depthwise parts are no matrix products: the floor leaves them out.
  products = {
    { 0, 0, 32768, 32, 27, 1 }, { 1, 0, 27, 32, 32768, 1 },
    { 0, 0, 32768, 64, 32, 1 }, { 0, 1, 32768, 32, 64, 1 }, { 1, 0, 32, 64, 32768, 1 },
    { 0, 0, 32768, 128, 64, 1 }, { 0, 1, 32768, 64, 128, 1 }, { 1, 0, 64, 128, 32768, 1 },
    { 0, 0, 32768, 128, 128, 1 }, { 0, 1, 32768, 128, 128, 1 }, { 1, 0, 128, 128, 32768, 1 },
    { 0, 0, 32, 10, 128, 1 }, { 0, 1, 32, 128, 10, 1 }, { 1, 0, 128, 10, 32, 1 },
  },
}
