--- Contracts about gradients: whose they are, that they are the loss's, and that they reach what
-- should learn.
local attempt = require "lossdbg.support.attempt"
local core = require "lossdbg.core"
local gradcheck = require "lossdbg.train.gradient_check"
local inputs = require "lossdbg.data.inputs"

local LOOKS = 4 -- before an output counts as one that never gets a gradient
local ROUNDING = 1e-3 -- of sums in f32, in another order
local ENTRIES = 12 -- of each input of a custom op that are compared

local function one_backward(_, modes)
  if modes.repeated == nil then return nil end
  return not modes.repeated or {}
end

local function cleared(s)
  if s.stale == nil and not s.fresh then return nil end
  return not s.stale or {}
end

local function sign_kept(_, fact)
  local cosine = fact.cosine
  if fact.negated then
    return { value = -1, text = "what is differentiated is minus the loss that is reported" }
  end
  if not cosine or cosine ~= cosine then return nil end
  if cosine >= -0.999 then return true end
  return { value = cosine, text = "the gradient was turned round between backward and step" }
end

local function outputs_learn(s, fact)
  local seen, least = fact.seen, fact.looks or LOOKS
  if not seen or (seen.output_looks or 0) < least then return nil end
  local silent, some = {}, false
  for i = 1, seen.output_width do
    if seen.outputs[i] then some = true else silent[#silent + 1] = i end
  end
  if #silent == 0 or not some then return some or nil end
  local layer = s.model:output_layer()
  return { layer = layer and layer.path, value = #silent, text = ("%d of the %d outputs get no "
    .. "gradient, the first is %d"):format(#silent, seen.output_width, silent[1]) }
end

-- ---- micro-batches ------------------------------------------------------------------------------

local function joined(list)
  if #inputs.list(list[1]) ~= 1 or not core.tensor.is_tensor(list[1]) then return nil end
  local ok, x = attempt.call(core.op.concat, list, 1)
  return ok and x or nil
end

-- How the losses that were differentiated make up the mean over all rows: each by its share of the
-- rows, or all alike; nil: something else was differentiated.
local function as_mean(parts)
  local rows, factor = 0, nil
  for _, part in ipairs(parts) do rows = rows + part.rows end
  for _, part in ipairs(parts) do
    if not (part.root and part.value and part.value ~= 0 and part.calls == 1) then return nil end
    local own = part.root / part.value
    local like = math.abs(own - part.rows / rows) < ROUNDING and "share" or own
    factor = factor or like
    if factor ~= like and not (type(like) == "number" and type(factor) == "number"
      and math.abs(like - factor) < ROUNDING * math.abs(factor)) then
      return nil
    end
  end
  return factor, rows
end

-- The gradient of one big batch, computed on a copy of the model.
local function big_batch(s, parts)
  local xs, ys = {}, {}
  for i, part in ipairs(parts) do xs[i], ys[i] = part.x, part.target end
  local x, y = joined(xs), joined(ys)
  if not (x and y) then return nil end
  local twin, loss = s.model:clone(), parts[1].loss
  local value = loss:reduce(loss:compute(twin:forward(x, { training = true }), y))
  if value.rank > 0 then value = value:mean() end
  value:backward()
  for i, layer in ipairs(s.model.list) do
    for j, parameter in ipairs(layer.parameters) do
      if parameter.tensor == s.chosen then return twin.list[i].parameters[j].tensor.grad end
    end
  end
end

local function micro_batches(s, fact)
  local parts = fact.parts
  if not parts or #parts < 2 or s.two_modes or s.stateful or not s.chosen then return nil end
  local mine, factor = s.chosen.grad, as_mean(parts)
  if not (mine and factor) then return nil end
  local whole = big_batch(s, parts)
  if not whole then return nil end
  local size = core.train.global_norm { whole }
  if not (size > 0) then return nil end
  local apart = core.train.global_norm { mine:detach():sub(whole) } / size
  if apart < ROUNDING * 10 then return true end
  local ratio = core.train.global_norm { mine:detach() } / size
  local same_way = mine:detach():mul(whole):sum():item() / (size * size * ratio)
  local repeated = true
  for _, part in ipairs(parts) do repeated = repeated and rawequal(part.x, parts[1].x) end
  if repeated and same_way > 0.9999 then
    return { value = ratio, cause = "several_backwards", text = ("the same rows went backward %d "
      .. "times before one step: its gradient is %.3g times theirs"):format(#parts, ratio) }
  end
  if same_way > 0.9999 and type(factor) == "number" and math.abs(factor - 1) < ROUNDING then
    return { value = ratio, text = ("the gradients of %d micro-batches add up to %.3g times that of"
      .. " one batch: their losses are not divided by their number"):format(#parts, ratio) }
  end
  return { value = apart, text = ("the gradients of %d micro-batches differ from that of one batch "
    .. "by %.2g of its norm: parts of other sizes weigh alike"):format(#parts, apart) }
end

-- ---- ops of one's own ---------------------------------------------------------------------------

local function op_gradient(_, own)
  local o = { samples = ENTRIES, tolerance = 1e-4 }
  local list = table.move(own.inputs, 1, own.n, 1, {})
  list[own.n + 1] = o
  local ok, report = attempt.call(gradcheck.check, own.op, table.unpack(list, 1, own.n + 1))
  if not ok or report.checked == 0 or report.reason then return nil end
  if report.passed then return true end
  return { layer = own.layer, line = own.line, value = report.max_error, text = ("the gradient of "
    .. "'%s' differs from finite differences by %.2g at %s"):format(own.name, report.max_error,
    tostring(report.worst)) }
end

return {
  { id = "one_backward", at = "gradients", cause = "several_backwards", check = one_backward,
    says = "a loss is differentiated once a step", fix = "one backward for each loss" },
  { id = "gradients_cleared", at = "update", cause = "missing_zero_grad", check = cleared,
    says = "gradients of a step do not hold those of the step before",
    fix = "call opt:zero_grad() before every backward" },
  { id = "micro_batches_equal", at = "update", cause = "loss_sum_reduction",
    check = micro_batches, says = "micro-batches that are accumulated equal one big batch",
    fix = "divide the loss of each part by the number of parts, or weigh it by its rows" },
  { id = "gradient_sign", at = "turn", cause = "gradient_sign_flipped", check = sign_kept,
    says = "the step uses the gradient that backward computed", fix = "leave the sign alone" },
  { id = "outputs_get_gradient", at = "turn", cause = "loss_term_ignored", check = outputs_learn,
    says = "outputs that should learn get a gradient",
    fix = "weigh every term of the loss, or leave the outputs out of the model" },
  { id = "op_gradient", at = "own_op", cause = nil, check = op_gradient,
    says = "the backward of an op of one's own is the slope of its forward",
    fix = "correct backward; a straight-through estimate is meant to differ" },
}
