-- Weights, gradients and checks that the specs of optimisers share.
local assert = require "luassert"
local ld = require "lossdbg"

local M = {}

local shapes, names = { { 3, 4 }, { 5 }, { 2, 3, 2 } }, { "a", "b", "c" }

local function size(k)
  local n = 1
  for _, m in ipairs(shapes[k]) do n = n * m end
  return n
end

local function make(k, dtype, value)
  local list = {}
  for i = 1, size(k) do list[i] = value(i) end
  return ld.tensor(list, "f64"):reshape(shapes[k]):cast(dtype):contiguous()
end

-- Parameter k of three, with the values of parity/optimizers.py.
function M.start(k, dtype)
  local w = make(k, dtype, function(i) return math.sin(1.5 * i + k - 1) end)
  w.requires_grad = true
  return { name = names[k], tensor = w }
end

-- Its gradient in a step; now and then an element is exactly zero.
function M.gradient(k, step, dtype)
  return make(k, dtype, function(i)
    if i == 1 and step % 4 == 0 then return 0 end
    return math.cos(0.7 * i * step + k - 1) * (0.1 + step % 3)
  end)
end

-- All values of all parameters, one after the other.
function M.flat(parameters)
  local list = {}
  for _, entry in ipairs(parameters) do
    local values = entry.tensor:detach():cast("f64"):reshape({ -1 }):totable()
    table.move(values, 1, #values, #list + 1, list)
  end
  return list
end

-- The largest relative difference from `expected`.
function M.compare(expected, parameters, tolerance, what)
  local worst = 0
  for i, value in ipairs(M.flat(parameters)) do
    worst = math.max(worst, math.abs(value - expected[i]) / math.max(math.abs(expected[i]), 1e-3))
    assert.is_true(value == value, what)
  end
  assert.is_true(worst <= tolerance, ("%s: off by %g"):format(what, worst))
end

-- fn raises a message that contains `pattern` as it stands.
function M.fails(pattern, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  assert.is_truthy(tostring(message):find(pattern, 1, true), message)
end

function M.weight(values)
  local w = ld.tensor(values, "f64")
  w.requires_grad = true
  return w
end

return M
