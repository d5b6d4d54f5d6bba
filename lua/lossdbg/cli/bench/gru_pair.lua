--- W9: sequence to sequence: the last state of one GRU is the first of another.
local workload = require "lossdbg.cli.bench.workload"

return {
  id = "W9", title = "GRU 128 encoder and decoder, 32 steps of 32 features, batch 32, Adam",
  batch = 32,
  optimizer = { kind = "adam", lr = 1e-3 },
  loss = { name = "sparse_crossentropy", options = { from_logits = true } }, tolerance = 5e-3,
  inputs = function(ld)
    return { ld.randn { 32, 32, 32 }, ld.randn { 32, 32, 32 } },
      workload.classes(ld, { 32, 32 }, 32)
  end,
  model = function(nn)
    local source, target = nn.input { 32, 32 }, nn.input { 32, 32 }
    local state = nn.gru { 128 }(source)
    local steps = nn.gru { 128, return_sequences = true } { target, state }
    return nn.graph { inputs = { source, target }, outputs = { nn.dense(32)(steps) } }
  end,
  products = {
    { 0, 0, 1024, 384, 32, 2 }, { 1, 0, 32, 384, 1024, 2 },
    { 0, 0, 32, 384, 128, 64 }, { 0, 1, 32, 128, 384, 64 }, { 1, 0, 128, 384, 1024, 2 },
    { 0, 0, 1024, 32, 128, 1 }, { 0, 1, 1024, 128, 32, 1 }, { 1, 0, 128, 32, 1024, 1 },
  },
}
