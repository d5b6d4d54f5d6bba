-- bidirectional and time_distributed against the layers that they wrap.
local ld = require "lossdbg"
local core = require "lossdbg.core"

local nn = ld.nn

local function near(expected, got, tolerance)
  assert.same(expected.shape, got.shape)
  local a, b = expected:contiguous():reshape { -1 }, got:contiguous():reshape { -1 }
  for i = 1, a.numel do assert.near(a[i], b[i], tolerance or 1e-12) end
end

local function error_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return message
end

local function has(text, ...)
  for _, part in ipairs { ... } do
    assert(text:find(part, 1, true), ("%q is not in %q"):format(part, text))
  end
end

local function noise(shape)
  return core.random.normal(ld.zeros(shape, "f64"), 7, 1, 0, 1)
end

local function build(list, shape)
  return nn.sequential(list):build(shape, { dtype = "f64", seed = 3 })
end

describe("bidirectional", function()
  it("joins both directions step by step", function()
    local x = noise { 2, 4, 3 }
    local model = build({ nn.bidirectional(nn.lstm { 5, return_sequences = true }) }, { 4, 3 })
    assert.same({ 4, 10 }, model.output_shape)
    assert.equal(2 * (20 * (3 + 5) + 20), model:count())
    local forth = build({ nn.lstm { 5, return_sequences = true } }, { 4, 3 })
    for name in pairs(forth[1].weights) do
      forth[1].weights[name].requires_grad = false
      forth[1].weights[name]:copy_(model[1].weights["backward_" .. name]:detach())
    end
    near(forth(x:flip(2)):flip(2), model(x):slice(-1, 6, 10))
  end)

  it("takes another layer backwards, and only then one of other width", function()
    local back = nn.gru { 2, go_backwards = true }
    local model = build({ nn.bidirectional { nn.lstm(3), backward_layer = back } }, { 4, 3 })
    assert.same({ 5 }, model.output_shape)
    has(error_of(nn.bidirectional, { nn.lstm(3), backward_layer = back, merge_mode = "sum" }),
      "units = 3")
    has(error_of(nn.bidirectional, { nn.lstm(3), backward_layer = nn.lstm(3) }), "go_backwards")
    has(error_of(nn.bidirectional, nn.dense(3)), "recurrent layer")
    has(error_of(nn.bidirectional, { nn.lstm(3), merge_mode = "add" }), "merge_mode")
  end)

  it("gives the states of both directions in a graph", function()
    local x = nn.input { 4, 2 }
    local values = { nn.bidirectional(nn.lstm { 3, return_state = true })(x) }
    assert.equal(5, #values)
    local model = nn.graph { inputs = { x }, outputs = values }:build { dtype = "f64" }
    local result = model(noise { 2, 4, 2 })
    near(core.op.concat({ result[2], result[4] }, -1), result[1])
  end)
end)

describe("time_distributed", function()
  it("does at every step what its layer does alone", function()
    local x = noise { 3, 4, 5 }
    local model = build({ nn.time_distributed(nn.dense { 2, "softmax" }) }, { 4, 5 })
    assert.same({ 4, 2 }, model.output_shape)
    assert.equal(12, model:count())
    local alone = build({ nn.dense { 2, "softmax" } }, { 5 })
    alone[1].weights.kernel.requires_grad = false
    alone[1].weights.kernel:copy_(model[1].weights.kernel:detach())
    for step = 1, 4 do near(alone(x:select(2, step)), model(x):select(2, step)) end
  end)

  it("copies, converts and freezes with its layer", function()
    local model = build({ nn.time_distributed(nn.dense(2)) }, { 4, 5 })
    local x, twin = noise { 3, 4, 5 }, model:clone()
    local before = model(x)
    twin[1].weights.kernel.requires_grad = false
    twin[1].weights.kernel:fill_(0)
    near(before, model(x))
    assert.equal(0, twin(x):abs():max():item())
    twin:to("f32")
    assert.equal("f32", twin(x).dtype)
  end)

  it("flattens every step, and leaves a softmax to the loss", function()
    local model = build({ nn.time_distributed(nn.flatten()), nn.gru(3) }, { 4, 5, 2 })
    assert.same({ 4, 10 }, model[1].output_shape)
    assert.same({ 2, 3 }, model(noise { 2, 4, 5, 2 }).shape)
    local last = build({ nn.time_distributed(nn.dense { 2, "softmax" }) }, { 4, 5 })
    local logits = last:forward(noise { 1, 4, 5 }, { logits = last[1] })
    near(last(noise { 1, 4, 5 }), logits:softmax(-1))
  end)

  it("explains what it cannot wrap", function()
    has(error_of(nn.time_distributed, { nn.sequential { nn.dense(3) } }), "wrap each of them")
    has(error_of(build, { nn.time_distributed(nn.dense(3)) }, { 4 }), "there are no steps")
  end)
end)
