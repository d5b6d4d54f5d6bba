-- Gradients: a wrong one found, and vanishing ones diagnosed and fixed.
--
-- What you should see: an op of one's own whose backward forgets a factor of two fails the check
-- against central differences, and the corrected one passes. Then ten layers of sigmoid between the
-- digits and the answer: the gradient shrinks from layer to layer, the loss stays at ln 10 = 2.303,
-- and the diagnosis says why. With ReLU, He initialisation and a
-- lower rate the same network learns.
--
-- expected: wrong gradient found: yes, vanishing named: yes, loss 2%.%d+ %-> 0%.%d+

local ld = require "lossdbg"
local nn = ld.nn

-- y = x^2, so dy/dx = 2 x.
local function forward(_, x) return x * x end
local wrong = ld.op { forward = forward,
  backward = function(ctx, gradient) return gradient * ctx.inputs[1] end }
local right = ld.op { forward = forward,
  backward = function(ctx, gradient) return gradient * ctx.inputs[1] * 2 end }

local x = ld.tensor { 1, -2, 0.5 }
local report = ld.gradcheck(wrong, x)
print "y = x^2 with backward = gradient * x:"
print(report)
print "and with backward = gradient * x * 2:"
print(ld.gradcheck(right, x))

local here = arg and arg[0]:match "^(.*/)" or "examples/"
local digits = assert(ld.data.idx(here .. "data/digits/digits-images-idx3-ubyte",
  here .. "data/digits/digits-labels-idx1-ubyte"))

local layers = { nn.flatten(), nn.rescale { 1 / 16 } }
for _ = 1, 10 do layers[#layers + 1] = nn.dense { 32, "sigmoid" } end
layers[#layers + 1] = nn.dense { 10, "softmax" }

local experiment = ld.experiment {
  train = digits, model = nn.sequential(layers), loss = "sparse_crossentropy",
  optimizer = ld.optim.sgd { lr = 0.1 }, batch = 64, epochs = 12, seed = 1,
}
local run = experiment:fit { verbose = 0 }

print "\nGradient of each layer in the middle of the training, relative to the last layer:"
local last = run.signals.layers["dense_11"].grad_rms_median
for i = 1, 11 do
  local path = "dense_" .. i
  print(("  %-9s %.1e"):format(path, run.signals.layers[path].grad_rms_median / last))
end

local diagnosis = experiment:diagnose { run = run, budget = 3, seeds = 3 }
print(diagnosis)

local vanishing = false
for _, finding in ipairs(diagnosis) do
  vanishing = vanishing or finding.rule == "vanishing_gradient"
end

local fixed = experiment:with {
  { layers = { kind = "dense", hidden = true, options = { activation = "relu" } } },
  { init = "he_normal" }, { optimizer = { lr = 0.03 } },
}:fit { verbose = 0 }
print(fixed)
print(("wrong gradient found: %s, vanishing named: %s, loss %.3f -> %.3f"):format(
  report.passed and "no" or "yes", vanishing and "yes" or "no", run:last "loss",
  fixed:last "loss"))
