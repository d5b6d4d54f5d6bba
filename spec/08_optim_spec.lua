-- Optimisers against golden trajectories. The PyTorch column was printed by PyTorch 1.13 in
-- float64; the Keras column is the source formula of Keras 3.16 evaluated in float64 with Python.
-- Start (1, -0.5), five gradients, defaults unless named.
local ld = require "lossdbg"
local core = require "lossdbg.core"

local gradients = { { .1, -.2 }, { .3, .05 }, { -.4, .7 }, { .02, -.01 }, { .5, .5 } }
local golden = {
  { "sgd", "keras", { lr = .01 }, .994800000000, -.510400000000 },
  { "sgd", "keras", { lr = .01, momentum = .9 }, .991047900000, -.517309300000 },
  { "sgd", "keras", { lr = .01, momentum = .9, nesterov = true }, .986743110000, -.525978370000 },
  { "adam", "keras", {}, .997805692996, -.500045423826 },
  { "adam", "keras", { amsgrad = true }, .997805692996, -.500045257262 },
  { "adamw", "keras", {}, .997785719568, -.500035439816 },
  { "rmsprop", "keras", {}, .993872251751, -.502578044918 },
  { "rmsprop", "keras", { centered = true, momentum = .9 }, .979284210168, -.499730019538 },
  { "adagrad", "keras", {}, .999021045762, -.500997746500 },
  { "sgd", "torch", { lr = .01 }, .994800000000, -.510400000000 },
  { "sgd", "torch", { lr = .01, momentum = .9 }, .991047900000, -.517309300000 },
  { "sgd", "torch", { lr = .01, momentum = .9, nesterov = true, weight_decay = .1 },
    .970036653889, -.517584102905 },
  { "sgd", "torch", { lr = .01, momentum = .9, dampening = .5 }, .993476400000, -.504559550000 },
  { "adam", "torch", {}, .997805651278, -.500045406971 },
  { "adam", "torch", { weight_decay = .1 }, .996840847473, -.499524543497 },
  { "adam", "torch", { amsgrad = true }, .997805651278, -.500045240405 },
  { "adamw", "torch", {}, .997755718308, -.500020447245 },
  { "rmsprop", "torch", {}, .809330337858, -.575926797207 },
  { "rmsprop", "torch", { centered = true, momentum = .9 }, .394315027849, -.488071129086 },
  { "adagrad", "torch", {}, .980967225150, -.507532946366 },
  { "adagrad", "torch", { lr_decay = .1, initial_accumulator = .1 },
    .991614559788, -.506898495248 },
}

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

