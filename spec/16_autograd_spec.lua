local ld = require "lossdbg"

local function leaf(values)
  local t = ld.tensor(values, "f64")
  t.requires_grad = true
  return t
end

local function fails(pattern, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  assert.matches(pattern, message)
end

describe("backward", function()
  it("applies the chain rule", function()
    local x = leaf { 1, 2, 3 };
    ((x * x + x):sum()):backward()
    assert.same({ 3, 5, 7 }, x.grad:totable()) -- 2x + 1
  end)

  it("adds up over several uses and several calls", function()
    local x = leaf { 2 };
    (x * x * x):sum():backward()
    assert.near(12, x.grad[1], 1e-12)
    x:sum():backward()
    assert.near(13, x.grad[1], 1e-12)
    x.grad = nil
    x:sum():backward()
    assert.equal(1, x.grad[1])
  end)

  it("sums over broadcast axes", function()
    local a, b = leaf { { 1, 2, 3 }, { 4, 5, 6 } }, leaf { 10, 20, 30 };
    (a * b):sum():backward()
    assert.same({ 5, 7, 9 }, b.grad:totable())
    assert.same({ { 10, 20, 30 }, { 10, 20, 30 } }, a.grad:totable())
  end)

  it("goes through views", function()
    local a = leaf { { 1, 2 }, { 3, 4 } };
    (a:transpose()[1] * ld.tensor({ 10, 100 }, "f64")):sum():backward()
    assert.same({ { 10, 0 }, { 100, 0 } }, a.grad:totable())
  end)

  it("takes a gradient for results with more elements", function()
    local x = leaf { 1, 2 };
    (x * 3):backward(ld.tensor({ 1, 10 }, "f64"))
    assert.same({ 3, 30 }, x.grad:totable())
    fails("one element", function() (x * 3):backward() end)
    fails("expected shape %[2%], got %[3%]", function() (x * 3):backward(ld.ones(3, "f64")) end)
  end)

  it("can be repeated only when the graph is retained", function()
    local x = leaf { 3 }
    local y = (x * x):sum()
    y:backward(nil, true)
    y:backward()
    assert.near(12, x.grad[1], 1e-12)
    fails("already used by an earlier backward", y.backward, y)
  end)

  it("records nothing under no_grad and restores the mode after an error", function()
    local x = leaf { 1 }
    local y = ld.no_grad(function() return x * 2 end)
    assert.is_false(y.requires_grad)
    fails("boom", ld.no_grad, function() error "boom" end)
    assert.is_true((x * 2).requires_grad)
    fails("nothing that requires a gradient", y.backward, y)
  end)

  it("refuses values that were changed after their use", function()
    local x = leaf { 2 }
    local y = (x * x):sum()
    x[1] = 5
    fails("changed in place after it was used", y.backward, y)
    assert.is_nil(x.grad)
  end)

  it("refuses to change the result of a recorded op in place", function()
    local y = leaf { 2 } * 2
    fails("clone%(%) it first", function() y[1] = 3 end)
    fails("clone%(%) it first", y.fill_, y, 3)
    y:clone()[1] = 3
  end)

  it("leaves all gradients as they were when it fails half-way", function()
    local bad = ld.op { forward = function(_, x) return x * 2 end,
      backward = function() error "broken backward" end }
    local a, b = leaf { 1 }, leaf { 1 }
    a.grad = ld.tensor({ 7 }, "f64")
    fails("broken backward", function() (a:exp():sum() + bad(b):sum()):backward() end)
    assert.equal(7, a.grad[1])
    assert.is_nil(b.grad)
    a:sum():backward()
    assert.equal(8, a.grad[1])
  end)

  it("handles long chains and wide graphs", function()
    local x = leaf { 1 }
    local y = x
    for _ = 1, 5000 do y = y + x end
    y:sum():backward()
    assert.equal(5001, x.grad[1])
  end)

  it("works inside a coroutine", function()
    local x = leaf { 4 }
    local co = coroutine.wrap(function()
      local y = (x ^ 2):sum()
      coroutine.yield()
      y:backward()
    end)
    co()
    co()
    assert.near(8, x.grad[1], 1e-12)
  end)

  it("frees what a loop of temporaries used", function()
    collectgarbage()
    local before, peak = collectgarbage "count", 0
    local x = ld.ones { 100, 100 }
    for _ = 1, 2000 do
      local _ = x * 2
      peak = math.max(peak, collectgarbage "count")
    end
    assert.is_true(peak - before < 40 * 1024) -- 2000 results are 78 MiB
  end)
end)

describe("custom op", function()
  local cube = ld.op {
    name = "cube",
    forward = function(_, x) return x * x * x end,
    backward = function(ctx, g) return g * ctx.inputs[1] ^ 2 * 3 end,
  }

  it("is differentiable like any other", function()
    local x = leaf { 1, 2 }
    cube(x * 2):sum():backward()
    assert.same({ 24, 96 }, x.grad:totable()) -- 8 x^3
    assert.is_true(ld.gradcheck(cube, ld.tensor { 1, -2, 0.5 }).passed)
  end)

  it("is caught when its gradient is wrong", function()
    local wrong = ld.op { forward = function(_, x) return x * x end,
      backward = function(_, g) return g * 2 end }
    local report = ld.gradcheck(wrong, ld.tensor { 3, 5 })
    assert.is_false(report.passed)
    assert.near(0.8, report.max_error, 1e-6) -- |2 - 10| / 10
  end)

  it("may hand the incoming gradient on, twice", function()
    local add = ld.op { forward = function(_, x, y) return x + y end,
      backward = function(_, g) return g, g end }
    local a, b = leaf { 1 }, leaf { 1 }
    add(a, b):sum():backward()
    a.grad:fill_(5)
    assert.equal(1, b.grad[1])
  end)

  it("explains a wrong result", function()
    local no_tensor = ld.op { forward = function() return 3 end, backward = function() end }
    fails("expected a tensor as result, got number", no_tensor, leaf { 1 })
    local no_gradient = ld.op { forward = function(_, x) return x * 1 end,
      backward = function() end }
    fails("one gradient per input; value 1 is nil", function()
      no_gradient(leaf { 1 }):sum():backward()
    end)
    local wrong_shape = ld.op { forward = function(_, x) return x * 1 end,
      backward = function() return ld.ones(3, "f64") end }
    fails("returned f64 %[3%] as gradient 1; the input is f64 %[1%]", function()
      wrong_shape(leaf { 1 }):sum():backward()
    end)
    fails("unknown option 'backwards'.*did you mean 'backward'",
      ld.op, { forward = print, backwards = print })
    fails("input 1: expected a tensor, got number", cube, 3)
  end)
end)

describe("gradcheck", function()
  it("skips kinks and says so", function()
    local report = ld.gradcheck(ld.ops.relu, ld.tensor { 0, 1, -1 })
    assert.is_true(report.passed)
    assert.equal(1, report.skipped)
    assert.equal(2, report.checked)
  end)

  it("refuses what cannot be differentiated", function()
    fails("no floating%-point input", ld.gradcheck, ld.ops.neg, ld.ones(2, "i32"))
    fails("expected a function or a built model", ld.gradcheck, 3)
    fails("unknown option 'epsilon'.*did you mean 'eps'", ld.gradcheck, ld.ops.exp, ld.ones(1),
      { epsilon = 1 })
  end)
end)
