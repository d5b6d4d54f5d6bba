-- Configuration: six networks whose last layer, activations or loss do not fit the task.
--
-- What you should see: each runs without an error, and most even lower their loss; the diagnosis
-- names what is wrong from the description of the network and its numbers, and the fix that was
-- tried. The last line counts how many were named.
--
-- expected: named 6 of 6

local ld = require "lossdbg"
local nn = ld.nn

local here = arg and arg[0]:match "^(.*/)" or "examples/"
local wine = assert(ld.data.csv(here .. "data/wine.csv", { label = "label" }))
local cancer = assert(ld.data.csv(here .. "data/breast_cancer.csv", { label = "label" }))
local diabetes = assert(ld.data.csv(here .. "data/diabetes.csv", { target = "target" }))

-- Everything but the fault is as it should be.
local function experiment(train, layers, given)
  given.train, given.model = train, nn.sequential { nn.normalization { adapt = true },
    table.unpack(layers) }
  given.optimizer, given.epochs, given.seed = ld.optim.sgd { lr = 0.05 }, 30, 1
  return ld.experiment(given)
end

local cases = {
  { "softmax on one unit", "softmax_single_unit",
    experiment(cancer, { nn.dense { 16, "relu" }, nn.dense { 1, "softmax" } },
      { loss = "binary_crossentropy" }) },
  { "softmax twice", "double_softmax",
    experiment(wine, { nn.dense { 16, "relu" }, nn.dense { 3, "softmax" } },
      { loss = ld.loss.sparse_crossentropy { from_logits = true } }) },
  { "no non-linearity", "missing_nonlinearity",
    experiment(wine, { nn.dense { 32 }, nn.dense { 32 }, nn.dense { 3, "softmax" } },
      { loss = "sparse_crossentropy" }) },
  { "logits into a loss on probabilities", "missing_output_activation",
    experiment(wine, { nn.dense { 16, "relu" }, nn.dense { 3 } },
      { loss = "sparse_crossentropy" }) },
  { "sigmoid for targets up to 346", "target_range_unreachable",
    experiment(diabetes, { nn.dense { 16, "relu" }, nn.dense { 1, "sigmoid" } },
      { loss = "mse" }) },
  { "squared error for class ids", "wrong_output_units",
    experiment(wine, { nn.dense { 16, "relu" }, nn.dense { 1 } }, { loss = "mse" }) },
}

local named = 0
for _, case in ipairs(cases) do
  local fault, rule, one = table.unpack(case)
  local diagnosis = one:diagnose { budget = 1, seeds = 3 }
  local finding
  for _, f in ipairs(diagnosis) do
    if f.rule == rule then finding = finding or f end
  end
  if finding then named = named + 1 end
  local fix = diagnosis:verified_fix()
  print(("%s\n  %s\n  -> %s\n  verified: %s\n"):format(fault, diagnosis.verdict,
    finding and finding.severity .. ": " .. finding.title or "not named",
    fix and fix.text or "nothing"))
end
print(("named %d of %d"):format(named, #cases))
