-- Optimisers against golden trajectories, their statistics and clipping against plain loops.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local golden = require "optim_golden"

local function tensor(values, dtype)
  local t = ld.tensor(values, dtype or "f64")
  t.requires_grad = true
  return t
end

local function make(row, parameters)
  local given = { parameters, flavor = row[2] }
  for key, value in pairs(row[3]) do given[key] = value end
  return ld.optim[row[1]](given)
end

local function label(row)
  local text = {}
  for key, value in pairs(row[3]) do text[#text + 1] = key .. "=" .. tostring(value) end
  table.sort(text)
  return row[1] .. " " .. row[2] .. " " .. table.concat(text, " ")
end

-- n copies of the two weights, so that the arrays span several chunks of the kernels.
local function tiled(pair, copies)
  local list = {}
  for _ = 1, copies do list[#list + 1], list[#list + 2] = pair[1], pair[2] end
  return list
end

local function run(row, dtype, copies)
  local w = tensor(tiled({ 1, -.5 }, copies), dtype)
  local opt = make(row, { w })
  for _, g in ipairs(golden.gradients) do
    w.grad = ld.tensor(tiled(g, copies), dtype)
    opt:step()
  end
  return w, opt
end

describe("golden trajectory", function()
  for _, row in ipairs(golden.rows) do
    it(label(row), function()
      local w = run(row, "f64", 1)
      assert.near(row[4], w[1], 1e-11)
      assert.near(row[5], w[2], 1e-11)
    end)

    it(label(row) .. ", long arrays, f32 and f64", function()
      for dtype, tolerance in pairs { f64 = 1e-11, f32 = 2e-6 } do
        local list = run(row, dtype, 701):totable()
        for i = 1, #list, 2 do
          assert.near(row[4], list[i], tolerance)
          assert.near(row[5], list[i + 1], tolerance)
        end
      end
    end)
  end

  it("takes weight decay off the weights in Keras: w - w wd lr - lr g", function()
    local w = tensor { 2 }
    local opt = ld.optim.sgd { { w }, lr = .1, weight_decay = .5 }
    w.grad = ld.tensor({ 3 }, "f64")
    opt:step()
    assert.near(2 - 2 * .5 * .1 - .1 * 3, w[1], 1e-15)
  end)

  it("adds weight decay to the gradient in PyTorch: w - lr (g + wd w)", function()
    local w = tensor { 2 }
    local opt = ld.optim.rmsprop { { w }, lr = .1, weight_decay = .5, flavor = "torch" }
    w.grad = ld.tensor({ 3 }, "f64")
    opt:step()
    local g = 3 + .5 * 2
    assert.near(2 - .1 * g / (math.sqrt(.01 * g * g) + 1e-8), w[1], 1e-12)
  end)
end)

describe("statistics of a step", function()
  it("are the sums of the plain loop", function()
    local n, values, slopes = 1337, {}, {}
    for i = 1, n do values[i], slopes[i] = math.sin(i) * 3, i % 5 == 0 and 0 or math.cos(i) end
    local w = tensor(values)
    local opt = ld.optim.sgd { { w }, lr = .25 }
    w.grad = ld.tensor(slopes, "f64")
    opt:step()
    local g2, u2, w2, zeros, same = 0, 0, 0, 0, 0
    for i = 1, n do
      local new = values[i] - .25 * slopes[i]
      g2, u2, w2 = g2 + slopes[i] ^ 2, u2 + (new - values[i]) ^ 2, w2 + new ^ 2
      zeros = zeros + (slopes[i] == 0 and 1 or 0)
      same = same + (new == values[i] and 1 or 0)
    end
    local stats = opt.stats.parameter_1
    assert.near(1, stats.grad_sq / g2, 1e-12)
    assert.near(1, stats.update_sq / u2, 1e-12)
    assert.near(1, stats.weight_sq / w2, 1e-12)
    assert.same({ zeros, same, 0, n }, { stats.grad_zero, stats.unchanged, stats.underflow,
      stats.numel })
    assert.near(math.sqrt(g2), stats.grad_norm, 1e-12)
    assert.near(math.sqrt(u2 / w2), stats.ratio, 1e-12)
  end)

  it("tell a step that rounding swallowed from a zero gradient", function()
    local w = tensor({ 1, 1, 1, 0 }, "f32")
    local opt = ld.optim.sgd { { w }, lr = 1e-9 }
    w.grad = ld.tensor { 1, 0, 1e9, 1 }
    opt:step()
    local stats = opt.stats.parameter_1
    assert.equal(2, stats.unchanged)
    assert.equal(1, stats.underflow)
    assert.equal(1, stats.grad_zero)
  end)

  for _, dtype in ipairs { "f32", "f64" } do
    it("count what is not finite, " .. dtype, function()
      local w = tensor({ 1, 2, 3, 0 / 0 }, dtype)
      local opt = ld.optim.sgd { { w }, lr = 1 }
      w.grad = ld.tensor({ 0 / 0, math.huge, 1, 1 }, dtype)
      opt:step()
      local stats = opt.stats.parameter_1
      assert.equal(2, stats.nonfinite_grad)
      assert.equal(3, stats.nonfinite_weight)
    end)
  end

  it("count nothing as broken when squares overflow in f64", function()
    local w = tensor { 1e200 }
    local opt = ld.optim.sgd { { w }, lr = 0 }
    w.grad = ld.tensor({ 1e300 }, "f64")
    opt:step()
    assert.equal(0, opt.stats.parameter_1.nonfinite_grad)
    assert.equal(0, opt.stats.parameter_1.nonfinite_weight)
    assert.equal(math.huge, opt.stats.parameter_1.grad_sq)
  end)
end)

describe("clipping", function()
  local function clipped(o, ...)
    local list = {}
    for i, g in ipairs { ... } do
      list[i] = tensor(tiled({ 0, 0 }, 1))
      list[i].grad = ld.tensor(g, "f64")
    end
    o[1], o.lr = list, 1
    local opt = ld.optim.sgd(o)
    opt:step()
    local out = {}
    for i, w in ipairs(list) do out[i] = { -w[1], -w[2] } end
    return out, opt
  end

  it("by value", function()
    assert.same({ { -.5, .25 } }, (clipped({ clip_value = .5 }, { -3, .25 })))
  end)

  it("by the norm of each variable: g c / max(|g|, c)", function()
    local out = clipped({ clip_norm = 1 }, { 3, 4 }, { .3, .4 })
    assert.near(.6, out[1][1], 1e-15)
    assert.near(.8, out[1][2], 1e-15)
    assert.same({ .3, .4 }, out[2])
  end)

  it("by the norm of all: sqrt(9 + 16 + 144) = 13", function()
    local out, opt = clipped({ global_clip_norm = 6.5 }, { 3, 4 }, { 12, 0 })
    assert.near(1.5, out[1][1], 1e-15)
    assert.near(6, out[2][1], 1e-15)
    assert.near(.5, opt.clip_factor, 1e-15)
    assert.equal(5, opt.stats.parameter_1.grad_norm) -- as it was before the clip
  end)

  it("adds 1e-6 to the norm in PyTorch", function()
    local out = clipped({ global_clip_norm = 1, flavor = "torch" }, { 3, 4 })
    assert.near(3 / (5 + 1e-6), out[1][1], 1e-15)
    assert.same({ { .3, .4 } },
      (clipped({ global_clip_norm = 1, flavor = "torch" }, { .3, .4 })))
  end)

  it("shows a broken gradient instead of hiding it", function()
    local nan, huge = 0 / 0, math.huge
    local out = clipped({ global_clip_norm = 1 }, { nan, 1 }, { 1, 1 })
    assert.is_true(out[2][1] ~= out[2][1])
    out = clipped({ global_clip_norm = 1 }, { huge, 1 })
    assert.is_true(out[1][2] ~= out[1][2]) -- Keras: all become NaN
    out = clipped({ clip_value = 1 }, { nan, huge })
    assert.is_true(out[1][1] ~= out[1][1])
    assert.equal(1, out[1][2])
  end)
end)
