-- Data sets: parts, batches, descriptions. Statistics of the real files were computed by NumPy from
-- the same files (float64, population standard deviation).
local ld = require "lossdbg"
local data = require "spec.support.datasets"

local sample, first_column, sorted = data.sample, data.first_column, data.sorted
local counting, raises = data.counting, data.raises

describe("arrays", function()
  it("take nested tables and tensors", function()
    local set = ld.data.arrays { { { 1, 2 }, { 3, 4 } }, { 0, 1 } }
    assert.equal(2, #set)
    assert.equal("f32", set.x.dtype)
    assert.equal("i32", set.y.dtype)
    assert.equal(2, set.n_classes)
    set = ld.data.arrays { x = ld.tensor({ { 1 }, { 2 } }, "f64"), y = { 0.5, 1.0 } }
    assert.equal("f64", set.x.dtype)
    assert.equal("f32", set.y.dtype)
    assert.is_nil(set.n_classes)
    assert.equal("f32", ld.data.arrays({ { { 1 } }, { -1 } }).y.dtype) -- -1 is no class id
    assert.is_nil(ld.data.arrays({ { { 1 } } }).y)
    assert.is_true(ld.data.is_dataset(set))
    assert.is_false(ld.data.is_dataset({ x = set.x }))
  end)

  it("refuse what is no data set", function()
    raises("data.arrays: argument 'y': expected 2 rows as in x, got 3", ld.data.arrays,
      { { { 1 }, { 2 } }, { 0, 1, 1 } })
    raises("data.arrays: argument 'x': expected at least one row, got shape [0]", ld.data.arrays,
      { {} })
    raises("data.arrays: argument 'x': expected at least one row, got a scalar", ld.data.arrays,
      { ld.tensor(3) })
    raises("argument 'x': the table is ragged", ld.data.arrays, { { { 1, 2 }, { 3 } } })
    raises("argument 'x'", ld.data.arrays, {})
    raises("argument 'x'", ld.data.arrays, nil)
    raises("unknown option 'colums'; did you mean 'columns'?", ld.data.arrays,
      { { { 1 } }, colums = {} })
  end)

  it("name the caller's line", function()
    local ok, message = pcall(function() ld.data.arrays { { { 1 } }, { 0, 1 } } end)
    assert.is_false(ok)
    assert.matches("15_dataset_spec.lua:%d+: lossdbg: data.arrays", message)
    ok, message = pcall(function() ld.data.arrays { { { 1, 2 }, { 3 } } } end)
    assert.is_false(ok)
    assert.matches("15_dataset_spec.lua:%d+: lossdbg: data.arrays", message)
    for _, call in ipairs { function() ld.data.lags({ 1, 2 }, 2) end,
      function() ld.data.lags({ 1, 2 }, 0.5) end, function() ld.data.lags({ { 1, 2 } }, 1) end,
      function() ld.data.lags({ 1, {} }, 1) end, function() ld.data.lags(5, 1) end,
      function() sample(3):split(2.5) end, function() sample(1):split(0.5) end,
      function() sample(3):split(0.5, 5) end, function() sample(3):batches { x = 1 } end,
      function() sample(3):take {} end, function() sample(3):every(9) end,
      function() sample(3):map(5) end, function() sample(3):one_hot(1) end } do
      ok, message = pcall(call)
      assert.is_false(ok)
      assert.matches("^spec/15_dataset_spec.lua:%d+: lossdbg: ", message)
    end
  end)
end)

describe("rows", function()
  it("are taken in the order given", function()
    assert.same({ 3, 1, 3, 5 }, first_column(sample(5):take { 3, 1, 3, -1 }))
    assert.same({ 2 }, first_column(sample(5):take(ld.tensor({ 2 }, "i32"))))
    for _, row in ipairs { 0, 6, -6, 1.5, "1" } do
      raises("take: argument 'rows[1]': expected a row from 1 to 5",
        function() sample(5):take { row } end)
    end
    raises("at least one row number", function() sample(5):take {} end)
    raises("a list of row numbers", function() sample(5):take(3) end)
  end)

  it("are shuffled by a seed, keeping all", function()
    local a = first_column(sample(50):shuffle(1))
    assert.same(a, first_column(sample(50):shuffle(1)))
    assert.not_same(a, first_column(sample(50):shuffle(2)))
    assert.same(counting(50), sorted(a))
    raises("shuffle: argument 'seed': expected an integer", function() sample(5):shuffle(0.5) end)
  end)

  it("are copies: changing a part leaves the whole as it is", function()
    local set = sample(4)
    local part = set:take { 1, 2 }
    part.x:fill_(9)
    for x in set:batches(2) do x:fill_(7) end
    assert.same({ 1, 2, 3, 4 }, first_column(set))
  end)
end)

describe("batches", function()
  it("deal out every row once, the last batch short", function()
    local sizes, rows = {}, {}
    for x, y in sample(10):batches { 4 } do
      sizes[#sizes + 1] = #x
      assert.equal(#x, #y)
      for _, row in ipairs(x:totable()) do rows[#rows + 1] = math.tointeger(row[1]) end
    end
    assert.same({ 4, 4, 2 }, sizes)
    assert.same(counting(10), rows)
  end)

  it("drop the short one on request", function()
    local n = 0
    for x in sample(10):batches { 4, drop_last = true } do
      n = n + 1
      assert.equal(4, #x)
    end
    assert.equal(2, n)
    for _ in sample(3):batches { 4, drop_last = true } do error "no batch is full" end
  end)

  local function order(set, options)
    local rows = {}
    for x, y in set:batches(options) do
      for i, row in ipairs(x:totable()) do
        rows[#rows + 1] = math.tointeger(row[1])
        assert.equal((row[1] - 1) % 2, y[i])
      end
    end
    return rows
  end

  it("shuffle by seed and epoch", function()
    local set = sample(40)
    local first = order(set, { 8, shuffle = true, seed = 7, epoch = 1 })
    assert.same(counting(40), sorted({ table.unpack(first) }))
    assert.not_same(counting(40), first)
    assert.same(first, order(set, { 8, shuffle = true, seed = 7, epoch = 1 }))
    assert.same(first, order(set, { 5, shuffle = true, seed = 7, epoch = 1 })) -- batch size aside
    assert.not_same(first, order(set, { 8, shuffle = true, seed = 7, epoch = 2 }))
    assert.not_same(first, order(set, { 8, shuffle = true, seed = 8, epoch = 1 }))
  end)

  it("count epochs by themselves", function()
    local set = sample(40)
    local first, second = order(set, { 8, shuffle = true }), order(set, { 8, shuffle = true })
    assert.not_same(first, second)
    assert.same(first, order(set, { 8, shuffle = true, epoch = 1 }))
    assert.same(second, order(set, { 8, shuffle = true, epoch = 2 }))
  end)

  it("serve data without answers, and refuse nonsense", function()
    local set, n = ld.data.arrays { { { 1 }, { 2 } } }, 0
    for x, y in set:batches() do
      n = n + #x
      assert.is_nil(y)
    end
    assert.equal(2, n)
    raises("batches: argument 'batch': expected an integer >= 1", function() set:batches(0) end)
    raises("batches: argument 'batch': expected an integer, got 2.5",
      function() set:batches { 2.5 } end)
    raises("unknown option 'shufle'; did you mean 'shuffle'?",
      function() set:batches { 2, shufle = true } end)
  end)
end)

describe("map and one_hot", function()
  it("return new data sets", function()
    local set = sample(3)
    local half = set:map(function(x) return x / 2 end)
    assert.same({ { 0.5, -0.5 }, { 1, -1 }, { 1.5, -1.5 } }, half.x:totable())
    assert.same({ 0, 1, 0 }, half.y:totable())
    assert.same({ 1, 2, 3 }, first_column(set))
    assert.same({ "up", "down" }, half.columns)
    local other = set:map(function(x, y) return x:sum(2, true), y:cast "f32" * 2 end)
    assert.same({ 3, 1 }, other.x.shape)
    assert.is_nil(other.columns)
    assert.is_nil(other.n_classes)
    assert.same({ 0, 2, 0 }, other.y:totable())
  end)

  it("check what fn returns", function()
    raises("map: fn returned x of shape [1 x 2], expected 3 rows",
      function() sample(3):map(function(x) return x:slice(1, 1, 1, 1) end) end)
    raises("a function that returns x", function() sample(3):map(function() end) end)
    raises("map: argument 'fn': expected a function", function() sample(3):map(5) end)
  end)

  it("make rows of zeros and one", function()
    local set = sample(3, 3):one_hot()
    assert.same({ { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } }, set.y:totable())
    assert.equal("f32", set.y.dtype)
    assert.same({ 3, 5 }, sample(3, 3):one_hot(5).y.shape)
    raises("one_hot: argument 'classes': expected an integer of at least 3",
      function() sample(3, 3):one_hot(2) end)
    raises("one_hot: expected class ids (i32, rank 1) as y, got f32 of rank 2",
      function() set:one_hot() end)
  end)
end)

describe("describe", function()
  it("has the statistics of the columns and the classes", function()
    local d = assert(ld.data.csv("examples/data/wine.csv", { label = "label", dtype = "f64" }))
      :describe()
    assert.equal(178, d.rows)
    local proline = d.columns[13]
    assert.equal("proline", proline.name)
    assert.is_true(math.abs(proline.mean - 746.893) < 5e-4)
    assert.is_true(math.abs(proline.std - 314.022) < 5e-4)
    assert.equal(278, proline.min)
    assert.equal(1680, proline.max)
    assert.is_true(math.abs(d.total.mean - 69.13366292091617) < 1e-10)
    assert.is_true(math.abs(d.total.std - 215.7462042048524) < 1e-10)
    assert.same({ 59, 71, 48 }, { d.classes[1].count, d.classes[2].count, d.classes[3].count })
    assert.matches("proline +746.9 +314 +278 +1680 +0 +0", tostring(d))
    assert.matches("classes: 0 59 %(33.1 %%%), 1 71 %(39.9 %%%), 2 48 %(27.0 %%%)", tostring(d))
  end)

  it("counts missing and infinite values apart", function()
    local set = ld.data.csv_bytes("a,b,c\n1,,5\n3,inf,5\n,-inf,5\n")
    local d = set:describe()
    assert.same({ name = "a", mean = 2, std = 1, min = 1, max = 3, missing = 1, infinite = 0 },
      d.columns[1])
    assert.same({ name = "b", mean = 0, std = 0, min = 0, max = 0, missing = 1, infinite = 2 },
      d.columns[2])
    assert.equal(1, d.total.constant)
    assert.matches("constant columns: 1", tostring(d))
    local co2 = assert(ld.data.csv("examples/data/co2_weekly.csv", { columns = { "co2_ppm" } }))
    assert.equal(59, co2:describe().columns[1].missing)
    assert.is_true(math.abs(co2:describe().columns[1].mean - 340.14) < 5e-3)
  end)

  it("describes images by their total and targets by their own line", function()
    local set = assert(ld.data.idx("examples/data/digits/digits-images-idx3-ubyte"))
    local text = tostring(set:describe())
    assert.matches("all 64 columns +4.884 +6.017 +0 +16 +0 +0", text)
    assert.matches("constant columns: 3", text)
    assert.is_nil(text:find("column_1", 1, true))
    local d = assert(ld.data.csv("examples/data/diabetes.csv", { target = "target" })):describe()
    assert.is_true(math.abs(d.target.mean - 152.13) < 5e-3)
    assert.is_true(math.abs(d.target.std - 77.01) < 5e-3)
  end)

  it("prints a data set on one line", function()
    assert.equal("178 rows of 13 columns, 3 classes (examples/data/wine.csv)",
      tostring(ld.data.csv("examples/data/wine.csv", { label = "label" })))
    assert.equal("442 rows of 10 columns, one number to predict (examples/data/diabetes.csv)",
      tostring(ld.data.csv("examples/data/diabetes.csv", { target = "target" })))
    assert.equal("1 row of 1 column, 1 class", tostring(ld.data.csv_bytes("a,l\n1,x\n",
      { label = "l" })))
    assert.equal("2 rows of [3 x 4]", tostring(ld.data.arrays { ld.zeros { 2, 3, 4 } }))
  end)
end)

describe("lags", function()
  it("are windows and what follows them", function()
    local set = ld.data.lags({ 1, 2, 3, 4, 5 }, 2)
    assert.same({ { 1, 2 }, { 2, 3 }, { 3, 4 } }, set.x:totable())
    assert.same({ { 3 }, { 4 }, { 5 } }, set.y:totable())
    assert.same({ "lag_2", "lag_1" }, set.columns)
    local years = assert(ld.data.csv("examples/data/sunspots.csv", { columns = { "sunspots" } }))
    local windows = ld.data.lags(years, 9)
    assert.same({ 300, 9 }, windows.x.shape)
    assert.same({ 5, 11, 16, 23, 36, 58, 29, 20, 10 }, windows.x[1]:totable())
    assert.equal(8, windows.y:get(1, 1))
  end)

  it("need a series longer than they are", function()
    raises("data.lags: 5 lags need more than 5 values, got 5", ld.data.lags, { 1, 2, 3, 4, 5 }, 5)
    raises("data.lags: argument 'k': expected a positive integer", ld.data.lags, { 1, 2 }, 0)
    raises("expected one number a row, got shape [2 x 2]", ld.data.lags, ld.zeros { 2, 2 }, 1)
    raises("argument 'series': expected a tensor", ld.data.lags, "x", 1)
  end)
end)
