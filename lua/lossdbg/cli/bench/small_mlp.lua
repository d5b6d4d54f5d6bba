--- W2: the network of every first tutorial.
local workload = require "lossdbg.cli.bench.workload"

return {
  id = "W2", title = "MLP 784-128-10, batch 32, Adam", batch = 32,
  optimizer = { kind = "adam", lr = 1e-3 },
  loss = { name = "sparse_crossentropy", options = { from_logits = true } }, tolerance = 1e-3,
  inputs = function(ld) return ld.randn { 32, 784 }, workload.classes(ld, { 32 }, 10) end,
  model = function(nn)
    return nn.sequential { nn.dense { 128, "relu" }, nn.dense(10) }, { 784 }
  end,
  products = {
    { 0, 0, 32, 128, 784, 1 }, { 1, 0, 784, 128, 32, 1 },
    { 0, 0, 32, 10, 128, 1 }, { 0, 1, 32, 128, 10, 1 }, { 1, 0, 128, 10, 32, 1 },
  },
}
