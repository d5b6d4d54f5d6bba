--- Lion: steps of one size, in the direction of the sign of a momentum. Keras'; PyTorch has none.
local lion = require("lossdbg.core").train.lion

return {
  name = "lion",
  flavors = { "keras" },
  schema = {
    { name = "beta1", type = "number", min = 0, open_max = 1, default = 0.9, alias = "beta_1" },
    { name = "beta2", type = "number", min = 0, open_max = 1, default = 0.99, alias = "beta_2" },
  },
  defaults = { keras = { lr = 1e-3 } },
  slots = function() return { m = 0 } end,
  update = function(w, g, s, lr, o)
    return lion(w, g, s.m, lr, o.beta1, o.beta2, o.weight_decay, o.decoupled_weight_decay)
  end,
}
