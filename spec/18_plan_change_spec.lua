-- A planned step after something has changed, or gone wrong: never a stale result. The oracle is
-- always the eager step.
local check = require "spec.support.plan_check"
local ld = require "lossdbg"

local nn = ld.nn

local function model_of(list)
  return nn.sequential(list or { nn.dense { 5, "tanh" }, nn.dense(3) }):build({ 4 }, { seed = 3 })
end

local function x_of(i) return check.noise({ 6, 4 }, i) end
local function y_of(i) return check.noise({ 6, 3 }, 100 + i) end

local function make(options)
  options = options or {}
  local model = model_of(options.layers)
  local optimizer = ld.optim[options.kind or "adam"] { model, lr = 0.01 }
  local training = check.training(model, optimizer, options.loss)
  return { model = model, optimizer = optimizer, step = training }
end

-- A step that is planned already.
local function planned(options)
  local made = make(options)
  made.plan = ld.plan(options and options.step and options.step(made) or made.step)
  local target = options and options.target or y_of
  for i = 1, 5 do made.plan(x_of(i), target(i)) end
  assert(made.plan.planned, made.plan.reason)
  return made
end

local function error_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return (tostring(message):gsub("^[^:]*:%d+: ", ""))
end

-- The same things done to an eager and a planned step: change(made, i) before step i.
local function same(change, options)
  options = options or {}
  check.same(function() return make(options) end, check.data(14, function(i)
    return { x_of(i), options.target and options.target(i) or y_of(i) }
  end), { may_end_eagerly = true, between = change })
end

local function same_now(eager, other)
  ld.seed(9)
  local before = check.snapshot(eager)
  ld.seed(9)
  check.compare(before, check.snapshot(other))
end

describe("an error in a planned step", function()
  it("has the eager message and leaves the weights", function()
    local function ids(i) return check.ids({ 6 }, 3, i) end
    local bad = ld.tensor({ 0, 1, 7, 0, 1, 2 }, "i32")
    local loss = ld.loss.sparse_crossentropy { from_logits = true }
    local eager, made = make { loss = loss }, planned { loss = loss, target = ids }
    for i = 1, 5 do eager.step(x_of(i), ids(i)) end
    local before = made.model:state()
    assert.equal(error_of(eager.step, x_of(6), bad), error_of(made.plan, x_of(6), bad))
    for k, entry in ipairs(made.model:state()) do
      assert.equal(check.bits(before[k].tensor), check.bits(entry.tensor))
    end
    assert.equal(5, made.optimizer.iterations)
    eager.step(x_of(7), ids(7))
    made.plan(x_of(7), ids(7))
    assert.is_true(made.plan.planned)
    same_now(eager, made)
  end)

  it("while it is captured, is passed on, and the next captures work", function()
    local made, broken = make(), true
    local step = ld.plan(function(x, y)
      local loss = made.step(x, y)
      if broken then error("on purpose", 0) end
      return loss
    end)
    for i = 1, 3 do assert.equal("on purpose", error_of(step, x_of(i), y_of(i))) end
    broken = false
    for i = 1, 5 do step(x_of(i), y_of(i)) end
    assert.is_true(step.planned)
  end)
end)

describe("a step that yields", function()
  it("is refused, and what comes next works", function()
    local made, wait = make(), true
    local step = ld.plan(function(x, y)
      local loss = made.step(x, y)
      if wait then coroutine.yield "half" end
      return loss
    end)
    local run = coroutine.wrap(function() return step(x_of(1), y_of(1)) end)
    assert.matches("attempt to yield across a C-call boundary", error_of(run), 1, true)
    wait = false
    for i = 1, 5 do step(x_of(i), y_of(i)) end
    assert.is_true(step.planned)
  end)
end)

describe("nothing stale comes of", function()
  it("a learning rate set by hand", function()
    same(function(made, i) if i > 5 then made.optimizer.lr = 0.1 / i end end)
  end)

  it("a state loaded into the model or the optimiser", function()
    local kept = {}
    same(function(made, i)
      if i == 2 then kept = { made.model:state(), made.optimizer:state() } end
      if i == 7 then made.model:load_state(kept[1]) end
      if i == 9 then made.optimizer:load_state(kept[2]) end
    end)
  end)

  it("freezing and unfreezing", function()
    same(function(made, i)
      if i == 6 then made.model:freeze "dense_1" end
      if i == 10 then made.model:unfreeze "dense_1" end
    end)
    same(function(made, i)
      for _, tensor in made.model:parameters() do
        if i == 6 and #tensor.shape == 1 then tensor.requires_grad = false end
      end
    end)
  end)

  it("weights drawn anew, copied or written", function()
    same(function(made, i)
      if i == 6 then made.model:layer("dense_1"):reinitialise(8, 2) end
      if i == 8 then made.model:take_over(model_of()) end
      if i == 10 then
        for _, tensor in made.model:parameters() do tensor:detach():fill_(0.25) end
      end
    end)
  end)

  it("averages that change places with the weights", function()
    check.same(function()
      local model = model_of()
      local optimizer = ld.optim.sgd { model, lr = 0.1, use_ema = true }
      return { model = model, optimizer = optimizer, step = check.training(model, optimizer) }
    end, check.data(14, function(i) return { x_of(i), y_of(i) } end), { between = function(made, i)
      if i == 7 or i == 9 then made.optimizer:swap_average() end
    end })
  end)

  it("a seed set between the steps", function()
    same(function(_, i) if i % 4 == 0 then ld.seed(i) end end,
      { layers = { nn.dense(4), nn.dropout(0.3), nn.dense(3) } })
  end)

  it("counts set by hand", function()
    same(function(made, i)
      if i == 7 then made.optimizer.iterations = 40 end
      if i == 8 then made.model:layer("dropout_1").calls = 3 end
    end, { layers = { nn.dense(4), nn.dropout(0.3), nn.dense(3) } })
  end)

  it("a model in another dtype", function()
    local made = planned()
    made.model:to "f64"
    assert.matches("no gradient was computed", error_of(made.plan, x_of(6), y_of(6)), 1, true)
    assert.is_false(made.plan.planned)
  end)

  it("another mean in a normalization", function()
    local eager, other
    for _, with_plan in ipairs { false, true } do
      local model = model_of { nn.normalization(), nn.dense(3) }
      model:layer("normalization_1"):adapt(x_of(1))
      local optimizer = ld.optim.sgd { model, lr = 0.1 }
      local step = check.training(model, optimizer)
      if with_plan then step = ld.plan(step) end
      for i = 1, 6 do step(x_of(i), y_of(i)) end
      model:layer("normalization_1"):adapt(x_of(50) * 3)
      eager, other = other, check.bits((step(x_of(7), y_of(7))))
    end
    assert.equal(eager, other)
  end)
end)

describe("a step that looks into tensors through the core", function()
  it("runs eagerly in every call", function()
    local core, calls = require "lossdbg.core", 0
    local w = ld.zeros { 2, 2 }
    w.requires_grad = true
    local optimizer = ld.optim.sgd { { w }, lr = 0.1 }
    local step = ld.plan(function(x)
      calls = calls + core.diagnose.stats(x).mean
      local loss = w:mul(x):sum()
      optimizer:zero_grad()
      loss:backward()
      optimizer:step()
      return loss
    end)
    for _ = 1, 6 do step(ld.ones { 2, 2 }) end
    assert.equal(6, calls)
    assert.truthy(step.reason:find("'stats' reads values", 1, true), step.reason)
  end)
end)
