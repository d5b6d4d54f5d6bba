package.path = "./spec/support/?.lua;" .. package.path
local figure = require "lossdbg.view.figure"
local series = require "lossdbg.view.series"
local svg = require "lossdbg.view.svg"
local xml_check = require "xml_check"

local nan, inf = 0 / 0, math.huge

-- Every number in an attribute is a finite number; returns the counts of elements.
local function well_formed(s)
  local counts, why = xml_check.check(s)
  assert(counts, why)
  for value in s:gsub("<style>.-</style>", ""):gsub("aria%-%w+=\"[^\"]*\"", "")
    :gmatch("[%w%-]+=\"([^\"]*)\"") do
    value = value:lower()
    assert.is_nil(value:find("%f[%a]nan%f[%A]") or value:find("%f[%a]inf%f[%A]"), value)
  end
  return counts
end

-- Points of the first path of a class: list of {x, y}.
local function path_points(s, class)
  local d = s:match("<path class=\"" .. class .. "[^\"]*\" d=\"([^\"]*)\"")
  local points = {}
  for x, y in d:gmatch("[ML]([%-%d%.]+) ([%-%d%.]+)") do
    points[#points + 1] = { tonumber(x), tonumber(y) }
  end
  return points, d
end

describe("svg.plot", function()
  it("is one well-formed picture with title and description", function()
    local s = svg.plot({ { name = "loss", y = { 1.0912, 1.088, 1.088 } },
      { name = "val_loss", y = { 1.085, 1.085, 1.085 } } }, { title = "wine", xlabel = "epoch",
      ylabel = "loss", levels = { { value = 1.0879, label = "entropy" } } })
    local counts = well_formed(s)
    assert.equal(1, counts.svg)
    assert.equal(6 + 1, counts.title)
    assert.is_truthy(s:find("<title id=\"ldb-title\">wine</title>", 1, true))
    assert.is_truthy(s:find("loss: 3 values, first 1.091, last 1.088, lowest 1.088", 1, true))
    assert.is_truthy(s:find(">entropy 1.0879<", 1, true))
    assert.is_truthy(s:find("role=\"img\"", 1, true))
    assert.is_truthy(s:find("prefers-color-scheme:dark", 1, true))
    assert.is_nil(s:find("http", s:find("xmlns", 1, true) + 40, true))
  end)

  it("puts the points in proportion", function()
    local points = path_points(svg.plot({ name = "l", y = { 0, 5, 10, 2.5 } }), "curve s1")
    assert.equal(4, #points)
    local x0, y0 = points[1][1], points[1][2]
    local width, height = points[4][1] - x0, y0 - points[3][2]
    assert.near(x0 + width / 3, points[2][1], 0.11)
    assert.near(y0 - height / 2, points[2][2], 0.11)
    assert.near(y0 - height / 4, points[4][2], 0.11)
  end)

  it("draws the moving average over the raw values of a long curve", function()
    local y = {}
    for i = 1, 60 do y[i] = i % 2 end
    local s = svg.plot({ name = "l", y = y })
    local raw, smooth = path_points(s, "ghost s1"), path_points(s, "curve s1")
    assert.equal(60, #raw)
    assert.equal(60, #smooth)
    local average = series.ema(y, 0.6)
    local bottom, top = raw[2][2], raw[1][2]
    if bottom > top then bottom, top = top, bottom end
    for i = 1, 60 do
      assert.near(top - average[i] * (top - bottom), smooth[i][2], 0.11)
    end
  end)

  it("keeps at most two points for each pixel column, and the spike", function()
    local y = {}
    for i = 1, 50000 do y[i] = 1 + 0.5 * math.sin(i) end
    y[31415] = 9
    local s = svg.plot({ name = "l", y = y }, { smooth = 0 })
    local points = path_points(s, "curve s1")
    assert.is_true(#points <= 2 * 640)
    local high = points[1]
    for _, p in ipairs(points) do
      if p[2] < high[2] then high = p end
    end
    assert.near(58 + 31415 / 50000 * (640 - 58 - 14), high[1], 1.5)
    well_formed(s)
  end)

  it("breaks the curve at NaN and marks it red", function()
    local s = svg.plot { name = "l", y = { 1, 2, nan, inf, 3, nan, 4 } }
    local _, d = path_points(s, "curve s1")
    local _, moves = d:gsub("M", "")
    assert.equal(3, moves)
    assert.equal(3 + 1, select(2, s:gsub("class=\"bad\"", "")))
    assert.is_truthy(s:find(">NaN or Inf<", 1, true))
    assert.is_truthy(s:find("3 NaN or infinite", 1, true))
    well_formed(s)
  end)

  it("labels a logarithmic axis and leaves out what has no logarithm", function()
    local s = svg.plot({ { name = "l", y = { 1e-6, 1e-3, 1 } } }, {})
    assert.is_truthy(s:find("(log scale)", 1, true))
    local points = path_points(s, "curve s1")
    assert.near((points[1][2] + points[3][2]) / 2, points[2][2], 0.2)
    assert.is_nil(svg.plot({ name = "l", y = { 0, 1e-3, 1 } }):find("log scale", 1, true))
    well_formed(svg.plot({ name = "l", y = { 0, -1, 5000 } }, { log_y = true }))
  end)

  it("stays well-formed with any numbers and any names", function()
    for _, y in ipairs { {}, { nan }, { inf, -inf }, { 1 }, { 0, 0 }, { 1e308, -1e308 },
      { 5e-324, 0 }, { -1, -1e9 }, { 1, 1 + 1e-15 }, { 1e-300, 1e300 } } do
      for _, x in ipairs { {}, { 1, 1, 1 }, { nan, 2 }, { -1e308, 1e308 } } do
        for _, log_x in ipairs { false, true } do
          well_formed(svg.plot({ { name = "<script>alert(1)</script>", y = y,
            x = #x == #y and x or nil } }, { title = "a & b \"c\" \0\27 \xFF", log_x = log_x,
            xlabel = "<&>", ylabel = "'", id = "<x y=\"", levels = { { value = nan },
              { value = 1e300, label = "<b>" } }, marks = { { x = 0 }, { x = nan } } }))
        end
      end
    end
  end)

  it("gives the same bytes for the same input", function()
    local input = { b = { 1, 2, nan }, a = { 3, 4, 5 }, c = { 0.1, 0.2, 0.3 } }
    assert.equal(svg.plot(input), svg.plot(input))
    assert.is_true(svg.plot(input):find(">a<") < svg.plot(input):find(">b<"))
  end)
end)

describe("figure", function()
  it("draws a heat map: one cell a value, zero grey, NaN red", function()
    local s = assert(figure.heat({ { name = "dense_1", values = { 1, 0, nan, 1e-6 } },
      { name = "<b>", values = { 1, 10, 100, 1000 } } }, { title = "gradient", id = "h" }))
    well_formed(s)
    assert.equal(4 + 4 + 2, select(2, s:gsub("fill=\"#%x+\" ?/?><?", "")) - 32)
    assert.is_truthy(s:find("<title>dense_1, sample 2: exactly 0</title>", 1, true))
    assert.is_truthy(s:find("<title>dense_1, sample 3: NaN or infinite</title>", 1, true))
    assert.is_truthy(s:find("&lt;b&gt;, sample 4: 1000", 1, true))
    assert.is_nil(figure.heat({ { name = "x", values = {} } }, {}))
  end)

  it("keeps a spike when steps are binned", function()
    local values = {}
    for i = 1, 5000 do values[i] = 1e-3 end
    values[4321] = 7
    assert.is_truthy(figure.heat({ { name = "d", values = values } }, {}):find(": 7<", 1, true))
  end)

  it("ends of the colour map are those of viridis", function()
    assert.equal("#440154", figure.viridis(0))
    assert.equal("#21918c", figure.viridis(0.5))
    assert.equal("#fde725", figure.viridis(1))
  end)

  it("draws the outcomes of a trial, one dot a seed", function()
    local s = assert(figure.strip({ before = 1.088, after = 0.021, placebo = 1.088,
      seeds = { 0.020, 0.021, 0.024 } }, { id = "t" }))
    local counts = well_formed(s)
    assert.equal(5, counts.circle)
    assert.is_truthy(s:find("with the fix: 0.024", 1, true))
    assert.is_nil(figure.strip({ before = nan }, {}))
    well_formed(figure.strip({ before = nan, after = 2, seeds = {} }, {}))
  end)
end)
