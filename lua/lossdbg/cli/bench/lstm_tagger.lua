--- W5: an LSTM over 64 steps with one answer a step.
local workload = require "lossdbg.cli.bench.workload"

return {
  id = "W5", title = "LSTM 256 over 64 steps of 64 features, batch 32, Adam", batch = 32,
  optimizer = { kind = "adam", lr = 1e-3 },
  loss = { name = "sparse_crossentropy", options = { from_logits = true } }, tolerance = 5e-3,
  inputs = function(ld) return ld.randn { 32, 64, 64 }, workload.classes(ld, { 32, 64 }, 64) end,
  model = function(nn)
    return nn.sequential { nn.lstm { 256, return_sequences = true }, nn.dense(64) }, { 64, 64 }
  end,
  products = {
    { 0, 0, 2048, 1024, 64, 1 }, { 1, 0, 64, 1024, 2048, 1 },
    { 0, 0, 32, 1024, 256, 64 }, { 0, 1, 32, 256, 1024, 64 }, { 1, 0, 256, 1024, 2048, 1 },
    { 0, 0, 2048, 64, 256, 1 }, { 0, 1, 2048, 256, 64, 1 }, { 1, 0, 256, 64, 2048, 1 },
  },
}
