-- Recurrent layers against Keras and PyTorch (spec/parity/recurrent.py): outputs, last states and
-- all gradients, in both float types.
package.path = "./spec/?.lua;" .. package.path
local ld = require "lossdbg"
local layer = require "lossdbg.nn.layer"
local golden = require "parity.recurrent"

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

-- The layer's results and the gradients of x, the parameters in order and the first states.
local function run(case, dtype)
  local batch, steps, features = table.unpack(case.x)
  local made = layer.create(describe_layer(case), "layer", { steps, features },
    { seed = 0, dtype = dtype })
  local wanted = { draw(1, case.x, 1, dtype) }
  for i, parameter in ipairs(made.parameters) do
    parameter.tensor.requires_grad = false
    parameter.tensor:copy_(draw(9 + i, parameter.tensor.shape, 0.5, dtype))
    wanted[1 + i] = parameter.tensor
  end
  local inputs = { wanted[1] }
  if case.states then
    local n = (case.kind == "lstm" and 2 or 1) * (case.merge_mode and 2 or 1)
    for i = 1, n do
      inputs[1 + i] = draw(29 + i, { batch, case.units }, 1, dtype)
      wanted[#wanted + 1] = inputs[1 + i]
    end
  end
  if case.mask then inputs.mask = ld.tensor(case.mask, "i32"):reshape { batch, steps } end
  for _, t in ipairs(wanted) do t.requires_grad = true end
  local results = { made:forward(inputs, {}) }
  local total
  for i, y in ipairs(results) do
    local part = (y * draw(49 + i, y.shape, 1, dtype)):sum()
    total = total and total + part or part
  end
  total:backward()
  local gradients = {}
  for i, t in ipairs(wanted) do gradients[i] = t.grad end
  return results, gradients
end

local function compare(what, expected, got, tolerance)
  assert.equal(#expected, #got, what .. ": another number of tensors")
  for i, values in ipairs(expected) do
    local flat = got[i]:contiguous():reshape { -1 }
    assert.equal(#values, flat.numel, ("%s %d: another size"):format(what, i))
    local scale = 0
    for _, v in ipairs(values) do scale = math.max(scale, math.abs(v)) end
    for j, v in ipairs(values) do
      local close = math.abs(flat[j] - v) <= tolerance * math.max(scale, 1e-3)
      assert(close, ("%s %d, element %d: %.17g, peer %.17g"):format(what, i, j, flat[j], v))
    end
  end
end

local function title(i, case)
  local given = {}
  for key, value in pairs(case.options) do given[#given + 1] = key .. "=" .. tostring(value) end
  table.sort(given)
  return ("%d: %s%s%s [%s]%s%s %s"):format(i, case.peer, " " .. case.kind,
    case.merge_mode and " both ways, " .. case.merge_mode or "", table.concat(case.x, " "),
    case.mask and " masked" or "", case.states and " from states" or "",
    table.concat(given, " "))
end

describe("golden case", function()
  for i, entry in ipairs(golden) do
    it(title(i, entry.case), function()
      for dtype, tolerance in pairs { f64 = 1e-10, f32 = 2e-5 } do
        local results, gradients = run(entry.case, dtype)
        compare(dtype .. " output", entry.out, results, tolerance)
        compare(dtype .. " gradient", entry.grads, gradients, tolerance)
      end
    end)
  end

  it("count is at least 80", function() assert.is_true(#golden >= 80) end)
end)
