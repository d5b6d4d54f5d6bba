-- Cases of merge.lua: layers of several inputs in a graph, values and gradients.
local ld = require "lossdbg"
local measure = require "measure"

local nn = ld.nn

local function check(case, dtype, near)
  local symbols, tensors = {}, {}
  for i, values in ipairs(case.inputs) do
    tensors[i] = ld.tensor(values, dtype)
    tensors[i].requires_grad = true
    symbols[i] = nn.input(table.move(tensors[i].shape, 2, tensors[i].rank, 1, {}))
  end
  local given = table.move(symbols, 1, #symbols, 1, {})
  for key, value in pairs(case.options) do given[key] = value end
  local model = nn.graph { inputs = symbols, outputs = nn[case.kind](given) }
    :build { dtype = dtype }
  local y = model(tensors)
  near("result", case.output, y)
  y:mul(ld.tensor(case.weights, dtype)):sum():backward()
  for i, gradient in ipairs(case.gradients) do
    near("gradient of input " .. i, gradient, tensors[i].grad)
  end
end

return function(golden)
  local cases = {}
  for i, case in ipairs(golden) do
    cases[i] = {
      title = ("%s %s of %d inputs"):format(case.kind, measure.text(case.options), #case.inputs),
      peers = "keras", covers = { "layer " .. case.kind, "layer graph", "layer input" },
      check = function(dtype, near) check(case, dtype, near) end,
    }
  end
  return cases
end
