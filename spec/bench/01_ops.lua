-- Cost of one eager op from Lua.
package.path = "./?.lua;" .. package.path
local ld = require "lossdbg"
local timing = require "spec.bench.timing"
local op = ld.ops

print(ld._VERSION .. ", " .. ld.config().blas)

local function report(name, fn, note) timing.line(name, timing.measure(fn), note) end

local x, w, b = ld.randn { 4, 8 }, ld.randn { 8, 8 }, ld.randn { 8 }
report("add 4x8", function() return op.add(x, x) end)
report("relu 4x8", function() return op.relu(x) end)
report("fused dense 4x8 -> 8, relu", function() return op.dense(x, w, b, "relu") end)
local p = ld.randn { 8, 8 }
p.requires_grad = true
report("the same, recorded", function() return op.dense(x, p, b, "relu") end)
report("the same, with backward", function() op.dense(x, p, b, "relu"):sum():backward() end)

local big = ld.randn { 1000, 1000 }
local copy = timing.measure(function() return big:clone() end)
timing.line("clone 1000x1000 (memory limit)", copy)
for _, name in ipairs { "add", "relu", "exp", "tanh", "sum" } do
  local t = timing.measure(function()
    return name == "add" and op.add(big, big) or op[name](big)
  end)
  timing.line(name .. " 1000x1000", t, ("%.2f x clone"):format(t.median / copy.median))
end
local product = timing.measure(function() return op.matmul(big, big) end)
timing.line("matmul 1000x1000x1000", product, ("%.1f GFLOP/s"):format(2e3 / product.median))
