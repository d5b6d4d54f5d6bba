-- Losses: NumPy's numbers (float64, formulas of Keras; literals), shapes, repairs, messages.
local ld = require "lossdbg"

local function t64(values) return ld.tensor(values, "f64") end

local function near_list(expected, tensor, tolerance)
  local list = tensor:totable()
  assert.equal(#expected, #list)
  for i, value in ipairs(expected) do assert.near(value, list[i], tolerance or 1e-12) end
end

local function error_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return message
end

local prediction, target = { { 1, 2 }, { 3, -1 } }, { { 1.5, 1 }, { 0, -1 } }

describe("losses per sample", function()
  local cases = {
    { "mse", prediction, target, { 0.625, 4.5 } },
    { "mae", prediction, target, { 0.75, 1.5 } },
    { "huber", prediction, target, { 0.3125, 1.25 } },
    { "log_cosh", prediction, target, { 0.276947668720652, 1.154664252288893 } },
    { "hinge", { { 0.5, -2 }, { 1.5, 0.3 } }, { { 1, 0 }, { 0, 1 } }, { 0.25, 1.6 } },
    { "squared_hinge", { { 0.5, -2 }, { 1.5, 0.3 } }, { { 1, 0 }, { 0, 1 } }, { 0.125, 3.37 } },
    { "hinge", { { 0.5, -2 }, { 1.5, 0.3 } }, { { 1, -1 }, { -1, 1 } }, { 0.25, 1.6 } },
    { "poisson", { { 2, 1 } }, { { 3, 0 } }, { 0.460279154160084 } },
    { "kl", { { 0.7, 0.2, 0.1 }, { 0.1, 0.3, 0.6 } }, { { 0.5, 0.3, 0.2 }, { 0.2, 0.2, 0.6 } },
      { 0.092032850233832, 0.057536414490356 } },
    { "binary_crossentropy", { { 0.9 }, { 0.2 } }, { { 1 }, { 0 } },
      { 0.10536051565782628, 0.2231435513142097 } },
    { "categorical_crossentropy", { { 0.7, 0.2, 0.1 }, { 0.1, 0.3, 0.6 } },
      { { 1, 0, 0 }, { 0, 1, 0 } }, { 0.35667494393873245, 1.2039728043259361 } },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      local loss = ld.loss[case[1]]()
      local tolerance = case[1] == "kl" and 1e-6 or 1e-9 -- kl: entries are clipped to [1e-7, 1]
      near_list(case[4], loss:per_sample(t64(case[2]), t64(case[3])), tolerance)
      local sum = 0
      for _, value in ipairs(case[4]) do sum = sum + value end
      assert.near(sum / #case[4], loss(t64(case[2]), t64(case[3])):item(), tolerance)
      assert.near(sum, ld.loss[case[1]] { reduction = "sum" }(t64(case[2]), t64(case[3])):item(),
        tolerance)
    end)
  end

  local logits = { { 2, -1, 0.5 }, { 0, 3, -2 } }

  it("sparse_crossentropy from logits, with and without smoothing", function()
    local loss = ld.loss.sparse_crossentropy { from_logits = true }
    near_list({ 0.24131129665715711, 5.054985235377147 }, loss:per_sample(t64(logits), { 0, 2 }))
    assert.near(2.6481482660171523, loss(t64(logits), { 0, 2 }):item(), 1e-12) -- PyTorch
    local smooth = ld.loss.sparse_crossentropy { from_logits = true, label_smoothing = 0.1 }
    assert.near(2.6064815993504857, smooth(t64(logits), { 0, 2 }):item(), 1e-12) -- PyTorch
  end)

  it("agree between ids and one-hot rows, between logits and probabilities", function()
    local one_hot = { { 1, 0, 0 }, { 0, 0, 1 } }
    local categorical = ld.loss.categorical_crossentropy { from_logits = true }
    assert.near(2.6481482660171523, categorical(t64(logits), t64(one_hot)):item(), 1e-12)
    local p = t64(logits):softmax()
    assert.near(2.6481482660171523, ld.loss.sparse_crossentropy()(p, { 0, 2 }):item(), 1e-9)
    local plain = ld.loss.categorical_crossentropy()
    assert.near(2.6481482660171523, plain(p, t64(one_hot)):item(), 1e-9)
  end)

  it("weigh samples and divide by their number, not by the weights", function()
    local loss = ld.loss.mse()
    assert.near((2 * 0.625 + 0.5 * 4.5) / 2, loss(t64(prediction), t64(target), { 2, 0.5 }):item(),
      1e-12)
  end)

  it("have a factor and a delta", function()
    assert.near(0.5 * (0.625 + 4.5) / 2,
      ld.loss.mse { scale = 0.5 }(t64(prediction), t64(target)):item(), 1e-12)
    -- delta 0.5 on errors 0.5 and 1: 0.125, 0.375
    near_list({ 0.25 }, ld.loss.huber(0.5):per_sample(t64 { { 0.5, 1 } }, t64 { { 0, 0 } }))
  end)

  it("answer to Keras' names", function()
    for alias, name in pairs { mean_squared_error = "mse", mean_absolute_error = "mae",
      bce = "binary_crossentropy", kl_divergence = "kl", logcosh = "log_cosh",
      sparse_categorical_crossentropy = "sparse_crossentropy" } do
      assert.equal(name, ld.loss[alias]().name)
    end
  end)
end)

describe("the shapes of targets", function()
  it("[N] against [N, 1] is repaired either way, never broadcast", function()
    local loss = ld.loss.mse()
    assert.near(2.5, loss(t64 { { 1 }, { 2 } }, t64 { 0, 0 }):item(), 1e-12) -- (1 + 4) / 2
    assert.near(2.5, loss(t64 { 1, 2 }, t64 { { 0 }, { 0 } }):item(), 1e-12)
    assert.near(2.5, loss(t64 { 1, 2 }, t64 { 0, 0 }):item(), 1e-12)
  end)

  it("of class ids may be [N], [N, 1], floats or a table", function()
    local loss = ld.loss.sparse_crossentropy()
    local p = t64 { { 0.5, 0.5 }, { 0.25, 0.75 } }
    local expected = (math.log(2) - math.log(0.75)) / 2
    for _, ids in ipairs { ld.tensor({ 0, 1 }, "i32"), ld.tensor { { 0 }, { 1 } }, { 0, 1 } } do
      assert.near(expected, loss(p, ids):item(), 1e-7)
    end
  end)

  it("that do not fit are explained", function()
    local p = t64 { { 0.5, 0.3, 0.2 }, { 0.1, 0.1, 0.8 } }
    assert.matches("use sparse_crossentropy, or one_hot the labels",
      error_of(ld.loss.categorical_crossentropy(), p, t64 { 0, 2 }), 1, true)
    assert.matches("use categorical_crossentropy",
      error_of(ld.loss.sparse_crossentropy(), p, t64 { { 1, 0, 0 }, { 0, 0, 1 } }), 1, true)
    assert.matches("2 predictions, 3 targets",
      error_of(ld.loss.mse(), p, ld.zeros { 3, 3 }), 1, true)
    assert.matches("the model has 3 outputs, the target 2 columns",
      error_of(ld.loss.mse(), p, ld.zeros { 2, 2 }), 1, true)
    assert.matches("use one output, or sparse_crossentropy",
      error_of(ld.loss.binary_crossentropy(), p, t64 { 0, 1 }), 1, true)
    assert.matches("a regression target?",
      error_of(ld.loss.sparse_crossentropy(), p, { 0.5, 1 }), 1, true)
  end)

  it("swapped with the prediction are noticed", function()
    local p = t64 { { 1 }, { 2 } }
    p.requires_grad = true
    assert.matches("arguments swapped?", error_of(ld.loss.mse(), t64 { { 0 }, { 0 } }, p), 1, true)
    assert.near(2.5, ld.loss.mse()(p, t64 { { 0 }, { 0 } }):item(), 1e-12)
  end)
end)

describe("crossentropy", function()
  it("is binary, sparse or categorical by the shapes", function()
    local function name(outputs, labels)
      return ld.loss.crossentropy():for_shapes({ 8, outputs }, labels).name
    end
    assert.equal("binary_crossentropy", name(1, { 8 }))
    assert.equal("binary_crossentropy", name(1, { 8, 1 }))
    assert.equal("sparse_crossentropy", name(3, { 8 }))
    assert.equal("sparse_crossentropy", name(3, { 8, 1 }))
    assert.equal("categorical_crossentropy", name(3, { 8, 3 }))
  end)

  it("computes what it picks", function()
    local p = t64 { { 0.5, 0.5 }, { 0.25, 0.75 } }
    local expected = (math.log(2) - math.log(0.75)) / 2
    assert.near(expected, ld.loss.crossentropy()(p, { 0, 1 }):item(), 1e-7)
  end)
end)

describe("messages of losses", function()
  it("suggest what was meant", function()
    assert.matches("did you mean 'huber'", error_of(function() return ld.loss.hubber end), 1, true)
    assert.matches("unknown option 'from_logit'; did you mean 'from_logits'",
      error_of(ld.loss.sparse_crossentropy, { from_logit = true }), 1, true)
    assert.matches("unknown option 'from_logits'", error_of(ld.loss.mse, { from_logits = true }), 1,
      true)
  end)
end)

describe("a loss of one's own", function()
  it("is a function of prediction and target", function()
    local loss = ld.loss.custom(function(p, y) return p:sub(y):abs():mul(3):mean(2) end)
    near_list({ 2.25, 4.5 }, loss:per_sample(t64(prediction), t64(target)))
    assert.near(3.375, loss(t64(prediction), t64(target)):item(), 1e-12)
    assert.equal("custom", loss:describe().name)
  end)
end)

describe("regularisers", function()
  local w = t64 { { 1, -2 }, { 0.5, 0 } }

  it("are l1 sum |w| and l2 sum w^2, without a half", function()
    assert.near(0.035, ld.regularizer.l1()(w):item(), 1e-12)
    assert.near(0.0525, ld.regularizer.l2()(w):item(), 1e-12)
    local both = ld.regularizer.l1_l2 { l1 = 0.1, l2 = 0.2 }
    assert.near(0.1 * 3.5 + 0.2 * 5.25, both(w):item(), 1e-12)
  end)

  it("have gradients l1 sign w + 2 l2 w", function()
    local v = t64 { 1, -2, 0.5 }
    v.requires_grad = true
    ld.regularizer.l1_l2 { l1 = 0.1, l2 = 0.2 }(v):backward()
    near_list({ 0.1 + 0.4, -0.1 - 0.8, 0.1 + 0.2 }, v.grad)
  end)

  it("add up over the layers of a model", function()
    local layer = ld.nn.dense { 1, l2 = 0.5, l1 = 0.25, bias_regularizer = "l1" }
    local model = layer:build { 2 }
    model[1].weights.kernel:copy_(ld.tensor { { 1 }, { -3 } })
    model[1].weights.bias:copy_(ld.tensor { 2 })
    assert.near(0.5 * 10 + 0.25 * 4 + 0.01 * 2, model:penalty():item(), 1e-6)
    assert.is_nil(ld.nn.sequential({ ld.nn.dense(1) }):build({ 2 }):penalty())
  end)
end)
