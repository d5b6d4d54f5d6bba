-- PyTorch's losses by our ops and losses.
local core = require "lossdbg.core"
local ld = require "lossdbg"
local torch = require "torch_arguments"

local op = core.op
local needs_not = torch.needs_not

local M = {}

local function column(t) return t:contiguous():reshape { -1, 1 } end

-- A loss of single elements: `name` with the options `attrs` on [n x 1].
local function elementwise(a, name, attrs)
  local p, target = a[1], a[2]
  needs_not(a.named.weight, "weights of single elements")
  local pair = op.add(op.mul(p:detach(), 0), op.mul(target:detach(), 0)).shape
  p, target = op.expand(p, pair), op.expand(target, pair)
  return torch.reduced(op[name](column(p), column(target), attrs),
    a:get(5, "reduction", "mean"), pair)
end
M["nn.functional.mse_loss"] = { "mse", function(a) return elementwise(a, "mse") end }
M["nn.functional.l1_loss"] = { "mae", function(a) return elementwise(a, "mae") end }
M["nn.functional.huber_loss"] = { "huber", function(a)
  return elementwise(a, "huber", { delta = a.named.delta or 1 })
end }
M["nn.functional.smooth_l1_loss"] = { "huber", function(a)
  local beta = a.named.beta or 1
  needs_not(beta == 0, "smooth_l1 without a smooth part")
  return { elementwise(a, "huber", { delta = beta })[1] / beta }
end }

-- Class weights of which the used ones add up to less than nothing: a mean over them is refused.
local function weights_of(a, reduction)
  local weight, used = a:get(3, "weight"), 0
  if not weight or reduction ~= "mean" or a[2].dtype ~= "i32" then return weight end
  for _, id in ipairs(a[2]:reshape({ -1 }):totable()) do
    if id ~= a.named.ignore_index then used = used + weight[id + 1] end
  end
  needs_not(used < 0, "a negative sum of class weights")
  return weight
end

local function by_classes(a, name, options)
  local p, target, reduction = a[1], a[2], a.named.reduction or "mean"
  local single = p.rank == 1
  if single then p, target = op.unsqueeze(p, 1), op.unsqueeze(target, 1) end
  if p.rank > 2 then
    p = torch.moved(p, 2):contiguous()
    if target.rank == p.rank then target = torch.moved(target, 2):contiguous() end
  end
  options.class_weight, options.reduction = weights_of(a, reduction), reduction
  local loss = ld.loss[name](options)(p, target)
  return { single and reduction == "none" and loss:reshape {} or loss }
end
M["nn.functional.cross_entropy"] = { "sparse_crossentropy", function(a)
  local ids = a[2].dtype == "i32"
  return by_classes(a, ids and "sparse_crossentropy" or "categorical_crossentropy",
    { from_logits = true, label_smoothing = a.named.label_smoothing,
      ignore_class = ids and a.named.ignore_index or nil })
end }
M["nn.functional.nll_loss"] = { "loss nll", function(a)
  return by_classes(a, "nll", { ignore_class = a.named.ignore_index })
end }

local function binary(from_logits)
  return { "binary_crossentropy", function(a)
    local weight, pos_weight = a:get(3, "weight"), a.named.pos_weight
    local reduction = a.named.reduction or "mean"
    local p, target = column(a[1]), column(a[2])
    local losses
    if pos_weight then
      local full = column(op.expand(pos_weight, a[1].shape))
      -- t log p + (1 - t) log(1 - p), the first part weighted
      local on, off = op.log_sigmoid(p), op.log_sigmoid(-p)
      losses = -(full * target * on + (1 - target) * off):reshape { -1 }
    else
      losses = op.binary_crossentropy(p, target, { from_logits = from_logits })
    end
    if weight then losses = losses * column(op.expand(weight, a[1].shape)):reshape { -1 } end
    return torch.reduced(losses, reduction, a[1].shape)
  end }
end
M["nn.functional.binary_cross_entropy"] = binary(false)
M["nn.functional.binary_cross_entropy_with_logits"] = binary(true)

M["nn.functional.kl_div"] = { "kl", function(a)
  local p, t = op.exp(a[1]), a[2]
  if a.named.log_target then t = op.exp(t) end
  for _, values in ipairs { p:detach(), t:detach() } do
    needs_not(values.numel > 0 and (values:max():item() > 1 or values:min():item() < 1e-7),
      "values that are no probabilities, which kl clips as Keras does")
  end
  local reduction = a.named.reduction or "mean"
  local losses = op.kl(column(p), column(t))
  if reduction == "batchmean" then return { losses:sum() / (a[1].shape[1] or 1) } end
  return torch.reduced(losses, reduction, a[1].shape)
end }
M["nn.functional.cosine_similarity"] = { "cosine_similarity", function(a)
  local x, y, dim = a[1], a[2], a:get(3, "dim", 1)
  local shape = op.add(op.mul(x:detach(), 0), op.mul(y:detach(), 0)).shape
  x, y = op.expand(x, shape), op.expand(y, shape)
  local at = dim < 0 and #shape + dim + 1 or dim + 1
  needs_not(#shape == 0, "an axis of a scalar")
  x, y = torch.moved(x, at):contiguous(), torch.moved(y, at):contiguous()
  if x.rank == 1 then return { -op.squeeze(op.cosine_similarity(op.unsqueeze(x, 1),
    op.unsqueeze(y, 1)), 1) } end
  return { -op.cosine_similarity(x, y) }
end }

return M
