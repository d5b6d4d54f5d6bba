--- Median, least and greatest time of a function, in microseconds a call.
local M = {}

--- Repeats fn for at least `least` seconds in each of `repeats` rounds after one to warm up.
function M.measure(fn, repeats, least)
  repeats, least = repeats or 5, least or 0.2
  local n, rounds = 1, {}
  while true do -- calls per round
    local start = os.clock()
    for _ = 1, n do fn() end
    local spent = os.clock() - start
    if spent >= least then break end
    n = math.max(n + 1, math.ceil(n * math.min(10, 1.2 * least / math.max(spent, 1e-6))))
  end
  for r = 1, repeats do
    collectgarbage()
    local start = os.clock()
    for _ = 1, n do fn() end
    rounds[r] = (os.clock() - start) / n * 1e6
  end
  table.sort(rounds)
  return { median = rounds[(repeats + 1) // 2], min = rounds[1], max = rounds[repeats] }
end

function M.line(name, t, note)
  print(("%-44s %10.2f us  (%.2f .. %.2f)  %s"):format(name, t.median, t.min, t.max, note or ""))
end

return M
