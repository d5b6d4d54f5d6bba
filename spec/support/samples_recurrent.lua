-- Inputs of recurrent layers, for the gradient check: op name -> list of cases in the form of
-- op_samples.lua.
local M = {}

local gates = { simple_rnn = 1, lstm = 4, gru = 3 }
local small = { lo = -0.8, hi = 0.8 }

local function input(shape, view)
  return { shape = shape, lo = small.lo, hi = small.hi, view = view }
end

local function mask_of(batch, time, values)
  return { shape = { batch, time }, dtype = "i32", values = values }
end

local function time_first(t) return t:transpose { 2, 1, 3 } end

-- size = { batch, time, inputs, units }; given: bias, h0, c0, mask (values), attrs, view
local function case(name, size, given)
  local batch, time, n_in, units = table.unpack(size)
  local width = gates[name] * units
  local attrs = given.attrs or {}
  local x = given.view and input({ time, batch, n_in }, given.view) or input { batch, time, n_in }
  local r = { x, input { n_in, width }, input { units, width }, attrs = attrs }
  local function none() return { shape = {}, absent = true } end
  local two = name == "gru" and attrs.reset_after ~= false
  r[4] = given.bias and input(two and { 2, width } or { width }) or none()
  r[5] = given.h0 and input { batch, units } or none()
  if name == "lstm" then r[6] = given.c0 and input { batch, units } or none() end
  r[#r + 1] = given.mask and mask_of(batch, time, given.mask) or none()
  while r[#r].absent do r[#r] = nil end
  for _, one in ipairs(r) do assert(not one.absent, "an input is left out in the middle") end
  return r
end

-- The first sample begins late and has a gap, the second never counts, the third ends early.
local gaps = { 0, 1, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0 }

for name in pairs(gates) do
  local function add(size, given)
    M[name] = M[name] or {}
    table.insert(M[name], case(name, size, given))
  end
  local variants = name == "gru" and { {}, { reset_after = false } } or { {} }
  for _, base in ipairs(variants) do
    local function attrs(more)
      for key, value in pairs(base) do more[key] = value end
      return more
    end
    local all = { bias = true, h0 = true, c0 = true }
    local function with(more) -- everything given
      for key, value in pairs(all) do more[key] = value end
      more.attrs = attrs(more.attrs or {})
      return more
    end
    add({ 2, 3, 2, 2 }, { attrs = attrs {} })
    add({ 1, 1, 1, 1 }, { bias = true, attrs = attrs {} })
    add({ 3, 4, 2, 3 }, with {})
    add({ 3, 4, 2, 2 }, with { mask = gaps })
    add({ 3, 4, 1, 2 }, with { mask = gaps, attrs = { reverse = true } })
    add({ 3, 4, 2, 1 }, with { mask = gaps, attrs = { zero_masked = true } })
    add({ 2, 3, 2, 2 }, with { attrs = { reverse = true }, view = time_first })
    add({ 2, 3, 2, 2 }, with { mask = { 1, 1, 0, 1, 0, 1 },
      attrs = { activation = "gelu", recurrent_activation = name ~= "simple_rnn" and "softsign"
        or nil } })
    add({ 2, 2, 1, 2 }, with { attrs = { activation = "softplus" } })
  end
end

return M
