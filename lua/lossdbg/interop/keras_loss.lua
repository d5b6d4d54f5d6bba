--- Losses as users of Keras have them: by name with options, or written out by hand, with or without
-- the protections that the library's own have.
local losses = require "lossdbg.loss"

local M = {}

local hand_written = {}

-- -(y ln p + (1 - y) ln (1 - p)), the logarithm's argument cut at `clip` (0: not at all).
function hand_written.binary_crossentropy(o)
  return function(p, y)
    if o.clip > 0 then p = p:clip(o.clip, 1 - o.clip) end
    local positive, negative = y:mul(p:log()), y:neg():add(1):mul(p:neg():add(1):log())
    return positive:add(negative):neg():mean(-1)
  end
end

-- -sum y ln p
function hand_written.categorical_crossentropy(o)
  return function(p, y)
    if o.renormalise ~= false then p = p / p:sum(-1, true) end
    if o.clip > 0 then p = p:clip(o.clip, 1 - o.clip) end
    return y:mul(p:log()):sum(-1):neg()
  end
end

-- Prediction [N, 1] minus target [N] gives [N, N] wherever arrays broadcast.
function hand_written.mse(o)
  return function(p, y)
    if o.broadcast then y = y:reshape { y.numel } end
    return (p - y):square():mean(-1)
  end
end

local function by_hand(o)
  return o.clip ~= nil or o.renormalise == false or o.broadcast
end

--- A loss from { name =, from_logits =, reduction =, scale =, clip =, renormalise =, broadcast = }.
---@param o table
---@return any what `ld.experiment` takes as its loss
function M.loss(o)
  if not by_hand(o) then
    return losses.resolve({ name = o.name, from_logits = o.from_logits or nil,
      reduction = o.reduction, scale = o.scale }, "interop.keras")
  end
  local make = hand_written[o.name]
  if not make then
    error(("lossdbg: interop.keras: loss '%s': no hand-written form is known"):format(
      tostring(o.name)), 0)
  end
  local per_sample = make { clip = o.clip or 1e-7, renormalise = o.renormalise,
    broadcast = o.broadcast }
  local scale = o.scale or 1
  return function(prediction, target)
    local values = per_sample(prediction, target)
    local total = o.reduction == "sum" and values:sum() or values:mean()
    return scale ~= 1 and total * scale or total
  end
end

return M
