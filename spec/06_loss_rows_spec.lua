-- Softmax, cross-entropies and losses of f32, which work in lanes, against f64: widths around lanes
-- and chunks, large logits, rows with what is not a number, and rows beside them.
local ld = require "lossdbg"
local op = ld.ops

local nan, inf = 0 / 0, math.huge
local widths = { 1, 2, 15, 16, 17, 65, 511, 513, 1200 }

local function compare(what, fn, x, ...)
  local out = {}
  for _, dtype in ipairs { "f64", "f32" } do
    local leaf, others = x:cast(dtype):detach(), {}
    for i, t in ipairs { ... } do others[i] = t.dtype == "i32" and t or t:cast(dtype) end
    leaf.requires_grad = true
    local y = fn(leaf, table.unpack(others))
    ld.seed(9)
    y:backward(ld.randn(y.shape):cast(dtype))
    out[dtype] = { y:cast "f64", leaf.grad:cast "f64" }
  end
  for i = 1, 2 do
    local wide, narrow = out.f64[i], out.f32[i]
    local scale = math.max(op.max(op.abs(wide)):item(), 0.1) -- less is what cancels
    local off = op.max(op.abs(wide - narrow)):item() / scale
    assert.is_true(off < 4e-6, ("%s, result %d: off by %g"):format(what, i, off))
  end
end

local function ids_for(n, width)
  local ids = ld.zeros({ n }, "i32")
  for i = 1, n do ids[i] = i * 7 % width end
  return ids
end

describe("rows of f32", function()
  for _, factor in ipairs { 1, 30 } do
    it(("equal f64: softmax and cross-entropies, logits times %d"):format(factor), function()
      for _, width in ipairs(widths) do
        ld.seed(width)
        local n = width > 100 and 3 or 37
        local x, ids = ld.randn({ n, width }):mul(factor), ids_for(n, width)
        local soft, one_hot = op.softmax(ld.randn { n, width }), op.one_hot(ids, width)
        compare("softmax", function(z) return op.softmax(z) end, x)
        compare("log_softmax", function(z) return op.log_softmax(z) end, x)
        for _, smoothing in ipairs { 0, 0.1 } do
          local function sparse(z, t) return op.sparse_crossentropy(z, t, true, smoothing) end
          local function dense(z, t) return op.categorical_crossentropy(z, t, true, smoothing) end
          compare("sparse, width " .. width, sparse, x, ids)
          compare("dense, width " .. width, dense, x, soft)
          compare("one-hot, width " .. width, dense, x, one_hot)
          compare("of probabilities, width " .. width, function(z, t)
            return op.sparse_crossentropy(z, t, false, smoothing)
          end, soft, ids)
          compare("binary, width " .. width, function(z, t)
            return op.binary_crossentropy(z, t, true, smoothing)
          end, x, soft)
        end
      end
    end)
  end

  it("equal f64: losses of a difference", function()
    for _, width in ipairs(widths) do
      ld.seed(width)
      local x, t = ld.randn { 5, width }, ld.randn { 5, width }
      for _, name in ipairs { "mse", "mae", "huber", "log_cosh", "squared_hinge", "mape" } do
        compare(name, op[name], x, t)
      end
      if width > 1 then compare("cosine", op.cosine_similarity, x, t) end
    end
  end)

  it("keep NaN and infinity to themselves", function()
    for _, width in ipairs { 3, 17, 65 } do
      for _, case in ipairs { { nan, true }, { inf, true }, { -inf, false } } do
        ld.seed(1)
        local x = ld.randn { 3, width }
        x[2][2] = case[1]
        local loss = op.sparse_crossentropy(x, ids_for(3, 1), true)
        local soft = op.softmax(x)
        assert.equal(case[2], loss[2] ~= loss[2])
        for j = 1, width do assert.equal(case[2], soft[2][j] ~= soft[2][j]) end
        if not case[2] then assert.equal(0, soft[2][2]) end
        for i = 1, 3, 2 do
          assert.is_true(loss[i] == loss[i])
          for j = 1, width do assert.is_true(soft[i][j] == soft[i][j]) end
        end
      end
    end
  end)

  it("are certain and wrong without overflow", function()
    local x = ld.tensor { { 1000, 0, -1000 }, { 0, 0, 88 } }
    assert.same({ 1000, 88 }, op.sparse_crossentropy(x, ld.tensor({ 1, 0 }, "i32"), true):totable())
    local z, t = ld.tensor { { 200 }, { -200 }, { 0 } }, ld.tensor { { 0 }, { 1 }, { 1 } }
    local loss = op.binary_crossentropy(z, t, true)
    assert.same({ 200, 200 }, loss:slice(1, 1, 2):totable())
    assert.near(math.log(2), loss[3], 1e-7)
  end)
end)
