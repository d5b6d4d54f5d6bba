-- Layers that attend, embed and add noise: shapes, counts, what random layers draw, and messages.
-- The numbers are held in spec/parity.
local ld = require "lossdbg"
local core = require "lossdbg.core"
local nn = ld.nn
local op = core.op

local function error_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return message
end

local function explains(message, ...)
  for _, part in ipairs { ... } do
    assert.is_truthy(message:find(part, 1, true), ("%q lacks %q"):format(message, part))
  end
end

local function built(description, shape, options)
  return nn.sequential { description }:build(shape, options)
end

local function flat(t) return t:reshape({ -1 }):totable() end

local training = { training = true }

describe("multi_head_attention", function()
  it("has Keras' shapes and counts", function()
    local model = built(nn.multi_head_attention { 2, 3, value_dim = 4 }, { 5, 6 })
    assert.same({ 5, 6 }, model.output_shape)
    local shapes = {}
    for _, p in ipairs(model[1].parameters) do shapes[p.name] = p.tensor.shape end
    assert.same({ query_kernel = { 6, 2, 3 }, query_bias = { 2, 3 }, key_kernel = { 6, 2, 3 },
      key_bias = { 2, 3 }, value_kernel = { 6, 2, 4 }, value_bias = { 2, 4 },
      output_kernel = { 2, 4, 6 }, output_bias = { 6 } }, shapes)
    assert.equal(2 * (36 + 6) + 48 + 8 + 48 + 6, model:count())
    assert.equal(36 * 2 + 48 * 2,
      built(nn.multi_head_attention { 2, 3, value_dim = 4, bias = false }, { 5, 6 }):count())
    local wide = built(nn.multi_head_attention { 1, 2, output_dim = 9 }, { 5, 6 })
    assert.same({ 5, 9 }, wide.output_shape)
  end)

  it("hides the future when causal", function()
    local model = built(nn.multi_head_attention { 2, 3, causal = true }, { 4, 2 })
    local x = ld.randn { 1, 4, 2 }
    local before = flat(model(x):slice(2, 1, 3))
    x:set(9, 1, 4, 1)
    assert.same(before, flat(model(x):slice(2, 1, 3)))
    x:set(9, 1, 3, 1)
    assert.not_same(before, flat(model(x):slice(2, 1, 3)))
  end)

  it("drops weights in training, the same ones for a step", function()
    local model = built(nn.multi_head_attention { 2, 3, dropout = 0.5 }, { 4, 2 })
    local x = ld.randn { 2, 4, 2 }
    local function at(step) return flat(model(x, { training = true, step = step })) end
    assert.same(flat(model(x)), flat(model(x)))
    assert.same(at(1), at(1))
    assert.not_same(at(1), at(2))
    assert.not_same(at(1), flat(model(x)))
  end)

  it("drops the stated share, unbiased", function() -- 4 s.e. of a binomial with n = 80000
    local q = ld.zeros { 20, 200, 1 }
    local weights = op.attention(q, ld.zeros { 20, 20, 1 },
      ld.eye(20):reshape({ 1, 20, 20 }):expand { 20, -1, -1 }, { rate = 0.3, seed = 1 })
    local kept = weights:gt(0):cast("f64"):mean():item()
    assert.near(0.7, kept, 4 * math.sqrt(0.21 / 80000))
    assert.near(1 / 20 / 0.7, weights:max():item(), 1e-6)
  end)

  it("agrees with the ops it is made of", function()
    local q, k, v = ld.randn({ 2, 70, 6 }, "f64"), ld.randn({ 2, 5, 6 }, "f64"),
      ld.randn({ 2, 5, 4 }, "f64")
    local y = op.attention(q, k, v, { heads = 2, scale = 0.5 })
    for head = 0, 1 do
      local function part(t, width) return t:slice(3, head * width + 1, (head + 1) * width) end
      local w = (part(q, 3):matmul(part(k, 3), false, true) * 0.5):softmax(-1)
      assert.is_true(ld.allclose(part(y, 2), w:matmul(part(v, 2)), 1e-12))
    end
  end)

  it("explains what is wrong", function()
    explains(error_of(built, nn.multi_head_attention { 2, 3 }, { 4 }), "multi_head_attention_1",
      "[batch, steps, features]", "nn.embedding")
    explains(error_of(nn.multi_head_attention, { 2 }), "key_dim")
    local q = ld.ones { 2, 3, 4 }
    explains(error_of(op.attention, q, ld.ones { 2, 3, 5 }, q), "differ in their features")
    explains(error_of(op.attention, q, q, ld.ones { 2, 2, 4 }), "differ in their steps")
    explains(error_of(op.attention, q, ld.ones { 3, 3, 4 }, q), "equal leading axes")
    explains(error_of(op.attention, q, q, q, ld.ones { 3, 3 }), "mask is f32, expected i32", "bias")
    explains(error_of(op.attention, q, q, q, ld.ones({ 2, 2 }, "i32")),
      "mask is [2 x 2] and does not broadcast to the scores [2 x 3 x 3]")
    explains(error_of(op.attention, q, q, q, { heads = 3 }),
      "4 features do not divide into 3 heads")
    explains(error_of(op.attention, q, q, q, { rate = 2 }), "argument 'rate'")
    explains(error_of(op.attention, q, q, q:cast "f64"), "one of f32 and f64 for all")
  end)
end)

