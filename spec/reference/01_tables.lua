-- The small tables. The recipe is that of the NumPy oracle in f64 which measured them: row i (from
-- 0) is a test row when i % 5 == 4, one hidden layer of ReLU with He's initialisation, plain SGD at
-- 0.1, batch 32. The bounds hold for every seed that the oracle drew (6 to 20 a set); the linear
-- ones are least squares, solved exactly.
package.path = "./?.lua;" .. package.path
local ld = require "lossdbg"
local judge = require "spec.reference.judge"
local nn = ld.nn

-- ---- scaling ------------------------------------------------------------------------------------

-- (x - mean) / deviation of the training rows; constant columns become 0.
local function standardised(train, test)
  local mean, deviation = train.x:mean(1, true), train.x:var(1, true):sqrt():maximum(1e-7)
  local function scale(x) return (x - mean) / deviation end
  return train:map(scale), test:map(scale)
end

local function divided(by)
  return function(train, test)
    local function scale(x) return x:reshape { #x, -1 } / by end
    return train:map(scale), test:map(scale)
  end
end

-- ---- classes ------------------------------------------------------------------------------------

local function csv(name)
  return function()
    local path = judge.path(name)
    if not path then return nil, name end
    return assert(ld.data.csv(path, { label = "label" })):every(5, 5)
  end
end

local function images(folder, file)
  local x = judge.path(("%s/%s-images-idx3-ubyte"):format(folder, file), folder ~= "digits")
  local y = judge.path(("%s/%s-labels-idx1-ubyte"):format(folder, file), folder ~= "digits")
  return x and y and assert(ld.data.idx(x, y))
end

local function digits() return images("digits", "digits"):every(5, 5) end

local function parts(folder)
  return function()
    local train, test = images(folder, "train"), images(folder, "t10k")
    if not train or not test then return nil, folder .. "/" end
    return train, test
  end
end

local function classifier(load, scale, classes, hidden, epochs)
  return function()
    local train, test = load()
    if not train then return nil, test end
    train, test = scale(train, test)
    local run = ld.experiment {
      train = train, val = test, seed = 1, epochs = epochs, batch = 32, verbose = 0,
      model = nn.sequential { nn.dense { hidden, "relu", init = "he_normal" },
        nn.dense { classes, "softmax", init = "he_normal" } },
      loss = "sparse_crossentropy", optimizer = ld.optim.sgd { lr = 0.1 },
    }:fit()
    return { loss = run:last "loss", ["test accuracy"] = run:last "val_accuracy" }
  end
end

local function classes(name, loss, accuracy, train)
  judge.case(name, { { "loss", "<", loss }, { "test accuracy", ">=", accuracy } }, train)
end

classes("iris", 0.15, 0.86, classifier(csv "iris.csv", standardised, 3, 32, 60))
classes("wine", 0.03, 0.94, classifier(csv "wine.csv", standardised, 3, 32, 60))
classes("breast_cancer", 0.05, 0.96, classifier(csv "breast_cancer.csv", standardised, 2, 32, 60))
classes("sonar", 0.05, 0.70, classifier(csv "sonar.csv", standardised, 2, 32, 60))
classes("ionosphere", 0.06, 0.85, classifier(csv "ionosphere.csv", standardised, 2, 32, 60))
classes("shuttle", 0.05, 0.99, classifier(csv "shuttle.csv", standardised, 7, 32, 30))
classes("spambase", 0.25, 0.90, classifier(csv "spambase.csv", standardised, 2, 32, 30))
classes("digits", 0.15, 0.92, classifier(digits, divided(16), 10, 32, 30))
classes("mnist", 0.20, 0.87, classifier(parts "mnist", divided(255), 10, 64, 10))
classes("fashion", 0.60, 0.70, classifier(parts "fashion", divided(255), 10, 64, 10))

-- ---- numbers ------------------------------------------------------------------------------------

local function diabetes()
  return assert(ld.data.csv("examples/data/diabetes.csv", { target = "target" })):every(5, 5)
end

-- Windows of nine years; those that end in the first 250 train.
local function sunspots()
  local years = assert(ld.data.csv "examples/data/sunspots.csv").x:slice(2, -1, -1):contiguous()
  return ld.data.lags(years, 9):split(241, { shuffle = false })
end

-- Twelve weeks of CO2 in the units that the oracle took; gaps carry the last value on.
local function co2()
  local weeks = assert(ld.data.csv "examples/data/co2_weekly.csv").x:slice(2, -1, -1):contiguous()
  local list, last = weeks:reshape({ -1 }):totable(), nil
  for i, value in ipairs(list) do
    last = value == value and value or last
    list[i] = (last - 340) / 17
  end
  return ld.data.lags(list, 12):split(1800, { shuffle = false })
end

-- All of the linear model's loss is least squares': trained on all rows at once until it is there.
local function linear(load)
  return function()
    local train, test = standardised(load())
    local level = train.y:mean():item()
    local function shift(x, y) return x, y - level end
    train, test = train:map(shift), test:map(shift)
    local run = ld.experiment {
      train = train, val = test, seed = 1, batch = #train, epochs = 4000, dtype = "f64",
      verbose = 0, loss = "mse", model = nn.sequential { nn.dense(1) },
      optimizer = ld.optim.sgd { lr = 0.05, momentum = 0.95 },
    }:fit()
    return { ["mean square"] = run:last "loss", ["test mean square"] = run:last "val_loss" }
  end
end

local function least_squares(name, train, test, load)
  judge.case(name .. ", linear", { { "mean square", "<", train * 1.001 },
    { "test mean square", "<", test * 1.005 } }, linear(load))
end

local function regressor(load, lr)
  return function()
    local train, test = standardised(load())
    local run = ld.experiment {
      train = train, val = test, seed = 1, epochs = 60, batch = 32, target = "standardize",
      verbose = 0, loss = "mse", optimizer = ld.optim.sgd { lr = lr },
      model = nn.sequential { nn.dense { 16, "relu", init = "he_normal" },
        nn.dense { 1, init = "he_normal" } },
    }:fit()
    return { loss = run:last "loss", ["test R2"] = run:last "val_r2" }
  end
end

least_squares("diabetes", 2774.9828, 3279.1575, diabetes)
least_squares("sunspots", 195.6292, 351.5113, sunspots)
judge.case("diabetes, hidden layer", { { "loss", "<", 0.48 }, { "test R2", ">=", 0.4 } },
  regressor(diabetes, 0.01))
judge.case("sunspots, hidden layer", { { "loss", "<", 0.15 }, { "test R2", ">=", 0.83 } },
  regressor(sunspots, 0.1))
-- Ten epochs leave it unfinished, so that seeds differ: the oracle's 40 end at losses of 0.0020 to
-- 0.0121 (median 0.0060) and R2 of 0.72 to 0.97 (0.90).
judge.case("co2_weekly, hidden layer", { { "loss", "<", 0.015 }, { "test R2", ">=", 0.7 } },
  function()
    local train, test = co2()
    local run = ld.experiment {
      train = train, val = test, seed = 1, epochs = 10, batch = 32, verbose = 0, loss = "mse",
      optimizer = ld.optim.sgd { lr = 0.01 },
      model = nn.sequential { nn.dense { 32, "relu", init = "he_normal" },
        nn.dense { 1, init = "he_normal" } },
    }:fit()
    return { loss = run:last "loss", ["test R2"] = run:last "val_r2" }
  end)
judge.close()
