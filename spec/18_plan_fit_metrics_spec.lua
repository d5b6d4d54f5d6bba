-- Metrics of fit are counted in C while steps are replayed, with the numbers of eager steps and
-- without a call of Lua's in between.
local core = require "lossdbg.core"
local ld = require "lossdbg"
local nn = ld.nn

local function data(n, y)
  ld.seed(5)
  return { x = ld.randn { n, 6 }, y = y(n) }
end

local function ids(classes)
  return function(n)
    local list = {}
    for i = 1, n do list[i] = (i * 7 + i // 3) % classes end
    return ld.tensor(list, "i32")
  end
end

local function one_hot(n)
  local list = {}
  for i = 1, n do
    list[i] = { 0, 0, 0 }
    list[i][i % 3 + 1] = 1
  end
  return ld.tensor(list)
end

local function signs(n) return ids(2)(n):cast("f32") * 2 - 1 end
local function reals(width) return function(n) return ld.randn { n, width } * 3 + 1 end end

local cases = {
  ["class ids"] = { y = ids(3), last = nn.dense { 3, "softmax" }, loss = "sparse_crossentropy" },
  ["class ids and logits"] = { y = ids(3), last = nn.dense(3),
    loss = ld.loss.sparse_crossentropy { from_logits = true } },
  ["one-hot rows"] = { y = one_hot, last = nn.dense { 3, "softmax" },
    loss = "categorical_crossentropy" },
  ["two classes"] = { y = ids(2), last = nn.dense { 1, "sigmoid" }, loss = "binary_crossentropy" },
  ["two classes and logits"] = { y = ids(2), last = nn.dense(1),
    loss = ld.loss.binary_crossentropy { from_logits = true } },
  ["a threshold"] = { y = ids(2), last = nn.dense { 1, "sigmoid" }, loss = "binary_crossentropy",
    metrics = { { name = "accuracy", threshold = 0.7 } } },
  ["signs"] = { y = signs, last = nn.dense { 1, "tanh" }, loss = "hinge" },
  ["a number"] = { y = reals(1), last = nn.dense(1), loss = "mse" },
  ["three numbers"] = { y = reals(3), last = nn.dense(3), loss = "mae",
    metrics = { "r2", "mse", "rmse", "mae" } },
  ["nothing"] = { y = reals(1), last = nn.dense(1), loss = "mse", metrics = {} },
}

-- Not counted by the loop: every step is looked at.
local looked_at = {
  ["errors of probabilities that the loss leaves out"] = { y = one_hot,
    last = nn.dense { 3, "softmax" }, loss = "categorical_crossentropy", metrics = { "mse" } },
  ["standardised targets"] = { y = reals(1), last = nn.dense(1), loss = "mse",
    target = "standardize" },
  ["counts per class"] = { y = ids(3), last = nn.dense { 3, "softmax" },
    loss = "sparse_crossentropy", metrics = { "f1", "accuracy" } },
}

local function run(case, dtype, fit)
  local calls, steps = 0, core.fit.steps
  core.fit.steps = function(...)
    calls = calls + 1
    return steps(...)
  end
  local given = { verbose = 0 }
  for key, value in pairs(fit or {}) do given[key] = value end
  local ok, made = pcall(function()
    return ld.experiment { train = data(70, case.y), val = data(20, case.y), dtype = dtype,
      model = nn.sequential { nn.dense { 5, "relu" }, nn.dropout(0.2), case.last },
      loss = case.loss, metrics = case.metrics, target = case.target, epochs = 5, batch = 8,
      optimizer = ld.optim.adam { lr = 0.02 }, seed = 3, terminate_on_nan = case.stop }:fit(given)
  end)
  core.fit.steps = steps
  assert(ok, made)
  return made, calls
end

local function history(made)
  local out = {}
  for _, name in ipairs(made:names()) do
    for epoch, value in ipairs(made.history[name]) do
      out[#out + 1] = ("%s %d %s"):format(name, epoch,
        value ~= value and "nan" or ("%a"):format(value))
    end
  end
  return out
end

local function same(case, dtype)
  local planned, calls = run(case, dtype)
  local eager = run(case, dtype, { plan = false })
  assert.same(history(eager), history(planned))
  assert.is_true(planned.planned.steps >= 30, planned.planned.reason)
  return calls, planned
end

describe("metrics of planned steps are those of eager ones:", function()
  for name, case in pairs(cases) do
    it(name, function()
      for _, dtype in ipairs { "f32", "f64" } do
        local calls = same(case, dtype)
        assert.is_true(calls <= 12, calls .. " calls for 45 steps")
      end
    end)
  end

  for name, case in pairs(looked_at) do
    it(name, function() assert.is_true(same(case) >= 30) end)
  end

  it("when the loss stops being finite", function()
    for _, stop in ipairs { true, false } do
      local function broken(n)
        local y = reals(1)(n)
        if n == 70 then y:set(1 / 0, 55, 1) end
        return y
      end
      local case = { y = broken, last = nn.dense(1), loss = "mse", metrics = { "mae" },
        stop = stop }
      local planned = run(case)
      local eager = run(case, nil, { plan = false })
      assert.same(history(eager), history(planned))
    end
  end)
end)

describe("a score", function()
  local score = core.score

  local function value(kind, threshold, p, t)
    local state = ld.zeros({ score.size(kind, p) }, "f64")
    score.add({ state, kind, threshold }, p, t)
    return state:totable()
  end

  it("counts shares by the rows", function()
    local p = ld.tensor { { 1, 3, 2 }, { 4, 4, 0 }, { 0 / 0, 1, 2 }, { 0, 1, 5 } }
    assert.same({ 3, 4 }, value("sparse", 0, p, ld.tensor({ 1, 0, 2, 2 }, "i32")))
    assert.same({ 2, 4 }, value("categorical", 0, p,
      ld.tensor { { 0, 1, 0 }, { 0, 1, 0 }, { 0, 0, 1 }, { 0, 0, 1 } }))
    local q = ld.tensor { { 0.4 }, { 0.6 }, { 0 / 0 }, { -1 } }
    assert.same({ 3, 4 }, value("binary", 0.5, q, ld.tensor { { 0 }, { 1 }, { 0 }, { 0 } }))
    assert.same({ 2, 4 }, value("binary", 0.6, q, ld.tensor { { 0 }, { 1 }, { 0 }, { 0 } }))
    assert.same({ 3, 4 }, value("signs", 0, q, ld.tensor { { 1 }, { 1 }, { -1 }, { -1 } }))
  end)

  it("means errors over all values", function()
    local p = ld.tensor { { 1, 2 }, { 3, 5 } }
    local t = ld.tensor { { 0, 2 }, { 5, 1 } }
    assert.same({ 2 * (1 + 4 + 16) / 4, 2 }, value("square", 0, p, t))
    assert.same({ 2 * (1 + 2 + 4) / 4, 2 }, value("absolute", 0, p, t))
    -- per column: residual, mean, squares about the mean
    assert.same({ 2, 1 + 4, 2.5, 12.5, 16, 1.5, 0.5 }, value("r2", 0, p, t))
  end)

  it("merges batches as if they were one", function()
    local p, t = ld.randn({ 40, 2 }, "f64"), ld.randn({ 40, 2 }, "f64") + 100
    local whole, parts = value("r2", 0, p, t), ld.zeros({ 7 }, "f64")
    for _, range in ipairs { { 1, 3 }, { 4, 21 }, { 22, 40 } } do
      score.add({ parts, "r2", 0 }, p:slice(1, range[1], range[2]):contiguous(),
        t:slice(1, range[1], range[2]):contiguous())
    end
    for i, x in ipairs(parts:totable()) do
      assert.is_true(math.abs(x - whole[i]) <= 1e-10 * math.abs(whole[i]))
    end
  end)

  it("refuses what does not fit", function()
    local p, t = ld.zeros { 4, 3 }, ld.zeros({ 4 }, "i32")
    local state = ld.zeros({ 2 }, "f64")
    for message, call in pairs {
      ["expected 10 values"] = function()
        score.add({ state, "r2", 0 }, p, ld.zeros { 4, 3 })
      end,
      ["types are not compared"] = function() score.add({ state, "square", 0 }, p, t) end,
      ["12 values of predictions and 5"] = function()
        score.add({ state, "sparse", 0 }, p, ld.zeros({ 5 }, "i32"))
      end,
      ["must be contiguous"] = function()
        score.add({ state, "square", 0 }, p, ld.zeros({ 3, 4 }):transpose())
      end,
      ["the name of a score"] = function() score.add({ state, "best", 0 }, p, p) end,
      ["argument 'state'"] = function() score.add({ p, "square", 0 }, p, p) end,
      ["expected a list"] = function() score.add(nil, p, p) end,
    } do
      local ok, text = pcall(call)
      assert.is_false(ok)
      assert.matches(message, text, 1, true)
    end
    assert.is_false(score.fits("sparse", ld.zeros { 4 }, t))
  end)
end)
