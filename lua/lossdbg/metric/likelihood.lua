--- Log-loss and perplexity: what the labels' probabilities say, in nats, as a running mean.
local base = require "lossdbg.metric.base"
local core = require "lossdbg.core"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"
local tensors = require "lossdbg.tensor"

local op = core.op
local M = {}

local schema = {
  { name = "ignore_class", type = "integer", doc = "rows with this label do not count" },
}

-- Cross-entropies of the rows, and which of them count.
local function measure(self, prediction, target, logits)
  if prediction.rank == 1 then prediction = prediction:reshape { prediction.numel, 1 } end
  if base.is_single(prediction) then
    return op.binary_crossentropy(prediction, base.align(prediction, target), logits, 0)
  elseif not base.is_sparse(prediction, target) then
    return op.categorical_crossentropy(prediction, base.align(prediction, target), logits, 0)
  end
  local ids = base.ids(prediction, target)
  if not self.ignore_class then return op.sparse_crossentropy(prediction, ids, logits, 0) end
  local keep = ids:ne(self.ignore_class)
  return op.where(keep, op.sparse_crossentropy(prediction, ids:mul(keep), logits, 0), 0), keep
end

local function update(self, prediction, target, logits)
  tensors.no_grad(function()
    local values, keep = measure(self, prediction, target, logits == true)
    self.n = self.n + (keep and keep:cast("f64"):sum():item() or values.numel)
    self.sum = self.sum + values:cast("f64"):sum():item()
  end)
end

local function make(name, finish)
  options.declare("metric." .. name)(schema)
  return function(given)
    local self = options.check("metric." .. name, given, schema, source.level())
    self.name, self.mode, self.takes_logits, self.sum, self.n = name, "min", true, 0, 0
    self.update = update
    if finish then
      self.value = function(metric) return finish(base.Metric.value(metric)) end
    end
    return setmetatable(self, base.Metric)
  end
end

---Mean of -ln p(label), p at least 1e-7: binary for one output, else over the classes.
M.log_loss = make("log_loss")
---exp of the log-loss: among how many equal choices the model still hesitates.
M.perplexity = make("perplexity", math.exp)

return M