local function label(row)
  local text = {}
  for key, value in pairs(row[3]) do text[#text + 1] = key .. "=" .. tostring(value) end
  table.sort(text)
  return row[1] .. " " .. row[2] .. " " .. table.concat(text, " ")
end

-- n copies of the two weights, so that the arrays span several chunks of the kernels.
local function tiled(pair, copies)
  local list = {}
  for _ = 1, copies do list[#list + 1], list[#list + 2] = pair[1], pair[2] end
  return list
end

local function run(row, dtype, copies)
  local w = tensor(tiled({ 1, -.5 }, copies), dtype)
  local opt = make(row, { w })
  for _, g in ipairs(gradients) do
    w.grad = ld.tensor(tiled(g, copies), dtype)
    opt:step()
  end
  return w, opt
end

local function fails(pattern, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  assert.is_truthy(tostring(message):find(pattern, 1, true), message)
end

describe("golden trajectory", function()
  for _, row in ipairs(golden) do
    it(label(row), function()
      local w = run(row, "f64", 1)
      assert.near(row[4], w[1], 1e-11)
      assert.near(row[5], w[2], 1e-11)
    end)

    it(label(row) .. ", long arrays, f32 and f64", function()
      for dtype, tolerance in pairs { f64 = 1e-11, f32 = 2e-6 } do
        local list = run(row, dtype, 701):totable()
        for i = 1, #list, 2 do
          assert.near(row[4], list[i], tolerance)
          assert.near(row[5], list[i + 1], tolerance)
        end
      end
    end)
  end

  it("takes weight decay off the weights in Keras: w - w wd lr - lr g", function()
    local w = tensor { 2 }
    local opt = ld.optim.sgd { { w }, lr = .1, weight_decay = .5 }
    w.grad = ld.tensor({ 3 }, "f64")
    opt:step()
    assert.near(2 - 2 * .5 * .1 - .1 * 3, w[1], 1e-15)
  end)

  it("adds weight decay to the gradient in PyTorch: w - lr (g + wd w)", function()
    local w = tensor { 2 }
    local opt = ld.optim.rmsprop { { w }, lr = .1, weight_decay = .5, flavor = "torch" }
    w.grad = ld.tensor({ 3 }, "f64")
    opt:step()
    local g = 3 + .5 * 2
    assert.near(2 - .1 * g / (math.sqrt(.01 * g * g) + 1e-8), w[1], 1e-12)
  end)
end)

describe("statistics of a step", function()
  it("are the sums of the plain loop", function()
    local n, values, slopes = 1337, {}, {}
    for i = 1, n do values[i], slopes[i] = math.sin(i) * 3, i % 5 == 0 and 0 or math.cos(i) end
    local w = tensor(values)
    local opt = ld.optim.sgd { { w }, lr = .25 }
    w.grad = ld.tensor(slopes, "f64")
    opt:step()
    local g2, u2, w2, zeros, same = 0, 0, 0, 0, 0
    for i = 1, n do
      local new = values[i] - .25 * slopes[i]
      g2, u2, w2 = g2 + slopes[i] ^ 2, u2 + (new - values[i]) ^ 2, w2 + new ^ 2
      zeros = zeros + (slopes[i] == 0 and 1 or 0)
      same = same + (new == values[i] and 1 or 0)
    end
    local stats = opt.stats.parameter_1
    assert.near(1, stats.grad_sq / g2, 1e-12)
    assert.near(1, stats.update_sq / u2, 1e-12)
    assert.near(1, stats.weight_sq / w2, 1e-12)
    assert.same({ zeros, same, 0, n }, { stats.grad_zero, stats.unchanged, stats.underflow,
      stats.numel })
    assert.near(math.sqrt(g2), stats.grad_norm, 1e-12)
    assert.near(math.sqrt(u2 / w2), stats.ratio, 1e-12)
  end)

  it("tell a step that rounding swallowed from a zero gradient", function()
    local w = tensor({ 1, 1, 1, 0 }, "f32")
    local opt = ld.optim.sgd { { w }, lr = 1e-9 }
    w.grad = ld.tensor { 1, 0, 1e9, 1 }
    opt:step()
    local stats = opt.stats.parameter_1
    assert.equal(2, stats.unchanged)
    assert.equal(1, stats.underflow)
    assert.equal(1, stats.grad_zero)
  end)

  for _, dtype in ipairs { "f32", "f64" } do
    it("count what is not finite, " .. dtype, function()
      local w = tensor({ 1, 2, 3, 0 / 0 }, dtype)
      local opt = ld.optim.sgd { { w }, lr = 1 }
      w.grad = ld.tensor({ 0 / 0, math.huge, 1, 1 }, dtype)
      opt:step()
      local stats = opt.stats.parameter_1
      assert.equal(2, stats.nonfinite_grad)
      assert.equal(3, stats.nonfinite_weight)
    end)
  end

  it("count nothing as broken when squares overflow in f64", function()
    local w = tensor { 1e200 }
    local opt = ld.optim.sgd { { w }, lr = 0 }
    w.grad = ld.tensor({ 1e300 }, "f64")
    opt:step()
    assert.equal(0, opt.stats.parameter_1.nonfinite_grad)
    assert.equal(0, opt.stats.parameter_1.nonfinite_weight)
    assert.equal(math.huge, opt.stats.parameter_1.grad_sq)
  end)
end)

describe("clipping", function()
  local function clipped(o, ...)
    local list = {}
    for i, g in ipairs { ... } do
      list[i] = tensor(tiled({ 0, 0 }, 1))
      list[i].grad = ld.tensor(g, "f64")
    end
    o[1], o.lr = list, 1
    local opt = ld.optim.sgd(o)
    opt:step()
    local out = {}
    for i, w in ipairs(list) do out[i] = { -w[1], -w[2] } end
    return out, opt
  end

  it("by value", function()
    assert.same({ { -.5, .25 } }, (clipped({ clip_value = .5 }, { -3, .25 })))
  end)

  it("by the norm of each variable: g c / max(|g|, c)", function()
    local out = clipped({ clip_norm = 1 }, { 3, 4 }, { .3, .4 })
    assert.near(.6, out[1][1], 1e-15)
    assert.near(.8, out[1][2], 1e-15)
    assert.same({ .3, .4 }, out[2])
  end)

  it("by the norm of all: sqrt(9 + 16 + 144) = 13", function()
    local out, opt = clipped({ global_clip_norm = 6.5 }, { 3, 4 }, { 12, 0 })
    assert.near(1.5, out[1][1], 1e-15)
    assert.near(6, out[2][1], 1e-15)
    assert.near(.5, opt.clip_factor, 1e-15)
    assert.equal(5, opt.stats.parameter_1.grad_norm) -- as it was before the clip
  end)

  it("adds 1e-6 to the norm in PyTorch", function()
    local out = clipped({ global_clip_norm = 1, flavor = "torch" }, { 3, 4 })
    assert.near(3 / (5 + 1e-6), out[1][1], 1e-15)
    assert.same({ { .3, .4 } },
      (clipped({ global_clip_norm = 1, flavor = "torch" }, { .3, .4 })))
  end)

  it("shows a broken gradient instead of hiding it", function()
    local nan, huge = 0 / 0, math.huge
    local out = clipped({ global_clip_norm = 1 }, { nan, 1 }, { 1, 1 })
    assert.is_true(out[2][1] ~= out[2][1])
    out = clipped({ global_clip_norm = 1 }, { huge, 1 })
    assert.is_true(out[1][2] ~= out[1][2]) -- Keras: all become NaN
    out = clipped({ clip_value = 1 }, { nan, huge })
    assert.is_true(out[1][1] ~= out[1][1])
    assert.equal(1, out[1][2])
  end)
end)

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
          w.grad = ld.tensor(gradients[i], "f64")
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
    for _, row in ipairs(golden) do
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
    assert.matches("08_optim_spec.lua:%d+: lossdbg: optim.sgd", message)
  end)

  it("is caught in the core before anything is written", function()
    local train = core.train
    local w, g = ld.ones(3, "f64"), ld.ones(3, "f64")
    local bad = {
      { w, ld.ones(2, "f64"), nil, .1, 0, false, 0 }, { w, ld.ones(3), nil, .1, 0, false, 0 },
      { w, w, nil, .1, 0, false, 0 }, { w, g, nil, -.1, 0, false, 0 },
      { w, g, nil, .1, .9, false, 0 }, { w, g, g, .1, .9, false, 0 },
      { w, g, nil, .1, 0, false, 0, "kears" }, { w, g, nil, 0 / 0, 0, false, 0 },
      { ld.ones(3, "i32"), g, nil, .1, 0, false, 0 }, { 1, 2 }, {},
    }
    for _, arguments in ipairs(bad) do
      assert.is_false((pcall(train.sgd, table.unpack(arguments, 1, 10))))
    end
    assert.is_false((pcall(train.adam, w, g, g:clone(), g:clone(), nil, 0, .1, .9, .999, 0, 0)))
    assert.is_false((pcall(train.clip_norm, { g, 1 }, 1)))
    assert.is_false((pcall(train.clip_value, { g }, -1)))
    assert.same({ 1, 1, 1 }, w:totable())
    assert.same({ 1, 1, 1 }, g:totable())
  end)
end)
