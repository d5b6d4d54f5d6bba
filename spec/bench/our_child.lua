-- Our side of a comparison: our_child.lua WORKLOAD THREADS SYSTEM, see child.lua.
local catalogue = require "lossdbg.cli.bench.workload_list"
local json = require "lossdbg.support.json"
local measure = require "lossdbg.cli.bench.measure"
local systems = require "lossdbg.cli.bench.systems"

local function answer(fields)
  io.write(json.encode(fields), "\n")
  io.flush()
end

local ok, run, why = pcall(systems.open, assert(catalogue.get(arg[1])), tonumber(arg[2]), arg[3])
if not (ok and run) then
  answer { error = tostring(why or run):match "^[^\n]*" }
  return
end
answer { loss_first = run.loss_first, loss_last = run.loss_last, rss_mb = measure.peak_mb(),
  version = require("lossdbg")._VERSION, note = run.note, cpu = os.clock() }

local per_step
for line in io.lines() do
  local budget = tonumber(line:match "^run ([%d.]+)$")
  if not budget then break end
  local n
  if per_step then
    n = math.max(1, math.ceil(budget / per_step))
    per_step = measure.times(run.step, n) / n
  else
    n, per_step = measure.calibrate(run.step, budget)
  end
  answer { us = per_step * 1e6, steps = n, rss_mb = measure.peak_mb(), cpu = os.clock() }
end
