-- What an optimiser does around its formula: when it steps, what it refuses, state, description.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local core = require "lossdbg.core"
local golden = require "optim_golden"

local function tensor(values, dtype)
  local t = ld.tensor(values, dtype or "f64")
  t.requires_grad = true
  return t
end

local function make(row, parameters)
  local given = { parameters, flavor = row[2] }
  for key, value in pairs(row[3]) do given[key] = value end
  return ld.optim[row[1]](given)
end

local function fails(pattern, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  assert.is_truthy(tostring(message):find(pattern, 1, true), message)
end

describe("step", function()
  it("needs a gradient that is newer than the last step", function()
    local w = tensor { 1 }
    local opt = ld.optim.sgd { { w }, lr = .1 }
    fails("no gradient was computed since the last step", opt.step, opt);
    (w * w):sum():backward()
    opt:step()
    assert.near(.8, w[1], 1e-15)
    fails("no gradient was computed since the last step", opt.step, opt)
    assert.near(.8, w[1], 1e-15);
    (w * w):sum():backward() -- adds to the gradient that is there: 2 + 1.6
    opt:step()
    assert.near(.8 - .36, w[1], 1e-15)
    opt:zero_grad()
    assert.is_nil(w.grad)
    fails("no gradient", opt.step, opt)
  end)

  it("evaluates a schedule before it counts the step", function()
    local w = tensor { 0 }
    local rate = ld.schedule.piecewise { boundaries = { 0, 1 }, values = { 1, .1, .01 } }
    local opt = ld.optim.sgd { { w }, lr = rate }
    local seen = {}
    for i = 1, 3 do
      seen[i] = opt.lr
      w.grad = ld.tensor({ 1 }, "f64")
      opt:step()
    end
    assert.same({ 1, .1, .01 }, seen)
    assert.near(-1.11, w[1], 1e-15)
    opt.lr = .5
    assert.equal(.5, opt.lr)
  end)

  it("skips frozen parameters and updates shared ones once", function()
    local a, b = tensor { 1 }, tensor { 1 }
    local opt = ld.optim.sgd { { a, b, a }, lr = 1 }
    a.grad, b.grad = ld.tensor({ 1 }, "f64"), ld.tensor({ 1 }, "f64")
    b.requires_grad = false
    opt:step()
    assert.same({ 0, 1 }, { a[1], b[1] })
    assert.is_nil(opt.stats.parameter_2)
  end)

  it("moves all parameters or none", function()
    local a = tensor { 1, 2 }
    local strided = ld.tensor({ { 1, 2 }, { 3, 4 } }, "f64"):transpose():detach()
    strided.requires_grad = true
    local opt = ld.optim.adam { { a, strided }, lr = .1 }
    a.grad = ld.tensor({ 1, 1 }, "f64")
    strided.grad = ld.ones({ 2, 2 }, "f64")
    fails("contiguous", opt.step, opt)
    assert.same({ 1, 2 }, a:totable())
    assert.equal(0, opt.iterations)
    local b = tensor { 1 }
    local bad = ld.optim.sgd { { b }, lr = function() return 0 / 0 end }
    b.grad = ld.tensor({ 1 }, "f64")
    fails("a finite number >= 0 from the schedule", bad.step, bad)
    assert.same({ 1 }, b:totable())
  end)
end)

describe("epoch", function()
  it("lowers the rate when the metric stalls, and starts anew in a copy", function()
    local stall = ld.schedule.reduce_on_plateau { factor = .5, patience = 2 }
    local opt = ld.optim.bind(ld.optim.sgd { lr = .8 }, { tensor { 1 } }, { schedule = stall })
    local rates = {}
    for i = 1, 5 do
      rates[i] = opt.lr
      opt:epoch { loss = 1 }
    end
    assert.same({ .8, .8, .8, .4, .4 }, rates)
    assert.same({ "reduce_on_plateau", .5 },
      { opt:describe().schedule.name, opt:describe().schedule.factor })
    assert.equal(.8, ld.optim.with(opt, { lr = .8 }).lr)
    assert.is_false(ld.optim.sgd { lr = 1 }:epoch { loss = 1 })
  end)
end)

describe("state", function()
  for _, name in ipairs(ld.optim.names) do
    it("of " .. name .. " continues where it was taken", function()
      local function fresh(values)
        local w = tensor(values)
        return w, ld.optim[name] { { w }, lr = .1 }
      end
      local function go(w, opt, from, to)
        for i = from, to do
          w.grad = ld.tensor(golden.gradients[i], "f64")
          opt:step()
        end
      end
      local w, opt = fresh { 1, -.5 }
      go(w, opt, 1, 3)
      local state, values = opt:state(), w:totable()
      go(w, opt, 4, 5)
      local w2, opt2 = fresh(values)
      opt2:load_state(state)
      go(w2, opt2, 4, 5)
      assert.same(w:totable(), w2:totable())
    end)
  end

  it("of another kind or shape is refused and changes nothing", function()
    local w = tensor { 1, 2 }
    local opt = ld.optim.adam { { w }, lr = .1 }
    w.grad = ld.tensor({ 1, 1 }, "f64")
    opt:step()
    local kept = opt:state()
    fails("expected the state of an optimiser 'adam'", opt.load_state, opt, { name = "sgd" })
    local other = opt:state()
    other.slots.parameter_1.v = ld.zeros(3, "f64")
    fails("expected shape [2]", opt.load_state, opt, other)
    assert.same(kept.slots.parameter_1.m:totable(), opt:state().slots.parameter_1.m:totable())
  end)
end)

describe("description", function()
  it("makes the same optimiser again", function()
    for _, row in ipairs(golden.rows) do
      local made = make(row, nil)
      local again = ld.optim.resolve(made:describe())
      assert.same(made:describe(), again:describe())
    end
    local scheduled = ld.optim.sgd { lr = ld.schedule.cosine { .1, 100, warmup = 10 } }
    assert.equal(.1, scheduled:describe().lr) -- the peak, not the 0 it starts from
    assert.same(scheduled:describe(), ld.optim.resolve(scheduled:describe()):describe())
  end)

  it("changes what it is told and nothing else", function()
    local base = ld.optim.sgd { lr = .1, momentum = .9 }
    local other = ld.optim.with(base, { learning_rate = .2 })
    assert.same({ .1, .2, .9 }, { base.lr, other.lr, other:describe().momentum })
    assert.equal("adam", ld.optim.with(base, { name = "adam" }).name)
    assert.equal(1e-3, ld.optim.with(base, { name = "adam" }).lr)
  end)
end)

describe("misuse", function()
  local o = ld.optim
  local t = tensor { 1 }
  local cases = {
    { "did you mean 'momentum'", function() o.sgd { lr = 1, momentun = .9 } end },
    { "expected a number >= 0, got -1", function() o.sgd { lr = -1 } end },
    { "got NaN", function() o.adam { lr = 0 / 0 } end },
    { "finite", function() o.adam { lr = math.huge } end },
    { "'beta1': expected a number >= 0 and < 1", function() o.adam { beta1 = 1 } end },
    { "'weight_decay'", function() o.sgd { weight_decay = -1 } end },
    { "'clip_norm': expected a number > 0", function() o.sgd { clip_norm = 0 } end },
    { "one clip at a time", function() o.sgd { clip_norm = 1, clip_value = 1 } end },
    { "momentum is 0", function() o.sgd { nesterov = true } end },
    { "'dampening'", function() o.sgd { momentum = .9, dampening = .5 } end },
    { "did you mean 'keras'", function() o.sgd { flavor = "kears" } end },
    { "did you mean 'adam'", function() o.resolve("adma") end },
    { "expected an optimiser or its name, got nil", function() o.resolve(nil) end },
    { "expected a built model or a list of tensors, got 3", function() o.sgd { 3, lr = 1 } end },
    { "expected tensors, got \"w\"", function() o.sgd { { "w" }, lr = 1 } end },
    { "i32", function() o.sgd { { ld.zeros(2, "i32") }, lr = 1 } end },
    { "no parameters", function() o.sgd { lr = 1 }:step() end },
    { "attached already", function() o.sgd { { t }, lr = 1 }:attach { t } end },
    { "two parameters are called 'w'", function()
      o.sgd { { { name = "w", tensor = t }, { name = "w", tensor = tensor { 2 } } }, lr = 1 }
    end },
    { "did you mean 'cosine'", function() o.sgd { lr = { name = "cosin" } } end },
    { "expected a finite number >= 0, got -1", function()
      local opt = o.sgd { lr = 1 }
      opt.lr = -1
    end },
  }
  for _, case in ipairs(cases) do
    it("says " .. case[1], function()
      fails(case[1], case[2])
      assert.equal(1, t[1])
    end)
  end

  it("is told with the user's line", function()
    local ok, message = pcall(function() ld.optim.sgd { lr = -1 } end)
    assert.is_false(ok)
    assert.matches("08_optim_step_spec.lua:%d+: lossdbg: optim.sgd", message)
  end)

  it("is caught in the core before anything is written", function()
    local train = core.train
    local w, g = ld.ones(3, "f64"), ld.ones(3, "f64")
    local bad = {
      { w, ld.ones(2, "f64"), {}, .1 }, { w, ld.ones(3), {}, .1 }, { w, w, {}, .1 },
      { w, g, {}, -.1 }, { w, g, {}, 0 / 0 }, { w, g, nil, .1 }, { w, g, {}, .1, 5 },
      { w, g, {}, .1, { momentum = .9 } }, { w, g, { velocity = g }, .1, { momentum = .9 } },
      { w, g, {}, .1, { flavor = "kears" } }, { w, g, {}, .1, { nesterov = true } },
      { w, g, {}, .1, { momentum = 1 } }, { w, g, {}, .1, { momentum = "x" } },
      { w, g, {}, .1, { nesterov = 1 } }, { w, g, {}, .1, { dampening = .5 } },
      { w, g, {}, .1, {}, 0 }, { ld.ones(3, "i32"), g, {}, .1 }, { 1, 2 }, {},
    }
    for _, arguments in ipairs(bad) do
      assert.is_false((pcall(train.sgd, table.unpack(arguments, 1, 6))))
    end
    assert.is_false((pcall(train.adam, w, g, { m = g:clone() }, .1)))
    assert.is_false((pcall(train.clip_norm, { g, 1 }, 1)))
    assert.is_false((pcall(train.clip_value, { g }, -1)))
    assert.same({ 1, 1, 1 }, w:totable())
    assert.same({ 1, 1, 1 }, g:totable())
  end)
end)
