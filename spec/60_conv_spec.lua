-- Convolution and pooling where the peers have no number (those are in spec/parity): ties, NaN,
-- empty batches, the seams of blocks.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local core = require "lossdbg.core"
local draw = require "draw"

local op = core.op

describe("max pooling", function()
  local nan = 0 / 0

  it("gives the gradient to the first of equal maxima", function()
    local x = ld.full({ 1, 4, 4, 1 }, 3, "f64")
    x.requires_grad = true
    op.max_pool2d(x):sum():backward()
    assert.same({ 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0 },
      x.grad:reshape({ 16 }):totable())
  end)

  it("adds up where windows overlap", function()
    local x = ld.tensor({ { { 1 }, { 5 }, { 2 } } }, "f64")
    x.requires_grad = true
    op.max_pool1d(x, { pool = 2, strides = 1 }):sum():backward()
    assert.same({ 0, 2, 0 }, x.grad:reshape({ 3 }):totable())
  end)

  it("passes NaN on, and its gradient to the first one", function()
    for _, dtype in ipairs { "f32", "f64" } do
      local x = ld.tensor({ { { 1 }, { nan }, { nan }, { 7 }, { 8 }, { 9 } } }, dtype)
      x.requires_grad = true
      local y = op.max_pool1d(x, { pool = 4, strides = 2 })
      assert.is_true(y:get(1, 1, 1) ~= y:get(1, 1, 1))
      assert.is_true(y:get(1, 2, 1) ~= y:get(1, 2, 1))
      y:sum():backward()
      assert.same({ 0, 1, 1, 0, 0, 0 }, x.grad:reshape({ 6 }):totable())
    end
  end)

  it("never takes padding for a maximum", function()
    local x = ld.full({ 1, 3, 3, 2 }, -5)
    local y = op.max_pool2d(x, { pool = 2, padding = "same" })
    assert.equal(-5, y:max():item())
    assert.equal(-5, y:min():item())
    assert.equal(-math.huge, op.max_pool1d(ld.full({ 1, 2, 1 }, -math.huge)):item())
  end)
end)

describe("average pooling", function()
  it("counts padding only when asked to", function()
    local x = ld.ones({ 1, 3, 3, 1 }, "f64")
    assert.equal(1, op.avg_pool2d(x, { pool = 3, padding = "same", strides = 1 }):min():item())
    local y = op.avg_pool2d(x, { pool = 3, pads = 1, strides = 1, count_pads = true })
    assert.near(4 / 9, y:get(1, 1, 1, 1), 1e-15)
    assert.near(1, y:get(1, 2, 2, 1), 1e-15)
  end)
end)

describe("an empty batch", function()
  local function gradients(name, x, w, attrs)
    local input, kernel = ld.zeros(x), w and ld.ones(w)
    input.requires_grad = true
    if kernel then kernel.requires_grad = true end
    local y = kernel and op[name](input, kernel, nil, attrs) or op[name](input, attrs)
    assert.equal(0, y.numel)
    y:sum():backward()
    assert.same(x, input.grad.shape)
    if kernel then assert.equal(0, kernel.grad:abs():max():item()) end
    return y.shape
  end

  it("gives empty results and kernels a gradient of zero", function()
    assert.same({ 0, 3, 3, 4 }, gradients("conv2d", { 0, 5, 5, 2 }, { 3, 3, 2, 4 }))
    assert.same({ 0, 5, 5, 4 }, gradients("conv2d", { 0, 5, 5, 2 }, { 1, 1, 2, 4 }))
    assert.same({ 0, 8, 4 }, gradients("conv1d", { 0, 8, 2 }, { 3, 2, 4 }, { padding = "causal" }))
    assert.same({ 0, 10, 10, 4 }, gradients("conv2d_transpose", { 0, 5, 5, 2 }, { 3, 3, 4, 2 },
      { strides = 2, padding = "same" }))
    assert.same({ 0, 3, 3, 4 }, gradients("depthwise_conv2d", { 0, 5, 5, 2 }, { 3, 3, 2, 2 }))
    assert.same({ 0, 2, 2, 2 }, gradients("max_pool2d", { 0, 5, 5, 2 }))
    assert.same({ 0, 2, 2, 2 }, gradients("avg_pool2d", { 0, 5, 5, 2 }))
  end)
end)

describe("blocks of window positions", function()
  -- 70 x 70 positions of 3 x 3 x 24 cells are several blocks; the sum of y is that of the kernel
  -- times the sums of the shifted images.
  it("leave no seam", function()
    local x, w = draw({ 2, 72, 72, 24 }, 3, "f64"), draw({ 3, 3, 24, 2 }, 4, "f64")
    x.requires_grad, w.requires_grad = true, true
    local y, naive = op.conv2d(x, w), 0
    for ky = 1, 3 do
      for kx = 1, 3 do
        local part = x:detach():at({ 1, -1 }, { ky, ky + 69 }, { kx, kx + 69 }, { 1, -1 })
        local tap = w:detach():select(1, ky):select(1, kx)
        naive = part:contiguous():reshape({ -1, 24 }):matmul(tap):add(naive)
      end
    end
    assert.is_true(ld.allclose(y:detach():reshape { -1, 2 }, naive, 1e-12, 1e-12))
    local g = draw(y.shape, 5, "f64")
    y:backward(g)
    for ky = 1, 3 do
      for kx = 1, 3 do
        local part = x:detach():at({ 1, -1 }, { ky, ky + 69 }, { kx, kx + 69 }, { 1, -1 })
        local expected = part:contiguous():reshape({ -1, 24 }):matmul(g:reshape { -1, 2 }, true)
        assert.is_true(ld.allclose(w.grad:select(1, ky):select(1, kx), expected, 1e-12, 1e-10))
      end
    end
    -- <conv(x), g> = <x, gradient of x>, as conv is linear in x
    assert.near((y:detach() * g):sum():item(), (x:detach() * x.grad):sum():item(), 1e-7)
  end)

  it("give the same bits every time", function()
    local x, w = draw({ 3, 40, 40, 16 }, 3, "f32"), draw({ 5, 5, 16, 8 }, 4, "f32")
    local function once()
      local a, b = x:clone(), w:clone()
      a.requires_grad, b.requires_grad = true, true
      local y = op.conv2d(a, b, nil, { padding = "same" })
      y:square():sum():backward()
      return y, a.grad, b.grad
    end
    local first, again = { once() }, { once() }
    for i = 1, 3 do
      assert.equal(0, (first[i]:detach() - again[i]:detach()):abs():max():item())
    end
  end)
end)
