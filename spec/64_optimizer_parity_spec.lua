-- Ten steps of every optimiser against Keras 3 and PyTorch 2, whose weights are in
-- parity/optimizers.lua (see parity/optimizers.py), and the golden trajectory of five steps.
local ld = require "lossdbg"
local golden = dofile "spec/parity/optimizers.lua"

local shapes, names = { { 3, 4 }, { 5 }, { 2, 3, 2 } }, { "a", "b", "c" }

local function size(k)
  local n = 1
  for _, m in ipairs(shapes[k]) do n = n * m end
  return n
end

local function make(k, dtype, value)
  local list = {}
  for i = 1, size(k) do list[i] = value(i) end
  return ld.tensor(list, "f64"):reshape(shapes[k]):cast(dtype):contiguous()
end

local function start(k, dtype)
  local w = make(k, dtype, function(i) return math.sin(1.5 * i + k - 1) end)
  w.requires_grad = true
  return { name = names[k], tensor = w }
end

local function gradient(k, step, dtype)
  return make(k, dtype, function(i)
    if i == 1 and step % 4 == 0 then return 0 end
    return math.cos(0.7 * i * step + k - 1) * (0.1 + step % 3)
  end)
end

local function label(row)
  local function text(value)
    if type(value) ~= "table" then return tostring(value) end
    local parts = {}
    for key, item in pairs(value) do parts[#parts + 1] = tostring(key) .. "=" .. text(item) end
    table.sort(parts)
    return "{" .. table.concat(parts, " ") .. "}"
  end
  return ("%s %s %s%s"):format(row.name, row.flavor, text(row.options),
    row.schedule and " with a schedule" or "")
end

local function optimizer(row, parameters)
  local given = { flavor = row.flavor }
  for key, value in pairs(row.options) do given[key] = value end
  local made = ld.optim[row.name](given)
  if row.schedule then made = ld.optim.scheduled(made, row.schedule) end
  return made:attach(parameters)
end

local function flat(parameters)
  local list = {}
  for _, entry in ipairs(parameters) do
    local values = entry.tensor:detach():cast("f64"):reshape({ -1 }):totable()
    table.move(values, 1, #values, #list + 1, list)
  end
  return list
end

local function compare(expected, parameters, tolerance, what)
  local worst = 0
  for i, value in ipairs(flat(parameters)) do
    worst = math.max(worst, math.abs(value - expected[i]) / math.max(math.abs(expected[i]), 1e-3))
    assert.is_true(value == value, what)
  end
  assert.is_true(worst <= tolerance, ("%s: off by %g"):format(what, worst))
end

local kept = { [1] = 1, [5] = 2, [10] = 3 }

describe("ten steps in f64 and f32", function()
  for _, row in ipairs(golden) do
    it(label(row), function()
      for dtype, tolerance in pairs { f64 = 1e-10, f32 = 1e-4 } do
        local parameters = { start(1, dtype), start(2, dtype), start(3, dtype) }
        local opt = optimizer(row, parameters)
        for step = 1, 10 do
          for k, entry in ipairs(parameters) do entry.tensor.grad = gradient(k, step, dtype) end
          opt:step()
          local at = kept[step]
          if at then
            compare(row.kept[at], parameters, tolerance, ("%s, step %d"):format(dtype, step))
          end
        end
        if row.kept[4] then
          opt:finalize()
          compare(row.kept[4], parameters, tolerance, dtype .. ", average")
        end
      end
    end)
  end
end)

-- Start (1, -0.5), defaults; the PyTorch numbers were printed by PyTorch 1.13 in f64 (NAdam by its
-- foreach path), the Keras numbers are the source's formulas in f64.
local gradients = { { .1, -.2 }, { .3, .05 }, { -.4, .7 }, { .02, -.01 }, { .5, .5 } }
local trajectories = {
  { "adadelta", "keras", .999996271262, -.500002619612 },
  { "adadelta", "torch", .991696560186, -.505862427602 },
  { "adamax", "keras", .998144929717, -.499515597069 },
  { "adamax", "torch", .996289857167, -.499031193150 },
  { "nadam", "keras", .997845433568, -.500933345913 },
  { "nadam", "torch", .995554336567, -.502145395753 },
  { "radam", "torch", .999603025308, -.500331588956 },
  { "lion", "keras", .997, -.503 },
}

describe("five steps of a pair", function()
  for _, row in ipairs(trajectories) do
    it(row[1] .. " " .. row[2], function()
      local w = ld.tensor({ 1, -.5 }, "f64")
      w.requires_grad = true
      local opt = ld.optim[row[1]] { { w }, flavor = row[2] }
      for _, g in ipairs(gradients) do
        w.grad = ld.tensor(g, "f64")
        opt:step()
      end
      assert.near(row[3], w[1], 1e-11)
      assert.near(row[4], w[2], 1e-11)
    end)
  end
end)

local function fails(pattern, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  assert.is_truthy(tostring(message):find(pattern, 1, true), message)
end

local function weight(values)
  local w = ld.tensor(values, "f64")
  w.requires_grad = true
  return w
end

describe("parameter groups", function()
  local nn = ld.nn

  it("have rates and decays of their own: w - lr g - lr wd w", function()
    local a, b = weight { 2 }, weight { 2 }
    local opt = ld.optim.sgd { {
      { parameters = a, lr = .5, weight_decay = .1 }, { parameters = { b } },
    }, lr = .1 }
    a.grad, b.grad = ld.tensor({ 1 }, "f64"), ld.tensor({ 1 }, "f64")
    opt:step()
    assert.near(2 - .5 - .5 * .1 * 2, a[1], 1e-15)
    assert.near(2 - .1, b[1], 1e-15)
    opt.lr = .05 -- half the rate for all
    a.grad, b.grad = ld.tensor({ 1 }, "f64"), ld.tensor({ 1 }, "f64")
    opt:step()
    assert.near(1.4 - .25 - .25 * .1 * 1.4, a[1], 1e-15)
    assert.near(1.9 - .05, b[1], 1e-15)
  end)

  it("may differ in every option of the rule", function()
    local a, b = weight { 0 }, weight { 0 }
    local opt = ld.optim.sgd { { { parameters = { a }, momentum = .5 }, { parameters = { b } } },
      lr = 1 }
    for _ = 1, 2 do
      a.grad, b.grad = ld.tensor({ 1 }, "f64"), ld.tensor({ 1 }, "f64")
      opt:step()
    end
    assert.equal(-2.5, a[1])
    assert.equal(-2, b[1])
  end)

  it("are named by layer, weight or kind of weight, in experiments too", function()
    local model = nn.sequential { nn.dense { 2, name = "first" }, nn.dense { 1, name = "last" } }
      :build { 3 }
    local function rates(groups)
      local opt, found = ld.optim.sgd { model, lr = 1, groups = groups }, {}
      for _, entry in ipairs(opt.list) do found[#found + 1] = entry.lr or 1 end
      return found
    end
    assert.same({ .1, .1, 1, 1 }, rates { { parameters = "first", lr = .1 } })
    assert.same({ 1, 1, .1, 1 }, rates { { parameters = "last/kernel", lr = .1 } })
    assert.same({ .5, .1, .5, .1 },
      rates { { parameters = "bias", lr = .1 }, { parameters = { "first", "last" }, lr = .5 } })
    local run = ld.experiment { train = { ld.randn { 8, 3 }, ld.randn { 8, 1 } }, loss = "mse",
      model = nn.sequential { nn.dense { 2, name = "first" }, nn.dense { 1, name = "last" } },
      optimizer = ld.optim.adam { groups = { { parameters = "first", lr = 0 } } }, epochs = 2,
    }:fit { verbose = 0 }
    assert.equal(1, run.signals.layers.first.unchanged)
    assert.equal(0, run.signals.layers.last.unchanged)
    assert.same({ { parameters = "first", lr = 0 } }, run.description.optimizer.groups)
  end)

  it("take layers", function()
    local model = nn.sequential { nn.dense { 2, name = "first" }, nn.dense { 1, name = "last" } }
      :build { 3 }
    local opt = ld.optim.adam { { { parameters = model:layer "first" },
      { parameters = model:layer "last", lr = 1 } } }
    assert.equal(4, #opt.list)
    assert.equal("last/kernel", opt.list[3].name)
    assert.equal(1, opt.list[3].lr)
    assert.is_nil(opt.list[1].lr)
  end)

  it("are checked", function()
    local w = weight { 1 }
    fails("did you mean 'momentum'", ld.optim.sgd,
      { { { parameters = w, momentun = .9 } }, lr = 1 })
    fails("no parameter is called \"firts\"", ld.optim.sgd,
      { { { name = "first", tensor = w } }, groups = { { parameters = "firts" } } })
    fails("'lr': expected a number >= 0", ld.optim.sgd,
      { groups = { { parameters = "a", lr = -1 } } })
    fails("groups { parameters = ... } throughout", ld.optim.sgd, { { { parameters = w }, { 1 } } })
  end)
end)

describe("accumulated gradients", function()
  local function run(steps, batch)
    local x, y = {}, {}
    for i = 1, 24 do x[i], y[i] = { math.sin(i) }, math.cos(i) end
    return ld.experiment { train = { ld.tensor(x), ld.tensor(y) }, loss = "mse", epochs = 3,
      model = ld.nn.sequential { ld.nn.dense(4, "tanh"), ld.nn.dense(1) }, batch = batch,
      shuffle = false, dtype = "f64",
      optimizer = ld.optim.adam { lr = .05, gradient_accumulation_steps = steps },
    }:fit { verbose = 0 }
  end

  it("of four batches move the weights as one batch of all their rows", function()
    local whole, parts = run(nil, 12), run(4, 3)
    local expected, got = {}, {}
    for _, t in whole.model:parameters() do expected[#expected + 1] = { tensor = t } end
    for _, t in parts.model:parameters() do got[#got + 1] = { tensor = t } end
    compare(flat(expected), got, 1e-10, "weights")
  end)

  it("leave no false signs of a standstill in the telemetry", function()
    local signals = run(4, 3).signals
    assert.equal(24, #signals.grad_norm)
    for _, norm in ipairs(signals.grad_norm) do assert.is_true(norm > 0) end
    for _, layer in pairs(signals.layers) do
      assert.equal(0, layer.unchanged)
      assert.equal(0, layer.zero_grad)
      assert.is_true(layer.ratio_median > 0)
      assert.equal(6, #layer.ratio) -- one for each update
    end
  end)
end)

describe("averaged weights", function()
  it("become the weights at the end of a fit", function()
    local last
    local run = ld.experiment { train = { ld.ones { 4, 1 }, ld.ones { 4, 1 } }, loss = "mse",
      model = ld.nn.sequential { ld.nn.dense { 1, bias = false } }, epochs = 3, batch = 4,
      optimizer = ld.optim.sgd { lr = .1, use_ema = true, ema_momentum = .5 }, dtype = "f64" }
      :fit { verbose = 0, on_step = function(ctx)
        local w = ctx.model[1].weights.kernel:item()
        last = last and .5 * last + .5 * w or w -- the first step starts the average
      end }
    assert.near(last, run.model[1].weights.kernel:item(), 1e-14)
  end)

  it("can be looked at in between", function()
    local w = weight { 1 }
    local opt = ld.optim.sgd { { w }, lr = 1, use_ema = true, ema_momentum = .75 }
    for _ = 1, 2 do
      w.grad = ld.tensor({ 1 }, "f64")
      opt:step()
    end
    assert.equal(-1, w[1])
    assert.equal(.75 * 0 + .25 * -1, opt:swap_average() and w[1])
    assert.equal(-1, opt:swap_average() and w[1])
  end)
end)

describe("state", function()
  for _, name in ipairs(ld.optim.names) do
    it("of " .. name .. " continues bit for bit", function()
      local function fresh()
        local w = start(1, "f32")
        return w, ld.optim[name] { { w }, lr = .01, use_ema = true,
          gradient_accumulation_steps = 2 }
      end
      local function advance(w, opt, from, to)
        for step = from, to do
          w.tensor.grad = gradient(1, step, "f32")
          opt:step()
        end
      end
      local w, opt = fresh()
      advance(w, opt, 1, 7)
      local other, twin = fresh()
      other.tensor:detach():copy_(w.tensor:detach())
      twin:load_state(opt:state())
      advance(w, opt, 8, 11)
      advance(other, twin, 8, 11)
      assert.same(w.tensor:totable(), other.tensor:totable())
      assert.same(opt:finalize() and w.tensor:totable(), twin:finalize() and other.tensor:totable())
    end)
  end

  it("with slots of another shape is refused", function()
    local opt = ld.optim.adafactor { { start(1, "f32") } }
    opt.list[1].tensor.grad = gradient(1, 1, "f32")
    opt:step()
    local state = opt:state()
    state.slots.a.row = ld.zeros { 4 }
    fails("slot 'row' of 'a' with shape [3]", opt.load_state, opt, state)
  end)
end)

describe("misuse", function()
  local cases = {
    { "only PyTorch has it", function() ld.optim.radam { flavor = "keras" } end },
    { "only Keras has it", function() ld.optim.lion { flavor = "torch" } end },
    { "did you mean 'beta1'", function() ld.optim.nadam { beta11 = .5 } end },
    { "'beta2': expected a number >= 0 and < 1", function() ld.optim.lamb { beta2 = 1 } end },
    { "'gradient_accumulation_steps': expected an integer >= 2",
      function() ld.optim.sgd { gradient_accumulation_steps = 1 } end },
    { "use_ema = true", function() ld.optim.sgd { ema_overwrite_frequency = 3 } end },
    { "'decoupled_weight_decay'",
      function() ld.optim.adafactor { decoupled_weight_decay = false } end },
    { "did you mean 'adafactor'", function() ld.optim.resolve "adafacter" end },
    { "'beta2_decay': expected a number <= 0",
      function() ld.optim.adafactor { beta2_decay = .8 } end },
  }
  for _, case in ipairs(cases) do
    it("says " .. case[1], function() fails(case[1], case[2]) end)
  end

  it("of the core's rules raises and writes nothing", function()
    local train, w = require("lossdbg.core").train, ld.tensor({ { 1, 2 }, { 3, 4 } }, "f64")
    local g, m = ld.ones({ 2, 2 }, "f64"), ld.zeros({ 2, 2 }, "f64")
    local v, row = ld.zeros({ 2, 2 }, "f64"), ld.zeros({ 2 }, "f64")
    fails("'m': shares memory", train.lion, w, g, w, .1, .9, .99, 0, true)
    fails("'step': expected 1 or more", train.adamax, w, g, m, v, 0, .1, .9, .99, 1e-7, 0, true)
    fails("'rho'", train.adadelta, w, g, m, v, .1, 1, 1e-7, 0, true)
    fails("'column': expected 2 elements, got 4", train.adafactor, w, g, row, m, v, 1, .1, -.8,
      1e-30, 1e-3, 1, 0, "keras")
    fails("'column': shares memory", train.adafactor, w, g, row, row, v, 1, .1, -.8, 1e-30, 1e-3,
      1, 0, "keras")
    fails("'product'", train.nadam, w, g, m, v, 1, .1, .9, .99, 1e-7, 0, true, "keras", .5, .5, 1)
    assert.same({ { 1, 2 }, { 3, 4 } }, w:totable())
    assert.same({ { 0, 0 }, { 0, 0 } }, m:totable())
  end)

  it("leaves a NaN in the gradient to be seen in weights and statistics", function()
    for _, name in ipairs { "adadelta", "adamax", "nadam", "radam", "lion", "lamb", "adafactor" } do
      local w = weight { 1, 2 }
      local opt = ld.optim[name] { { w } }
      w.grad = ld.tensor({ 0 / 0, 1 }, "f64")
      opt:step()
      assert.is_true(w[1] ~= w[1], name)
      assert.equal(1, opt.stats.parameter_1.nonfinite_grad)
      assert.is_true(opt.stats.parameter_1.nonfinite_weight >= 1)
    end
  end)
end)
