-- Recurrent ops where the peers have no number (their numbers: spec/parity/recurrent.py).
local ld = require "lossdbg"
local core = require "lossdbg.core"

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
