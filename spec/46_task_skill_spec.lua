local ld = require "lossdbg"
local task_skill = require "lossdbg.train.task_skill"

local function value(output, y, loss, dtype)
  local skill = task_skill.of(ld.tensor(output), ld.tensor(y, dtype), loss)
  return skill and skill.value, skill
end

local function closed(list)
  local sum = 0
  for _, p in ipairs(list) do
    if p > 0 then sum = sum - p * math.log(p) end
  end
  return sum
end

describe("task skill", function()
  it("is accuracy over the commonest answer for classes", function()
    local sparse = ld.loss.sparse_crossentropy()
    local outputs = { { 0.9, 0.1 }, { 0.6, 0.4 }, { 0.2, 0.8 }, { 0.7, 0.3 }, { 0.6, 0.4 } }
    -- right: rows 1, 2, 3, 4 of 5; the commonest class has 3 of 5
    local got, skill = value(outputs, { 0, 0, 1, 0, 1 }, sparse, "i32")
    assert.near((4 / 5 - 3 / 5) / (2 / 5), got, 1e-12)
    assert.equal("accuracy", skill.measure)
    assert.near(0.6, skill.majority, 1e-12)
    assert.near(got, value(outputs, { { 1, 0 }, { 1, 0 }, { 0, 1 }, { 1, 0 }, { 0, 1 } },
      ld.loss.categorical_crossentropy()), 1e-12)
  end)

  it("is the same whatever the head and the loss", function()
    local y = { { 0 }, { 0 }, { 1 }, { 1 }, { 1 } }
    -- one of five on the wrong side
    local want = (4 / 5 - 3 / 5) / (2 / 5)
    local near, far = { { 0.1 }, { 0.2 }, { 0.8 }, { 0.9 }, { 0.4 } },
      { { -3 }, { -1 }, { 2 }, { 4 }, { -0.5 } }
    assert.near(want, value(near, y, ld.loss.binary_crossentropy()), 1e-12)
    assert.near(want, value(near, y, ld.loss.mse()), 1e-12)
    assert.near(want, value(far, y, ld.loss.binary_crossentropy { from_logits = true }), 1e-12)
    assert.near(want, value(far, y, ld.loss.hinge()), 1e-12)
    -- squashed outputs behind a loss on logits are still judged at one half
    assert.near(want, value(near, y, ld.loss.binary_crossentropy { from_logits = true }), 1e-12)
  end)

  it("takes sides of a margin at 0", function()
    -- the last output lies between 0 and one half, on the right side
    assert.near(1, value({ { -3 }, { -1 }, { 2 }, { 4 }, { 0.2 } }, { { 0 }, { 0 }, { 1 }, { 1 },
      { 1 } }, ld.loss.hinge()), 1e-12)
  end)

  it("is that of the worst of several outputs", function()
    local mse = ld.loss.mse()
    local y = { good = ld.tensor { { 1 }, { 2 }, { 3 } }, bad = ld.tensor { { 1 }, { 2 }, { 3 } } }
    local output = { good = y.good, bad = ld.tensor { { 2 }, { 2 }, { 2 } } }
    for _, order in ipairs { { "good", "bad" }, { "bad", "good" } } do
      local parts = { { key = order[1], loss = mse }, { key = order[2], loss = mse } }
      assert.near(0, task_skill.of(output, y, { parts = parts }).value, 1e-12)
    end
  end)

  it("is R2 for numbers, over all columns", function()
    local y = { { 1, 10 }, { 2, 20 }, { 3, 60 } }
    local output = { { 1, 10 }, { 2, 20 }, { 2, 40 } }
    -- squares: 1 + 400 of 2 + 1400
    assert.near(1 - 401 / 1402, value(output, y, ld.loss.mse()), 1e-12)
    assert.near(0, value({ { 2, 30 }, { 2, 30 }, { 2, 30 } }, y, ld.loss.mae()), 1e-12)
    -- [n] against [n, 1]
    assert.near(1, value({ { 1 }, { 2 }, { 4 } }, { 1, 2, 4 }, ld.loss.mse()), 1e-12)
  end)

  it("counts every step of a sequence of ids, without the ignored ones", function()
    local loss = ld.loss.sparse_crossentropy { ignore_class = 2 }
    local a, b = { 0.9, 0.05, 0.05 }, { 0.1, 0.8, 0.1 }
    -- ids 0 1 (2) / 0 0 (2): right, wrong / right, right
    local got = value({ { a, a, b }, { a, a, a } }, { { 0, 1, 2 }, { 0, 0, 2 } }, loss, "i32")
    assert.near((3 / 4 - 3 / 4) / (1 / 4), got, 1e-12)
  end)

  it("is nil where it is not defined", function()
    assert.is_nil(value({ { 0.9, 0.1 }, { 0.8, 0.2 } }, { 0, 0 }, ld.loss.sparse_crossentropy(),
      "i32"))
    assert.is_nil(value({ { 1 }, { 2 } }, { { 5 }, { 5 } }, ld.loss.mse()))
    assert.is_nil(value({ { 1, 2 }, { 2, 1 } }, { { 3, 6 }, { 2, 1 } },
      ld.loss.cosine_similarity()))
    assert.is_nil(value({ { 0 / 0 }, { 2 } }, { { 5 }, { 6 } }, ld.loss.mse()))
    assert.is_nil(value({ { 1, 2, 3 }, { 1, 2, 3 } }, { { 5, 6 }, { 6, 7 } }, ld.loss.mse()))
  end)
end)

