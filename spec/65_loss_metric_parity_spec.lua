-- Losses and their gradients against Keras 3 and PyTorch 2 in f64 (parity/losses.py), metrics
-- against Keras and NumPy (parity/metrics.py).
local ld = require "lossdbg"
local losses = dofile "spec/parity/losses.lua"

local function near(expected, got, tolerance, what)
  local function flat(value, list)
    if type(value) ~= "table" then
      list[#list + 1] = value
    else
      for _, item in ipairs(value) do flat(item, list) end
    end
    return list
  end
  expected, got = flat(expected, {}), flat(got, {})
  assert.equal(#expected, #got, what)
  local scale = 0
  for _, value in ipairs(expected) do scale = math.max(scale, math.abs(value)) end
  for i, value in ipairs(expected) do
    assert.is_true(math.abs(value - got[i]) <= tolerance * math.max(scale, 1e-12),
      ("%s, place %d: expected %.17g, got %.17g"):format(what, i, value, got[i]))
  end
end

local function text(value)
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for key, item in pairs(value) do parts[#parts + 1] = tostring(key) .. "=" .. text(item) end
  table.sort(parts)
  return "{" .. table.concat(parts, " ") .. "}"
end

local function values_of(t) return t.rank == 0 and { t:item() } or t:totable() end

describe("loss and gradient", function()
  for i, row in ipairs(losses) do
    local label = ("%s %s %s%s%s, case %d"):format(row.name, row.peer, text(row.options),
      row.weight and " weighted" or "", row.mask and " masked" or "", i)
    it(label, function()
      for dtype, tolerance in pairs { f64 = 1e-10, f32 = 2e-5 } do
        local p = ld.tensor(row.prediction, dtype)
        p.requires_grad = true
        local loss = ld.loss[row.name](row.options)
        local value = loss(p, ld.tensor(row.target, "f64"), row.weight, row.mask)
        near(type(row.value) == "table" and row.value or { row.value }, values_of(value),
          tolerance, dtype .. " loss")
        local total = value.rank > 0 and value:sum() or value
        total:backward()
        near(row.gradient, p.grad:totable(), tolerance, dtype .. " gradient")
      end
    end)
  end
end)