describe("embedding", function()
  it("adds an axis and draws as its framework does", function()
    local model = built(nn.embedding { 1000, 50 }, { 7 })
    assert.same({ 7, 50 }, model.output_shape)
    assert.equal(50000, model:count())
    local s = core.diagnose.stats(model[1].weights.embeddings)
    assert.is_true(s.max < 0.05 and s.min >= -0.05)
    assert.near(0.05 / math.sqrt(3), s.std, 4e-4)
    local torch = built(nn.embedding { 1000, 50, flavor = "torch", padding_id = 2 }, { 7 })
    s = core.diagnose.stats(torch[1].weights.embeddings)
    assert.near(1, s.std, 0.02)
    assert.is_true(s.max > 3)
    assert.same(ld.zeros(50):totable(), torch[1].weights.embeddings[3]:totable())
  end)

  it("sums gradients in f64, one bit pattern for any order of equal rows", function()
    local table_ = ld.zeros { 2, 1 }
    table_.requires_grad = true
    local ids, weight = ld.zeros(20001, "i32"), ld.full({ 20001, 1 }, 2 ^ -24)
    weight:set(1, 1, 1) -- 1 + 20000 * 2^-24: sums in f32 would stay at 1
    op.sum(op.embedding(table_, ids) * weight):backward()
    assert.near(1 + 20000 * 2 ^ -24, table_.grad:get(1, 1), 1e-7)
  end)

  it("explains a bad id with the layer's path", function()
    local model = built(nn.embedding { 10, 4, name = "words" }, { 3 })
    explains(error_of(model, ld.tensor { { 1, 2, 10 } }), "layer 'words'", "id 10 at position 3",
      "outside 0..9", "count from 0")
    explains(error_of(model, ld.tensor { { 1, -1, 3 } }), "id -1 at position 2")
    explains(error_of(model, ld.tensor { { 1, 0.5, 3 } }), "id 0.5", "not a whole number")
    explains(error_of(model, ld.tensor { { 1, 0 / 0, 3 } }), "not a whole number")
    explains(error_of(nn.embedding, { 10, 4, padding_id = 10 }), "padding_id", "0..9")
  end)
end)

describe("the mask of an embedding", function()
  local ids = ld.tensor { { 3, 1, 0 }, { 2, 0, 0 } }
  local function chain(mask_zero)
    return nn.sequential { nn.embedding { 4, 2, mask_zero = mask_zero },
      nn.multi_head_attention { 1, 2 } }:build({ 3 }, { seed = 1 })
  end

  it("hides padded steps from attention", function()
    local model = chain(true)
    local vectors = op.embedding(model[1].weights.embeddings, ids)
    local open = ids:ne(0)
    local mask = open:unsqueeze(3):mul(open:unsqueeze(2)) -- as Keras merges query and value masks
    local expected = model[2]:forward({ vectors, vectors, mask = mask }, {})
    assert.same(expected:totable(), model(ids):totable())
    assert.not_same(expected:totable(), chain(false)(ids):totable())
  end)

  it("stays with its rows", function()
    local context = { training = false }
    chain(true)(ids, context)
    assert.is_nil(context.mask)
  end)
end)

describe("positional_embedding", function()
  it("adds sines and cosines", function()
    local model = built(nn.positional_embedding "sine", { 3, 4 }, { dtype = "f64" })
    local y = model(ld.zeros { 2, 3, 4 })
    for p = 0, 2 do
      local slow = p / 100 -- 10000^(-2 / 4)
      for i, expected in ipairs { math.sin(p), math.cos(p), math.sin(slow), math.cos(slow) } do
        assert.near(expected, y:get(2, p + 1, i), 1e-12)
      end
    end
  end)

  it("learns a table", function()
    local model = built(nn.positional_embedding { max_steps = 9 }, { 3, 4 })
    assert.equal(36, model:count())
    local y = model(ld.zeros { 2, 3, 4 })
    assert.same(flat(model[1].weights.embeddings:slice(1, 1, 3)), flat(y[2]))
    op.sum(y):backward()
    assert.same({ 2, 0 }, { model[1].weights.embeddings.grad:get(3, 1),
      model[1].weights.embeddings.grad:get(4, 1) })
    explains(error_of(built, nn.positional_embedding { max_steps = 2 }, { 3, 4 }),
      "of at most 2 steps", "[batch, steps 3, features 4]")
    explains(error_of(nn.positional_embedding, { "sine", max_steps = 3 }), "max_steps")
    explains(error_of(built, nn.positional_embedding(), { 4 }), "[batch, steps, features]")
  end)
end)

