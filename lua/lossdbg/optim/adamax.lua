--- Adamax: Adam with the largest gradient seen in place of the root of the mean square.
local adamax = require("lossdbg.core").train.adamax

return {
  name = "adamax",
  schema = {
    { name = "beta1", type = "number", min = 0, open_max = 1, default = 0.9, alias = "beta_1" },
    { name = "beta2", type = "number", min = 0, open_max = 1, default = 0.999, alias = "beta_2" },
    { name = "epsilon", type = "number", min = 0, alias = { "eps" } },
  },
  defaults = { keras = { lr = 1e-3, epsilon = 1e-7 }, torch = { lr = 2e-3, epsilon = 1e-8 } },
  slots = function() return { m = 0, u = 0 } end,
  update = function(w, g, s, lr, o, step)
    return adamax(w, g, s.m, s.u, step, lr, o.beta1, o.beta2, o.epsilon, o.weight_decay,
      o.decoupled_weight_decay, o.flavor)
  end,
}
