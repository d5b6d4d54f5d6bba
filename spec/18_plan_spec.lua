-- What a planned step may not change: fresh results, gradients, misuse; what cannot be planned says
-- why. The oracle is always the eager step.
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

local function same_now(eager, other)
  ld.seed(9)
  local before = check.snapshot(eager)
  ld.seed(9)
  check.compare(before, check.snapshot(other))
end

describe("a planned step", function()
  it("returns fresh tensors", function()
    local made = planned()
    local loss, output = made.plan(x_of(6), y_of(6))
    local kept = { check.bits(loss), check.bits(output) }
    local loss2, output2 = made.plan(x_of(7), y_of(7))
    assert.same(kept, { check.bits(loss), check.bits(output) })
    assert.not_equal(kept[2], check.bits(output2))
    local before = check.bits(output2)
    loss2:fill_(0)
    output:fill_(0)
    assert.equal(before, check.bits(output2))
    made.plan(x_of(7), y_of(7))
    assert.is_true(made.plan.planned)
  end)

  it("leaves gradients, which zero_grad forgets and the next step leaves again", function()
    local made = planned()
    local function gradients()
      local n = 0
      for _, tensor in made.model:parameters() do n = n + (tensor.grad and 1 or 0) end
      return n
    end
    assert.equal(4, gradients())
    made.optimizer:zero_grad()
    assert.equal(0, gradients())
    made.plan(x_of(6), y_of(6))
    assert.is_true(made.plan.planned)
    assert.equal(4, gradients())
    assert.matches("no gradient was computed since the last step",
      error_of(made.optimizer.step, made.optimizer), 1, true)
  end)

  it("adds to gradients that are left, as an eager one does", function()
    local function step_of(made)
      return function(x, y)
        local loss = ld.loss.mse()(made.model(x), y)
        loss:backward()
        made.optimizer:step()
        return loss
      end
    end
    local reasons = {}
    for _, zero in ipairs { function() return true end, function(i) return i % 4 ~= 0 end } do
      check.same(function()
        local made = make()
        made.step = step_of(made)
        return made
      end, check.data(16, function(i) return { x_of(i), y_of(i) } end), {
        may_end_eagerly = true, between = function(made, i, step)
          if zero(i) then made.optimizer:zero_grad() end
          if type(step) == "table" and step.reason then reasons[step.reason] = true end
        end })
    end
    assert.is_true(reasons["a gradient of an earlier step is left, to which this step adds"])
  end)

  it("repeats a step n times in one call", function()
    for _, case in ipairs {
      {}, { schedule = true }, { accumulate = true }, { layers = { nn.dropout(0.3), nn.dense(3) } },
    } do
      local function new()
        ld.seed(4)
        local made = make(case)
        if case.schedule then made.optimizer.lr = function(i) return 0.1 / (i + 1) end end
        if case.accumulate then
          made.optimizer = ld.optim.sgd { made.model, lr = 0.1, gradient_accumulation_steps = 3 }
          made.step = check.training(made.model, made.optimizer)
        end
        return made
      end
      local one, many = new(), new()
      local last
      for _ = 1, 41 do last = one.step(x_of(1), y_of(1)) end
      local step = ld.plan(many.step)
      step:run(3, x_of(1), y_of(1))
      step:run(1, x_of(1), y_of(1))
      local loss = step:run(37, x_of(1), y_of(1))
      assert.equal(check.bits(last), check.bits(loss))
      same_now(one, many)
      assert.is_true(step.planned)
    end
    assert.matches("expected a positive integer", error_of(function()
      planned().plan:run(0, x_of(1), y_of(1))
    end), 1, true)
  end)

  it("is not in Lua between the repetitions", function()
    local made, calls = make(), 0
    local step = ld.plan(function(x, y)
      calls = calls + 1
      return made.step(x, y)
    end)
    step:run(1000, x_of(1), y_of(1))
    assert.is_true(calls < 6)
    assert.equal(1000, made.optimizer.iterations)
  end)

  it("captures anew after forget", function()
    local made, factor = make(), 1
    local step = ld.plan(function(x, y) return made.step(x * factor, y) end)
    for i = 1, 5 do step(x_of(i), y_of(i)) end
    assert.is_true(step.planned)
    factor = 2
    step:forget()
    step(x_of(6), y_of(6))
    assert.is_false(step.planned)
    assert.equal("capturing", step.reason)
    for i = 1, 4 do step(x_of(i), y_of(i)) end
    assert.is_true(step.planned)
  end)
end)

