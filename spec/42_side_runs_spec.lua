local ld = require "lossdbg"
local nn = ld.nn
local cases = require "spec.realdata.cases"

local function test(name) return require("lossdbg.diagnose.tests." .. name) end

local function case(name)
  for _, list in ipairs { cases.list, cases.made } do
    for _, c in ipairs(list) do
      if c.name == name then return c end
    end
  end
end

local function with(name, patch)
  local e = cases.experiment(case(name), 1)
  return patch and e:with(patch) or e
end

describe("overfit_batch", function()
  it("passes for a model that can learn", function()
    local r = test("overfit_batch").run(with "wine scaled")
    assert.is_true(r.passed)
    assert.is_true(r.skill > 0.95 and r.loss < r.start)
  end)

  it("fails for a model that cannot", function()
    local r = test("overfit_batch").run(with("all weights zero"))
    assert.is_false(r.passed)
    assert.is_true(r.skill < 0.95)
    assert.is_number(r.at_lr["0.1"])
    assert.is_number(r.at_lr["10"])
  end)
end)

describe("line", function()
  -- On a quadratic bowl with curvature c, full batches and plain SGD the best point along the step
  -- is a = 1 / (lr c): one dense unit without bias on x = 1 has the loss (w - y)^2 and c = 2.
  local function bowl(lr)
    return ld.experiment {
      train = { ld.ones { 8, 1 }, ld.full({ 8, 1 }, 3) },
      model = nn.sequential { nn.dense { 1, bias = false, init = "zeros" } },
      loss = "mse", optimizer = ld.optim.sgd { lr = lr }, batch = 8, epochs = 40, shuffle = false,
    }
  end

  it("finds the step right when it leads to the minimum", function()
    assert.equal(1, test("line").run(bowl(0.125)).best[1] * 0.25) -- 1 / (0.125 * 2) = 4
    assert.equal(2, test("line").run(bowl(0.25)).best[1])
  end)

  it("finds it too long beyond the minimum, too short before it", function()
    assert.equal(0.5, test("line").run(bowl(0.99)).best[1])
    assert.equal(4, test("line").run(bowl(0.001)).best_median)
  end)

  it("leaves the training as it was", function()
    local e = bowl(0.1)
    local before = e:fit({ verbose = 0 }):last "loss"
    test("line").run(e)
    assert.equal(before, e:fit({ verbose = 0 }):last "loss")
  end)

  it("says why it cannot judge", function()
    local r, why = test("line").run(bowl(0.1):with { epochs = 2 })
    assert.is_nil(r)
    assert.matches("probes in 2 steps", why)
  end)
end)

describe("gradcheck of an experiment", function()
  it("passes for our layers", function()
    local r = test("gradcheck").run(with "wine scaled")
    assert.is_true(r.passed)
    assert.is_true(r.checked > 30)
  end)

  it("fails for a layer with a wrong gradient", function()
    local wrong = ld.op { forward = function(_, x) return x * 2 end,
      backward = function(_, g) return g end }
    local e = with("wine scaled", { model = nn.sequential {
      nn.dense { 8, "tanh" }, nn.lambda(wrong), nn.dense { 3, "softmax" } } })
    local r = test("gradcheck").run(e)
    assert.is_false(r.passed)
    assert.near(0.5, r.max_error, 0.01)
    assert.matches("^dense_1", r.worst)
  end)
end)

describe("a layer that makes values that are not finite", function()
  local function log_of_relu(x)
    local positive = x:relu()
    return positive:log()
  end
  local e = ld.experiment {
    train = { ld.tensor { { -1, 2 }, { 3, -4 }, { 5, 6 } }, ld.tensor({ 0, 1, 0 }, "i32") },
    model = nn.sequential { nn.lambda(log_of_relu), nn.dense { 2, "softmax" } },
    loss = "sparse_crossentropy", optimizer = "sgd", epochs = 2,
  }

  it("is not accused of a wrong gradient: there is no slope to compare with", function()
    local result, why = test("gradcheck").run(e)
    assert.is_nil(result)
    assert.matches("not finite", why)
  end)

  it("is named by the op and by the line inside the user's function", function()
    local line = debug.getinfo(log_of_relu, "S").linedefined + 2
    local diagnosis = e:diagnose { trials = false }
    assert.equal("first_nonfinite_op", diagnosis[1].rule)
    assert.equal("log", diagnosis.signals.nonfinite.op)
    assert.equal("spec/42_side_runs_spec.lua:" .. line, diagnosis.signals.nonfinite.line)
  end)
end)

describe("data_independence", function()
  it("sees that real rows train better than rows dealt out anew", function()
    local e = with "breast_cancer scaled"
    local r = test("data_independence").run(e, e:fit { verbose = 0 })
    assert.is_false(r.independent)
  end)

  it("sees that features that are all zero say nothing", function()
    local e = with "features all zero"
    local r = test("data_independence").run(e, e:fit { verbose = 0 })
    assert.is_true(r.independent)
  end)
end)

describe("the reference recipe", function()
  local function reference(name)
    local e = with(name)
    return require("lossdbg.diagnose.reference").run(e, e:fit { verbose = 0 })
  end

  it("shows that raw data can be learnt", function()
    local r = reference "wine raw"
    assert.is_true(r.skill > 0.8)
    assert.is_true(r.gap > 0.5)
  end)

  it("learns nothing from features that are all zero", function()
    assert.is_true(reference("features all zero").skill < 0.05)
  end)

  it("says why it cannot judge", function()
    local r, why = reference "co2 with gaps"
    assert.is_nil(r)
    assert.matches("not finite", why)
  end)
end)

describe("lr_find", function()
  it("suggests a rate that trains", function()
    local e = with "wine scaled"
    local found = ld.lr_find(e)
    assert.is_true(found.suggestion > 1e-3 and found.suggestion < 3)
    local run = e:with({ optimizer = { lr = found.suggestion } }):fit { verbose = 0 }
    assert.is_true(run:last "loss" < 0.5) -- entropy 1.088
    assert.matches("suggested", tostring(found))
  end)

  it("refuses to suggest where nothing falls", function()
    local found = ld.lr_find(with "features all zero")
    assert.is_nil(found.suggestion)
    assert.matches("no suggestion", tostring(found))
  end)

  it("refuses bad bounds", function()
    local e = with "wine scaled"
    assert.has_error(function() ld.lr_find(e, { from = 1, to = 0.1 }) end)
    assert.has_error(function() ld.lr_find(e, { form = 1 }) end)
    assert.has_error(function() ld.lr_find {} end)
  end)
end)
