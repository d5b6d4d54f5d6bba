--- Adafactor: squared gradients kept as row and column means, steps relative to the weights' size.
local adafactor = require("lossdbg.core").train.adafactor

-- Smallest step from 1 in each type: PyTorch's epsilon_1.
local resolution = { f32 = 2.0 ^ -23, f64 = 2.0 ^ -52 }

return {
  name = "adafactor",
  always_decoupled = true,
  schema = {
    { name = "beta2_decay", type = "number", max = 0, default = -0.8, alias = "beta_2_decay" },
    { name = "epsilon_1", type = "number", min = 0, alias = { "eps1" } },
    { name = "epsilon_2", type = "number", min = 0, default = 1e-3, alias = { "eps2" } },
    { name = "clip_threshold", type = "number", open_min = 0, default = 1, alias = { "d" } },
  },
  defaults = { keras = { lr = 1e-3, epsilon_1 = 1e-30 }, torch = { lr = 1e-2 } },
  slots = function(_, tensor)
    local shape = tensor.shape
    local rank = #shape
    if rank < 2 then return { v = 0 } end
    local row = table.move(shape, 1, rank - 1, 1, {})
    local column = table.move(shape, 1, rank - 2, 1, {})
    column[rank - 1] = shape[rank]
    return { v = 0, row = { 0, shape = row }, column = { 0, shape = column } }
  end,
  update = function(w, g, s, lr, o, step)
    return adafactor(w, g, s.row, s.column, s.v, step, lr, o.beta2_decay,
      o.epsilon_1 or resolution[w.dtype], o.epsilon_2, o.clip_threshold, o.weight_decay, o.flavor)
  end,
}
