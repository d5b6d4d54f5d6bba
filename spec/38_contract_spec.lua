-- Contracts of a training loop: each with a planted fault and a sound look-alike. What is broken
-- names its first step, its layer and the line of Lua.
local ld = require "lossdbg"
local nn = ld.nn
local contract = require "lossdbg.experiment.contract"

local function classes(n)
  ld.seed(4)
  local x = ld.randn { n or 96, 6 }
  local y = x:slice(2, 1, 1):gt(0):add(x:slice(2, 2, 2):gt(0)):reshape { n or 96 }
  return ld.data.arrays { x, y:cast "i32" }
end

local function network(layers)
  return nn.sequential(layers or { nn.dense { 8, "relu" }, nn.dense { 3 } }):build({ 6 },
    { seed = 3 })
end

-- Twelve steps; `o` says what is not as usual. Each hook gets the state of the loop.
local function watched(o)
  local data = o.data or classes()
  local model = o.model or network(o.layers)
  local loss = o.loss or ld.loss.sparse_crossentropy { from_logits = true }
  local opt = (o.optimizer or function(m) return ld.optim.adam { m, lr = 0.01 } end)(model)
  local watch = ld.watch(model, opt, { loss = loss, data = data, contracts = o.contracts })
  local s = { model = model, opt = opt, loss = loss, data = data, watch = watch }
  for step = 1, o.steps or 12 do
    local from = (step - 1) * 8 % #data + 1
    local ids = {}
    for i = 0, 7 do ids[#ids + 1] = from + i end
    local batch = data:take(o.ids and o.ids(step) or ids)
    s.x, s.y, s.step = batch.x, batch.y, step
    if o.batch then o.batch(s) end
    if o.own then
      s.l = o.own(s)
    else
      s.l = loss(model(s.x, { training = true }), s.y)
      if o.clear == nil or o.clear(s) then opt:zero_grad() end
      s.l:backward()
      if o.gradient then o.gradient(s) end
      opt:step()
    end
    if o.after then o.after(s) end
    watch:step(s.l)
    if o.between then o.between(s) end
  end
  local found = watch:run().signals.contracts
  watch:close()
  return found, s
end

local function broken(found, id)
  for _, one in ipairs(found.broken) do
    if one.id == id then return one end
  end
end

local function kept(found, id)
  for _, one in ipairs(found.kept) do
    if one == id then return true end
  end
  return false
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

-- id -> { fault, sound look-alike, step of the first fault, layer }
local cases = {
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

describe("the contract", function()
  for id, case in pairs(cases) do
    it(id .. " is broken by a fault, at its step, layer and line", function()
      local one = broken((watched(case[1])), id)
      assert.is_table(one)
      assert.equal(case[3], one.step)
      assert.equal(case[4], one.layer)
      assert.matches("38_contract_spec.lua:%d+$", one.line)
      assert.is_string(one.says)
    end)

    if case[2] then
      it(id .. " is kept by a sound look-alike", function()
        local found = watched(case[2])
        assert.is_nil((broken(found, id) or {}).text or broken(found, id))
      end)
    end
  end

  it("is kept by a plain loop, whichever it is", function()
    local found = watched {}
    assert.same({}, found.broken)
    for _, id in ipairs { "labels_cover", "targets_of_data", "rows_belong", "batches_differ",
      "only_step_moves_weights", "current_tensors", "one_optimizer_each", "all_held",
      "gradient_moves_weight", "rate_of_schedule", "evaluation_repeats", "one_backward",
      "gradients_cleared", "outputs_get_gradient" } do
      assert.is_true(kept(found, id), id)
    end
  end)

  it("has its two cases here", function()
    for _, row in ipairs(contract.rows()) do
      assert.is_true(cases[row.id] ~= nil, row.id)
    end
  end)
end)

describe("a contract of one's own", function()
  local function norm(limit)
    return ld.contract { id = "small_weights", says = "weights stay small", check = function(step)
      local kernel = step.model:layer("dense_1").weights.kernel
      return kernel:abs():max():item() < limit, "a weight of dense_1 is too large"
    end }
  end

  it("is asked at every look", function()
    local found = watched { contracts = { norm(0) } }
    local one = broken(found, "small_weights")
    assert.same({ 1, "a weight of dense_1 is too large", "weights stay small" },
      { one.step, one.text, one.says })
    assert.matches("38_contract_spec.lua:%d+$", one.line)
    assert.is_true(kept(watched { contracts = { norm(1e9) } }, "small_weights"))
  end)

  it("that raises ends nothing, and is said to have failed", function()
    local bad = ld.contract { id = "bad", check = function() error "oops" end }
    local found, s = watched { contracts = { bad } }
    assert.is_nil(broken(found, "bad"))
    assert.same({ "bad" }, { found.unasked[#found.unasked] })
    assert.matches("contract bad: .*oops", s.watch.eyes.failures[1])
  end)

  it("is refused where it is none, or has the name of another", function()
    local ok, message = pcall(ld.watch, network(), ld.optim.sgd { network(), lr = 1 },
      { contracts = { {} } })
    assert.is_false(ok)
    assert.matches("38_contract_spec.lua:%d+: lossdbg: watch: argument 'contracts%[1%]'", message)
    ok, message = pcall(ld.contract, { id = "all_held", check = print })
    assert.is_false(ok)
    assert.matches("argument 'id': expected a name of its own", message, 1, true)
  end)
end)
