--- Adagrad: the rate of each weight falls with the sum of its squared gradients.
local options = require "lossdbg.support.options"
local adagrad = require("lossdbg.core").train.adagrad

return {
  name = "adagrad",
  schema = {
    { name = "epsilon", type = "number", min = 0, alias = { "eps" } },
    { name = "initial_accumulator", type = "number", min = 0,
      alias = { "initial_accumulator_value" } },
    { name = "lr_decay", type = "number", min = 0, default = 0 },
  },
  defaults = {
    keras = { lr = 1e-3, epsilon = 1e-7, initial_accumulator = 0.1 },
    torch = { lr = 1e-2, epsilon = 1e-10, initial_accumulator = 0 },
  },
  check = function(o, where, level)
    if o.lr_decay > 0 and o.flavor == "keras" then
      options.fail(where, "lr_decay", "0 unless flavor is 'torch'", o.lr_decay,
        "use schedule.inverse_time", level == 0 and 0 or level + 1)
    end
  end,
  slots = function(o) return { square = o.initial_accumulator } end,
  update = function(w, g, slots, lr, o, step)
    return adagrad(w, g, slots.square, step, lr, o.epsilon, o.lr_decay, o.weight_decay, o.flavor,
      o.decoupled_weight_decay)
  end,
}
