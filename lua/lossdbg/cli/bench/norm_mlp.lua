--- W7: many small operations: batch normalisation and dropout between the products.
local workload = require "lossdbg.cli.bench.workload"

return {
  id = "W7", title = "MLP 256-256-256-10 with batch norm and dropout, batch 128, Adam", batch = 128,
  optimizer = { kind = "adam", lr = 1e-3 },
  loss = { name = "sparse_crossentropy", options = { from_logits = true } },
  tolerance = 0.15, why = "every system draws its own dropout masks",
  inputs = function(ld) return ld.randn { 128, 256 }, workload.classes(ld, { 128 }, 10) end,
  model = function(nn)
    return nn.sequential {
      nn.dense(256), nn.batch_norm { flavor = "torch" }, nn.activation "relu", nn.dropout(0.5),
      nn.dense(256), nn.batch_norm { flavor = "torch" }, nn.activation "relu", nn.dense(10),
    }, { 256 }
  end,
  products = {
    { 0, 0, 128, 256, 256, 2 }, { 0, 1, 128, 256, 256, 1 }, { 1, 0, 256, 256, 128, 2 },
    { 0, 0, 128, 10, 256, 1 }, { 0, 1, 128, 256, 10, 1 }, { 1, 0, 256, 10, 128, 1 },
  },
}
