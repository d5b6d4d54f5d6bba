-- Checks and numbers that the specs of graphs share.
local assert = require "luassert"
local ld = require "lossdbg"

local M = {}

-- What fn raises.
function M.error_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return message
end

function M.same_bits(a, b) assert.same(a:totable(), b:totable()) end

function M.near(expected, tensor, tolerance)
  local function flat(list, out)
    for _, value in ipairs(list) do
      if type(value) == "table" then flat(value, out) else out[#out + 1] = value end
    end
    return out
  end
  local wanted, got = flat(expected, {}), flat({ tensor:totable() }, {})
  assert.equal(#wanted, #got)
  for i, value in ipairs(wanted) do
    assert.near(value, got[i], tolerance * math.max(1, math.abs(value)))
  end
end

-- The same numbers on every machine.
function M.rows(n, width, phase)
  local list = {}
  for i = 1, n do
    list[i] = {}
    for j = 1, width do list[i][j] = math.sin(1.7 * i + 2.3 * j + (phase or 0)) end
  end
  return ld.tensor(list, "f64")
end

-- Every gradient of sum(f()) against central differences.
function M.check_gradients(model, f)
  local worst, n = 0, 0
  for _, p in model:parameters() do p.grad = nil end
  f():sum():backward()
  for _, p in model:parameters() do
    local flat, grad = p:detach():reshape { p.numel }, p.grad:reshape { p.numel }
    for i = 1, p.numel do
      local x, h = flat[i], 1e-6
      flat[i] = x + h
      local up = f():sum():item()
      flat[i] = x - h
      local down = f():sum():item()
      flat[i] = x
      n, worst = n + 1, math.max(worst, math.abs((up - down) / (2 * h) - grad[i]))
    end
  end
  assert.is_true(n > 0)
  assert.is_true(worst < 1e-7, "worst gradient error " .. worst)
end

return M
