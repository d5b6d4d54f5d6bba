-- Normalization: the semantics of Keras' layer (adapt whole or in batches, axis, given statistics,
-- invert, the clamp on the standard deviation).
local ld = require "lossdbg"
local nn = ld.nn

local function near(expected, actual, tolerance)
  if type(expected) == "number" then
    return assert.near(expected, actual, tolerance)
  end
  assert.equal(#expected, #actual)
  for i, item in ipairs(expected) do near(item, actual[i], tolerance) end
end

local function error_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return message
end

local function apply(layer, rows)
  local x = ld.tensor(rows, "f64")
  local shape = table.move(x.shape, 2, x.rank, 1, {})
  return nn.sequential({ layer }):build(shape, { dtype = "f64" })(x):totable()
end

local rows = { { 1, 10, 5 }, { 2, 30, 5 }, { 6, 20, 5 }, { 7, 0, 5 } }
-- column 1: mean 4, population variance 6.5; column 2: mean 15, variance 125; column 3: constant 5

describe("normalization", function()
  it("learns mean and population variance per feature; a constant one becomes 0", function()
    local layer = nn.normalization():adapt(rows)
    near({ 4, 15, 5 }, layer.state.mean, 1e-12)
    near({ 6.5, 125, 0 }, layer.state.variance, 1e-12)
    assert.equal(4, layer.state.rows)
    local s, t = math.sqrt(6.5), math.sqrt(125)
    local expected = { { -3 / s, -5 / t, 0 }, { -2 / s, 15 / t, 0 }, { 2 / s, 5 / t, 0 },
      { 3 / s, -15 / t, 0 } }
    near(expected, apply(layer, rows), 1e-12)
  end)

  it("is the identity before adapt", function()
    near(rows, apply(nn.normalization(), rows), 0)
  end)

  it("gives the statistics of the whole from batches of any size (Chan)", function()
    local t = ld.tensor(rows, "f64")
    for _, cuts in ipairs { { 1, 4 }, { 3, 4 }, { 1, 2, 4 }, { 1, 2, 3, 4 } } do
      local batches, first = {}, 1
      for i, last in ipairs(cuts) do
        batches[i] = t:slice(1, first, last)
        first = last + 1
      end
      local layer = nn.normalization():adapt(batches)
      near({ 4, 15, 5 }, layer.state.mean, 1e-12)
      near({ 6.5, 125, 0 }, layer.state.variance, 1e-11)
    end
  end)

  it("takes iterators, data sets and the first part of pairs", function()
    local t, y = ld.tensor(rows, "f64"), ld.zeros(4)
    local set = ld.data.arrays { t, y }
    local learnt = { nn.normalization():adapt(set), nn.normalization():adapt { { t, y } } }
    local i = 0
    learnt[3] = nn.normalization():adapt(function()
      i = i + 1
      if i <= 4 then return t:slice(1, i, i), y end
    end)
    for _, layer in ipairs(learnt) do
      near({ 4, 15, 5 }, layer.state.mean, 1e-6)
      near({ 6.5, 125, 0 }, layer.state.variance, 1e-5)
    end
  end)

  it("replaces what it learnt before", function()
    local layer = nn.normalization():adapt(rows):adapt { { 1, 1, 1 }, { 3, 3, 3 } }
    near({ 2, 2, 2 }, layer.state.mean, 1e-12)
    near({ 1, 1, 1 }, layer.state.variance, 1e-12)
  end)

  it("keeps the axes it is told: channels, several, none", function()
    local images = { { { { 1, 10 }, { 3, 20 } } }, { { { 5, 30 }, { 7, 40 } } } } -- [2, 1, 2, 2]
    local channels = nn.normalization():adapt(images)
    near({ 4, 25 }, channels.state.mean, 1e-12) -- 1 3 5 7; 10 20 30 40
    near({ 5, 125 }, channels.state.variance, 1e-12)
    local both = nn.normalization({ axis = { 3, 4 } }):adapt(images)
    assert.same({ 2, 2 }, both.state.shape)
    near({ 3, 20, 5, 30 }, both.state.mean, 1e-12)
    local whole = nn.normalization({ axis = false }):adapt(images)
    near({ 14.5 }, whole.state.mean, 1e-12)
    local s = math.sqrt(5)
    near(-3 / s, apply(channels, images)[1][1][1][1], 1e-12)
    near((1 - 3) / 2, apply(both, images)[1][1][1][1], 1e-12)
    local v = math.sqrt(whole.state.variance[1])
    near((1 - 14.5) / v, apply(whole, images)[1][1][1][1], 1e-12)
  end)

  it("takes given statistics, broadcast from the right", function()
    local layer = nn.normalization { mean = { 1, 2, 3 }, variance = 4 }
    near({ { 0, 4, 1 } }, apply(layer, { { 1, 10, 5 } }), 1e-12)
    local image = nn.normalization { axis = { 2, 3 }, mean = { 1, 2 }, variance = { 1, 4 } }
    near({ { { 0, 1 }, { 2, 0 } } }, apply(image, { { { 1, 4 }, { 3, 2 } } }), 1e-12)
  end)

  it("inverts", function()
    local there = nn.normalization():adapt(rows)
    local back = nn.normalization({ invert = true }):adapt(rows)
    local there_and_back = nn.sequential { there, back }:build({ 3 }, { dtype = "f64" })
    near(rows, there_and_back(ld.tensor(rows, "f64")):totable(), 1e-12)
  end)

  it("clamps the deviation, not the variance", function()
    local layer = nn.normalization { mean = 0, variance = 1e-20 } -- deviation 1e-10, raised to 1e-7
    near({ { 10 } }, apply(layer, { { 1e-6 } }), 1e-9)
    local own = nn.normalization { mean = 0, variance = 0, epsilon = 0.5 }
    near({ { 4 } }, apply(own, { { 2 } }), 1e-12)
  end)

  it("learns in an experiment what reaches it, from the training rows", function()
    local x = ld.tensor(rows)
    local model = nn.sequential { nn.rescale(10), nn.normalization { adapt = true }, nn.dense(1) }
      :build({ 3 }, { adapt = x })
    near({ 40, 150, 50 }, model[2].state.mean, 1e-4)
    near({ 650, 12500, 0 }, model[2].state.variance, 1e-2)
  end)

  it("has no learnable values and adapts anew when built", function()
    local model = nn.sequential { nn.normalization() }:build { 3 }
    assert.equal(0, model:count())
    model[1]:adapt(rows)
    near(-3 / math.sqrt(6.5), model(ld.tensor(rows))[1][1], 1e-6)
  end)

  it("explains what is wrong", function()
    assert.matches("mean and variance are given together", error_of(nn.normalization, { mean = 1 }),
      1, true)
    assert.matches("axes counted from 2", error_of(nn.normalization, { axis = 1 }), 1, true)
    local layer = nn.normalization():adapt(rows)
    local message = error_of(function() nn.sequential({ layer }):build { 4 } end)
    assert.matches("layer 'normalization_1'", message, 1, true)
    assert.matches("with kept axes [3], as in the data it was adapted to", message, 1, true)
    assert.matches("nothing is left to learn",
      error_of(function() nn.normalization({ mean = 0, variance = 1 }):adapt(rows) end), 1, true)
    assert.matches("there was no batch", error_of(function()
      nn.normalization():adapt(function() end)
    end), 1, true)
  end)
end)
