--- How a step of an MLP grows with its batch, width, depth and number of threads.
local ld = require "lossdbg"
local measure = require "lossdbg.cli.bench.measure"
local workload = require "lossdbg.cli.bench.workload"

local M = {}

local function mlp(batch, width, depth)
  return {
    batch = batch, optimizer = { kind = "adam", lr = 1e-3 },
    loss = { name = "sparse_crossentropy", options = { from_logits = true } },
    inputs = function() return ld.randn { batch, 256 }, workload.classes(ld, { batch }, 10) end,
    model = function(nn)
      local layers = {}
      for i = 1, depth do layers[i] = nn.dense { width, "relu" } end
      layers[depth + 1] = nn.dense(10)
      return nn.sequential(layers), { 256 }
    end,
  }
end

local points = {
  { "batch 1", 1, 256, 2 }, { "batch 16", 16, 256, 2 }, { "batch 64", 64, 256, 2 },
  { "batch 256", 256, 256, 2 }, { "width 32", 64, 32, 2 }, { "width 128", 64, 128, 2 },
  { "width 512", 64, 512, 2 }, { "depth 1", 64, 256, 1 }, { "depth 4", 64, 256, 4 },
  { "depth 8", 64, 256, 8 },
}

function M.run(options, say)
  local out = {}
  for _, threads in ipairs(options.threads) do
    local set = threads == 1 or ld.threads ~= nil
    if ld.threads then ld.threads(threads) end
    local fns = {}
    for i, point in ipairs(points) do
      local step = workload.prepare(ld, mlp(point[2], point[3], point[4])).step
      fns[i] = ld.plan and ld.plan(step) or step
    end
    for i, t in ipairs(set and measure.interleaved(fns, 3, options.seconds / 3) or {}) do
      out[#out + 1] = { name = "MLP 256-256-256-10, batch 64, but " .. points[i][1],
        threads = threads, value = t.median, min = t.min, max = t.max, unit = "us" }
      say("scaling: %-12s %d thr. %10.1f us", points[i][1], threads, t.median)
    end
  end
  if ld.threads then ld.threads(1) end
  return out
end

return M