describe("what cannot be planned runs eagerly and says why:", function()
  local count = 0
  local custom = ld.op { name = "plan_spec_double", forward = function(_, x) return x * 2 end,
    backward = function(_, g) return g * 2 end }
  local cases = {
    ["'item' reads values"] = function(loss) return loss, loss:item() end,
    ["'totable' reads values"] = function(loss) return loss, #loss:reshape({ 1 }):totable() end,
    ["'[]' reads values"] = function(loss) return loss, loss:reshape({ 1 })[1] end,
    ["'set' writes single values"] = function(loss)
      local t = ld.zeros { 2 }
      t:set(1, 1)
      return loss + t:sum()
    end,
    ["a tensor that the step makes of Lua numbers is changed in place"] = function(loss)
      local t = ld.tensor { 1, 2 }
      t:add_(1)
      return loss + t:sum()
    end,
    ["a tensor that the step makes of Lua numbers differed"] = function(loss)
      count = count + 1
      return loss + ld.tensor { count, 1 }:sum()
    end,
    ["differed between two steps"] = function(loss)
      count = count + 1
      return loss * count
    end,
    ["two steps did different things"] = function(loss)
      count = count + 1
      return count % 2 == 0 and loss or loss + 1
    end,
    ["the step returned other values"] = function(loss)
      count = count + 1
      return loss, count
    end,
    ["the step returns a table"] = function(loss) return { loss } end,
    ["custom"] = function(loss) return custom(loss:detach()) end,
  }
  for reason, after in pairs(cases) do
    it(reason, function()
      local results = {}
      for _, planned_too in ipairs { false, true } do
        count = 0
        local made = make()
        local function fn(x, y) return after(made.step(x, y), y) end
        local step = planned_too and ld.plan(fn) or fn
        local list = {}
        for i = 1, 9 do
          local result = table.pack(step(x_of(i), y_of(i)))
          if type(result[1]) == "table" then result[1] = result[1][1] end
          list[#list + 1] = check.bits(result[1]) .. " " .. tostring(result[2])
        end
        results[#results + 1] = list
        if planned_too then
          assert.is_false(step.planned)
          assert.matches(reason, step.reason, 1, true)
          assert.matches(reason, tostring(step), 1, true)
        end
      end
      assert.same(results[1], results[2])
    end)
  end

  it("modes", function()
    local made = planned()
    ld.no_grad(function()
      local step = ld.plan(function(x) return made.model(x) end)
      for i = 1, 5 do step(x_of(i)) end
      assert.equal("no_grad is on", step.reason)
    end)
    made.plan(x_of(1), y_of(1))
    assert.is_true(made.plan.planned)
    local autograd = require("lossdbg.core").autograd
    autograd.check_finite(true)
    made.plan(x_of(1), y_of(1))
    autograd.check_finite(false)
    assert.is_false(made.plan.planned)
    assert.equal("check_finite is on", made.plan.reason)
  end)

  it("more than 8 shapes", function()
    local made = make()
    local step = ld.plan(made.step)
    for n = 1, 9 do
      for i = 1, 4 do step(check.noise({ n, 4 }, i), check.noise({ n, 3 }, i)) end
      assert.equal(n <= 8, step.planned)
    end
    assert.matches("more than 8 shapes", step.reason, 1, true)
    assert.equal(8, #step:describe().plans)
  end)

  it("an argument that requires a gradient", function()
    local step = ld.plan(function(x) return (x * 2):sum() end)
    local x = ld.ones { 3 }
    x.requires_grad = true
    for _ = 1, 4 do step(x) end
    assert.matches("argument 1 of the step requires a gradient", step.reason, 1, true)
  end)
end)

describe("a step", function()
  it("tells what was planned", function()
    local made = planned()
    local described = made.plan:describe()
    assert.is_true(described.planned)
    assert.equal(1, #described.plans)
    local one = described.plans[1]
    assert.is_true(one.instructions >= 10 and one.instructions == #one.names)
    assert.is_true(one.arena > 0 and one.arena <= one.sum)
    assert.matches("last call planned", tostring(made.plan), 1, true)
    assert.matches(one.instructions .. " instructions, " .. one.arena .. " bytes",
      tostring(made.plan), 1, true)
  end)

  it("is a function", function()
    assert.matches("plan: argument 'step': expected a function", error_of(ld.plan, 3), 1, true)
  end)

  it("works in a coroutine", function()
    local made = make()
    local step = ld.plan(made.step)
    local run = coroutine.wrap(function()
      for i = 1, 8 do
        step(x_of(i), y_of(i))
        coroutine.yield(step.planned)
      end
    end)
    local last
    for _ = 1, 8 do last = run() end
    assert.is_true(last)
  end)
end)
