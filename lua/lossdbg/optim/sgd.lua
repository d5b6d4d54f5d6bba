--- Stochastic gradient descent, with momentum and Nesterov's variant.
local options = require "lossdbg.support.options"
local sgd = require("lossdbg.core").train.sgd

return {
  name = "sgd",
  schema = {
    { name = "momentum", type = "number", min = 0, open_max = 1, default = 0 },
    { name = "nesterov", type = "boolean", default = false },
    { name = "dampening", type = "number", min = 0, max = 1, default = 0 },
  },
  defaults = { keras = { lr = 0.01 }, torch = { lr = 1e-3 } },
  check = function(o, where, level)
    if o.nesterov and o.momentum == 0 then
      options.fail(where, "nesterov", "a momentum > 0", true, "momentum is 0",
        level == 0 and 0 or level + 1)
    elseif o.dampening ~= 0 and (o.flavor == "keras" or o.nesterov) then
      options.fail(where, "dampening", "0 unless flavor is 'torch' without nesterov",
        o.dampening, nil, level == 0 and 0 or level + 1)
    end
  end,
  slots = function(o) return o.momentum > 0 and { velocity = 0 } or {} end,
  update = function(w, g, slots, lr, o, step)
    return sgd(w, g, slots.velocity, lr, o.momentum, o.nesterov, o.weight_decay, o.flavor,
      o.dampening, step == 1, o.decoupled_weight_decay)
  end,
}
