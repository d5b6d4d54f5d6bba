-- A training step beside its matrix products alone; epochs of fit; require.
package.path = "./?.lua;" .. package.path
local before = os.clock()
local kilobytes = collectgarbage "count"
local ld = require "lossdbg"
local loaded = os.clock() - before
local timing = require "spec.bench.timing"
local nn, op = ld.nn, ld.ops

print(("require \"lossdbg\": %.1f ms, %.0f KiB of Lua heap"):format(loaded * 1e3,
  collectgarbage "count" - kilobytes))

local function step_of(widths, batch)
  local layers = {}
  for i = 2, #widths do layers[i - 1] = nn.dense { widths[i], i < #widths and "relu" or nil } end
  local model = nn.sequential(layers):build { widths[1] }
  local opt = ld.optim.adam { model, lr = 1e-3 }
  local loss = ld.loss.sparse_crossentropy { from_logits = true }
  local x, y = ld.randn { batch, widths[1] }, ld.zeros({ batch }, "i32")
  return function()
    opt:zero_grad()
    loss(model(x), y):backward()
    opt:step()
  end
end

-- Forward, input gradient (but of the first layer) and weight gradient of every layer.
local function products_of(widths, batch)
  local list = {}
  for i = 2, #widths do
    list[#list + 1] = { ld.randn { batch, widths[i - 1] }, ld.randn { widths[i - 1], widths[i] },
      ld.randn { batch, widths[i] }, i > 2 }
  end
  return function()
    for _, l in ipairs(list) do
      op.matmul(l[1], l[2])
      op.matmul(l[1], l[3], true, false)
      if l[4] then op.matmul(l[3], l[2], false, true) end
    end
  end
end

for _, w in ipairs {
  { "XOR 2-8-1 b4", { 2, 8, 1 }, 4 }, { "784-128-10 b32", { 784, 128, 10 }, 32 },
  { "784-1024-1024-10 b256", { 784, 1024, 1024, 10 }, 256 },
} do
  local floor = timing.measure(products_of(w[2], w[3]), 5, 0.1)
  local step = timing.measure(step_of(w[2], w[3]), 5, 0.1)
  timing.line("products of " .. w[1], floor)
  timing.line("Adam step   " .. w[1], step, ("%.2f x products"):format(step.median / floor.median))
end

local here = arg and arg[0]:match "^(.*)spec/bench/" or ""
local wine = assert(ld.data.csv(here .. "examples/data/wine.csv", { label = "label" }))
local experiment = ld.experiment {
  train = wine, model = nn.sequential { nn.dense { 32, "relu" }, nn.dense { 3, "softmax" } },
  loss = "sparse_crossentropy", optimizer = "sgd", epochs = 30,
}
for _, probes in ipairs { false, true } do
  local t = timing.measure(function() experiment:fit { verbose = 0, telemetry = probes } end)
  timing.line(("fit, wine, 30 epochs, probes %s"):format(probes and "on" or "off"), t,
    ("%.0f us an epoch"):format(t.median / 30))
end
