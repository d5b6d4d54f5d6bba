-- Recurrent layers in models: shapes, counts, first weights, masks, states, messages. Values are
-- held to identities that need no peer: a sequence cut in two, a mask against a shorter sequence.
local ld = require "lossdbg"
local core = require "lossdbg.core"

local nn = ld.nn
local kinds = { { "simple_rnn", 1 }, { "lstm", 4 }, { "gru", 3 } }

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

for _, entry in ipairs(kinds) do
  local kind, gates = table.unpack(entry)
  local make = nn[kind]

  describe(kind, function()
    it("has the shapes and numbers of parameters of its formula", function()
      local u, d = 5, 3
      local bias = kind == "gru" and 2 * gates * u or gates * u
      local model = build({ make(u) }, { 7, d })
      assert.same({ u }, model.output_shape)
      assert.equal(gates * u * (d + u) + bias, model:count())
      assert.same({ 2, u }, model(noise { 2, 7, d }).shape)
      local whole = build({ make { u, return_sequences = true, bias = false } }, { 7, d })
      assert.same({ 7, u }, whole.output_shape)
      assert.equal(gates * u * (d + u), whole:count())
      assert.same({ 2, 7, u }, whole(noise { 2, 7, d }).shape)
    end)

    it("starts with orthonormal rows of the recurrent kernel and glorot_uniform", function()
      local weights = build({ make(6) }, { 2, 4 })[1].weights
      local square = weights.recurrent_kernel:matmul(weights.recurrent_kernel:transpose())
      near(ld.eye(6, "f64"), square, 1e-10)
      local bound = math.sqrt(6 / (4 + gates * 6))
      local largest = weights.kernel:abs():max():item()
      assert.is_true(largest <= bound and largest > 0.7 * bound)
    end)

    it("of flavor torch has torch's weights: U(+-1 / sqrt(units)), two rows of biases", function()
      local weights = build({ make { 16, flavor = "torch" } }, { 2, 4 })[1].weights
      assert.same({ 2, gates * 16 }, weights.bias.shape)
      for name, weight in pairs(weights) do
        local largest = weight:abs():max():item()
        assert.is_true(largest <= 0.25 and largest > 0.2, name)
      end
      local own = build({ make { 16, flavor = "torch", init = "zeros" } }, { 2, 4 })[1].weights
      assert.equal(0, own.kernel:abs():max():item())
    end)

    it("gives the last of its outputs", function()
      local x = noise { 3, 4, 2 }
      for _, backwards in ipairs { false, true } do
        local last = build({ make { 3, go_backwards = backwards } }, { 4, 2 })
        local all = build({ make { 3, go_backwards = backwards, return_sequences = true } },
          { 4, 2 })
        near(all(x):select(2, 4), last(x))
      end
    end)

    it("going backwards is going forwards over the reversed sequence", function()
      local x = noise { 2, 5, 2 }
      local forth = build({ make { 3, return_sequences = true } }, { 5, 2 })
      local back = build({ make { 3, return_sequences = true, go_backwards = true } }, { 5, 2 })
      near(forth(x:flip(2)), back(x))
    end)

    it("with state goes on where the call before ended", function()
      local x = noise { 2, 6, 2 }
      local whole = build({ make { 3, return_sequences = true } }, { 6, 2 })
      local parts = build({ make { 3, return_sequences = true, stateful = true } }, { 3, 2 })
      local expected = whole(x)
      near(expected:slice(2, 1, 3), parts(x:slice(2, 1, 3)))
      near(expected:slice(2, 4, 6), parts(x:slice(2, 4, 6)))
      parts[1]:reset_state()
      near(expected:slice(2, 1, 3), parts(x:slice(2, 1, 3)))
      local one = x:slice(1, 1, 1):slice(2, 1, 3) -- another batch size: from zeros
      near(expected:slice(1, 1, 1):slice(2, 1, 3), parts(one))
    end)

    it("leaves its state alone when the model is probed or copied", function()
      local x = noise { 2, 3, 2 }
      local model = build({ make { 3, stateful = true } }, { 3, 2 })
      local reference = build({ make { 3, stateful = true } }, { 3, 2 })
      local first = model(x)
      near(reference(x), first)
      near(first, model(x, { probe = true })) -- from zeros, and forgotten
      local twin = model:clone()
      local second = reference(x)
      near(second, model(x))
      model(x)
      near(second, twin(x)) -- the copy did not move on
    end)

    it("skips padding as if it were not there", function()
      local ids = ld.tensor({ { 2, 1, 3, 0, 0 }, { 0, 0, 2, 1, 3 }, { 2, 0, 1, 0, 3 } }, "f64")
      local short = ld.tensor({ { 2, 1, 3 } }, "f64")
      local list = { nn.embedding { 4, 2, mask_zero = true }, nn.dropout(0.5), make(3) }
      local y = build(list, { 5 })(ids)
      local expected = build(list, { 3 })(short)
      for i = 1, 3 do near(expected, y:slice(1, i, i)) end
      local plain = build({ nn.embedding { 4, 2 }, nn.dropout(0.5), make(3) }, { 5 })(ids)
      assert.is_true((plain - y):abs():max():item() > 1e-3)
    end)

    it("takes a mask with the input and forgets it", function()
      local model = build({ make(3) }, { 4, 2 })
      local x, context = noise { 2, 4, 2 }, {}
      local mask = ld.tensor({ { 1, 1, 0, 0 }, { 1, 1, 0, 0 } }, "i32")
      near(build({ make(3) }, { 2, 2 })(x:slice(2, 1, 2)), model(x, { mask = mask }))
      local embedded = build({ nn.embedding { 4, 2, mask_zero = true },
        make { 3, return_sequences = true } }, { 4 })
      embedded(ld.zeros({ 2, 4 }, "f64"), context)
      assert.is_nil(context.mask)
    end)

    it("drops whole features and only in training", function()
      local model = build({ make { 3, dropout = 0.5, return_sequences = true } }, { 4, 8 })
      local plain = build({ make { 3, return_sequences = true } }, { 4, 8 })
      local x = noise { 2, 4, 8 }
      near(plain(x), model(x))
      x.requires_grad = true
      model(x, { training = true, step = 1 }):sum():backward()
      local dropped = 0
      for b = 1, 2 do
        for feature = 1, 8 do
          local zeros = 0
          for step = 1, 4 do zeros = zeros + (x.grad:get(b, step, feature) == 0 and 1 or 0) end
          assert.is_true(zeros == 0 or zeros == 4)
          dropped = dropped + zeros // 4
        end
      end
      assert.is_true(dropped > 0 and dropped < 16)
    end)

    it("hands its states on in a graph", function()
      local x = nn.input { 4, 2 }
      local y, h, c = make { 3, return_state = true, return_sequences = true } (x)
      assert.equal(kind == "lstm", c ~= nil)
      local decoder = make { 3, return_sequences = true, name = "decoder" }
      local out = c and decoder { x, h, c } or decoder { x, h }
      local model = nn.graph { inputs = { x }, outputs = { y, out, h } }
        :build({ dtype = "f64", seed = 3 })
      local encoder, second = model[1], model:layer "decoder"
      for name, weight in pairs(encoder.weights) do
        second.weights[name].requires_grad = false
        second.weights[name]:copy_(weight:detach())
      end
      local input = noise { 2, 4, 2 }
      local result = model(input)
      -- with equal weights, decoder after encoder is one pass over the sequence twice
      local twice = build({ make { 3, return_sequences = true } }, { 8, 2 })
      for name, weight in pairs(encoder.weights) do
        twice[1].weights[name].requires_grad = false
        twice[1].weights[name]:copy_(weight:detach())
      end
      local expected = twice(core.op.concat({ input, input }, 2))
      near(expected:slice(2, 1, 4), result[1])
      near(expected:slice(2, 5, 8), result[2])
      near(expected:select(2, 4), result[3])
    end)

    it("explains inputs without steps, and too many axes", function()
      has(error_of(build, { make(3) }, { 7 }), "layer '" .. kind .. "_1'",
        "[batch, steps, features]", "reshape { 7, 1 }")
      has(error_of(build, { make(3), make(3) }, { 7, 2 }), "return_sequences = true")
      has(error_of(build, { make(3) }, { 2, 3, 4 }), "nn.time_distributed(nn.flatten())")
    end)

    it("explains wrong options", function()
      has(error_of(make, { 3, return_sequence = true }), "did you mean 'return_sequences'?")
      has(error_of(make, {}), "units")
      has(error_of(make, { 3, activation = "softmax" }), "elementwise")
      has(error_of(make, { 3, "tanhh" }), "did you mean 'tanh'?")
      has(error_of(make, { 3, dropout = 1 }), "dropout")
    end)

    it("explains a mask of another shape", function()
      local model = build({ make(3) }, { 4, 2 })
      has(error_of(function()
        model[1]:forward({ noise { 2, 4, 2 }, mask = ld.zeros({ 2, 3 }, "i32") }, {})
      end), "mask is [2, 3], expected [batch 2, steps 4]")
    end)

    it("learns which step held the mark", function()
      local model = nn.sequential { make(8), nn.dense(1) }:build({ 6, 1 }, { seed = 1 })
      local x, y = ld.zeros { 6, 6, 1 }, ld.zeros { 6, 1 }
      for i = 1, 6 do
        x:set(1, i, i, 1)
        y:set(i / 3 - 1, i, 1)
      end
      local optimizer = ld.optim.adam(model, { lr = 0.02 })
      local loss
      for _ = 1, 300 do
        loss = (model(x, { training = true }) - y):square():mean()
        loss:backward()
        optimizer:step()
        optimizer:zero_grad()
      end
      assert.is_true(loss:item() < 1e-3, "loss " .. loss:item())
    end)
  end)
end

describe("lstm", function()
  it("starts with ones for the forget gate unless told otherwise", function()
    local bias = build({ nn.lstm(2) }, { 3, 1 })[1].weights.bias
    assert.same({ 0, 0, 1, 1, 0, 0, 0, 0 }, bias:totable())
    bias = build({ nn.lstm { 2, unit_forget_bias = false } }, { 3, 1 })[1].weights.bias
    assert.same({ 0, 0, 0, 0, 0, 0, 0, 0 }, bias:totable())
  end)
end)

describe("gru", function()
  it("has one row of biases without reset_after", function()
    local model = build({ nn.gru { 4, reset_after = false } }, { 3, 2 })
    assert.same({ 12 }, model[1].weights.bias.shape)
    assert.equal(12 * (2 + 4) + 12, model:count())
  end)
end)
