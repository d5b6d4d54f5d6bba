-- Convolution, depthwise convolution and pooling against nested loops (support/naive_conv.lua), in
-- sizes around the edges of the kernels' tiles, panels and blocks; NaN stays where it belongs;
-- threads change no bit.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local core = require "lossdbg.core"
local draw = require "draw"
local naive = require "naive_conv"

local op = core.op

local function pair(v, fallback)
  if type(v) == "table" then return v end
  return { v or fallback, v or fallback }
end

-- Fills in what follows from size, kernel, strides, dilation and padding ("same", or pads).
local function complete(c)
  c.kernel, c.strides, c.dilation = pair(c.kernel, 3), pair(c.strides, 1), pair(c.dilation, 1)
  c.size, c.batch, c.groups = pair(c.size), c.batch or 2, c.groups or 1
  c.filters = c.filters or c.channels
  c.before, c.out = {}, {}
  for a = 1, 2 do
    local span, size = (c.kernel[a] - 1) * c.dilation[a] + 1, c.size[a]
    if c.padding == "same" then
      c.out[a] = (size + c.strides[a] - 1) // c.strides[a]
      c.before[a] = math.max((c.out[a] - 1) * c.strides[a] + span - size, 0) // 2
    else
      c.before[a] = c.pads or 0
      c.out[a] = (size + 2 * c.before[a] - span) // c.strides[a] + 1
    end
  end
  c.attrs = { strides = c.strides, dilation = c.dilation, padding = c.padding, pads = c.pads }
  return c
end

local function title(c)
  return ("%dx%d of %d, kernel %dx%d, %d filters, strides %d, dilation %d, %s, groups %d"):format(
    c.size[1], c.size[2], c.channels, c.kernel[1], c.kernel[2], c.filters, c.strides[1],
    c.dilation[1], c.padding or c.pads or "valid", c.groups)
end

local function flat(t) return t:reshape({ -1 }):totable() end

