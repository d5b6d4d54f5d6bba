--- Batch normalisation: (x - mean) / sqrt(variance + epsilon) gamma + beta per channel.
-- In training the statistics are those of the batch, and moving ones follow them; outside training
-- the moving ones are used. The flavours:
--   keras  moving = momentum moving + (1 - momentum) batch, momentum 0.99, epsilon 1e-3, the moving
--          variance follows the biased one; a frozen layer uses the moving statistics in training
--   torch  moving = (1 - momentum) moving + momentum batch, momentum 0.1, epsilon 1e-5, the moving
--          variance follows n / (n - 1) times the biased one
local axes = require "lossdbg.nn.axes"
local core = require "lossdbg.core"
local layer = require "lossdbg.nn.layer"
local scale_shift = require "lossdbg.nn.scale_shift"
local source = require "lossdbg.support.source"

local batch_norm, moments = core.op.batch_norm, core.op.moments

local function create(self, context)
  local given, torch = self.options, self.options.flavor == "torch"
  local shape = axes.sizes(self.axes, self.input_shape)
  local momentum = given.momentum or (torch and 0.1 or 0.99)
  self.keep = torch and 1 - momentum or momentum
  self.epsilon = given.epsilon or (torch and 1e-5 or 1e-3)
  self.there, self.back = axes.to_end(self.axes, #self.input_shape + 1)
  scale_shift.create(self, context, shape)
  self:add_statistic(context, "moving_mean", shape, given.moving_mean_init)
  self:add_statistic(context, "moving_variance", shape, given.moving_variance_init)
end

local function follow(moving, batch, keep, factor)
  moving:mul_(keep):add_(batch:cast(moving.dtype), (1 - keep) * factor)
end

-- n values a channel
local function update(self, statistics, n)
  local weights, torch = self.weights, self.options.flavor == "torch"
  if torch and n < 2 then
    error(("lossdbg: layer '%s': expected more than one value per channel in training, got a " ..
      "batch with one (flavor \"torch\" follows the unbiased variance; drop the last, short batch)")
      :format(self.path), source.level())
  end
  follow(weights.moving_mean, statistics[1], self.keep, 1)
  follow(weights.moving_variance, statistics[2], self.keep, torch and n / (n - 1) or 1)
end

local function apply(x, self, context)
  local weights = self.weights
  local training = context.training or context.batch_statistics -- those of the batch, no dropout
  local batch = training and (self.trainable or self.options.flavor == "torch")
  if not batch or x.numel == 0 then
    return batch_norm(x, weights.gamma, weights.beta, weights.moving_mean, weights.moving_variance,
      self.epsilon)
  end
  local statistics = moments(x)
  if not context.probe then update(self, statistics, x.numel // weights.moving_mean.numel) end
  local mean, variance = statistics[1], statistics[2]
  return batch_norm(x, weights.gamma, weights.beta, mean, variance, self.epsilon, true)
end

---`nn.batch_norm()`, `nn.batch_norm { momentum = 0.9, flavor = "torch" }`
return layer.define {
  kind = "batch_norm",
  schema = scale_shift.schema {
    { name = "axis", type = "integer", default = -1, doc = "axis of the channels (batch = 1)" },
    { name = "momentum", type = "number", min = 0, max = 1,
      doc = "default 0.99, what stays; flavor torch: 0.1, what comes" },
    { name = "epsilon", type = "number", min = 0, alias = "eps",
      doc = "default 1e-3; flavor torch: 1e-5" },
    { name = "flavor", type = "string", choices = { "keras", "torch" }, default = "keras",
      doc = "whose formulas and defaults" },
    { name = "moving_mean_init", alias = "moving_mean_initializer", default = "zeros",
      doc = "initialiser of the running mean" },
    { name = "moving_variance_init", alias = "moving_variance_initializer", default = "ones",
      doc = "initialiser of the running variance" },
  },
  check = scale_shift.check,
  infer = function(self, input_shape)
    self.axes = axes.resolve(self, self.options.axis, input_shape)
    return input_shape
  end,
  create = create,
  forward = function(self, x, context)
    return axes.turned(x, self.there, self.back, apply, self, context)
  end,
}
