-- The main job on real data: the short form of spec/realdata/table.lua.
local ld = require "lossdbg"
local nn = ld.nn
local cases = require "spec.realdata.cases"

local grave = { error = true }

local function diagnose(case, seed)
  return assert(cases.experiment(case, seed), "no data"):diagnose { trials = false }
end

local function contains(list, value)
  for _, item in ipairs(list) do
    if item == value then return true end
  end
  return false
end

local function check(case, seeds)
  local wrong = {}
  for _, seed in ipairs(seeds) do
    local d = diagnose(case, seed)
    local first = d[1]
    if #case.expected == 0 then
      for _, f in ipairs(d) do
        if grave[f.severity] then wrong[#wrong + 1] = ("seed %d: %s"):format(seed, f.title) end
      end
    elseif not (first and grave[first.severity] and contains(case.expected, first.cause)) then
      wrong[#wrong + 1] = ("seed %d: %s"):format(seed, first and first.rule or "nothing")
    end
  end
  assert.same({}, wrong)
end

describe("real data", function()
  for _, case in ipairs(cases.list) do
    if case.short then
      it(case.name .. (#case.expected > 0 and " names " .. table.concat(case.expected, " or ")
        or " raises no error"), function() check(case, { 1, 2 }) end)
    end
  end

  for _, case in ipairs(cases.made) do
    it(case.name .. " names " .. table.concat(case.expected, " or "), function()
      check(case, { 1, 2 })
    end)
  end
end)

-- Levels measured by the oracle (NumPy, f64, the same split and recipe).
describe("the wine run", function()
  local experiment = cases.experiment(cases.list[1], 1)
  local run = experiment:fit { verbose = 0 }

  it("is constant at the entropy of the class frequencies", function()
    assert.near(1.0879, run:last "loss", 0.005)
    assert.near(1.087963, run.signals.baseline, 1e-4)
    assert.near(0.429, run:last "val_accuracy", 1e-3)
  end)

  it("has the unscaled inputs as cause and the dead units as their consequence", function()
    local d = experiment:diagnose { run = run, trials = false }
    assert.equal("unnormalised_inputs", d[1].cause)
    local dead
    for _, f in ipairs(d) do
      if f.rule == "dying_relu" then dead = f end
    end
    assert.is_truthy(dead, "dying_relu was not found")
    assert.equal("consequence", dead.role)
    assert.is_true(contains(dead.explained_by, d[1].rule))
    assert.is_false(d.healthy)
    assert.equal(2, d:exit_code())
  end)

  it("is repaired by a fix that a trial verified", function()
    local d = experiment:diagnose { run = run }
    local fix, found = d:verified_fix()
    assert.equal("unnormalised_inputs", found.cause)
    assert.near(1.088, fix.trial.before, 0.01)
    assert.near(1.088, fix.trial.placebo, 0.01)
    assert.is_true(fix.trial.after < 0.05)
    local fixed = experiment:with(fix):fit { verbose = 0 }
    assert.is_true(fixed:last "loss" < 0.03)
    assert.is_true(fixed:last "val_accuracy" >= 0.94)
  end)
end)

describe("breast_cancer", function()
  it("goes from 0.6604 to below 0.05 when its inputs are standardised", function()
    local case = cases.list[2]
    local run = cases.experiment(case, 3):fit { verbose = 0 }
    assert.near(0.6604, run:last "loss", 0.005)
    local fixed = cases.experiment(case, 3):with {
      { insert = { at = 1, layer = "normalization" } }, { epochs = 60 },
    }:fit { verbose = 0 }
    assert.is_true(fixed:last "loss" < 0.05)
    assert.is_true(fixed:last "val_accuracy" >= 0.96)
  end)
end)

describe("least squares", function()
  it("on diabetes reaches the exact optimum", function()
    local train = assert(ld.data.csv("examples/data/diabetes.csv", { target = "target" })):every(5)
    local mean, deviation = train.x:mean(1, true), train.x:var(1, true):sqrt()
    train = train:map(function(x) return (x - mean) / deviation end)
    local run = ld.experiment {
      train = train, model = nn.sequential { nn.dense(1) }, loss = "mse",
      optimizer = ld.optim.sgd { lr = 0.2, momentum = 0.9 }, batch = #train, epochs = 3000,
    }:fit { verbose = 0 }
    -- 2774.9828: numpy.linalg.lstsq on the same rows
    assert.near(2774.9828, run:last "loss", 2.77)
  end)
end)