local function check(what, c, expected, got)
  local worst, dtype = 0, got.dtype
  got = flat(got)
  assert.equal(#expected, #got)
  for i = 1, #got do
    local d = math.abs(got[i] - expected[i]) / (1 + math.abs(expected[i]))
    if not (d <= worst) then worst = d end
  end
  assert(worst <= (dtype == "f32" and 2e-6 or 1e-13),
    ("%s of %s, %s: off by %g"):format(what, title(c), dtype, worst))
end

-- The drawn numbers are few bits: f32 holds their sums almost exactly.
local function compare(c, name, shape_w)
  complete(c)
  if name == "conv2d" then c.attrs.groups = c.groups end
  local shape = { c.batch, c.size[1], c.size[2], c.channels }
  for _, dtype in ipairs { "f32", "f64" } do
    local x, w, b = draw(shape, 3, dtype), draw(shape_w(c), 4, dtype), draw({ c.filters }, 5, dtype)
    x.requires_grad, w.requires_grad, b.requires_grad = true, true, true
    local y = op[name](x, w, b, c.attrs)
    assert.same({ c.batch, c.out[1], c.out[2], c.filters }, y.shape)
    local expected = naive.forward(c, flat(x:detach()), flat(w:detach()))
    local bias = b:totable()
    for i = 1, #expected do expected[i] = expected[i] + bias[(i - 1) % c.filters + 1] end
    check("y", c, expected, y:detach())
    local gy = draw(y.shape, 6, dtype)
    y:backward(gy)
    local gx, gw = naive.backward(c, flat(x:detach()), flat(w:detach()), flat(gy))
    check("gradient of x", c, gx, x.grad)
    check("gradient of w", c, gw, w.grad)
    check("gradient of b", c, flat(gy:reshape({ -1, c.filters }):sum(1)), b.grad)
  end
end

local function conv_kernel(c)
  return { c.kernel[1], c.kernel[2], c.channels // c.groups, c.filters }
end

local cases = {
  { size = 5, channels = 1, filters = 1 }, { size = 6, channels = 1, filters = 17 },
  { size = 6, channels = 1, filters = 32, padding = "same" },
  { size = { 4, 9 }, channels = 3, filters = 15, padding = "same" },
  { size = { 9, 4 }, channels = 4, filters = 16, kernel = { 2, 3 }, padding = "same" },
  { size = 5, channels = 16, filters = 33, kernel = { 3, 2 } },
  { size = 7, channels = 5, filters = 49, pads = 2 },
  { size = 6, channels = 17, filters = 64, padding = "same" },
  { size = 5, channels = 33, filters = 65, kernel = 1 },
  { size = 6, channels = 20, filters = 130, kernel = 1, strides = 2 },
  { size = 7, channels = 6, filters = 9, strides = 2 },
  { size = 8, channels = 6, filters = 9, strides = 3, padding = "same" },
  { size = 9, channels = 3, filters = 5, strides = { 3, 2 }, kernel = { 2, 4 } },
  { size = 9, channels = 4, filters = 7, dilation = 2 },
  { size = 9, channels = 18, filters = 7, dilation = { 3, 2 }, padding = "same" },
  { size = 10, channels = 3, filters = 4, dilation = 2, strides = 3, pads = 3 },
  { size = 9, channels = 2, filters = 3, dilation = 2, strides = 2, kernel = 4, padding = "same" },
  { size = 6, channels = 6, filters = 12, groups = 2 },
  { size = 5, channels = 12, filters = 51, groups = 3, padding = "same" },
  { size = 7, channels = 8, filters = 8, groups = 8, padding = "same", kernel = { 3, 5 } },
  { size = 2, channels = 3, filters = 5, kernel = 5, padding = "same" },
  { size = { 1, 12 }, channels = 3, filters = 5, kernel = { 1, 4 }, batch = 5 },
  { size = 4, channels = 40, filters = 64, kernel = { 5, 6 }, padding = "same", batch = 1 },
  { size = 2, channels = 800, filters = 20, kernel = 1, batch = 7 },
  { size = 6, channels = 40, filters = 2 }, { size = 6, channels = 37, filters = 4, strides = 2 },
  { size = 6, channels = 2, filters = 40, padding = "same" },
  { size = 5, channels = 4, filters = 38, dilation = 2, padding = "same" },
  { size = 5, channels = 72, filters = 6, groups = 2, kernel = 2 },
}

describe("convolution by nested loops", function()
  it("gives the same numbers", function()
    for _, c in ipairs(cases) do compare(c, "conv2d", conv_kernel) end
  end)

  it("goes through blocks of lines and of images", function()
    compare({ size = { 40, 34 }, channels = 3, filters = 18, batch = 1 }, "conv2d", conv_kernel)
    compare({ size = 6, channels = 8, filters = 16, batch = 50, padding = "same" }, "conv2d",
      conv_kernel)
  end)
end)

describe("depthwise convolution by nested loops", function()
  it("gives the same numbers", function()
    for _, c in ipairs {
      { size = 6, channels = 1 }, { size = 7, channels = 7, padding = "same" },
      { size = 9, channels = 16, strides = 2, padding = "same" },
      { size = { 12, 8 }, channels = 35, kernel = { 5, 7 }, padding = "same" },
      { size = 9, channels = 18, dilation = 2, pads = 1 },
      { size = 8, channels = 5, dilation = 3, strides = 2, padding = "same" },
      { size = 12, channels = 2, kernel = 9, padding = "same", batch = 1 },
      { size = 6, channels = 5, filters = 15, padding = "same" },
    } do
      c.groups = c.channels
      compare(c, "depthwise_conv2d", function()
        return { c.kernel[1], c.kernel[2], c.channels, c.filters // c.channels }
      end)
    end
  end)
end)

describe("transposed convolution", function()
  -- <conv(x), y> = <x, transposed(y)> for the same kernel
  it("is the adjoint of convolution", function()
    for _, c in ipairs {
      { size = 9, channels = 20, filters = 3 },
      { size = 9, channels = 5, filters = 18, strides = 2 },
      { size = 11, channels = 2, filters = 21, strides = 3, kernel = 5 },
    } do
      complete(c)
      local x, w = draw({ 2, c.size[1], c.size[2], c.channels }, 3), draw(conv_kernel(c), 4)
      local y = op.conv2d(x, w, nil, c.attrs)
      local g = draw(y.shape, 5)
      local back = op.conv2d_transpose(g, w, nil, { strides = c.strides, padding = "valid" })
      assert.same(x.shape, back.shape)
      local left, right = (y * g):sum():item(), (x * back):sum():item()
      assert.near(left, right, 1e-5 * (1 + math.abs(left)))
    end
  end)
end)

describe("pooling by nested loops", function()
  it("gives the same numbers", function()
    for _, c in ipairs {
      { size = 6, channels = 1, kernel = 2, strides = 2 },
      { size = 7, channels = 33, kernel = 2, strides = 2 },
      { size = 7, channels = 16, kernel = 2, strides = 2, padding = "same" },
      { size = 8, channels = 5, kernel = 3, strides = 2 },
      { size = 9, channels = 20, kernel = 3, strides = 1, padding = "same" },
      { size = { 9, 5 }, channels = 3, kernel = { 2, 3 }, strides = { 4, 3 } },
      { size = 18, channels = 2, kernel = 17, strides = 1, batch = 1 },
      { size = { 60, 9 }, channels = 300, kernel = 2, strides = 2, batch = 1 },
    } do
      complete(c)
      local attrs = { pool = c.kernel, strides = c.strides, padding = c.padding }
      for _, dtype in ipairs { "f32", "f64" } do
        for _, name in ipairs { "max_pool", "avg_pool" } do
          local x = draw({ c.batch, c.size[1], c.size[2], c.channels }, 3, dtype)
          x.requires_grad = true
          local y = op[name .. "2d"](x, attrs)
          local gy = draw(y.shape, 6, dtype)
          y:backward(gy)
          local expected, gx = naive[name](c, flat(x:detach()), flat(gy))
          check(name, c, expected, y:detach())
          check("gradient of " .. name, c, gx, x.grad)
        end
      end
    end
  end)
end)

describe("NaN in an image", function()
  local nan = 0 / 0

  local function is_nan(v) return v ~= v end

  -- Matrix products, which other processors use, multiply padding as zeros.
  local function skips_padding()
    local file = io.open "/proc/cpuinfo"
    local text = file and file:read "a" or ""
    if file then file:close() end
    return text:find " avx2 " and text:find " fma "
  end

  it("reaches the windows over it and no others", function()
    for _, activation in ipairs { "linear", "relu", "gelu" } do
      local x = draw({ 2, 7, 7, 3 }, 3)
      x:set(nan, 2, 1, 6, 2)
      local y = op.conv2d(x, draw({ 3, 3, 3, 18 }, 4), draw({ 18 }, 5),
        { padding = "same", activation = activation })
      for n = 1, 2 do
        for i = 1, 7 do
          for j = 1, 7 do
            local under = n == 2 and i <= 2 and j >= 5
            assert.equal(under, is_nan(y:get(n, i, j, 1)))
            assert.equal(under, is_nan(y:get(n, i, j, 18)))
          end
        end
      end
    end
  end)

  it("reaches the gradients that it is multiplied into", function()
    if not skips_padding() then return pending "no tiles on this processor" end
    local x, w = draw({ 1, 6, 6, 2 }, 3), draw({ 3, 3, 2, 5 }, 4)
    x.requires_grad, w.requires_grad = true, true
    local y = op.conv2d(x, w, nil, { padding = "same" })
    local g = draw(y.shape, 5)
    g:set(nan, 1, 1, 1, 4) -- its window has neither the upper nor the left taps
    y:backward(g)
    for ky = 1, 3 do
      for kx = 1, 3 do
        for f = 1, 5 do
          assert.equal(f == 4 and ky > 1 and kx > 1, is_nan(w.grad:get(ky, kx, 1, f)))
        end
      end
    end
    for i = 1, 6 do
      for j = 1, 6 do assert.equal(i <= 2 and j <= 2, is_nan(x.grad:get(1, i, j, 2))) end
    end
  end)

  it("of the kernel does not come from padding", function()
    if not skips_padding() then return pending "no tiles on this processor" end
    local w = draw({ 3, 3, 4, 20 }, 4)
    w:set(nan, 1, 1, 1, 20)
    local y = op.conv2d(draw({ 1, 4, 4, 4 }, 3), w, nil, { padding = "same" })
    for i = 1, 4 do
      for j = 1, 4 do assert.equal(i > 1 and j > 1, is_nan(y:get(1, i, j, 20))) end
    end
  end)
end)

describe("threads", function()
  local before = ld.threads()
  teardown(function() ld.threads(before) end)

  it("change no bit", function()
    local function bits()
      local parts = {}
      for i, c in ipairs {
        { size = { 33, 30 }, channels = 5, filters = 40, padding = "same", batch = 3 },
        { size = 9, channels = 24, filters = 64, batch = 20 },
        { size = 5, channels = 128, filters = 512, batch = 1, padding = "same" },
        { size = 12, channels = 48, filters = 3, batch = 9 },
        { size = 20, channels = 20, groups = 20, batch = 8, padding = "same" },
      } do
        complete(c)
        local x, w, b = draw({ c.batch, c.size[1], c.size[2], c.channels }, i),
          draw(conv_kernel(c), 4), draw({ c.filters }, 5)
        x.requires_grad, w.requires_grad, b.requires_grad = true, true, true
        c.attrs.activation, c.attrs.groups = "relu", c.groups
        local y = op.max_pool2d(op.conv2d(x, w, b, c.attrs), { pool = 3, strides = 2 })
        y:backward(draw(y.shape, 6))
        for _, t in ipairs { y:detach(), x.grad, w.grad, b.grad } do
          parts[#parts + 1] = table.concat(flat(t), " ")
        end
      end
      return table.concat(parts, "\n")
    end
    ld.threads(1)
    local alone = bits()
    for _, n in ipairs { 2, 3 } do
      core.threads(n, 0)
      assert(bits() == alone, n .. " threads")
    end
  end)
end)
