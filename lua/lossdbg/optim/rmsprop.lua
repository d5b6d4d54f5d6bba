--- RMSprop, plain, with momentum, centered.
local rmsprop = require("lossdbg.core").train.rmsprop

return {
  name = "rmsprop",
  schema = {
    { name = "rho", type = "number", min = 0, open_max = 1, alias = { "alpha" } },
    { name = "momentum", type = "number", min = 0, open_max = 1, default = 0 },
    { name = "epsilon", type = "number", min = 0, alias = { "eps" } },
    { name = "centered", type = "boolean", default = false },
  },
  defaults = {
    keras = { lr = 1e-3, rho = 0.9, epsilon = 1e-7 },
    torch = { lr = 1e-2, rho = 0.99, epsilon = 1e-8 },
  },
  slots = function(o)
    return { square = 0, average = o.centered and 0 or nil, buffer = o.momentum > 0 and 0 or nil }
  end,
  update = function(w, g, slots, lr, o)
    return rmsprop(w, g, slots.square, slots.average, slots.buffer, lr, o.rho, o.momentum,
      o.epsilon, o.weight_decay, o.flavor, o.decoupled_weight_decay)
  end,
}
