-- Cases of plateau.lua: the learning rate of every epoch. Keras keeps its rate in f32.
local ld = require "lossdbg"
local measure = require "measure"

local function check(row, near)
  local plateau, lr, got = ld.schedule.reduce_on_plateau(row.options), 0.1, {}
  for epoch, metric in ipairs(row.metrics) do
    got[epoch] = lr
    lr = plateau:epoch(metric, lr)
  end
  near("rates", row.rates, got)
end

return function(golden)
  local cases = {}
  for i, row in ipairs(golden) do
    cases[i] = {
      title = ("reduce_on_plateau %s, case %d"):format(measure.text(row.options), i),
      peers = row.peer, covers = { "schedule reduce_on_plateau" }, dtypes = { "f64" },
      limits = { f64 = row.peer == "keras" and 2e-7 or 1e-10 },
      check = function(_, near) check(row, near) end,
    }
  end
  return cases
end
