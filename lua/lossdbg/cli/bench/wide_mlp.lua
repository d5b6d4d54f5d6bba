--- W3: products large enough to be all that counts.
local workload = require "lossdbg.cli.bench.workload"

return {
  id = "W3", title = "MLP 784-1024-1024-10, batch 256, Adam", batch = 256,
  optimizer = { kind = "adam", lr = 1e-3 },
  loss = { name = "sparse_crossentropy", options = { from_logits = true } }, tolerance = 5e-3,
  inputs = function(ld) return ld.randn { 256, 784 }, workload.classes(ld, { 256 }, 10) end,
  model = function(nn)
    return nn.sequential { nn.dense { 1024, "relu" }, nn.dense { 1024, "relu" }, nn.dense(10) },
      { 784 }
  end,
  products = {
    { 0, 0, 256, 1024, 784, 1 }, { 1, 0, 784, 1024, 256, 1 },
    { 0, 0, 256, 1024, 1024, 1 }, { 0, 1, 256, 1024, 1024, 1 }, { 1, 0, 1024, 1024, 256, 1 },
    { 0, 0, 256, 10, 1024, 1 }, { 0, 1, 256, 1024, 10, 1 }, { 1, 0, 1024, 10, 256, 1 },
  },
}
