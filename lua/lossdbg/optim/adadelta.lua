--- Adadelta: steps in the units of the weights, from running means of squares. With Keras' rate of
-- 0.001 it hardly moves; PyTorch's rate is 1.
local adadelta = require("lossdbg.core").train.adadelta

return {
  name = "adadelta",
  schema = {
    { name = "rho", type = "number", min = 0, open_max = 1 },
    { name = "epsilon", type = "number", min = 0, alias = { "eps" } },
  },
  defaults = {
    keras = { lr = 1e-3, rho = 0.95, epsilon = 1e-7 },
    torch = { lr = 1, rho = 0.9, epsilon = 1e-6 },
  },
  slots = function() return { square = 0, delta = 0 } end,
  update = function(w, g, s, lr, o)
    return adadelta(w, g, s.square, s.delta, lr, o.rho, o.epsilon, o.weight_decay,
      o.decoupled_weight_decay)
  end,
}
