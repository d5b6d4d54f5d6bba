--- W6: a small transformer over characters: 4 blocks, 4 heads, width 128, 64 steps.
local workload = require "lossdbg.cli.bench.workload"

local function block(nn)
  return nn.residual { nn.layer_norm { epsilon = 1e-5 },
      nn.multi_head_attention { 4, 32, causal = true } },
    nn.residual { nn.layer_norm { epsilon = 1e-5 },
      nn.dense { 512, "gelu" }, nn.dense(128) }
end

return {
  id = "W6", title = "char-GPT 4 blocks, width 128, 64 steps, batch 16, AdamW", batch = 16,
  optimizer = { kind = "adamw", lr = 1e-3, weight_decay = 1e-2 },
  loss = { name = "sparse_crossentropy", options = { from_logits = true } }, tolerance = 5e-3,
  inputs = function(ld)
    return workload.classes(ld, { 16, 64 }, 65), workload.classes(ld, { 16, 64 }, 65)
  end,
  model = function(nn)
    local layers = { nn.embedding { 65, 128 }, nn.positional_embedding { max_steps = 64 } }
    for _ = 1, 4 do
      local attention, mlp = block(nn)
      layers[#layers + 1], layers[#layers + 2] = attention, mlp
    end
    layers[#layers + 1] = nn.layer_norm { epsilon = 1e-5 }
    layers[#layers + 1] = nn.dense { 65, bias = false }
    return nn.sequential(layers), { 64 }
  end,
  products = {
    { 0, 0, 1024, 384, 128, 4 }, { 0, 1, 1024, 128, 384, 4 }, { 1, 0, 128, 384, 1024, 4 },
    { 0, 1, 64, 64, 32, 256 }, { 0, 0, 64, 32, 64, 256 },
    { 0, 1, 64, 64, 32, 256 }, { 1, 0, 64, 32, 64, 768 },
    { 0, 0, 1024, 128, 128, 4 }, { 0, 1, 1024, 128, 128, 4 }, { 1, 0, 128, 128, 1024, 4 },
    { 0, 0, 1024, 512, 128, 4 }, { 0, 1, 1024, 128, 512, 4 }, { 1, 0, 128, 512, 1024, 4 },
    { 0, 0, 1024, 128, 512, 4 }, { 0, 1, 1024, 512, 128, 4 }, { 1, 0, 512, 128, 1024, 4 },
    { 0, 0, 1024, 65, 128, 1 }, { 0, 1, 1024, 128, 65, 1 }, { 1, 0, 128, 65, 1024, 1 },
  },
}
