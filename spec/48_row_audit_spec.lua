-- What the audit adds to the core's: fillings of sequences, classes that only validation has.
local ld = require "lossdbg"
local collect = require "lossdbg.diagnose.collect"
local padding = require "lossdbg.diagnose.padding"

local function filled(n, steps, length, value, front)
  local list = {}
  for i = 1, n do
    list[i] = {}
    for t = 1, steps do
      local at = front and steps + 1 - t or t
      list[i][t] = at <= length(i) and 1 + (i * 7 + t * 3) % 5 or value
    end
  end
  return ld.tensor(list)
end

describe("filling of sequences", function()
  it("is measured at the end", function()
    local p = padding.of(filled(20, 10, function(i) return 2 + i % 3 end, 0))
    assert.equal(0, p.value)
    assert.is_true(math.abs(p.share - (1 - (2 + 1) / 10)) < 0.02) -- lengths 2, 3, 4
    assert.equal(1, p.rows)
  end)

  it("at the front is none at the end", function()
    local p = padding.of(filled(20, 10, function() return 4 end, 0, true))
    assert.is_true(p.share < 0.1 and p.rows < 0.5)
  end)

  it("takes one number a step, too, and any value", function()
    local x = filled(20, 10, function() return 3 end, -1)
    local p = padding.of(x:reshape { 20, 10, 1 })
    assert.same({ -1, 1 }, { p.value, p.rows })
  end)

  it("is not asked of images, or of a handful of numbers", function()
    assert.is_nil(padding.of(ld.tensor(filled(20, 3, function() return 1 end, 0):totable())))
    assert.is_nil(padding.of(filled(20, 12, function() return 1 end, 0):reshape { 20, 2, 6 }))
  end)
end)

describe("classes of the validation rows", function()
  local function audit(y, val)
    local function part(list)
      local x = {}
      for i in ipairs(list) do x[i] = { math.sin(i), i } end
      return { x = ld.tensor(x), y = ld.tensor(list, type(list[1]) == "number" and "i32" or nil),
        n = #list }
    end
    return collect.audit(part(y), part(val), { kind = "multiclass", classes = 3 }).val.unseen
  end

  it("that training lacks are counted", function()
    assert.same({ share = 0.75, classes = 1 }, audit({ 0, 1, 0, 1 }, { 2, 2, 1, 2 }))
    assert.same({ share = 0, classes = 0 }, audit({ 0, 1, 2, 1 }, { 2, 2, 1, 0 }))
    assert.same({ share = 0.5, classes = 1 }, audit({ { 1, 0, 0 }, { 0, 1, 0 } },
      { { 0, 0, 1 }, { 1, 0, 0 } }))
  end)
end)

describe("rows on another scale", function()
  local outliers = require "lossdbg.data.outliers"
  local function sized(factor)
    local list = {}
    for i = 1, 40 do
      local f = i == 5 and factor or 1
      list[i] = { f, -f }
    end
    return ld.tensor(list)
  end

  it("are those over ten times the middle one", function()
    assert.same({ 5 }, (outliers.of(sized(10.1))))
    assert.same({}, (outliers.of(sized(9.9))))
    local _, usual, worst = outliers.of(sized(50))
    assert.same({ 1, 50 }, { usual, worst })
  end)

  it("are not told where most rows are zero or one is not finite", function()
    assert.is_nil((outliers.of(ld.tensor(sized(3):mul(0):totable()))))
    assert.is_nil((outliers.of(sized(0 / 0))))
  end)

  it("are left out by a patch, with their targets", function()
    local y = {}
    for i = 1, 40 do y[i] = { i } end
    local e = ld.experiment { train = { sized(50), ld.tensor(y) }, loss = "mse",
      model = ld.nn.sequential { ld.nn.dense { 1 } } }
    local rows = e:with({ data = "drop_outlying" }).recipe.train_rows
    assert.same({ 39, 4, 6 }, { rows.n, rows.y:totable()[4][1], rows.y:totable()[5][1] })
  end)
end)

describe("rows sorted by class and cut in two", function()
  it("learn nothing of the last class, until they are shuffled before", function()
    local x, y = {}, {}
    for i = 1, 150 do
      local class = (i - 1) // 50
      x[i], y[i] = { math.sin(i * 2.3) + 3 * class, math.cos(i * 1.7) - 2 * class }, class
    end
    local function part(first, last)
      return { ld.tensor(table.move(x, first, last, 1, {})),
        ld.tensor(table.move(y, first, last, 1, {}), "i32") }
    end
    local d = ld.experiment { train = part(1, 100), val = part(101, 150), epochs = 40, seed = 1,
      model = { ld.nn.dense { 16, "relu" }, ld.nn.dense { 3, "softmax" } }, batch = 16,
      loss = "sparse_crossentropy", optimizer = ld.optim.adam { lr = 0.02 } }:diagnose()
    assert.equal("unseen_validation_classes", d[1].rule)
    local fix = d[1].fixes[1]
    assert.same({ data = "shuffle_split" }, fix.patch)
    assert.is_true(fix.trial.verified)
    assert.equal("val_loss", fix.trial.metric)
  end)
end)

describe("patch pad_front", function()
  it("puts the filling first and keeps the order of the rest", function()
    local e = ld.experiment { train = { ld.tensor { { 1, 2, 0, 0 }, { 3, 0, 0, 0 }, { 1, 2, 3, 4 },
      { 0, 0, 0, 0 } }, ld.tensor { { 1 }, { 0 }, { 1 }, { 0 } } }, loss = "mse",
      model = ld.nn.sequential { ld.nn.dense { 1 } } }
    assert.same({ { 0, 0, 1, 2 }, { 0, 0, 0, 3 }, { 1, 2, 3, 4 }, { 0, 0, 0, 0 } },
      e:with({ data = "pad_front" }).recipe.train_rows.x:totable())
  end)
end)
