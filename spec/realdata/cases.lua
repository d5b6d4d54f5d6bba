--- Trainings on real data whose fault, or soundness, is known beforehand.
-- Split and recipe are those of the oracle that measured the levels: row i (from 0) is a test row
-- when i % 5 == 4; one ReLU layer, He initialisation, plain SGD at 0.1, batch 32. `expected` lists
-- the causes that are right in first place; an empty list marks a sound training.
local ld = require "lossdbg"
local nn = ld.nn

local M = {}

-- Directory of the sets that licences keep out of the repository; see examples/data/README.md.
local own, extra = "examples/data/", os.getenv "LOSSDBG_DATA"

local function exists(path)
  local f = io.open(path, "rb")
  return f ~= nil and f:close()
end

local function path_of(name)
  if exists(own .. name) then return own .. name end
  return extra and exists(extra .. "/" .. name) and extra .. "/" .. name or nil
end

local function parts(set) return set:every(5, 5) end

-- (x - mean) / deviation of the training rows; constant columns become 0.
local function standardised(train, test)
  local mean = train.x:mean(1, true)
  local deviation = train.x:var(1, true):sqrt():maximum(1e-7)
  local function scale(x) return (x - mean) / deviation end
  return train:map(scale), test:map(scale)
end

local function divided(by)
  return function(train, test)
    local function scale(x) return x / by end
    return train:map(scale), test:map(scale)
  end
end

local function csv(name, options)
  return function()
    local path = path_of(name)
    if not path then return nil end
    return parts(assert(ld.data.csv(path, options)))
  end
end

