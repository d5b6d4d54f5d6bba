-- Recurrent layers against Keras and PyTorch (spec/parity/recurrent.py): outputs, last states and
-- all gradients, in both float types.
package.path = "./spec/?.lua;" .. package.path
local ld = require "lossdbg"
local core = require "lossdbg.core"
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

describe("the op", function()
  local op = core.op

  local function fails(text, ...)
    local ok, message = pcall(...)
    assert.is_false(ok)
    assert(message:find(text, 1, true), message)
  end

  it("without steps hands on its first states, and their gradients", function()
    local h = ld.tensor({ { 1, -2 }, { 3, 4 } }, "f64")
    h.requires_grad = true
    local kernel, recurrent = ld.ones({ 3, 8 }, "f64"), ld.ones({ 2, 8 }, "f64")
    kernel.requires_grad = true
    local y = op.lstm(ld.zeros({ 2, 0, 3 }, "f64"), kernel, recurrent, nil, h)
    assert.same({ { { 1, -2 }, { 0, 0 } }, { { 3, 4 }, { 0, 0 } } }, y:totable())
    y:sum():backward()
    assert.same({ { 1, 1 }, { 1, 1 } }, h.grad:totable())
    assert.equal(0, kernel.grad:abs():max():item())
  end)

  it("takes no samples, and inputs without features", function()
    for name, gates in pairs { simple_rnn = 1, lstm = 4, gru = 3 } do
      local kernel, recurrent = ld.ones { 3, 2 * gates }, ld.ones { 2, 2 * gates }
      recurrent.requires_grad, kernel.requires_grad = true, true
      local rows = name == "lstm" and 6 or 5
      local y = op[name](ld.zeros { 0, 4, 3 }, kernel, recurrent)
      assert.same({ 0, rows, 2 }, y.shape)
      y:sum():backward()
      assert.equal(0, recurrent.grad:abs():max():item())
      y = op[name](ld.zeros { 1, 4, 0 }, ld.zeros { 0, 2 * gates }, recurrent)
      assert.same({ 1, rows, 2 }, y.shape)
      y:sum():backward()
    end
  end)

  it("keeps NaN in its sample", function()
    local x = ld.ones { 2, 3, 1 }
    x:set(0 / 0, 1, 2, 1)
    local y = op.gru(x, ld.ones { 1, 6 }, ld.ones { 2, 6 })
    assert.is_true(y:get(1, 1, 1) == y:get(1, 1, 1))
    for row = 2, 4 do assert.is_true(y:get(1, row, 2) ~= y:get(1, row, 2)) end
    for row = 1, 4 do assert.is_true(y:get(2, row, 2) == y:get(2, row, 2)) end
  end)

  it("reads nothing of a masked step", function()
    local x = ld.ones({ 1, 3, 1 }, "f64")
    x:set(0 / 0, 1, 2, 1)
    local mask = ld.tensor({ { 1, 0, 1 } }, "i32")
    local kernel, recurrent = ld.full({ 1, 2 }, 0.5, "f64"), ld.full({ 2, 2 }, 0.25, "f64")
    local y = op.simple_rnn(x, kernel, recurrent, nil, nil, mask)
    local expected = op.simple_rnn(ld.ones({ 1, 2, 1 }, "f64"), kernel, recurrent)
    assert.same(expected:select(2, 3):totable(), y:select(2, 4):totable())
    assert.same(y:select(2, 1):totable(), y:select(2, 2):totable())
  end)

  it("explains shapes and types that do not fit", function()
    local x, kernel, recurrent = ld.ones { 2, 4, 3 }, ld.ones { 3, 8 }, ld.ones { 2, 8 }
    fails("expected [batch x time x features] (one feature a step?", op.lstm, ld.ones { 2, 4 },
      kernel, recurrent)
    fails("expected [units x 4 units]", op.lstm, x, kernel, ld.ones { 2, 6 })
    fails("kernel is [2 x 8], expected [3 x 8]", op.lstm, x, ld.ones { 2, 8 }, recurrent)
    fails("bias is [6], expected [gates of all units 8]", op.lstm, x, kernel, recurrent,
      ld.ones(6))
    fails("bias is [6], expected [2 x 6]", op.gru, x, ld.ones { 3, 6 }, ld.ones { 2, 6 },
      ld.ones(6))
    fails("h0 is [2 x 3], expected [2 x 2] (batch x units)", op.lstm, x, kernel, recurrent, nil,
      ld.ones { 2, 3 })
    fails("mask is f32, expected i32", op.lstm, x, kernel, recurrent, nil, nil, nil,
      ld.ones { 2, 4 })
    fails("mask is [2 x 3], expected [2 x 4]", op.lstm, x, kernel, recurrent, nil, nil, nil,
      ld.ones({ 2, 3 }, "i32"))
    fails("x is f32 and recurrent is f64", op.lstm, x, kernel, ld.ones({ 2, 8 }, "f64"))
    fails("ids go through an embedding", op.lstm, ld.ones({ 2, 4, 3 }, "i32"), kernel, recurrent)
  end)
end)
