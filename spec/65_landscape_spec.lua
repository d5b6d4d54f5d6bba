-- The loss around weights. One dense layer under a squared error has it in closed form: along a
-- direction of a filter's own length the loss of w x against w x is a^2 |w|^2 over the mean of x^2.
local figure_text = require "lossdbg.view.landscape"
local ld = require "lossdbg"
local text = require "lossdbg.support.text"

local nn = ld.nn

local function model_of(kernel, bias)
  local model = nn.sequential { nn.dense(#kernel[1]) }:build({ #kernel }, { seed = 1 })
  for name, parameter in model:parameters() do
    parameter:copy_(ld.tensor(name:find "kernel" and kernel or bias))
  end
  return model
end

-- Rows of the unit matrix, answered as the model itself answers them.
local function own(model, n)
  local x = ld.eye(n)
  return { x = x, y = model:predict(x) }
end

describe("a landscape", function()
  it("moves every filter by its own length, and nothing else", function()
    local model = model_of({ { 3, 0 }, { 4, 0 } }, { 7, 1 })
    local data = own(model, 2)
    local l = ld.landscape(model, data, { loss = "mse", points = 5 })
    assert.same({ -1, -0.5, 0, 0.5, 1 }, l.places)
    for i, a in ipairs(l.places) do assert.near(a * a * 25 / 4, l.losses[i], 1e-5) end
    assert.near(0, l.centre, 1e-12)
    assert.near(0, l.least, 1e-12)
    -- the second unit has no length: only the whole layer's would move it
    local second = ld.landscape(model, data, { points = 3, loss = function(p, y)
      local e = (p - y):slice(2, 2, 2)
      return (e * e):mean()
    end })
    assert.same({ 0, 0, 0 }, second.losses)
    local _, kernel = model:parameters()()
    assert.same({ { 3, 0 }, { 4, 0 } }, kernel:totable())
  end)

  it("of no weights is flat, whatever the biases", function()
    local model = model_of({ { 0 }, { 0 } }, { 5 })
    local l = ld.landscape(model, { x = ld.eye(2), y = ld.tensor { { 1 }, { 2 } } },
      { loss = "mse", span = 3, points = 4 })
    assert.equal(5, #l.places) -- an even number is raised
    assert.equal(-3, l.places[1])
    for _, loss in ipairs(l.losses) do assert.equal(12.5, loss) end
  end)

  it("over a plane adds the two directions", function()
    local model = model_of({ { 2 } }, { 0 })
    local data = { x = ld.tensor { { 1 }, { 3 } }, y = ld.tensor { { 2 }, { 6 } } }
    local l = ld.landscape(model, data, { loss = "mse", dimensions = 2, points = 3, seed = 4 })
    -- a single weight goes up or down by its length: 4 (+-a +-b)^2 mean(x^2)
    local sign = l.losses[1][1] > 1 and 1 or -1
    for r, b in ipairs(l.places) do
      for c, a in ipairs(l.places) do
        assert.near(4 * (a + sign * b) ^ 2 * 5, l.losses[r][c], 1e-4)
      end
    end
    assert.equal(0, l.centre)
  end)

  it("is drawn by its seed", function()
    local model = model_of({ { 3, 1 }, { 4, 2 } }, { 0, 0 })
    local data = { x = ld.eye(2), y = ld.tensor { { 1, 2 }, { 3, 4 } } }
    local function with(seed)
      return ld.landscape(model, data, { loss = "mse", points = 3, seed = seed }).losses
    end
    assert.same(with(1), with(1))
    assert.are_not.same(with(1), with(2))
    local l = ld.landscape(model, data, { loss = "mse", points = 3, dimensions = 2 })
    assert.is_true(math.abs(l.losses[1][3] - l.centre) > 0.1) -- not one direction twice
  end)

  it("takes rows of an embedding for its filters", function()
    local model = nn.sequential { nn.embedding { 2, 3 } }:build({ 1 }, { seed = 1 })
    for _, table_ in model:parameters() do
      table_:copy_(ld.tensor { { 1, 2, 2 }, { 0, 0, 0 } })
    end
    local function first(id)
      local x = ld.tensor({ { id } }, "i32")
      local data = { x = x, y = model:predict(x) }
      return ld.landscape(model, data, { loss = "mse", points = 3 }).losses[1]
    end
    assert.near(9 / 3, first(0), 1e-5)
    assert.equal(0, first(1)) -- a row without a length
  end)

  it("raises on misuse", function()
    assert.error_matches(function() ld.landscape({}, {}, { loss = "mse" }) end, "argument 'model'")
    local model = model_of({ { 1 } }, { 0 })
    assert.error_matches(function() ld.landscape(model, {}, {}) end, "'loss'")
    assert.error_matches(function()
      ld.landscape(model, {}, { loss = "mse", dimensions = 3 })
    end, "'dimensions'")
  end)
end)

describe("the picture of a landscape", function()
  local function of(n, fn)
    local l = { dimensions = 2, places = {}, losses = {}, span = 1, centre = 1 }
    for i = 1, n do l.places[i] = 2 * (i - 1) / (n - 1) - 1 end
    for r, b in ipairs(l.places) do
      l.losses[r] = {}
      for c, a in ipairs(l.places) do l.losses[r][c] = fn(a, b) end
    end
    function l:summary() return "loss " .. self.centre end
    return l
  end
  local bowl = of(21, function(a, b) return 1 + 99 * (a * a + b * b) / 2 end)

  it("fits 80 and 40 columns, with the weights in the middle", function()
    for _, n in ipairs { 3, 21, 51, 201 } do
      for _, width in ipairs { 80, 40 } do
        for _, ascii in ipairs { true, false } do
          local page = figure_text.text(of(n, function(a, b) return 1 + a * a + b * b end),
            { width = width, ascii = ascii })
          local marks = 0
          for line in page:gmatch "[^\n]+" do
            assert.is_true(text.width(line) <= width, line)
            if line:find "^%s*0?[|│].*%+" or line:find "^ *0.*%+" then marks = marks + 1 end
            if ascii then assert.is_nil(line:find "[\128-\255]") end
          end
          assert.equal(1, marks, page)
        end
      end
    end
  end)

  it("shades by the logarithm from a factor of ten", function()
    local function blanks(top)
      local page = figure_text.text(of(21, function(a, b)
        return 1 + (top - 1) * math.max(math.abs(a), math.abs(b))
      end), { ascii = true })
      return select(2, page:gsub(" ", ""))
    end
    assert.is_true(blanks(10) > blanks(11))
  end)

  it("keeps a ridge and NaN that a cell shares with others", function()
    for at = 150, 159 do
      local l = of(201, function() return 1 end)
      for _, row in ipairs(l.losses) do row[at] = 9 end
      l.losses[at][3] = 0 / 0
      local page = figure_text.text(l, { width = 40, height = 201, ascii = true })
      assert.matches("|[^|\n]*#", page)
      assert.matches("|!.*\n", page)
      assert.matches("! NaN or infinite", page, 1, true)
    end
  end)

  it("as SVG tells every value to who points at it", function()
    local drawn = figure_text.svg(bowl, {})
    local _, tiles = drawn:gsub("<title>[^<]*: [^<]*</title></rect>", "")
    assert.equal(21 * 21, tiles)
    assert.matches("<title>1, %-1: 100</title>", drawn)
    assert.matches("<title>0, 0: 1</title>", drawn)
    local page = figure_text.html(setmetatable({ to_table = function() return { centre = 1 } end },
      { __index = bowl }))
    assert.matches("default%-src 'none'", page)
    assert.matches('"centre":1', page, 1, true)
  end)
end)
