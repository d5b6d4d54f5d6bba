-- Compares every golden number with what lossdbg computes; needs no Python.
--   lua spec/parity/run.lua [--golden DIR] [--table FILE] [SUITE …]
-- prints a line a suite, every case that is off, and "N golden cases"; exits 1 when one is off or a
-- primitive has no case. --golden takes the numbers from another folder (make parity: just made),
-- --table writes the table of primitives.
package.path = "./spec/parity/?.lua;./spec/support/?.lua;" .. package.path
local parity = require "comparison"

local function arguments(given)
  local options, i = { suites = {}, golden = "spec/parity" }, 1
  while given[i] do
    local name = given[i]:match "^%-%-(%w+)$"
    if name == "golden" or name == "table" then
      i = i + 1
      options[name] = assert(given[i], "--" .. name .. " needs a path")
    elseif given[i]:find "^%-" then
      error("unknown option " .. given[i] .. " (known: --golden DIR, --table FILE)", 0)
    else
      options.suites[given[i]] = true
    end
    i = i + 1
  end
  return options
end

local function main()
  local options = arguments(arg)
  local result = parity.compare(options)
  for _, line in ipairs(result.lines) do print(line) end
  for _, failure in ipairs(result.failures) do print("not equal: " .. failure) end
  if options.table then
    local file = assert(io.open(options.table, "w"))
    assert(file:write(result.table))
    file:close()
  end
  print(("%d golden cases"):format(result.count))
  return #result.failures == 0
end

local ok, good = pcall(main)
if not ok then io.stderr:write(tostring(good), "\n") end
os.exit(ok and good and 0 or 1)
