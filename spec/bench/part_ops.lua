--- One eager op from Lua: small ones for the cost of a call, large ones beside a copy of memory.
local ld = require "lossdbg"
local measure = require "lossdbg.cli.bench.measure"

local M = {}

function M.run(options, say)
  if ld.threads then ld.threads(1) end
  local op, out = ld.ops, {}
  local x, w, b, p = ld.randn { 4, 8 }, ld.randn { 8, 8 }, ld.randn { 8 }, ld.randn { 8, 8 }
  p.requires_grad = true
  local big = ld.randn { 1000, 1000 }
  local list = {
    { "add 4x8", function() return op.add(x, x) end },
    { "relu 4x8", function() return op.relu(x) end },
    { "fused dense 4x8 to 8, relu", function() return op.dense(x, w, b, "relu") end, limit = 0.4 },
    { "the same, recorded", function() return op.dense(x, p, b, "relu") end },
    { "the same, with backward", function() op.dense(x, p, b, "relu"):sum():backward() end },
    { "clone 1000x1000", function() return big:clone() end },
    { "add 1000x1000", function() return op.add(big, big) end },
    { "relu 1000x1000", function() return op.relu(big) end },
    { "exp 1000x1000", function() return op.exp(big) end },
    { "tanh 1000x1000", function() return op.tanh(big) end },
    { "sum 1000x1000", function() return op.sum(big) end },
    { "matmul 1000x1000x1000", function() return op.matmul(big, big) end },
  }
  local fns = {}
  for i, entry in ipairs(list) do fns[i] = entry[2] end
  for i, t in ipairs(measure.interleaved(fns, options.repeats, options.seconds / 3)) do
    out[i] = { name = list[i][1], threads = 1, value = t.median, min = t.min, max = t.max,
      unit = "us", limit = list[i].limit }
    say("ops: %-30s %10.3f us (%.3f .. %.3f)", list[i][1], t.median, t.min, t.max)
  end
  return out
end

return M
