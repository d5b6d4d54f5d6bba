-- Gradients that a planned step leaves belong to whoever asks for them, as those of an eager step.
local check = require "spec.support.plan_check"
local ld = require "lossdbg"

local nn = ld.nn

local function x_of(i) return check.noise({ 6, 4 }, i) end
local function y_of(i) return check.noise({ 6, 3 }, 100 + i) end

local function make(given)
  local model = nn.sequential { nn.dense { 5, "tanh" }, nn.dense(3) }:build({ 4 }, { seed = 3 })
  local options = { model, lr = 0.05 }
  for key, value in pairs(given or {}) do options[key] = value end
  local optimizer = ld.optim.adam(options)
  return { model = model, optimizer = optimizer, step = check.training(model, optimizer) }
end

local function data(n) return check.data(n, function(i) return { x_of(i), y_of(i) } end) end

-- between(made, i) after step i, in an eager and a planned training; what it returns is compared.
local function same(after, given)
  local seen = {}
  local _, step = check.same(function() return make(given) end, data(14), {
    may_end_eagerly = true, between = function(made, i, step)
      local list = seen[step] or {}
      seen[step] = list
      if i > 1 then list[#list + 1] = after(made, i - 1) end
    end })
  local lists = {}
  for _, list in pairs(seen) do lists[#lists + 1] = list end
  return lists, step
end

describe("gradients after a planned step", function()
  it("stay as they are when they are kept", function()
    local kept = {}
    for k, planned in ipairs { false, true } do
      local made = make()
      local step, list = planned and ld.plan(made.step) or made.step, {}
      for i = 1, 8 do
        step(x_of(i), y_of(i))
        for _, tensor in made.model:parameters() do list[#list + 1] = tensor.grad end
      end
      for i, tensor in ipairs(list) do list[i] = check.bits(tensor) end
      kept[k] = list
      if planned then assert.is_true(step.planned) end
    end
    assert.equal(8 * 4, #kept[1])
    assert.same(kept[1], kept[2])
  end)

  it("are one tensor until the next step", function()
    local made = make()
    local step = ld.plan(made.step)
    for i = 1, 6 do step(x_of(i), y_of(i)) end
    local weight = made.model:layer("dense_1").weights.kernel
    local gradient = weight.grad
    assert.is_true(rawequal(gradient, weight.grad))
    gradient:fill_(7)
    assert.equal(7, weight.grad[1][1])
    step(x_of(7), y_of(7))
    assert.is_true(step.planned)
    assert.equal(7, gradient[1][1])
    assert.not_equal(7, weight.grad[1][1])
  end)

  it("may be changed in place for a step of the optimiser", function()
    local function negated(made, i)
      if i % 3 ~= 0 then return end
      for _, tensor in made.model:parameters() do tensor.grad:mul_(-1) end
      made.optimizer:step()
    end
    for _, given in ipairs { {}, { clip_norm = 0.01 }, { gradient_accumulation_steps = 2 },
      { use_ema = true } } do
      local _, step = same(negated, given)
      assert.is_true(step:describe().plans[1] ~= nil)
    end
  end)

  it("one of them changed is enough, none is refused", function()
    local lists = same(function(made, i)
      if i % 4 ~= 0 then return "" end
      local weight = made.model:layer("dense_2").weights.bias
      local before = select(2, pcall(made.optimizer.step, made.optimizer))
      weight.grad:mul_(2)
      made.optimizer:step()
      local text = tostring(before):gsub("^[^:]*:%d+: ", "")
      assert.matches("no gradient was computed since the last step", text, 1, true)
      return text
    end)
    assert.same(lists[1], lists[2])
  end)

  it("are added to by a backward that follows", function()
    local lists = same(function(made, i)
      if i % 3 ~= 0 then return "" end
      local weight = made.model:layer("dense_1").weights.kernel
      local kept = weight.grad
      made.model(x_of(50)):sum():backward()
      return check.bits(kept) .. check.bits(weight.grad)
    end)
    assert.same(lists[1], lists[2])
  end)
end)
