-- Reductions: every set of axes against naive loops in Lua, NumPy's numbers, and the edges: NaN in
-- every lane, infinities, nothing at all.
local ld = require "lossdbg"
local op = ld.ops

local nan, inf = 0 / 0, math.huge

local function fails(pattern, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  assert.matches(pattern, message)
end

local function close(expected, got, tolerance)
  if expected ~= expected then
    assert.is_true(got ~= got, "expected NaN, got " .. tostring(got))
  elseif expected == inf or expected == -inf then
    assert.equal(expected, got)
  else
    local limit = (tolerance or 1e-13) * math.max(1, math.abs(expected))
    assert(math.abs(got - expected) <= limit, ("expected %.17g, got %.17g"):format(expected, got))
  end
end

-- list of numbers -> number, in the plainest way
local formula = {}
function formula.sum(v)
  local s = 0
  for _, x in ipairs(v) do s = s + x end
  return s
end
function formula.mean(v) return formula.sum(v) / #v end
function formula.prod(v)
  local s = 1
  for _, x in ipairs(v) do s = s * x end
  return s
end
function formula.max(v) return math.max(table.unpack(v)) end
function formula.min(v) return math.min(table.unpack(v)) end
function formula.var(v)
  local m, s = formula.mean(v), 0
  for _, x in ipairs(v) do s = s + (x - m) ^ 2 end
  return s / #v
end
function formula.norm(v)
  local s = 0
  for _, x in ipairs(v) do s = s + x * x end
  return math.sqrt(s)
end
function formula.logsumexp(v)
  local s = 0
  for _, x in ipairs(v) do s = s + math.exp(x) end
  return math.log(s)
end

-- groups[key of the axes that stay] = list of elements, in row-major order; keys in order of sight
local function grouped(t, mask)
  local groups, keys = {}, {}
  for i = 1, t.shape[1] do
    for j = 1, t.shape[2] do
      for k = 1, t.shape[3] do
        local key = table.concat({ mask & 1 == 0 and i or 0, mask & 2 == 0 and j or 0,
          mask & 4 == 0 and k or 0 }, ",")
        if not groups[key] then
          groups[key] = {}
          keys[#keys + 1] = key
        end
        table.insert(groups[key], t:get(i, j, k))
      end
    end
  end
  return groups, keys
end

local layouts = {
  contiguous = function() return ld.randn({ 3, 10, 5 }, "f64") end,
  transposed = function() return ld.randn({ 5, 3, 10 }, "f64"):transpose { 2, 3, 1 } end,
  ["every second"] = function() return ld.randn({ 3, 20, 5 }, "f64"):slice(2, 2, -1, 2) end,
  repeated = function() return ld.randn({ 3, 1, 5 }, "f64"):expand { 3, 10, 5 } end,
}

describe("a reduction", function()
  for layout, make in pairs(layouts) do
    it("over any axes equals plain loops: " .. layout, function()
      ld.seed(11)
      local t = make()
      for mask = 1, 7 do
        local axes = {}
        for axis = 1, 3 do
          if mask >> (axis - 1) & 1 == 1 then axes[#axes + 1] = axis end
        end
        local groups, keys = grouped(t, mask)
        for name, fn in pairs(formula) do
          local got = op[name](t, { axes = axes })
          local kept = op[name](t, { axes = axes, keepdims = true })
          assert.equal(3 - #axes, got.rank)
          assert.equal(3, kept.rank)
          got, kept = got:reshape { -1 }, kept:reshape { -1 }
          assert.equal(#keys, got.numel)
          for i, key in ipairs(keys) do
            close(fn(groups[key]), got[i])
            assert.equal(got[i], kept[i])
          end
        end
      end
    end)
  end

  it("takes all axes by default, and none of a scalar", function()
    local t = ld.tensor({ { 1, 2 }, { 3, 4 } }, "f64")
    assert.same({}, t:sum().shape)
    assert.equal(10, t:sum():item())
    assert.same({ 1, 1 }, t:sum(nil, true).shape)
    for name in pairs(formula) do
      close(formula[name] { 2.5 }, op[name](ld.tensor(2.5, "f64")):item())
    end
  end)

  it("agrees with NumPy", function()
    local x = ld.tensor({ { 3, 1, -2, 0.5 }, { -1, 4, 0, 2.5 } }, "f64")
    local expected = { -- x.var(0), x.var(1, ddof=1), np.linalg.norm(x, axis=1), log(exp(x).sum(0))
      { op.var(x, 1), { 4, 2.25, 1, 1 } },
      { op.var(x, { axes = 2, ddof = 1 }), { 4.229166666666667, 5.229166666666667 } },
      { op.norm(x, 2), { 3.774917217635375, 4.8218253804964775 } },
      { op.logsumexp(x, 1), { 3.01814992791781, 4.048587351573742, 0.1269280110429726,
        2.6269280110429722 } },
    }
    for _, pair in ipairs(expected) do
      for i, value in ipairs(pair[2]) do close(value, pair[1][i], 1e-15) end
    end
  end)

  it("adds f32 in f64", function()
    assert.equal(1, ld.tensor({ 1e8, 1, -1e8 }):sum():item())
    assert.equal(100000, ld.full({ 1000, 1000 }, 0.1):sum():item()) -- 1e6 f32(0.1) = 100000.0015
    local x = ld.full({ 4096 }, 3000)
    x[1], x[2] = 2999, 3001
    close(2 / 4096, x:var():item(), 1e-7)
  end)

  it("gives bits that depend on values and shape alone", function()
    ld.seed(12)
    local x = ld.randn { 103, 70 }
    local y = x:transpose():contiguous()
    for _, name in ipairs { "sum", "mean", "var", "norm", "logsumexp" } do
      local tall, wide = op[name](x, 1), op[name](y, 2)
      local view = op[name](y:transpose(), 1)
      for i = 1, 70 do
        assert.equal(tall[i], wide[i])
        assert.equal(tall[i], view[i])
        assert.equal(tall[i], op[name](x:slice(2, i, i)):item())
      end
    end
  end)

  it("shows a NaN wherever it hides", function()
    for n = 1, 20 do
      for at = 1, n do
        local row = ld.arange(n, nil, nil, "f64")
        row[at] = nan
        local column = ld.arange(2 * n, nil, nil, "f64"):reshape { n, 2 }
        column:set(nan, at, 2)
        for name in pairs(formula) do
          close(nan, op[name](row):item())
          local both = op[name](column, 1)
          close(nan, both[2])
          assert.is_true(both[1] == both[1])
        end
        assert.equal(at, op.argmax(row):item())
        assert.equal(at, op.argmin(row):item())
      end
    end
    assert.equal(2, op.argmax(ld.tensor { 1, nan, 9, nan }):item())
  end)

  it("handles infinities", function()
    local lse = op.logsumexp
    close(-inf, lse(ld.tensor { -inf, -inf }):item())
    close(inf, lse(ld.tensor { 0, inf }):item())
    close(nan, lse(ld.tensor { nan, inf }):item())
    close(0, lse(ld.tensor { 0, -inf }):item())
    close(1e4 + math.log(2), lse(ld.tensor({ 1e4, 1e4 }, "f64")):item())
    close(-1e4 + math.log(2), lse(ld.tensor({ -1e4, -1e4, -2e4 }, "f64")):item())
    close(nan, ld.tensor({ inf, -inf }):sum():item())
    close(-inf, ld.tensor({ -inf, -inf }):max():item())
    close(inf, ld.tensor({ inf, inf }):min():item())
  end)

  it("of nothing is its neutral element, or an error", function()
    local x = ld.zeros { 0, 3 }
    local expected = { sum = 0, mean = nan, prod = 1, var = nan, norm = 0, logsumexp = -inf }
    for name, value in pairs(expected) do
      local got = op[name](x, 1)
      assert.same({ 3 }, got.shape)
      for i = 1, 3 do close(value, got[i]) end
      close(value, op[name](x):item())
      assert.same({ 0 }, op[name](x, 2).shape)
    end
    for _, name in ipairs { "max", "min" } do
      fails("lossdbg: " .. name .. ": nothing to choose from: %[0 x 3%]", op[name], x, 1)
      assert.same({ 0 }, op[name](x, 2).shape)
    end
    fails("argmax: nothing to choose from", op.argmax, x, 1)
    assert.same({ 0 }, op.argmax(x, 2).shape)
  end)

  it("keeps i32 where it can", function()
    local x = ld.tensor({ { 5, -7 }, { 2147483647, 0 } }, "i32")
    assert.same({ 2147483647, 0 }, x:max(1):totable())
    assert.same({ 5, -7 }, x:min(1):totable())
    assert.equal("i32", x:max().dtype)
    assert.same({ 2, 2 }, x:argmax(1):totable())
    assert.equal("f32", x:sum().dtype)
    assert.equal(2.5, ld.tensor({ 2, 3 }, "i32"):mean():item())
  end)
end)

describe("argmax and argmin", function()
  it("count from 1 and take the first of equals", function()
    local x = ld.tensor { { 1, 9, 9 }, { 4, 4, 2 } }
    assert.same({ 2, 1 }, x:argmax():totable()) -- the last axis
    assert.same({ 1, 3 }, x:argmin(2):totable())
    assert.same({ 2, 1, 1 }, x:argmax(1):totable())
    assert.same({ { 2 }, { 1 } }, op.argmax(x, { axis = -1, keepdims = true }):totable())
    assert.equal("i32", x:argmax().dtype)
    assert.same({ 2, 1, 1 }, x:transpose():argmax(2):totable())
  end)

  it("have no gradient", function()
    local x = ld.tensor { 1, 2 }
    x.requires_grad = true
    assert.is_false(x:argmax().requires_grad)
  end)
end)

describe("the gradient of a reduction", function()
  local function gradient(name, values, attrs)
    local x = ld.tensor(values, "f64")
    x.requires_grad = true
    op[name](x, attrs):sum():backward()
    return x.grad:totable()
  end

  it("is shared evenly by ties", function()
    assert.same({ 0, 0.5, 0.5 }, gradient("max", { 1, 3, 3 }))
    assert.same({ 0.25, 0.25, 0.25, 0.25 }, gradient("min", { 2, 2, 2, 2 }))
    assert.same({ { 1, 0.5 }, { 0, 0.5 } }, gradient("max", { { 2, 3 }, { 1, 3 } }, { axes = 1 }))
  end)

  it("of a product is right beside zeros", function()
    assert.same({ 6, 0, 0 }, gradient("prod", { 0, 2, 3 }))
    assert.same({ 0, 0, 0 }, gradient("prod", { 0, 0, 3 }))
    assert.same({ 10, 6, 15 }, gradient("prod", { 3, 5, 2 }))
  end)

  it("of a norm at 0 is 0", function()
    assert.same({ 0, 0 }, gradient("norm", { 0, 0 }))
    assert.same({ 0.6, -0.8 }, gradient("norm", { 3, -4 }))
  end)
end)

describe("a reduction refuses", function()
  local x = ld.zeros { 2, 3 }
  it("axes that are not there", function()
    fails("axis from 1 to 2", op.sum, x, 3)
    fails("axis from 1 to 2", op.sum, x, 0)
    fails("named twice", op.sum, x, { 1, -2 })
    fails("expected", op.argmax, ld.tensor(1))
  end)
  it("senseless attributes", function()
    fails("var: ddof must not be negative, got %-1", op.var, x, { ddof = -1 })
    fails("unknown option 'keepdim'", op.sum, x, { keepdim = true })
  end)
end)
