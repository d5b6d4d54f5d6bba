-- Metrics: closed forms, streaming over batches of any size, NaN.
local ld = require "lossdbg"

local nan = 0 / 0
local function t(values, dtype) return ld.tensor(values, dtype) end

local function error_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return message
end

describe("accuracy", function()
  it("of one output compares with the threshold", function()
    local metric = ld.metric.accuracy()
    local p = t { { 0.9 }, { 0.2 }, { 0.6 }, { 0.5 } }
    assert.equal(0.75, metric(p, t { { 1 }, { 0 }, { 0 }, { 0 } }))
    assert.equal(1, ld.metric.accuracy { threshold = 0.7 }(t { { 0.9 }, { 0.6 } }, t { 1, 0 }))
    assert.equal(0.5, metric(t { { -0.1 }, { 0.1 } }, t { 1, 1 }, true)) -- logits: threshold 0
  end)

  it("of several takes the largest, for ids and for one-hot rows", function()
    local p = t { { 0.7, 0.2, 0.1 }, { 0.1, 0.3, 0.6 }, { 0.5, 0.4, 0.1 } }
    local metric = ld.metric.accuracy()
    assert.near(2 / 3, metric(p, t({ 0, 2, 1 }, "i32")), 1e-12)
    assert.near(2 / 3, metric(p, t { { 0 }, { 2 }, { 1 } }), 1e-12)
    assert.near(2 / 3, metric(p, t { { 1, 0, 0 }, { 0, 0, 1 }, { 0, 1, 0 } }), 1e-12)
  end)

  it("never counts NaN as right", function()
    local metric = ld.metric.accuracy()
    assert.equal(0, metric(t { { nan }, { nan } }, t { 0, 1 }))
    assert.equal(0, metric(t { { nan, nan }, { nan, 1 }, { 1, nan } }, t({ 0, 1, 0 }, "i32")))
    assert.equal(0.5, metric(t { { nan, nan }, { 0, 1 } }, t { { 1, 0 }, { 0, 1 } }))
  end)

  it("knows labels -1 and 1", function()
    local metric = ld.metric.accuracy { plus_minus = true }
    local p = t { { 2 }, { -0.5 }, { 0.1 }, { -3 } }
    assert.equal(0.75, metric(p, t { { 1 }, { -1 }, { -1 }, { -1 } }))
  end)
end)

describe("regression metrics", function()
  local p, y = t { { 1 }, { 2 }, { 4 } }, t { 2, 2, 1 }

  it("are closed forms", function()
    assert.near(10 / 3, ld.metric.mse()(p, y), 1e-6)
    assert.near(4 / 3, ld.metric.mae()(p, y), 1e-6)
    assert.near(math.sqrt(10 / 3), ld.metric.rmse()(p, y), 1e-6)
    -- targets 2 2 1: total sum of squares 2/3
    assert.near(1 - 10 / (2 / 3), ld.metric.r2()(p, y), 1e-6)
    assert.is_true(ld.metric.r2()(p, t { 3, 3, 3 }) ~= ld.metric.r2()(p, t { 3, 3, 3 }))
  end)

  it("stream: batches of any size give the value of the whole", function()
    local n, px, py = 23, {}, {}
    for i = 1, n do
      px[i], py[i] = { math.sin(i) }, { math.sin(i) + 0.3 * math.cos(7 * i) + 100 }
    end
    for _, name in ipairs { "mse", "mae", "rmse", "r2" } do
      local metric = ld.metric[name]()
      local whole = metric(t(px, "f64"), t(py, "f64"))
      metric:reset()
      for first = 1, n, 5 do
        local last = math.min(first + 4, n)
        metric:update(t(px, "f64"):slice(1, first, last), t(py, "f64"):slice(1, first, last))
      end
      assert.near(whole, metric:value(), 1e-9 * math.abs(whole))
    end
  end)
end)

describe("metrics", function()
  it("are read from names, tables and functions", function()
    local resolve = ld.metric.resolve
    assert.equal("accuracy", resolve("acc", "spec").name)
    assert.equal(0.7, resolve({ "accuracy", threshold = 0.7 }, "spec").threshold)
    local own = resolve(function(p) return p:max():item() end, "spec")
    assert.equal(3, own(t { { 3 }, { 1 } }, t { 0, 0 }))
    assert.matches("unknown metric \"acuracy\"; did you mean 'accuracy'",
      error_of(resolve, "acuracy", "spec"), 1, true)
  end)

  it("count batches by their rows", function()
    local mean = ld.metric.mean()
    mean:add(1, 3)
    mean:add(5, 1)
    assert.equal(2, mean:value())
  end)

  it("have no value before the first update", function()
    local value = ld.metric.accuracy():value()
    assert.is_true(value ~= value)
  end)
end)