local function idx(folder, images, labels)
  return function()
    local x, y = path_of(folder .. "/" .. images), path_of(folder .. "/" .. labels)
    if not x or not y then return nil end
    local set = assert(ld.data.idx(x, y))
    return parts(set:map(function(t) return t:reshape { #t, -1 } end))
  end
end

-- Lags of the last column; missing values stay NaN unless they are filled.
local function series(name, lags, filled)
  return function()
    local path = path_of(name)
    if not path then return nil end
    local values = assert(ld.data.csv(path)).x:slice(2, -1, -1):contiguous()
    if filled then -- forward fill
      local list, last = values:reshape({ -1 }):totable(), nil
      for i, v in ipairs(list) do
        if v ~= v then list[i] = last else last = v end
      end
      values = ld.tensor(list)
    end
    return parts(ld.data.lags(values, lags))
  end
end

local function classifier(o)
  return function(train, test, seed)
    return ld.experiment {
      train = train, val = test, seed = seed, epochs = o.epochs, batch = 32,
      model = nn.sequential {
        nn.dense { o.hidden or 32, o.activation or "relu", init = "he_normal" },
        nn.dense { o.classes, "softmax", init = "he_normal" } },
      loss = "sparse_crossentropy", optimizer = ld.optim.sgd { lr = o.lr or 0.1 },
    }
  end
end

local function regressor(o)
  return function(train, test, seed)
    return ld.experiment {
      train = train, val = test, seed = seed, epochs = o.epochs, batch = 32,
      model = nn.sequential { nn.dense { 16, "relu", init = "he_normal" },
        nn.dense { 1, init = "he_normal" } },
      loss = "mse", optimizer = ld.optim.sgd { lr = o.lr },
    }
  end
end

local function standard_target(train, test)
  local mean, deviation = train.y:mean():item(), math.sqrt(train.y:var():item())
  local function scale(x, y) return x, (y - mean) / deviation end
  train, test = standardised(train, test)
  return train:map(scale), test:map(scale)
end

local inputs, targets = "unnormalised_inputs", "unscaled_targets"

local wine = csv("wine.csv", { label = "label" })
local cancer = csv("breast_cancer.csv", { label = "label" })
local shuttle = csv("shuttle.csv", { label = "label" })
local diabetes = csv("diabetes.csv", { target = "target" })
local digits = idx("digits", "digits-images-idx3-ubyte", "digits-labels-idx1-ubyte")
local mnist = idx("mnist", "train-images-idx3-ubyte", "train-labels-idx1-ubyte")
local fashion = idx("fashion", "train-images-idx3-ubyte", "train-labels-idx1-ubyte")

-- short: part of `make test`
M.list = {
  { name = "wine raw", load = wine, expected = { inputs },
    make = classifier { classes = 3, epochs = 30 }, short = true },
  { name = "breast_cancer raw", load = cancer,
    expected = { inputs }, make = classifier { classes = 2, epochs = 30 }, short = true },
  { name = "digits raw", load = digits,
    expected = { inputs }, make = classifier { classes = 10, epochs = 30 } },
  { name = "mnist raw", load = mnist,
    expected = { inputs }, make = classifier { classes = 10, epochs = 10, hidden = 64 } },
  { name = "fashion raw", load = fashion,
    expected = { inputs }, make = classifier { classes = 10, epochs = 10, hidden = 64 } },
  { name = "diabetes raw targets", load = diabetes,
    scale = standardised, expected = { targets }, make = regressor { epochs = 60, lr = 0.1 },
    short = true },
  { name = "diabetes raw", load = diabetes,
    expected = { targets, inputs }, make = regressor { epochs = 60, lr = 0.1 } },
  { name = "sunspots raw", load = series("sunspots.csv", 9), expected = { inputs, targets },
    make = regressor { epochs = 60, lr = 0.01 }, short = true },
  { name = "shuttle raw", load = shuttle, expected = { inputs },
    make = classifier { classes = 7, epochs = 30 } },
  { name = "co2 with gaps", load = series("co2_weekly.csv", 12), expected = { "nan_in_data" },
    make = regressor { epochs = 10, lr = 0.01 }, short = true },

  { name = "wine scaled", load = wine, scale = standardised,
    expected = {}, make = classifier { classes = 3, epochs = 30 }, short = true },
  { name = "breast_cancer scaled", load = cancer,
    scale = standardised, expected = {}, make = classifier { classes = 2, epochs = 30 },
    short = true },
  { name = "digits scaled", scale = divided(16), expected = {},
    load = digits,
    make = classifier { classes = 10, epochs = 30 } },
  { name = "mnist scaled", scale = divided(255), expected = {},
    load = mnist,
    make = classifier { classes = 10, epochs = 10, hidden = 64 } },
  { name = "fashion scaled", scale = divided(255), expected = {},
    load = fashion,
    make = classifier { classes = 10, epochs = 10, hidden = 64 } },
  { name = "diabetes scaled", load = diabetes,
    scale = standard_target, expected = {}, make = regressor { epochs = 60, lr = 0.01 },
    short = true },
  { name = "sunspots scaled", load = series("sunspots.csv", 9), scale = standard_target,
    expected = {}, make = regressor { epochs = 60, lr = 0.1 }, short = true },
  { name = "shuttle scaled", load = shuttle, scale = standardised,
    expected = {}, make = classifier { classes = 7, epochs = 30 } },
  { name = "co2 filled and scaled", load = series("co2_weekly.csv", 12, true),
    scale = standard_target, expected = {}, make = regressor { epochs = 10, lr = 0.01 } },
  { name = "ionosphere raw", load = csv("ionosphere.csv", { label = "label" }), expected = {},
    make = classifier { classes = 2, epochs = 60 } },
}

local function zero_weights(train, test, seed)
  return ld.experiment {
    train = train, val = test, seed = seed, epochs = 30, batch = 32,
    model = nn.sequential { nn.dense { 32, "relu", init = "zeros" },
      nn.dense { 3, "softmax", init = "zeros" } },
    loss = "sparse_crossentropy", optimizer = ld.optim.sgd { lr = 0.1 },
  }
end

local function zero_features(train, test)
  local function zero(x) return x * 0 end
  return train:map(zero), test:map(zero)
end

local function permuted_labels(train, test)
  train, test = standardised(train, test)
  -- Permutation 5 happens to agree with the test rows: their nearest training rows name 63 % right.
  return train:map(function(x) return x, train:shuffle(6).y end), test
end

-- Faults put in by hand on wine.
M.made = {
  { name = "all weights zero", load = wine, scale = standardised, make = zero_weights,
    expected = { "symmetric_init" }, short = true },
  { name = "learning rate 0", load = wine, scale = standardised,
    make = classifier { classes = 3, epochs = 30, lr = 0 }, expected = { "lr_too_low" },
    short = true },
  { name = "labels permuted", load = wine, scale = permuted_labels,
    make = classifier { classes = 3, epochs = 30 },
    expected = { "misaligned_labels", "uninformative_labels" }, short = true },
  { name = "features all zero", load = wine, scale = zero_features,
    make = classifier { classes = 3, epochs = 30 }, expected = { "constant_inputs" },
    short = true },
  { name = "sigmoid on raw data", load = wine,
    make = classifier { classes = 3, epochs = 30, activation = "sigmoid" }, expected = { inputs },
    short = true },
}

--- The experiment of a case, or nil when its data are not there.
---@param case table
---@param seed integer
---@return lossdbg.Experiment?
function M.experiment(case, seed)
  local train, test = case.load()
  if not train then return nil end
  if case.scale then train, test = case.scale(train, test) end
  return case.make(train, test, seed)
end

return M