-- Bounds are 4 standard errors.
describe("layers that draw random numbers", function()
  local n = 100000
  local x = ld.full({ n, 1 }, 2)
  local function moments_of(description, input)
    local model = built(description, { table.unpack((input or x).shape, 2) })
    local s = core.diagnose.stats(model(input or x, { training = true, step = 1 }):contiguous())
    return s.mean, s.std, model
  end

  it("do nothing outside training or at rate 0, and repeat themselves by step and path", function()
    local small = ld.randn { 4, 5, 3 }
    for _, name in ipairs { "gaussian_noise", "gaussian_dropout", "alpha_dropout",
      "spatial_dropout" } do
      local model = built(nn[name](0.5), { 5, 3 }, { seed = 4 })
      assert.same(flat(small), flat(model(small)))
      assert.same(flat(small), flat(built(nn[name](0), { 5, 3 })(small, training)))
      local function at(m, step) return flat(m(small, { training = true, step = step })) end
      assert.same(at(model, 3), at(built(nn[name](0.5), { 5, 3 }, { seed = 4 }), 3))
      assert.not_same(at(model, 3), at(model, 4))
      local second = flat(model[1]:forward(small, { training = true, step = 3, call = 1 }))
      assert.not_same(at(model, 3), second)
      assert.not_same(at(model, 3), at(built(nn[name](0.5), { 5, 3 }, { seed = 5 }), 3))
      local own = { 0.5, seed = 9 }
      assert.same(at(built(nn[name](own), { 5, 3 }, { seed = 1 }), 3),
        at(built(nn[name](own), { 5, 3 }, { seed = 2 }), 3))
      explains(error_of(nn[name], 1.5), "expected a number")
    end
  end)

  it("add gaussian noise", function()
    local mean, std = moments_of(nn.gaussian_noise(0.25))
    assert.near(2, mean, 4 * 0.25 / math.sqrt(n))
    assert.near(0.25, std, 4 * 0.25 / math.sqrt(2 * n))
  end)

  it("multiply with gaussian noise", function()
    local mean, std = moments_of(nn.gaussian_dropout(0.2)) -- sqrt(0.2 / 0.8) = 0.5, times x = 2
    assert.near(2, mean, 4 / math.sqrt(n))
    assert.near(1, std, 4 / math.sqrt(2 * n))
  end)

  it("keep mean and variance of standard normal numbers in alpha dropout", function()
    local input = core.random.normal(ld.zeros { n, 1 }, 8, 1)
    local mean, std, model = moments_of(nn.alpha_dropout(0.3), input)
    assert.near(0, mean, 5 / math.sqrt(n))
    assert.near(1, std, 5 / math.sqrt(n))
    -- what is dropped becomes a alpha' + b
    local a = ((1 - 0.3) * (1 + 0.3 * 1.7580993408473766 ^ 2)) ^ -0.5
    local low = a * -1.7580993408473766 * (1 - 0.3)
    local y = model(input, { training = true, step = 1 })
    local dropped = op.lt(op.abs(y - low), 1e-6):cast("f64"):mean():item()
    assert.near(0.3, dropped, 4 * math.sqrt(0.21 / n))
  end)

  it("drop whole channels of a sample", function()
    local model = built(nn.spatial_dropout(0.25), { 3, 2, 50 })
    local y = model(ld.ones { 80, 3, 2, 50 }, { training = true, step = 1 }):reshape { 80, 6, 50 }
    assert.same(flat(y:max(2)), flat(y:min(2)))
    local kept = y:max(2):gt(0):cast("f64"):mean():item()
    assert.near(0.75, kept, 4 * math.sqrt(0.1875 / 4000))
    assert.near(1 / 0.75, y:max():item(), 1e-6)
    explains(error_of(built, nn.spatial_dropout(0.2), { 4 }), "without places it is nn.dropout")
  end)
end)

describe("repeat_vector", function()
  it("repeats and sums gradients", function()
    local model = built(nn.repeat_vector(3), { 2 })
    assert.same({ 3, 2 }, model.output_shape)
    local x = ld.tensor { { 1, 2 }, { 3, 4 } }
    x.requires_grad = true
    local y = model(x)
    local first, second = { 1, 2 }, { 3, 4 }
    assert.same({ { first, first, first }, { second, second, second } }, y:totable())
    op.sum(y):backward()
    assert.same({ { 3, 3 }, { 3, 3 } }, x.grad:totable())
    local message = error_of(built, nn.repeat_vector(3), { 2, 2 })
    explains(message, "[batch, features]", "flatten it first")
  end)
end)
