-- Cases of conv.lua: forward and every gradient of convolutions and poolings, ops and layers.
local ld = require "lossdbg"
local core = require "lossdbg.core"
local draw = require "draw"
local measure = require "measure"

local nn, op = ld.nn, core.op

local function inputs_of(case, dtype)
  local list = {}
  for i, shape in ipairs(case.inputs) do
    list[i] = draw(shape, case.seed + i, dtype)
    list[i].requires_grad = true
  end
  return list
end

local function run_op(case, list)
  local attrs = next(case.attrs) and case.attrs or nil
  if case.op:find("pool", 1, true) then return op[case.op](list[1], attrs) end
  return op[case.op](list[1], list[2], list[3], attrs)
end

local function run_layer(case, list, dtype)
  local model = nn.sequential { nn[case.layer](case.attrs) }
    :build({ table.unpack(case.inputs[1], 2) }, { dtype = dtype })
  for i, parameter in ipairs(model[1].parameters) do
    parameter.tensor:copy_(list[i + 1])
    list[i + 1] = parameter.tensor
  end
  return model(list[1])
end

local function check(case, dtype, near)
  local list = inputs_of(case, dtype)
  local y = (case.op and run_op or run_layer)(case, list, dtype)
  near("shape", case.shape, y.shape)
  near("result", case.y, y, 1)
  y:backward(draw(case.shape, case.seed + 9, dtype))
  for i, t in ipairs(list) do
    near("gradient of input " .. i, case["g" .. i], t.grad, 1)
  end
end

return function(golden)
  local cases = {}
  for i, case in ipairs(golden) do
    local name = case.op or case.layer
    -- The layer of that name is this op and nothing else (spec/60_conv_layer_spec.lua).
    local covers = { case.op and "op " .. name, nn[name] and "layer " .. name }
    if not case.op then covers = { "layer " .. name } end
    cases[i] = {
      title = ("%s %s of %s"):format(name, measure.text(case.attrs), measure.text(case.inputs)),
      peers = case.peers, covers = covers,
      check = function(dtype, near) check(case, dtype, near) end,
    }
  end
  return cases
end
