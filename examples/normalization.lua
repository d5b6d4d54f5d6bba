-- The normalisation layer: what it holds and what it does to training.
--
-- What you should see: `adapt` learns the mean and the population variance of every column from the
-- training rows only, as Keras does; the layer then turns each column into mean 0 and deviation 1.
-- The same network on wine.csv stays at the entropy of the classes without it and learns with it.
--
-- expected: loss 1%.0%d+ without, 0%.0%d+ with normalization

local ld = require "lossdbg"
local nn = ld.nn

local here = arg and arg[0]:match "^(.*/)" or "examples/"
local train, test = assert(ld.data.csv(here .. "data/wine.csv", { label = "label" })):every(5)

-- As a layer of a model of one's own: adapt first, then build.
local scaling = nn.normalization():adapt(train.x)
local model = nn.sequential { scaling }:build { 13 }
local layer = model:layers()[1]
print "column                          mean  deviation   after: mean  deviation"
local after = model(train.x)
for i, name in ipairs(train.columns) do
  local column = after:slice(2, i, i)
  print(("%-26s %9.2f %10.3f %13.6f %10.6f"):format(name, layer.state.mean[i],
    math.sqrt(layer.state.variance[i]), column:mean():item(), column:var():sqrt():item()))
end

-- The inverse, for outputs: mean + x * deviation.
local back = nn.sequential { nn.normalization({ invert = true }):adapt(train.x) }:build { 13 }
local difference = (back(after) - train.x):abs():max():item()
print(("there and back again differs by at most %.2g"):format(difference))

-- In an experiment: `adapt = true` learns from its training rows, never from the validation rows.
local raw = ld.experiment {
  train = train, val = test,
  model = nn.sequential { nn.dense { 32, "relu" }, nn.dense { 3, "softmax" } },
  loss = "sparse_crossentropy", optimizer = ld.optim.sgd { lr = 0.1 },
  batch = 32, epochs = 30, seed = 1, name = "wine as it is",
}
local scaled = raw:with {
  { insert = { at = 1, layer = { kind = "normalization", adapt = true } } },
  { name = "wine, normalised" },
}
print("\n" .. scaled:build():summary())

local before, now = raw:fit { verbose = 0 }, scaled:fit { verbose = 0 }
print(before)
print(now)
print(scaled:diagnose { run = now, budget = 2 }.verdict)
print(("loss %.3f without, %.4f with normalization"):format(before:last "loss", now:last "loss"))
