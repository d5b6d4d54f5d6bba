-- Cases of metrics.lua: metrics fed in the peer's batches, and the whole at once.
local ld = require "lossdbg"
local measure = require "measure"

local function check(row, golden, near)
  local given = { name = row[1] }
  for key, value in pairs(row[2]) do given[key] = value end
  local metric = ld.metric.resolve(given, "parity")
  local function data(name)
    return ld.tensor(golden.data[name], name == "ids" and "i32" or "f64")
  end
  local prediction, target = data(row[3]), data(row[4])
  for i = 1, #golden.cuts - 1 do
    local first, last = golden.cuts[i] + 1, golden.cuts[i + 1]
    metric:update(prediction:slice(1, first, last), target:slice(1, first, last), false)
  end
  near("value of the batches", row[5], metric:value())
  near("value of the whole", row[5], metric(prediction, target))
end

return function(golden)
  local cases = {}
  for i, row in ipairs(golden.rows) do
    local name = ld.metric[row[1]]().name
    cases[i] = {
      title = ("%s %s of %s"):format(row[1], measure.text(row[2]), row[3]), peers = "keras",
      covers = { "metric " .. name }, dtypes = { "f64" },
      check = function(_, near) check(row, golden, near) end,
    }
  end
  return cases
end
