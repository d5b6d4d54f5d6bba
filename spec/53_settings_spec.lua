-- Options of an optimiser that are written after it was made: checked where they are written, in
-- force from the next step on, part of its description and of its clones.
local ld = require "lossdbg"

local function fails(pattern, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  assert.matches(pattern, message)
  return message
end

local function set(optimizer, key, value) optimizer.options[key] = value end

-- One step of an optimiser from w = 1 with gradient 1.
local function stepped(optimizer, w)
  w.grad = ld.ones { 1 }
  optimizer:step()
  return w:totable()[1]
end

local function weight()
  local w = ld.ones { 1 }
  w.requires_grad = true
  return w
end

describe("options of an optimiser", function()
  it("raise wrong values at the line that writes them", function()
    local o = ld.optim.sgd { lr = 0.1, momentum = 0.5 }
    local message = fails("53_settings_spec.lua:%d+: lossdbg: optim.sgd: argument 'momentum': "
      .. "expected a number, got \"x\"", function() o.options.momentum = "x" end)
    assert.matches(":" .. debug.getinfo(1, "l").currentline - 1 .. ":", message, 1, true)
    fails("argument 'momentum': expected a number >= 0 and < 1, got 1", set, o, "momentum", 1)
    fails("argument 'momentum': expected a number", set, o, "momentum", 0 / 0)
    fails("argument 'nesterov': expected true or false", set, o, "nesterov", 1)
    fails("argument 'momentum': expected a value, got nil", set, o, "momentum", nil)
    fails("unknown option 'momentun'.*momentum", set, o, "momentun", 0.5)
    fails("argument 'flavor': is settled when the optimiser is made", set, o, "flavor", "torch")
    fails("argument 'lr': is set as optimizer.lr", set, o, "learning_rate", 0.5)
    assert.equal(0.5, o.options.momentum)
    assert.is_false(o.options.nesterov)
  end)

  it("raise what does not go together, and keep what was", function()
    local o = ld.optim.sgd { lr = 0.1, clip_norm = 1 }
    fails("nesterov': expected a momentum > 0", set, o, "nesterov", true)
    fails("clip_value and clip_norm were both given", set, o, "clip_value", 1)
    assert.is_nil(o.options.clip_value)
    o.options.clip_norm = nil
    o.options.clipvalue = 2
    assert.equal(2, o.options.clip_value)
  end)

  it("act from the next step on", function()
    local w = weight()
    local o = ld.optim.sgd { { w }, lr = 0.5 }
    assert.equal(0.5, stepped(o, w))
    o.options.momentum = 0.5 -- v <- 0.5 v - 0.5 g, from v = 0
    assert.equal(0, stepped(o, w))
    assert.equal(-0.75, stepped(o, w))
    o.options.weight_decay = 0.5 -- w <- w - lr decay w - d; v = -0.875
    assert.near(-0.75 + 0.25 * 0.75 - 0.875, stepped(o, w), 1e-6)
  end)

  it("are those of its description and of its clones", function()
    local o = ld.optim.adam { lr = 0.1 }
    o.options.beta_1 = 0.5
    assert.equal(0.5, o:describe().beta1)
    assert.equal(0.5, o:clone().options.beta1)
    assert.equal(0.25, o:clone({ beta1 = 0.25 }).options.beta1)
    local seen = {}
    for key, value in pairs(o.options) do seen[key] = value end
    assert.equal(0.5, seen.beta1)
    assert.equal(0.999, seen.beta2)
  end)

  it("let no plan made before go on", function()
    local w = weight()
    local o = ld.optim.sgd { { w }, lr = 0.25 }
    local step = ld.plan(function(x)
      o:zero_grad()
      local loss = (w * x):sum()
      loss:backward()
      o:step()
      return loss
    end)
    for _ = 1, 6 do step(ld.ones { 1 }) end
    assert.is_true(step.planned)
    local before = w:totable()[1]
    o.options.weight_decay = 0.5
    step(ld.ones { 1 })
    assert.near(before - 0.25 * 0.5 * before - 0.25, w:totable()[1], 1e-6)
  end)
end)

describe("options of a layer", function()
  local function dropout()
    return ld.nn.sequential { ld.nn.dense(4), ld.nn.dropout(0.5) }:build({ 3 }, { seed = 1 })
  end

  it("raise wrong values at the line that writes them, and keep what was", function()
    local options = dropout():layer("dropout_1").options
    local message = fails("53_settings_spec.lua:%d+: lossdbg: nn.dropout: argument 'rate': "
      .. "expected a number", function() options.rate = "x" end)
    assert.matches(":" .. debug.getinfo(1, "l").currentline - 1 .. ":", message, 1, true)
    fails("argument 'rate'.*got 1.5", function() options.rate = 1.5 end)
    fails("unknown option 'rat'.*rate", function() options.rat = 0.1 end)
    assert.equal(0.5, options.rate)
  end)

  it("are each layer's own: neither another model nor a copy follows", function()
    local description = ld.nn.dropout(0.5)
    local function build() return ld.nn.sequential { description }:build({ 3 }, { seed = 1 }) end
    local one, other = build(), build()
    local twin = one:clone()
    one:layer("dropout_1").options.rate = 0.25
    assert.equal(0.5, other:layer("dropout_1").options.rate)
    assert.equal(0.5, twin:layer("dropout_1").options.rate)
    assert.equal(0.25, one:clone():layer("dropout_1").options.rate)
  end)
end)

describe("fields of a loss, a regulariser and a constraint", function()
  it("raise wrong values at the line that writes them, and keep what was", function()
    local loss = ld.loss.mse()
    local message = fails("53_settings_spec.lua:%d+: lossdbg: loss.mse: argument 'scale': expected "
      .. "a number, got \"x\"", function() loss.scale = "x" end)
    assert.matches(":" .. debug.getinfo(1, "l").currentline - 1 .. ":", message, 1, true)
    fails("unknown option 'scal'.*scale", function() loss.scal = 2 end)
    fails("unknown option 'family'", function() loss.family = "margin" end)
    assert.equal(1, loss.scale)
    local l2 = ld.regularizer.l2(0.1)
    fails("regularizer: argument 'l2': expected a number >= 0, got %-1", function() l2.l2 = -1 end)
    assert.equal(0.1, l2.l2)
    local norm = ld.constraint.max_norm(3)
    fails("argument 'max_value': expected a number", function() norm.options.max_value = {} end)
    assert.equal(3, norm.options.max_value)
    local own = ld.loss.custom { function(p, y) return p:sub(y):square():mean() end }
    fails("loss.custom: argument 'scale'", function() own.scale = true end)
  end)

  it("raise what does not go together", function()
    local loss = ld.loss.binary_crossentropy { from_logits = true }
    fails("clip and renormalise are for probabilities", function() loss.clip = 1e-7 end)
    assert.is_nil(loss.clip)
  end)

  it("act from then on, with what was made of them before", function()
    local loss = ld.loss.mse()
    local p, y = ld.tensor { { 1 }, { 3 } }, ld.tensor { { 0 }, { 0 } }
    assert.equal(5, loss(p, y):item()) -- (1 + 9) / 2
    loss.scale = 2
    assert.equal(10, loss(p, y):item())
    loss.reduction = "sum"
    assert.equal(20, loss(p, y):item())
    local weighed = ld.loss.sparse_crossentropy { class_weight = { [0] = 1, [1] = 1 } }
    local shares, ids = ld.tensor { { 0.5, 0.5 }, { 0.75, 0.25 } }, ld.tensor({ 0, 1 }, "i32")
    assert.near((1 + 2) / 2 * math.log(2), weighed(shares, ids):item(), 1e-6)
    weighed.class_weight = { [0] = 1, [1] = 3 }
    assert.near((1 + 3 * 2) / 4 * math.log(2), weighed(shares, ids):item(), 1e-6)
    local l2 = ld.regularizer.l2(0.5)
    assert.equal(5, l2(p):item()) -- 0.5 (1 + 9)
    l2.l2 = 1
    assert.equal(10, l2(p):item())
  end)
end)
