-- Cases of elementwise.lua: each function at arguments from 2^-33 to 90, the mask of dropout.
local ld = require "lossdbg"
local core = require "lossdbg.core"

local op = core.op

local function case(cases, name, fn, arguments, expected)
  cases[#cases + 1] = {
    title = name .. " in 500 digits", peers = "reference", covers = { "op " .. name },
    check = function(dtype, near)
      -- One by one: far from 0 the values differ by the power of a hundred.
      local got = fn(ld.tensor(arguments, dtype)):totable()
      for i, value in ipairs(expected) do
        local wanted = ld.tensor(value, dtype):item()
        local floor = dtype == "f32" and 1e-30 or 1e-280
        near(("%s(%.17g)"):format(name, arguments[i]), wanted, got[i], floor)
      end
    end,
  }
end

return function(golden)
  local cases = {}
  local names = {}
  for name in pairs(golden.values) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    case(cases, name, op[name], golden.arguments, golden.values[name])
  end
  for _, name in ipairs { "log", "log1p", "reciprocal", "sqrt" } do
    case(cases, name, op[name], golden.positive_arguments, golden.positive_values[name])
  end
  case(cases, "gelu", function(x) return op.gelu(x, { approximate = true }) end, golden.arguments,
    golden.gelu_tanh)
  local d = golden.dropout
  cases[#cases + 1] = {
    title = "dropout by Philox 4x32-10", peers = "reference",
    covers = { "op dropout", "layer dropout" },
    check = function(dtype, near)
      local scaled = {}
      for i, kept in ipairs(d.mask) do scaled[i] = kept / (1 - d.rate) end
      near("dropout of ones", scaled,
        op.dropout(ld.ones(#d.mask, dtype), d.rate, d.seed, d.stream))
    end,
  }
  return cases
end
