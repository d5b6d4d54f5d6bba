-- The audit of data against plain loops and numbers worked out by hand.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local series = require "series"
local diagnose = require("lossdbg.core").diagnose

local uniform, moments = series.uniform, series.moments
local nan, huge = 0 / 0, math.huge

local function fails(pattern, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  assert.is_truthy(tostring(message):find(pattern, 1, true), message)
end

describe("audit of features", function()
  local n, d = 211, 5
  local draw, rows, columns = uniform(3), {}, {}
  for j = 1, d do columns[j] = {} end
  for i = 1, n do
    rows[i] = { draw() - 0.5, 100 * draw() + 700, 7, 1e-4 * draw(), draw() }
    for j = 1, d do columns[j][i] = rows[i][j] end
  end
  local x = ld.tensor(rows, "f64")
  local audit = diagnose.audit(x)

  it("has the moments of every column", function()
    assert.same({ n, d }, { audit.n, audit.d })
    for j = 1, d do
      local mean, std, low, high = moments(columns[j])
      assert.near(mean, audit.x.feature.mean[j], 1e-12 * (1 + math.abs(mean)))
      assert.near(std, audit.x.feature.std[j], 1e-12)
      assert.same({ low, high }, { audit.x.feature.min[j], audit.x.feature.max[j] })
    end
  end)

  it("measures scales over the features that vary", function()
    local squares, stds, offsets = {}, {}, 0
    for _, j in ipairs { 1, 2, 4, 5 } do
      local mean, std = moments(columns[j])
      squares[#squares + 1], stds[#stds + 1] = mean ^ 2 + std ^ 2, std
      offsets = offsets + (math.abs(mean) > 2 * std and 1 or 0)
    end
    table.sort(squares)
    table.sort(stds)
    assert.near(squares[4] / ((squares[2] + squares[3]) / 2), audit.x.kappa, 1e-6)
    assert.near(stds[4] / stds[1], audit.x.disparity, 1e-6)
    assert.equal(offsets / 4, audit.x.offset_share)
    assert.same({ count = 1, share = 0.2, columns = { 3 } }, audit.x.constant)
    assert.equal(2, audit.x.largest.column)
  end)

  it("has the moments of all elements", function()
    local all = {}
    for i = 1, n do
      for j = 1, d do all[#all + 1] = rows[i][j] end
    end
    local mean, std, low, high = moments(all)
    assert.near(mean, audit.x.mean, 1e-10)
    assert.near(std, audit.x.std, 1e-10)
    assert.same({ low, high, 0 }, { audit.x.min, audit.x.max, audit.x.nonfinite.count })
    assert.is_false(audit.x.integral or audit.x.identical)
  end)

  it("does not depend on the scale", function()
    local scaled = diagnose.audit(x * 2 ^ -40).x
    for _, key in ipairs { "kappa", "disparity", "offset_share" } do
      assert.near(audit.x[key], scaled[key], 1e-12 * audit.x[key])
    end
    assert.same(audit.x.constant, scaled.constant)
  end)

  it("finds the first broken element and looks at the others", function()
    local a = diagnose.audit(ld.tensor { { 1, 2 }, { 3, -huge }, { nan, 4 } }).x
    assert.same({ count = 2, row = 2, col = 2, value = -huge }, a.nonfinite)
    assert.same({ 2, 3, 1, 4 }, { a.feature.mean[1], a.feature.mean[2], a.min, a.max })
    assert.is_true(a.integral)
  end)

  it("sees that all rows are the same", function()
    local a = diagnose.audit(ld.tensor { { 1, 2 }, { 1, 2 }, { 1, 2 } })
    assert.is_true(a.x.identical)
    assert.equal(2, a.x.constant.count)
    assert.near(2 / 3, a.duplicates.share, 1e-15)
  end)

  it("lives with one row, no rows and images", function()
    assert.equal(1, diagnose.audit(ld.ones { 1, 3 }).n)
    local empty = diagnose.audit(ld.zeros { 0, 3 }, ld.zeros(0, "i32"))
    assert.equal(0, empty.n)
    assert.equal(12, diagnose.audit(ld.ones { 5, 2, 2, 3 }).d)
  end)
end)

describe("audit of rows", function()
  local x = ld.tensor { { 1, 0 }, { 2, 0 }, { 1, -0.0 }, { 3, 0 }, { 2, 0 }, { 1, 0 } }

  it("counts duplicates; -0 is 0", function()
    assert.near(3 / 6, diagnose.audit(x).duplicates.share, 1e-15)
  end)

  it("knows the loss that conflicting labels leave", function()
    local a = diagnose.audit(x, ld.tensor({ 0, 1, 0, 2, 1, 1 }, "i32"))
    -- rows 1, 3, 6 are equal with labels 0, 0, 1; rows 2 and 5 agree
    assert.near(3 / 6, a.conflicts.share, 1e-15)
    assert.near((2 * math.log(3 / 2) + math.log(3)) / 6, a.conflicts.floor, 1e-14)
    a = diagnose.audit(x, ld.tensor { 0, 1.5, 0, 2, 1.5, 1 }, { kind = "real" })
    assert.near(3 / 6, a.conflicts.share, 1e-15)
    assert.near(((1 / 3) ^ 2 * 2 + (2 / 3) ^ 2) / 6, a.conflicts.floor, 1e-12)
  end)

  it("finds validation rows among the training rows", function()
    local val = ld.tensor { { 3, 0 }, { 9, 9 }, { 2, 0 }, { 0, 3 } }
    local v = diagnose.audit(x, nil, { val_x = val }).val
    assert.same({ 4, 0.5 }, { v.n, v.leak_share })
  end)

  it("compares validation with training features", function()
    local train = ld.tensor({ { 0, 1 }, { 2, 3 }, { 4, 5 } }, "f64")
    local v = diagnose.audit(train, nil, { val_x = train * ld.tensor({ 3, 1 }, "f64") + 2 }).val
    local sd = math.sqrt((8 / 3 + 9 * 8 / 3) / 2)
    assert.near((3 * 2 + 2 - 2) / sd, v.mean_shift, 1e-12)
    assert.equal(1, v.mean_shift_column)
    assert.equal(0.5, v.sd_ratio_bad_share)
  end)

  it("sees no great shift in a feature that is almost always zero", function()
    local few, many = ld.zeros({ 200, 1 }, "f64"), ld.zeros({ 200, 1 }, "f64")
    few:set(1, 1, 1)
    for i = 1, 20 do many:set(50, i, 1) end
    local v = diagnose.audit(few, nil, { val_x = many }).val
    local p = 0.005
    local sd = math.sqrt((p * (1 - p) + 2500 * 0.1 * 0.9) / 2)
    assert.near((5 - p) / sd, v.mean_shift, 1e-12)
    assert.is_true(v.mean_shift < 1)
  end)

  it("tells rows apart by every element, many at a time", function()
    local list = {}
    for i = 1, 5000 do list[i] = { i % 50, i // 50 % 50, i % 7 // 7 } end
    local seen, double = {}, 0
    for _, row in ipairs(list) do
      local key = table.concat(row, " ")
      double = double + (seen[key] and 1 or 0)
      seen[key] = true
    end
    for _, dtype in ipairs { "f32", "f64", "i32" } do
      assert.near(double / 5000, diagnose.audit(ld.tensor(list, dtype)).duplicates.share, 1e-15)
    end
  end)
end)

describe("audit of targets", function()
  local function y_of(values, dtype, o)
    local x = ld.arange(#values):reshape { #values, 1 }
    return diagnose.audit(x, ld.tensor(values, dtype), o).y
  end

  it("names the kind", function()
    assert.equal("index", y_of({ 0, 1, 2, 2 }, "i32").kind)
    assert.equal("index", y_of({ 0, 1, 2, 0, 1, 2 }).kind)
    assert.equal("zero_one", y_of({ 0, 1, 1, 0 }).kind)
    assert.equal("zero_one", y_of({ { 0, 1, 1 }, { 0, 0, 0 }, { 1, 1, 1 } }).kind)
    assert.equal("plus_minus_one", y_of({ -1, 1, 1, -1 }).kind)
    assert.equal("one_hot", y_of({ { 0, 1 }, { 1, 0 }, { 1, 0 } }).kind)
    assert.equal("real", y_of({ 0.5, 1, 3 }).kind)
    assert.equal("real", y_of({ { 0.5, 7 }, { 1, 3 } }).kind)
    assert.equal("real", y_of({ 0, 1, 2, 0, 1, 2 }, "f32", { kind = "real" }).kind)
  end)

  it("counts classes", function()
    local y = y_of({ 0, 2, 2, 5, 2, 0, 0, 2 }, "i32")
    assert.same({ [0] = 3, [2] = 4, [5] = 1 }, y.counts)
    assert.same({ [0] = 3 / 8, [2] = 0.5, [5] = 1 / 8 }, y.prior)
    assert.equal(3, y.classes)
    assert.near(-(3 / 8 * math.log(3 / 8) + 0.5 * math.log(0.5) + math.log(1 / 8) / 8), y.entropy,
      1e-15)
    assert.equal(0.5, y.majority)
    local hot = y_of { { 0, 1 }, { 1, 0 }, { 0, 1 }, { 0, 1 } }
    assert.same({ [0] = 1, [1] = 3 }, hot.counts)
    assert.equal(0, hot.row_sum_bad)
    assert.equal(1, y_of({ { 0, 1 }, { 1, 0 }, { 1, 1 }, { 0, 1 } }).row_sum_bad)
  end)

  it("finds ids that the output cannot name", function()
    assert.same({ count = 2, row = 2, value = 3 },
      y_of({ 0, 3, 1, -1 }, "i32", { classes = 3 }).out_of_range)
    assert.is_nil(y_of({ 0, 2, 1 }, "i32", { classes = 3 }).out_of_range)
  end)

  it("has the losses of constant answers", function()
    local list = { 3, 1, 4, 1.5, 9, 2, 6 }
    local y, mean, std = y_of(list, "f64"), moments(list)
    assert.near(mean, y.mean, 1e-15)
    assert.near(std ^ 2, y.var, 1e-14)
    assert.equal(3, y.median)
    assert.near((0 + 2 + 1 + 1.5 + 6 + 1 + 3) / 7, y.mad, 1e-14)
    assert.near(mean ^ 2 + std ^ 2, y.mean_square, 1e-13)
    assert.near(mean, y.mean_absolute, 1e-14)
    local two = y_of({ { 1, 10 }, { 3, 30 } }, "f64")
    assert.near((1 + 100) / 2, two.var, 1e-12) -- mean of the variances of the columns
  end)

  it("tests the order with runs", function()
    local sorted, mixed = {}, {}
    for i = 1, 20 do sorted[i], mixed[i] = i > 10 and 1 or 0, i % 2 end
    -- n1 = n2 = 10: E R = 11, Var R = 2 100 (200 - 20) / (400 19)
    local sd = math.sqrt(200 * 180 / (400 * 19))
    assert.near((2 - 11) / sd, y_of(sorted, "i32").runs_z, 1e-12)
    assert.near((20 - 11) / sd, y_of(mixed, "i32").runs_z, 1e-12)
    local rising = {}
    for i = 1, 20 do rising[i] = i + 0.5 end
    assert.near((2 - 11) / sd, y_of(rising).runs_z, 1e-12)
    assert.equal(0, y_of({ 1, 1, 1 }, "i32").runs_z)
  end)

  it("has the right error rate for three classes in random order", function()
    local draw, over, runs = uniform(9), 0, 400
    for _ = 1, runs do
      local list = {}
      for i = 1, 90 do list[i] = math.floor(draw() ^ 2 * 3) end
      over = over + (math.abs(y_of(list, "i32").runs_z) > 1.96 and 1 or 0)
    end
    assert.near(0.05, over / runs, 0.033) -- three standard errors
  end)

  it("sees constant and broken targets", function()
    assert.is_true(y_of({ 2, 2, 2 }).constant)
    local y = y_of({ 1, nan, 2.5 })
    assert.same({ 1, 2, 1, false }, { y.nonfinite.count, y.nonfinite.row, y.nonfinite.col,
      y.constant })
    assert.near(1.75, y.mean, 1e-15)
    assert.is_true(y.runs_z ~= y.runs_z)
  end)

  it("refuses what does not fit", function()
    local x = ld.zeros { 3, 2 }
    fails("expected 3 rows as in x, got 2", diagnose.audit, x, ld.zeros(2))
    fails("unknown option 'class'", diagnose.audit, x, nil, { class = 3 })
    fails("'kind'", diagnose.audit, x, ld.zeros(3), { kind = "reals" })
    fails("row length of x", diagnose.audit, x, nil, { val_x = ld.zeros { 3, 3 } })
    fails("expected a tensor", diagnose.audit, { 1 })
    fails("contiguous", diagnose.audit, x:transpose())
  end)
end)
