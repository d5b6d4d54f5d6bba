-- Gradients of matrix products, views, rearrangements and losses in further layouts and attributes:
-- batches broadcast on either side, every storage order, values near clips.
package.path = "./spec/support/?.lua;" .. package.path
local core = require "lossdbg.core"
local difference = require "finite_difference"
local samples = require "samples_shape"

-- Inputs with a gradient come first; without attributes no table is passed.
local function caller(name, case)
  local inputs = name == "dense" and 3 or #case
  local attrs = next(case.attrs) and case.attrs or nil
  return function(...)
    local args = { ... }
    args[inputs + 1] = attrs
    return core.op[name](table.unpack(args, 1, inputs + (attrs and 1 or 0)))
  end
end

local with_gradient = { matmul = 2, dense = 3, concat = 8 }

describe("the gradient in further layouts of", function()
  for name, cases in pairs(samples) do
    it(name, function()
      for i, case in ipairs(cases) do
        local last = with_gradient[name] or 1
        local errors = difference.check(caller(name, case), case, function(k) return k <= last end)
        assert(#errors == 0, "case " .. i .. "\n" .. table.concat(errors, "\n"))
      end
    end)
  end
end)
