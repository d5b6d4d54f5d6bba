-- Braille pictures are read back into dots (Unicode 2800: dots 1 2 3 7 | 4 5 6 8) and compared with
-- where the values must lie; nothing is compared with earlier output.
local braille = require "lossdbg.view.braille"
local series = require "lossdbg.view.series"
local text = require "lossdbg.support.text"

local nan, inf = 0 / 0, math.huge
local ROWS = { [0] = { 0, 0 }, { 1, 0 }, { 2, 0 }, { 0, 1 }, { 1, 1 }, { 2, 1 }, { 3, 0 },
  { 3, 1 } }

-- The picture's dots: list of {x, y}, y from the bottom, and the size in dots.
local function dots_of(picture)
  local rows = {}
  for line in picture:gmatch("[^\n]+") do
    local body = line:match("^[^│┤]*│(.*)$") or line:match("^[^│┤]*┤(.*)$")
    if body then rows[#rows + 1] = body end
  end
  local dots, wide = {}, 0
  for r, body in ipairs(rows) do
    local column = 0
    for _, code in utf8.codes(body) do
      if code >= 0x2800 and code <= 0x28FF then
        for bit = 0, 7 do
          if (code - 0x2800) >> bit & 1 == 1 then
            local at = ROWS[bit]
            dots[#dots + 1] = { column * 2 + at[2], (#rows - r) * 4 + 3 - at[1] }
          end
        end
      end
      column = column + 1
    end
    wide = math.max(wide, column * 2)
  end
  return dots, wide, #rows * 4
end

local function widths_at_most(picture, columns)
  for line in picture:gmatch("[^\n]+") do
    assert.is_true(text.width(line) <= columns, line)
    assert.is_nil(line:find("nan") or line:find("inf%f[%W]"), line)
  end
end

describe("braille.plot", function()
  it("draws a straight line where it is", function()
    local y = {}
    for i = 0, 100 do y[i + 1] = i end
    local dots, wide, high = dots_of(braille.plot(y, { width = 60, height = 10 }))
    assert.is_true(#dots >= wide)
    for _, d in ipairs(dots) do
      assert.is_true(math.abs(d[1] / (wide - 1) - d[2] / (high - 1)) < 0.03)
    end
  end)

  it("draws a constant as one line of dots over the whole width", function()
    local y = {}
    for i = 1, 30 do y[i] = 1.0879 end
    local dots, wide = dots_of(braille.plot(y, { width = 72, height = 8 }))
    assert.equal(wide, #dots)
    for _, d in ipairs(dots) do assert.equal(dots[1][2], d[2]) end
  end)

  it("keeps a one-step spike of a long series", function()
    local y = {}
    for i = 1, 20000 do y[i] = 0.1 end
    y[13337] = 5
    local dots, wide, high = dots_of(braille.plot(y, { width = 72, height = 8 }))
    local top = 0
    for _, d in ipairs(dots) do
      if d[2] > high / 2 then
        top = math.max(top, d[2])
        assert.is_true(math.abs(d[1] / wide - 13337 / 20000) < 0.02)
      end
    end
    assert.is_true(top >= high - 3)
  end)

  it("marks NaN and Inf on the axis and leaves a gap", function()
    local y = {}
    for i = 1, 40 do y[i] = i >= 20 and i <= 29 and (i % 2 == 0 and nan or inf) or 1 end
    local picture = braille.plot(y, { width = 50, height = 5 })
    local dots, wide = dots_of(picture)
    for _, d in ipairs(dots) do
      local at = 1 + d[1] / (wide - 1) * 39
      assert.is_true(at < 20 or at > 29, "dot at " .. at)
    end
    local _, crosses = picture:match("└(.-)\n"):gsub("×", "")
    assert.is_true(crosses >= 10)
    assert.is_truthy(picture:find("× NaN or Inf", 1, true))
  end)

  it("takes a logarithmic axis above a range of 1000, and says so", function()
    local steep, flat = {}, {}
    for i = 1, 61 do
      steep[i] = 10.0 ^ (-(i - 1) / 10)
      flat[i] = 10.0 ^ (-(i - 1) / 30)
    end
    local picture = braille.plot({ loss = steep }, { width = 60, height = 10 })
    assert.is_truthy(picture:find("(log scale)", 1, true))
    local dots, wide, high = dots_of(picture)
    for _, d in ipairs(dots) do
      assert.is_true(math.abs(1 - d[1] / (wide - 1) - d[2] / (high - 1)) < 0.04)
    end
    assert.is_nil(braille.plot({ loss = flat }):find("log scale", 1, true))
    assert.is_nil(braille.plot({ loss = steep }, { log_y = false }):find("log scale", 1, true))
  end)

  it("names several curves, a reference level and a mark", function()
    local picture = braille.plot({ { name = "loss", y = { 1.2, 0.5, 0.4 } },
      { name = "val_loss", y = { 1.3, 0.9, 1.0 } } }, { xlabel = "epoch", title = "wine",
      levels = { { value = 1.0879, label = "entropy of the class frequencies" } },
      marks = { { x = 2, label = "best" } } })
    for _, word in ipairs { "wine", "epoch", "loss 1.2 → 0.4", "val_loss 1.3 → 1 (min 0.9)",
      "entropy of the class frequencies 1.0879", "best 2" } do
      assert.is_truthy(picture:find(word, 1, true), word)
    end
    widths_at_most(picture, 72)
  end)

  it("has a form in plain ASCII", function()
    local picture = braille.plot({ { name = "loss", y = { 3, 2, nan, 1 } },
      { name = "val", y = { 3, 3, 3, 3 } } }, { ascii = true, xlabel = "epoch",
      levels = { { value = 2, label = "floor" } }, marks = { { x = 3 } } })
    assert.is_nil(picture:find("[\x80-\xFF]"))
    assert.is_truthy(picture:find("x NaN or Inf", 1, true))
    assert.is_truthy(picture:find("* loss 3 -> 1", 1, true))
  end)

  it("keeps to its width with any numbers", function()
    for _, y in ipairs { {}, { nan }, { inf, -inf }, { 1 }, { 0, 0 }, { 1e308, -1e308 },
      { 5e-324, 0 }, { -1, -1000, -1e9 },
      { 1, 1 + 1e-15 }, { 123456789, 123456790 }, { 1e-300, 1e300 } } do
      for _, ascii in ipairs { false, true } do
        widths_at_most(braille.plot({ loss = y }, { width = 40, height = 4, ascii = ascii })
          :gsub("NaN or Inf", ""):gsub("loss %S+ %S+ %S+", ""), 40)
      end
    end
  end)

  it("cannot be steered by a name", function()
    local picture = braille.plot { { name = "a\27[2J\nb\u{202E}c", y = { 1, 2 } } }
    assert.is_nil(picture:find("\27", 1, true))
    assert.is_nil(picture:find("\u{202E}", 1, true))
  end)
end)

describe("sparkline", function()
  it("maps the range to eight blocks", function()
    assert.equal("▁▂▃▄▅▆▇█", braille.sparkline { 0, 1, 2, 3, 4, 5, 6, 7 })
    assert.equal("█▁", braille.sparkline { 7, 0 })
    assert.equal("_@", braille.sparkline({ 0, 1 }, 20, { ascii = true }))
  end)

  it("draws a constant as a line at half height, and what is nearly so on request", function()
    assert.equal("▄▄▄▄▄▄▄▄▄▄", braille.sparkline({ 1.088, 1.088, 1.088, 1.088, 1.088, 1.088, 1.088,
      1.088, 1.088, 1.088 }, 10))
    assert.equal("▄▄▄", braille.sparkline({ 0, 0, 0 }))
    assert.equal("▄▄", braille.sparkline({ 1.091, 1.088 }, 10, { flat = 0.01 }))
  end)

  it("marks what is not finite, also inside a bucket", function()
    assert.equal("▁×█", braille.sparkline { 1, nan, 2 })
    assert.equal("××", braille.sparkline { inf, nan })
    local y = {}
    for i = 1, 100 do y[i] = i end
    y[55] = nan
    local _, crosses = braille.sparkline(y, 10):gsub("×", "")
    assert.equal(1, crosses)
  end)

  it("is never wider than asked, and empty without values", function()
    local y = {}
    for i = 1, 1000 do y[i] = i % 7 end
    assert.equal(20, utf8.len(braille.sparkline(y)))
    assert.equal(3, utf8.len(braille.sparkline({ 1, 2, 3 }, 20)))
    assert.equal("", braille.sparkline({}))
  end)
end)

describe("view.series", function()
  it("smooths as TensorBoard does: 0.6 of the past, debiased", function()
    -- By hand: 1; (0.6*0.4*1 + 0.4*3) / 0.64; (0.6*1.44 + 0.4*2) / 0.784.
    local s = series.ema({ 1, 3, nan, 2 }, 0.6)
    assert.near(1, s[1], 1e-12)
    assert.near(1.44 / 0.64, s[2], 1e-12)
    assert.is_true(s[3] ~= s[3])
    assert.near((0.6 * 1.44 + 0.8) / 0.784, s[4], 1e-12)
  end)

  it("puts ticks on 1, 2 and 5 times powers of ten", function()
    local function labels(ticks)
      local out = {}
      for i, t in ipairs(ticks) do out[i] = t.label end
      return table.concat(out, " ")
    end
    assert.equal("0 2 4 6 8 10", labels(series.ticks(0, 10, 5)))
    assert.equal("0.95 1.00 1.05", labels(series.ticks(0.93, 1.08, 4)))
    assert.equal("1e-6 1e-3 1", labels(series.log_ticks(1e-7, 5, 3)))
    assert.equal("0.1 0.2 0.5 1 2", labels(series.log_ticks(0.1, 3, 8)))
  end)

  it("decimates to two points a column, the lowest and the highest", function()
    local position, height = {}, {}
    for i = 1, 10000 do
      position[i] = (i - 1) / 9999
      height[i] = (i * 7919 % 1000) / 1000
    end
    local points = series.decimate(position, height, 100)
    local per, lo, hi = {}, {}, {}
    for _, p in ipairs(points) do
      per[p.column] = (per[p.column] or 0) + 1
      assert.is_true(per[p.column] <= 2)
      lo[p.column] = math.min(lo[p.column] or 2, p.height)
      hi[p.column] = math.max(hi[p.column] or -1, p.height)
    end
    for i = 1, 10000 do
      local c = math.min(99, math.floor(position[i] * 100))
      assert.is_true(height[i] >= lo[c] and height[i] <= hi[c])
    end
  end)
end)
