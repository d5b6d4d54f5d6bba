-- What ld.gradcheck reports where there is nothing to compare, and the rates that lr_find names.
local ld = require "lossdbg"
local nn = ld.nn

describe("gradcheck", function()
  it("does not pass a function whose value is NaN", function()
    local report = ld.gradcheck(function(x) return x:log() end, ld.tensor { 2, -1 })
    assert.is_false(report.passed)
    assert.equal(math.huge, report.max_error)
    assert.matches("FAILED: the value itself is NaN", tostring(report), 1, true)
  end)

  it("does not pass a gradient that is NaN", function()
    local broken = ld.op {
      forward = function(_, x) return x * 1 end,
      backward = function(_, gradient) return gradient * (0 / 0) end,
    }
    assert.is_false(ld.gradcheck(broken, ld.tensor { 2, -1 }).passed)
  end)

  it("says that a function has to return a tensor", function()
    local ok, message = pcall(function()
      local report = ld.gradcheck(function() return 3 end, ld.tensor { 1 })
      return report
    end)
    assert.is_false(ok)
    assert.matches("expected a function that returns a tensor, it returned 3", message, 1, true)
    assert.matches("39_gradcheck_report_spec.lua", message, 1, true)
  end)
end)

describe("lr_find", function()
  it("looks for the steepest fall within the fall", function()
    local x = ld.randn { 200, 4 }
    local found = ld.lr_find(ld.experiment {
      train = { x, x:sum(2, true) }, model = nn.sequential { nn.dense(1) }, loss = "mse",
      optimizer = "sgd", batch = 10, seed = 2,
    })
    assert.is_true(found.steepest > 1e-3 and found.steepest <= 10 * found.minimum)
  end)
end)

describe("diagnose", function()
  it("takes only a run that fit returned", function()
    local e = ld.experiment { train = { ld.ones { 4, 1 }, ld.ones { 4, 1 } }, loss = "mse",
      model = nn.sequential { nn.dense(1) } }
    local ok, message = pcall(e.diagnose, e, { run = {} })
    assert.is_false(ok)
    assert.matches("argument 'run': expected what experiment:fit() returned", message, 1, true)
  end)
end)

describe("lr_find on labels that were dealt out anew", function()
  it("takes no noise of the first steps for a fall", function()
    local digits = assert(ld.data.idx("examples/data/digits/digits-images-idx3-ubyte",
      "examples/data/digits/digits-labels-idx1-ubyte")):map(function(x) return x / 16 end)
    local found = ld.lr_find(ld.experiment {
      train = { digits.x, digits:shuffle(4).y }, seed = 1, loss = "sparse_crossentropy",
      model = nn.sequential { nn.flatten(), nn.dense { 32, "relu" }, nn.dense { 10, "softmax" } },
      optimizer = "sgd",
    }, { from = 1e-6, to = 10, steps = 80 })
    assert.is_true(found.suggestion == nil or found.suggestion > 1e-4)
  end)
end)
