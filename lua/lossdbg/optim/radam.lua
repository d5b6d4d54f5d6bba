--- RAdam: Adam that starts as plain momentum, until its mean of squares can be trusted. PyTorch's;
-- Keras has none.
local radam = require("lossdbg.core").train.radam

return {
  name = "radam",
  flavors = { "torch" },
  schema = {
    { name = "beta1", type = "number", min = 0, open_max = 1, default = 0.9, alias = "beta_1" },
    { name = "beta2", type = "number", min = 0, open_max = 1, default = 0.999, alias = "beta_2" },
    { name = "epsilon", type = "number", min = 0, default = 1e-8, alias = { "eps" } },
  },
  defaults = { torch = { lr = 1e-3 } },
  slots = function() return { m = 0, v = 0 } end,
  update = function(w, g, s, lr, o, step)
    return radam(w, g, s.m, s.v, step, lr, o.beta1, o.beta2, o.epsilon, o.weight_decay,
      o.decoupled_weight_decay, o.flavor)
  end,
}
