--- What require "lossdbg" costs in a fresh process: time, resident memory and Lua's heap over those
-- of a process that requires nothing; median of eleven.
local child = require "spec.bench.child"
local measure = require "lossdbg.cli.bench.measure"

local M = {}

-- The clock is our own: loading the core, the greater part, is timed by the processor's clock.
local program = [[
local function resident()
  local file = io.open "/proc/self/status"
  local kb = file and file:read "a":match "VmRSS:%s*(%d+)"
  if file then file:close() end
  return tonumber(kb or 0)
end
collectgarbage()
local heap, memory, start = collectgarbage "count", resident(), os.clock()
require "lossdbg"
local spent = os.clock() - start
collectgarbage()
print(spent * 1e3, resident() - memory, collectgarbage "count" - heap)
]]

function M.run(options, say)
  local times, memory, heap = {}, {}, {}
  for i = 1, 11 do
    local pipe = assert(io.popen(("OPENBLAS_NUM_THREADS=1 %s -e %s"):format(
      child.quoted(options.lua), child.quoted(program))))
    local a, b, c = pipe:read("n", "n", "n")
    pipe:close()
    if not c then return {} end
    times[i], memory[i], heap[i] = a, b / 1024, c / 1024
  end
  local out = {}
  for _, entry in ipairs { { "require", times, "ms", 15 },
    { "resident memory of require", memory, "MB", 8 }, { "Lua heap of require", heap, "MB" } } do
    local spread = measure.spread(entry[2])
    out[#out + 1] = { name = entry[1], value = spread.median, min = spread.min, max = spread.max,
      unit = entry[3], limit = entry[4] }
    say("startup: %-28s %.2f %s", entry[1], spread.median, entry[3])
  end
  return out
end

return M
