--- LAMB: Adam whose step on each parameter is as long as the parameter, times lr. Keras'; PyTorch
-- has none.
local lamb = require("lossdbg.core").train.lamb

return {
  name = "lamb",
  flavors = { "keras" },
  always_decoupled = true,
  schema = {
    { name = "beta1", type = "number", min = 0, open_max = 1, default = 0.9, alias = "beta_1" },
    { name = "beta2", type = "number", min = 0, open_max = 1, default = 0.999, alias = "beta_2" },
    { name = "epsilon", type = "number", min = 0, default = 1e-7, alias = { "eps" } },
  },
  defaults = { keras = { lr = 1e-3 } },
  slots = function() return { m = 0, v = 0 } end,
  update = function(w, g, s, lr, o, step)
    return lamb(w, g, s.m, s.v, step, lr, o.beta1, o.beta2, o.epsilon, o.weight_decay)
  end,
}
