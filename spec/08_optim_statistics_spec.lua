-- What an update says about itself, against plain loops over what it was given and what it left:
-- sizes around blocks and tasks, zeros, steps lost in rounding, values whose squares f32 cannot
-- hold, values that are not finite.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local series = require "series"
local train = require("lossdbg.core").train

local nan, huge = 0 / 0, math.huge

local function finite(v) return v == v and math.abs(v) < huge end

local function bits(v) return v ~= v and "nan" or ("%a"):format(v) end

-- The eight numbers of an update from the gradient and the weights before and after it; lost steps
-- are counted by the caller.
local function plainly(g, old, new)
  local grad, update, weight, bad_grad, bad_weight, same, zero = 0, 0, 0, 0, 0, 0, 0
  for i = 1, #g do
    grad, weight = grad + g[i] ^ 2, weight + new[i] ^ 2
    update = update + (new[i] - old[i]) ^ 2
    if not finite(g[i]) then bad_grad = bad_grad + 1 end
    if not finite(new[i]) then bad_weight = bad_weight + 1 end
    if bits(new[i]) == bits(old[i]) then same = same + 1 end
    if g[i] == 0 then zero = zero + 1 end
  end
  return { grad, update, weight, bad_grad, bad_weight, same, zero }
end

local function sum_near(want, got, dtype)
  if want ~= want or math.abs(want) == huge then
    assert.is_true(not finite(got))
  else
    assert.near(want, got, want * (dtype == "f32" and 2e-6 or 1e-12))
  end
end

-- update(w, g, zeros) -> the results of the core's function; zeros() makes a slot.
local function agrees(dtype, weights, gradient, update)
  local w, g = ld.tensor(weights, dtype), ld.tensor(gradient, dtype)
  local old = w:totable()
  local r = table.pack(update(w, g, function() return ld.zeros({ #weights }, dtype) end))
  local want = plainly(g:totable(), old, w:totable())
  for i = 1, 3 do sum_near(want[i], r[i], dtype) end
  assert.same({ want[4], want[5], want[6], want[7] }, { r[4], r[5], r[6], r[8] })
  assert.is_true(r[7] <= r[6])
  return r
end

local rules = {
  sgd = function(w, g) return train.sgd(w, g, {}, 0.1) end,
  momentum = function(w, g, slot)
    return train.sgd(w, g, { velocity = slot() }, 0.1,
      { momentum = 0.9, nesterov = true, flavor = "torch" }, 2)
  end,
  decayed = function(w, g, slot)
    return train.sgd(w, g, { velocity = slot() }, 0.1,
      { momentum = 0.9, weight_decay = 0.01, flavor = "torch" })
  end,
  adam = function(w, g, slot) return train.adam(w, g, { m = slot(), v = slot() }, 1e-2) end,
  adamw = function(w, g, slot)
    return train.adamw(w, g, { m = slot(), v = slot() }, 1e-2,
      { weight_decay = 0.1, flavor = "torch" }, 3)
  end,
  lion = function(w, g, slot) return train.lion(w, g, { m = slot() }, 1e-2) end,
  lamb = function(w, g, slot)
    return train.lamb(w, g, { m = slot(), v = slot() }, 1e-2, { epsilon = 1e-6 })
  end,
}

local function drawn(n, seed, scale, every)
  local draw, list = series.uniform(seed), {}
  for i = 1, n do list[i] = every and i % every == 0 and 0 or scale * (draw() * 2 - 1) end
  return list
end

describe("the statistics of an update", function()
  for name, update in pairs(rules) do
    for _, dtype in ipairs { "f32", "f64" } do
      it(("by %s are those of plain loops, %s"):format(name, dtype), function()
        for _, n in ipairs { 1, 15, 16, 17, 511, 512, 513, 1700, 16384, 16385, 33000 } do
          agrees(dtype, drawn(n, 1, 1), drawn(n, 2, 0.1, 7), update)
        end
      end)
    end
  end

  it("keep what f32 cannot square", function()
    for _, scale in ipairs { 1e-40, 1e-25, 1e-15, 1e18, 1e25 } do
      agrees("f32", drawn(1500, 1, 1), drawn(1500, 2, scale, 5), rules.sgd)
      agrees("f32", drawn(1500, 1, scale), drawn(1500, 2, scale, 5), rules.sgd)
      agrees("f32", drawn(1500, 1, scale), drawn(1500, 2, 1), rules.adam)
    end
  end)

  it("count gradients and weights that are not finite, wherever they stand", function()
    for _, at in ipairs { 1, 16, 512, 513, 1400, 1500 } do
      for _, bad in ipairs { nan, huge, -huge } do
        local g, w = drawn(1500, 2, 1), drawn(1500, 1, 1)
        g[at] = bad
        agrees("f32", w, g, rules.adam)
        g[at], w[at] = 1, bad
        agrees("f32", w, g, rules.sgd)
        agrees("f32", w, g, rules.adamw)
      end
    end
  end)

  it("tell a step lost in rounding from no step", function()
    local w, g = {}, {}
    for i = 1, 2000 do
      w[i] = i <= 1200 and 1 or 0
      g[i] = i % 4 == 0 and 0 or 1e-9
    end
    local r = agrees("f32", w, g, rules.sgd)
    assert.equal(1200 + 200, r[6])
    assert.equal(900, r[7])
    assert.equal(500, r[8])
  end)

  it("and weights of one element do not depend on its neighbours", function()
    local w, g = drawn(40000, 3, 1), drawn(40000, 4, 1, 3)
    for name, update in pairs(rules) do
      if name ~= "lamb" then
        local all = ld.tensor(w, "f32")
        update(all, ld.tensor(g, "f32"), function() return ld.zeros { 40000 } end)
        for _, at in ipairs { 1, 500, 513, 16390, 39999 } do
          local own = ld.tensor({ w[at] }, "f32")
          update(own, ld.tensor({ g[at] }, "f32"), function() return ld.zeros { 1 } end)
          assert.equal(own:totable()[1], all:totable()[at], name)
        end
      end
    end
  end)
end)
