--- Nadam: Adam with Nesterov's momentum, whose strength grows over the steps.
local nadam = require("lossdbg.core").train.nadam

-- Momentum of a step; PyTorch lets it grow momentum_decay times as fast.
local function momentum(o, step)
  local power = o.flavor == "torch" and step * o.momentum_decay or step
  return o.beta1 * (1 - 0.5 * 0.96 ^ power)
end

-- Product of the momenta up to a step, by options: the next step needs one more factor.
local known = setmetatable({}, { __mode = "k" })

local function product(o, step)
  local last = known[o]
  if not last or last.step > step then
    last = { step = 0, value = 1 }
    known[o] = last
  end
  while last.step < step do
    last.step = last.step + 1
    last.value = last.value * momentum(o, last.step)
  end
  return last.value
end

return {
  name = "nadam",
  schema = {
    { name = "beta1", type = "number", min = 0, open_max = 1, default = 0.9, alias = "beta_1" },
    { name = "beta2", type = "number", min = 0, open_max = 1, default = 0.999, alias = "beta_2" },
    { name = "epsilon", type = "number", min = 0, alias = { "eps" } },
    { name = "momentum_decay", type = "number", min = 0, default = 4e-3 },
  },
  defaults = { keras = { lr = 1e-3, epsilon = 1e-7 }, torch = { lr = 2e-3, epsilon = 1e-8 } },
  slots = function() return { m = 0, v = 0 } end,
  update = function(w, g, s, lr, o, step)
    return nadam(w, g, s.m, s.v, step, lr, o.beta1, o.beta2, o.epsilon, o.weight_decay,
      o.decoupled_weight_decay, o.flavor, momentum(o, step), momentum(o, step + 1),
      product(o, step), o.momentum_decay)
  end,
}
