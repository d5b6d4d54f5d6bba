-- Parting data sets: nothing lost, nothing twice, shares of the classes kept, and the data sheet's
-- numbers for the split that its oracles used.
local ld = require "lossdbg"
local data = require "spec.support.datasets"

local sample, first_column, sorted = data.sample, data.first_column, data.sorted
local joined, counting, raises = data.joined, data.counting, data.raises

describe("split", function()
  it("parts the rows into two disjoint sets", function()
    local train, val = sample(10):split(0.8, { seed = 1 })
    assert.equal(8, #train)
    assert.equal(2, #val)
    assert.same(counting(10), sorted(joined(first_column(train), first_column(val))))
    assert.same({ "up", "down" }, val.columns)
    for i, row in ipairs(train.x:totable()) do -- x and y stay together
      assert.equal((row[1] - 1) % 2, train.y[i])
    end
  end)

  it("depends on the seed alone", function()
    local a = first_column((sample(30):split(0.5, { seed = 3 })))
    assert.same(a, first_column((sample(30):split(0.5, { seed = 3 }))))
    assert.not_same(a, first_column((sample(30):split(0.5, { seed = 4 }))))
    assert.not_same(sorted(a), counting(15))
  end)

  it("keeps the order without shuffling", function()
    local train, val = sample(10):split(0.7, { shuffle = false })
    assert.same(counting(7), first_column(train))
    assert.same({ 8, 9, 10 }, first_column(val))
    train, val = sample(10):split(3, { shuffle = false })
    assert.same({ 1, 2, 3 }, first_column(train))
    assert.equal(7, #val)
  end)

  it("leaves no part empty", function()
    local train, val = sample(3):split(0.99)
    assert.equal(2, #train)
    assert.equal(1, #val)
    train, val = sample(3):split(0.01)
    assert.equal(1, #train)
    assert.equal(2, #val)
  end)

  it("keeps the shares of the classes when stratified", function()
    local y = {}
    for i = 1, 100 do y[i] = i <= 70 and 0 or i <= 95 and 1 or 2 end -- 70, 25, 5
    local x = {}
    for i = 1, 100 do x[i] = { i, 0 } end
    for seed = 1, 20 do
      local train, val = ld.data.arrays({ x, y }):split(0.8, { seed = seed, stratify = true })
      assert.same({ 56, 20, 4 }, train:class_counts())
      assert.same({ 14, 5, 1 }, val:class_counts())
      assert.same(counting(100), sorted(joined(first_column(train), first_column(val))))
    end
  end)

  it("stratifies rare classes into both parts, and any size sums up", function()
    for n = 2, 40 do
      for m = 1, n - 1 do
        local y, x = {}, {}
        for i = 1, n do y[i], x[i] = i <= 2 and 1 or i == 3 and 2 or 0, { i } end
        local first, second = ld.data.arrays({ x, y }):split(m, { stratify = true })
        assert.equal(m, #first)
        assert.equal(n - m, #second)
        if n >= 6 and m >= 3 and n - m >= 3 then
          assert.equal(1, first:class_counts()[2])
          assert.equal(1, second:class_counts()[2])
        end
      end
    end
  end)

  it("refuses what cannot be parted", function()
    raises("split: a data set of 1 row cannot be split in two", function() sample(1):split(0.5) end)
    for _, share in ipairs { 0, 1.0, -0.5, 1.5, 0 / 0, math.huge, "0.8", -3 } do
      raises("split: argument 'share': expected a fraction between 0 and 1, or a number of rows",
        function() sample(4):split(share) end)
    end
    raises("4 rows for the first part leave none for the second: there are 4",
      function() sample(4):split(4) end)
    raises("unknown option 'stratfy'; did you mean 'stratify'?",
      function() sample(4):split(0.5, { stratfy = true }) end)
    raises("expected a data set with class ids as y", function()
      ld.data.arrays({ { { 1 }, { 2 } }, { 0.5, 0.5 } }):split(0.5, { stratify = true })
    end)
  end)

  it("takes every k-th row, as the oracle of the data files does", function()
    local train, test = assert(ld.data.csv("examples/data/wine.csv", { label = "label" })):every(5)
    assert.equal(143, #train)
    assert.equal(35, #test)
    local counts, entropy = train:class_counts(), 0
    for _, count in ipairs(counts) do entropy = entropy - count / 143 * math.log(count / 143) end
    assert.is_true(math.abs(entropy - 1.0879058372263173) < 1e-12) -- data sheet, by NumPy
    local others, first = sample(7):every(3, 1)
    assert.same({ 1, 4, 7 }, first_column(first))
    assert.same({ 2, 3, 5, 6 }, first_column(others))
    raises("every: argument 'k': expected an integer from 2 to the 7 rows",
      function() sample(7):every(1) end)
    raises("every: argument 'offset': expected an integer from 1 to 3",
      function() sample(7):every(3, 4) end)
  end)

  it("parts by a question", function()
    local small, large = sample(5):split_rows(function(row) return row > 3 end)
    assert.same({ 1, 2, 3 }, first_column(small))
    assert.same({ 4, 5 }, first_column(large))
    raises("split_rows: fn put all 5 rows into the second part",
      function() sample(5):split_rows(function() return true end) end)
  end)
end)
