-- Cases of schedules.lua: the learning rates of 25 steps.
local ld = require "lossdbg"
local measure = require "measure"

local function check(row, near)
  local rate, got = ld.schedule[row[1]](row[2]), {}
  for k in ipairs(row[3]) do got[k] = rate(k - 1) end
  near("rates", row[3], got)
end

return function(golden)
  local cases = {}
  for i, row in ipairs(golden) do
    cases[i] = {
      title = ("%s %s"):format(row[1], measure.text(row[2])), peers = row.peer,
      covers = { "schedule " .. row[1] }, dtypes = { "f64" },
      check = function(_, near) check(row, near) end,
    }
  end
  return cases
end
