--- Adam and AdamW, both with or without AMSGrad.
local adam = require("lossdbg.core").train.adam

local schema = {
  { name = "beta1", type = "number", min = 0, open_max = 1, default = 0.9, alias = { "beta_1" } },
  { name = "beta2", type = "number", min = 0, open_max = 1, default = 0.999,
    alias = { "beta_2" } },
  { name = "epsilon", type = "number", min = 0, alias = { "eps" } },
  { name = "amsgrad", type = "boolean", default = false },
}

local function slots(o) return { m = 0, v = 0, maximum = o.amsgrad and 0 or nil } end

local M = {}

-- Weight decay is part of the gradient in PyTorch and taken off the weights in Keras.
M.adam = {
  name = "adam", schema = schema, slots = slots,
  defaults = {
    keras = { lr = 1e-3, epsilon = 1e-7 },
    torch = { lr = 1e-3, epsilon = 1e-8 },
  },
  update = function(w, g, s, lr, o, step)
    return adam(w, g, s.m, s.v, s.maximum, step, lr, o.beta1, o.beta2, o.epsilon,
      o.weight_decay, o.decoupled_weight_decay, o.flavor)
  end,
}

M.adamw = {
  name = "adamw", always_decoupled = true, schema = schema, slots = slots,
  defaults = {
    keras = { lr = 1e-3, epsilon = 1e-7, weight_decay = 4e-3 },
    torch = { lr = 1e-3, epsilon = 1e-8, weight_decay = 1e-2 },
  },
  update = function(w, g, s, lr, o, step)
    return adam(w, g, s.m, s.v, s.maximum, step, lr, o.beta1, o.beta2, o.epsilon,
      o.weight_decay, true, o.flavor)
  end,
}

return M
