--- Contracts of a training loop: for each a fault, a sound look-alike, the step of the first fault
--- and its layer. Hooks get the state of the loop that spec/38_contract_spec.lua runs.
local ld = require "lossdbg"
local nn = ld.nn

local function network(layers)
  return nn.sequential(layers or { nn.dense { 8, "relu" }, nn.dense { 3 } }):build({ 6 },
    { seed = 3 })
end

local function dropping() return { nn.dense { 8, "relu" }, nn.dropout(0.5), nn.dense { 3 } } end

local function noisy()
  return { nn.dense { 8, "relu" }, nn.lambda(function(x) return x + ld.randn(x.shape) * 0.1 end),
    nn.dense { 3 } }
end

-- Writes into a weight at every pass.
local function writing()
  local model
  model = network { nn.dense { 8, "relu" }, nn.lambda(function(x)
    if model then
      ld.no_grad(function() model:layer("dense_2").weights.bias:mul_(1.5) end)
    end
    return x
  end), nn.dense { 3 } }
  return model
end

local function normalised() return { nn.dense { 8, "relu" }, nn.batch_norm(), nn.dense { 3 } } end

local function two_dense(o)
  return function(m)
    local list = {}
    for name, tensor in m:parameters() do
      if not o.without or not name:find(o.without, 1, true) then
        list[#list + 1] = { name = name, tensor = tensor }
      end
    end
    return ld.optim.sgd { list, lr = 0.05 }
  end
end

local function halves(weigh)
  return function(s)
    s.opt:zero_grad()
    local total
    for _, part in ipairs { { 1, 2 }, { 3, 8 } } do
      local x, y = s.x:slice(1, part[1], part[2]):contiguous(), s.y:slice(1, part[1], part[2])
      local l = s.loss(s.model(x, { training = true }), y:contiguous())
      local weighed = l:mul(weigh(part[2] - part[1] + 1))
      weighed:backward()
      total = total and total:add(weighed:detach()) or weighed:detach()
    end
    s.opt:step()
    return total
  end
end

local function square(slope)
  return ld.op { name = "square", forward = function(_, x) return x:mul(x) end,
    backward = function(ctx, g) return g:mul(ctx.inputs[1]):mul(slope) end }
end

local function with_op(op)
  return { nn.dense { 8 }, nn.lambda(function(x) return op(x) end), nn.dense { 3 } }
end

local function lstm(given)
  return nn.sequential { nn.lstm { 4, stateful = true }, nn.dense { 1 } }:build({ 3, 2 },
    { seed = 1 }), given
end

local function series()
  ld.seed(2)
  return ld.data.arrays { ld.randn { 96, 3, 2 }, ld.randn { 96, 1 } }
end

local function evaluate_in_training_mode(s) ld.no_grad(s.model.forward, s.model, s.x,
  { training = true }) end

return {
  labels_cover = {
    { layers = { nn.dense { 8, "relu" }, nn.dense { 4 } } }, {}, 1 },
  ignored_outside = {
    { loss = ld.loss.sparse_crossentropy { from_logits = true, ignore_class = 1 } },
    { loss = ld.loss.sparse_crossentropy { from_logits = true, ignore_class = -1 } }, 1 },
  targets_of_data = {
    { batch = function(s)
      if s.step < 3 then return end
      local next_one = s.y:cast("f32"):add(1)
      s.y = next_one:sub(next_one:eq(3):cast("f32"):mul(3)):cast "i32"
    end }, {}, 3 },
  rows_belong = {
    { batch = function(s) s.y = s.y:flip(1) end }, { ids = function()
      return { 9, 4, 77, 12, 5, 30, 2, 61 }
    end }, 1 },
  batches_differ = {
    { ids = function() return { 1, 2, 3, 4, 5, 6, 7, 8 } end }, {}, 2 },
  state_follows_rows = {
    { model = lstm(), data = series(), loss = ld.loss.mse(), ids = function(step)
      return { step * 7 % 96 + 1, step * 31 % 96 + 1 }
    end }, { model = lstm(), data = series(), loss = ld.loss.mse() }, 2, "lstm_1" },
  initialised_first = {
    { between = function(s)
      if s.step == 4 then s.model:layer("dense_2"):reinitialise(9, 9) end
    end }, {}, 5, "dense_2" },
  only_step_moves_weights = {
    { between = function(s)
      ld.no_grad(function() s.model:layer("dense_1").weights.kernel:mul_(0.9) end)
    end }, { between = function(s)
      ld.no_grad(function() s.model:layer("dense_1").weights.kernel:mul_(1) end) -- the same bits
    end }, 2, "dense_1" },
  frozen_stay = {
    { batch = function(s)
      if s.step == 1 then s.model:freeze "dense_1" end
    end, between = function(s)
      if s.step == 3 then
        ld.no_grad(function() s.model:layer("dense_1").weights.kernel:mul_(0.9) end)
      end
    end }, { batch = function(s) if s.step == 1 then s.model:freeze "dense_1" end end,
      between = function(s) if s.step == 3 then s.model:unfreeze() end end }, 4, "dense_1" },
  all_held = {
    { optimizer = two_dense { without = "dense_1" } }, { optimizer = two_dense {} }, 4,
    "dense_1" },
  current_tensors = {
    { optimizer = function(m)
      local list = {}
      for name, tensor in m:parameters() do list[#list + 1] = { name = name, tensor = tensor } end
      list[1].tensor = list[1].tensor:detach():clone()
      list[1].tensor.requires_grad = true
      return ld.optim.sgd { list, lr = 0.05 }
    end }, { optimizer = two_dense {} }, 1, "dense_1" },
  gradient_moves_weight = {
    { optimizer = function(m)
      return ld.optim.sgd { m, lr = 0.05, groups = { { parameters = { "dense_1" }, lr = 0 } } }
    end }, { optimizer = function(m) -- the whole rate is 0 where a warm-up begins
      return ld.optim.sgd { m, lr = function(i) return i * 0.01 end }
    end }, 1, "dense_1" },
  rate_of_schedule = {
    { optimizer = function(m)
      return ld.optim.sgd { m, lr = ld.schedule.cosine { 0.1, 100 } }
    end, between = function(s) if s.step == 2 then s.opt.lr = 0.1 end end },
    { between = function(s) s.opt.lr = 0.1 / s.step end }, 3 },
  training_mode = {
    { layers = dropping(), own = function(s)
      local l = s.loss(s.model(s.x), s.y)
      s.opt:zero_grad()
      l:backward()
      s.opt:step()
      return l
    end }, { layers = dropping(), after = function(s) s.model(s.x) end }, 1 },
  evaluation_mode = {
    { layers = dropping(), between = evaluate_in_training_mode },
    { layers = dropping(), between = function(s)
      ld.no_grad(s.model.forward, s.model, s.x, {})
    end }, 2 },
  evaluation_changes_nothing = {
    { model = writing(), after = function(s)
      ld.no_grad(s.model.forward, s.model, s.x, {})
    end }, { layers = normalised(), after = function(s)
      ld.no_grad(s.model.forward, s.model, s.x, {})
    end }, 1, "dense_2" },
  evaluation_repeats = {
    { layers = noisy() }, { layers = dropping() }, 13, "lambda_1" },
  one_backward = {
    { own = function(s)
      local l = s.loss(s.model(s.x, { training = true }), s.y)
      s.opt:zero_grad()
      l:backward(nil, true)
      l:backward()
      s.opt:step()
      return l
    end }, { own = function(s) -- one loss for each half
      local l = s.loss(s.model(s.x, { training = true }), s.y)
      s.opt:zero_grad()
      l:mul(0.5):backward(nil, true)
      l:mul(0.5):backward()
      s.opt:step()
      return l
    end }, 1 },
  gradients_cleared = {
    { clear = function(s) return s.step < 5 end }, { own = function(s) -- cleared after the step
      local l = s.loss(s.model(s.x, { training = true }), s.y)
      l:backward()
      s.opt:step()
      s.opt:zero_grad()
      return l
    end }, 5 },
  micro_batches_equal = {
    { own = halves(function() return 0.5 end) },
    { own = halves(function(rows) return rows / 8 end) }, 1 },
  gradient_sign = {
    { gradient = function(s)
      for _, tensor in s.model:parameters() do tensor.grad:mul_(-1) end
    end }, { gradient = function(s)
      for _, tensor in s.model:parameters() do tensor.grad:mul_(0.1) end
    end }, 1 },
  outputs_get_gradient = {
    { own = function(s)
      local out = s.model(s.x, { training = true })
      local l = s.loss(out:slice(2, 1, 2):contiguous(), s.y:mul(0):cast "i32")
      s.opt:zero_grad()
      l:backward()
      s.opt:step()
      return l
    end }, {}, 4, "dense_2" },
  op_gradient = {
    { layers = with_op(square(1)) }, { layers = with_op(square(2)) }, 1 },
  one_optimizer_each = {
    { own = function(s)
      s.other = s.other or ld.optim.sgd { s.model, lr = 0.01 }
      local l = s.loss(s.model(s.x, { training = true }), s.y)
      s.opt:zero_grad()
      l:backward()
      s.opt:step()
      s.other:step()
      return l
    end }, { own = function(s) -- two optimisers that alternate
      s.other = s.other or ld.optim.sgd { s.model, lr = 0.01 }
      local opt = s.step % 2 == 0 and s.opt or s.other
      local l = s.loss(s.model(s.x, { training = true }), s.y)
      opt:zero_grad()
      l:backward()
      opt:step()
      return l
    end }, 1, "dense_1" },
}