describe("the floor of a loss", function()
  local function floor(loss, y, classes, dtype)
    local values = task_skill.floor(loss, ld.tensor(y, dtype), classes or 1)
    return values and values:totable()
  end

  it("is the entropy of soft and of smoothed targets", function()
    local list = floor(ld.loss.categorical_crossentropy(), { { 0.25, 0.75 }, { 1, 0 } }, 2)
    assert.near(closed { 0.25, 0.75 }, list[1], 1e-9)
    assert.near(0, list[2], 1e-9)
    assert.near(closed { 0.9 + 0.1 / 4, 0.025, 0.025, 0.025 }, floor(
      ld.loss.sparse_crossentropy { label_smoothing = 0.1 }, { 0, 3 }, 4, "i32")[2], 1e-7)
    list = floor(ld.loss.binary_crossentropy(), { { 0.5, 1 }, { 0.2, 0 } })
    assert.near(closed { 0.5, 0.5 } / 2, list[1], 1e-9)
    assert.near(closed { 0.2, 0.8 } / 2, list[2], 1e-7)
    assert.near(closed { 0.95, 0.05 }, floor(ld.loss.binary_crossentropy { label_smoothing = 0.1 },
      { { 1 }, { 0 } })[1], 1e-7)
  end)

  it("is y - y ln y for counts, with the factor of the loss", function()
    local list = floor(ld.loss.poisson { scale = 2 }, { { 0 }, { 3 } })
    assert.near(0, list[1], 1e-9)
    assert.near(2 * (3 - 3 * math.log(3)), list[2], 1e-6)
  end)

  it("is not given where classes have weights", function()
    local soft = ld.tensor { { 0.5, 0.5 }, { 0.2, 0.8 } }
    local loss = { name = "categorical_crossentropy", family = "probability" }
    assert.is_truthy(task_skill.floor(loss, soft, 2))
    loss.class_weight = { [0] = 1, 2 }
    assert.is_nil(task_skill.floor(loss, soft, 2))
  end)

  it("is not given where it is 0", function()
    assert.is_nil(floor(ld.loss.mse(), { { 1 }, { 2 } }))
    assert.is_nil(floor(ld.loss.binary_crossentropy(), { { 1 }, { 0 } }))
    assert.is_nil(floor(ld.loss.sparse_crossentropy(), { 0, 1 }, 2, "i32"))
  end)
end)

describe("a fit", function()
  it("measures the skill of its task on training and validation rows", function()
    local x, y = {}, {}
    for i = 1, 60 do
      x[i] = { math.cos(i * 2.4), math.sin(i * 2.4) }
      y[i] = x[i][1] > 0 and 1 or 0
    end
    local rows = { ld.tensor(x), ld.tensor(y, "i32") }
    local run = ld.experiment { train = rows, val = rows, model = { ld.nn.dense { 2, "softmax" } },
      loss = "sparse_crossentropy", optimizer = ld.optim.adam { lr = 0.1 }, epochs = 20,
    }:fit { verbose = 0 }
    local skill = run.signals.task_skill
    local majority = run.signals.task_skill.majority
    assert.near((run:last "val_accuracy" - majority) / (1 - majority), skill.train, 1e-6)
    assert.equal(skill.train, skill.val)
    assert.equal(60, skill.val_rows)
  end)
end)
