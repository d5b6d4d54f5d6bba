-- Cases of recurrent.lua: outputs, last states and all gradients of recurrent layers.
local ld = require "lossdbg"
local layer = require "lossdbg.nn.layer"
local measure = require "measure"

local nn = ld.nn

-- Park and Miller's generator, as in recurrent.py.
local function draw(seed, shape, scale, dtype)
  local t = ld.zeros(shape, dtype)
  local flat, s = t:reshape { -1 }, seed * 7919 + 1
  for i = 1, flat.numel do
    s = s * 48271 % 2147483647
    flat[i] = (s % 4096 - 2048) / 2048 * scale
  end
  return t
end

local function describe_layer(case)
  local given = { case.units }
  for key, value in pairs(case.options) do given[key] = value end
  local description = nn[case.kind](given)
  if not case.merge_mode then return description end
  return nn.bidirectional { description, merge_mode = case.merge_mode }
end

local function first_states(case, dtype, inputs, leaves)
  if not case.states then return end
  local n = (case.kind == "lstm" and 2 or 1) * (case.merge_mode and 2 or 1)
  for i = 1, n do
    inputs[1 + i] = draw(29 + i, { case.x[1], case.units }, 1, dtype)
    leaves[#leaves + 1] = inputs[1 + i]
  end
end

-- The layer's results and the gradients of x, the parameters in order and the first states.
local function run(case, dtype)
  local batch, steps, features = table.unpack(case.x)
  local made = layer.create(describe_layer(case), "layer", { steps, features },
    { seed = 0, dtype = dtype })
  local leaves = { draw(1, case.x, 1, dtype) }
  for i, parameter in ipairs(made.parameters) do
    parameter.tensor.requires_grad = false
    parameter.tensor:copy_(draw(9 + i, parameter.tensor.shape, 0.5, dtype))
    leaves[1 + i] = parameter.tensor
  end
  local inputs = { leaves[1] }
  first_states(case, dtype, inputs, leaves)
  if case.mask then inputs.mask = ld.tensor(case.mask, "i32"):reshape { batch, steps } end
  for _, t in ipairs(leaves) do t.requires_grad = true end
  local results = { made:forward(inputs, {}) }
  local total
  for i, y in ipairs(results) do
    local part = (y * draw(49 + i, y.shape, 1, dtype)):sum()
    total = total and total + part or part
  end
  total:backward()
  local gradients = {}
  for i, t in ipairs(leaves) do gradients[i] = t.grad end
  return results, gradients
end

local function check(entry, dtype, near)
  local results, gradients = run(entry.case, dtype)
  near("number of results", #entry.out, #results)
  near("number of gradients", #entry.grads, #gradients)
  for i, values in ipairs(entry.out) do near("result " .. i, values, results[i], 1e-3) end
  for i, values in ipairs(entry.grads) do near("gradient " .. i, values, gradients[i], 1e-3) end
end

return function(golden)
  local cases = {}
  for i, entry in ipairs(golden) do
    local case = entry.case
    local covers = { "op " .. case.kind, "layer " .. case.kind }
    if case.merge_mode then covers[3] = "layer bidirectional" end
    cases[i] = {
      title = ("%s %s%s%s%s of %s"):format(case.kind, measure.text(case.options),
        case.merge_mode and " both ways, " .. case.merge_mode or "", case.mask and " masked" or "",
        case.states and " from states" or "", measure.text(case.x)),
      peers = case.peer, covers = covers,
      check = function(dtype, near) check(entry, dtype, near) end,
    }
  end
  return cases
end
