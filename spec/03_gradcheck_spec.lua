-- The gradient of every differentiable op against central differences in f64, and the f32 kernels
-- against the f64 ones. A new op without samples fails here.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local core = require "lossdbg.core"
local difference = require "finite_difference"
local samples = require "op_samples"

-- The op with the case's attributes as its last argument, after optional inputs that are not given.
local function caller(row, case)
  local fn, attrs = core.op[row.name], case.attrs
  if not next(attrs) then return fn end
  local _, n = row.inputs:gsub("%S+", "")
  if row.inputs:find("*", 1, true) then n = #case end
  return function(...)
    local args = { ... }
    args[n + 1] = attrs
    return fn(table.unpack(args, 1, n + 1))
  end
end

local function wanted_inputs(row, case)
  return function(i)
    local has = row.grad_inputs >> (i - 1) & 1 == 1
    return has and not case[i].constant and case[i].dtype == nil
  end
end

local function title(row, case)
  local parts = {}
  for _, input in ipairs(case) do
    local sizes = table.concat(input.shape, " ")
    parts[#parts + 1] = input.view and ("view of [%s]"):format(sizes) or ("[%s]"):format(sizes)
  end
  local attrs = {}
  for key, value in pairs(case.attrs) do
    attrs[#attrs + 1] = key .. "=" .. (type(value) == "table" and table.concat(value, ",")
      or tostring(value))
  end
  table.sort(attrs)
  return ("%s(%s) %s"):format(row.name, table.concat(parts, ", "), table.concat(attrs, " "))
end

describe("the gradient of", function()
  for _, row in ipairs(core.op_rows()) do
    if row.differentiable then
      it(row.name .. " agrees with central differences", function()
        local cases = samples[row.name]
        assert.is_truthy(cases, ("op '%s' is differentiable and has no samples in "
          .. "spec/support/op_samples.lua"):format(row.name))
        assert.is_true(#cases >= 3, "too few samples")
        local compared = 0
        for _, case in ipairs(cases) do
          local errors, checked =
            difference.check(caller(row, case), case, wanted_inputs(row, case))
          assert(#errors == 0, title(row, case) .. "\n  " .. table.concat(errors, "\n  "))
          compared = compared + checked
        end
        assert.is_true(compared > 0)
      end)

      it(row.name .. " is the same in f32, up to f32's rounding", function()
        for _, case in ipairs(samples[row.name] or {}) do
          local fn = caller(row, case)
          local precise = difference.gradients(fn, case, "f64")
          local rounded = difference.gradients(fn, case, "f32")
          for i, expected in ipairs(precise) do
            if expected then
              local got = rounded[i]
              assert.is_truthy(got, title(row, case))
              assert.equal("f32", got.dtype)
              assert.same(expected.shape, got.shape)
              local scale = math.max(1, core.op.max(core.op.abs(expected)):item())
              local worst = core.op.max(core.op.abs(got:cast("f64") - expected)):item()
              assert(worst <= 2e-5 * scale,
                ("%s input %d: off by %g"):format(title(row, case), i, worst))
            end
          end
        end
      end)
    end
  end
end)

describe("the sample table", function()
  it("names only ops that exist and are differentiable", function()
    local known = {}
    for _, row in ipairs(core.op_rows()) do known[row.name] = row.differentiable end
    for name in pairs(samples) do assert.is_true(known[name], name) end
  end)
end)

describe("the gradient check itself", function()
  local inputs = { { shape = { 3, 5 } }, { shape = { 5 } } }
  local function always() return true end
  -- a * b with chosen factors on the two gradients
  local function product(sign_a, sign_b)
    return ld.op {
      name = "product",
      forward = function(_, a, b) return a * b end,
      backward = function(ctx, g)
        local a, b = ctx.inputs[1], ctx.inputs[2]
        return g * b * sign_a, (g * a):sum(1) * sign_b
      end,
    }
  end

  it("passes a right gradient", function()
    local errors, checked = difference.check(product(1, 1), inputs, always)
    assert.same({}, errors)
    assert.equal(20, checked)
  end)

  it("catches a flipped sign", function()
    local errors = difference.check(product(1, -1), inputs, always)
    assert.equal(5, #errors)
    for _, text in ipairs(errors) do assert.truthy(text:find("input 2", 1, true)) end
  end)

  it("catches an error of one part in ten thousand", function()
    assert.equal(15, #difference.check(product(1.0001, 1), inputs, always))
  end)

  it("catches a gradient that never comes", function()
    local function cut(a, b) return a:detach() * b end
    assert.equal(15, #difference.check(cut, inputs, always))
  end)

  it("catches a gradient where none belongs", function()
    local errors = difference.check(product(1, 1), inputs, function(i) return i == 1 end)
    assert.same({ "input 2 has a gradient and should have none" }, errors)
  end)
end)
