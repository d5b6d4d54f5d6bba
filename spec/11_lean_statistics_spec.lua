-- The statistics of every training step against plain loops in f64.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local series = require "series"
local core = require "lossdbg.core"
local diagnose = core.diagnose

local nan, huge = 0 / 0, math.huge

local function finite(v) return v == v and math.abs(v) < huge end

-- What the loop over the elements finds, with the sum of magnitudes.
local function plainly(list)
  local s = { count = #list, zeros = 0, nonfinite = 0, sum = 0, sum_sq = 0, size = 0 }
  for _, v in ipairs(list) do
    if finite(v) then
      s.sum, s.sum_sq, s.size = s.sum + v, s.sum_sq + v * v, s.size + math.abs(v)
      s.min, s.max = math.min(s.min or v, v), math.max(s.max or v, v)
      if v == 0 then s.zeros = s.zeros + 1 end
    else
      s.nonfinite = s.nonfinite + 1
    end
  end
  return s
end

local function agrees(t)
  local want, got = plainly(t:totable()), diagnose.lean_stats(t)
  assert.same({ want.count, want.zeros, want.nonfinite },
    { got.count, got.zeros, got.nonfinite })
  assert.near(want.sum, got.sum, 4e-6 * want.size)
  assert.near(want.sum_sq, got.sum_sq, 4e-6 * want.sum_sq)
  if want.min then
    assert.same({ want.min, want.max }, { got.min, got.max })
  else
    assert.is_true(got.min ~= got.min and got.max ~= got.max)
  end
end

local function drawn(n, scale, change)
  local draw, list = series.uniform(n), {}
  for i = 1, n do list[i] = i % 7 == 0 and 0 or scale * (draw() * 8 - 3) end
  return ld.tensor(change and change(list) or list, "f32")
end

describe("lean statistics", function()
  it("are those of the plain loop at every size", function()
    for _, n in ipairs { 1, 2, 31, 32, 33, 64, 1000, 1023, 1024, 1025, 3000, 16385, 40000 } do
      agrees(drawn(n, 1))
    end
  end)

  it("of nothing are 0 and NaN", function()
    local s = diagnose.lean_stats(ld.zeros { 0 })
    assert.same({ 0, 0, 0, 0, 0 }, { s.count, s.zeros, s.nonfinite, s.sum, s.sum_sq })
    assert.is_true(s.min ~= s.min and s.max ~= s.max)
  end)

  it("count what is not finite and leave it out, wherever it stands", function()
    for _, at in ipairs { 1, 32, 40, 1024, 1500, 2047, 2100 } do
      for _, bad in ipairs { nan, huge, -huge } do
        agrees(drawn(2100, 1, function(list)
          list[at] = bad
          return list
        end))
      end
    end
    agrees(ld.full({ 50 }, nan))
    agrees(ld.full({ 2000 }, -huge))
  end)

  it("lose neither what squares to nothing nor what squares to infinity", function()
    for _, scale in ipairs { 1e-44, 1e-30, 1e-20, 1e-12, 1e12, 1e20, 1e37 } do
      agrees(drawn(2500, scale))
    end
    agrees(ld.zeros { 1500 })
    agrees(ld.full({ 1500 }, -0.0))
  end)

  it("take one element far from the others into account", function()
    agrees(drawn(5000, 1e-3, function(list)
      list[4000] = -1e30
      return list
    end))
  end)

  it("are the same bits on any number of threads", function()
    local before = ld.threads()
    local t = drawn(2000000, 1)
    local seen
    for n = 1, 3 do
      assert.equal(n, core.threads(n, 0))
      local s = diagnose.lean_stats(t)
      local text = ("%a %a %d"):format(s.sum, s.sum_sq, s.zeros)
      seen = seen or text
      assert.equal(seen, text)
    end
    ld.threads(before)
  end)

  it("take f32 alone", function()
    local ok, message = pcall(diagnose.lean_stats, ld.zeros({ 4 }, "f64"))
    assert.is_false(ok)
    assert.is_truthy(tostring(message):find("f32", 1, true), message)
  end)
end)
