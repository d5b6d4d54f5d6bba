-- Arguments of a planned step that differ in anything are never served by one plan. The oracle is
-- the step's own function.
local check = require "spec.support.plan_check"
local ld = require "lossdbg"

local nn = ld.nn

-- Calls step and function with each argument list in turn, often enough for plans to be used.
local function same(fn, ...)
  local lists, step, planned = { ... }, ld.plan(fn), 0
  for round = 1, 6 do
    for k, list in ipairs(lists) do
      local x = check.noise({ 3, 4 }, 10 * round + k)
      local wanted = check.bits(fn(x, table.unpack(list, 1, list.n or #list)))
      local got = check.bits(step(x, table.unpack(list, 1, list.n or #list)))
      planned = planned + (step.planned and 1 or 0)
      assert.equal(wanted, got, ("round %d, list %d"):format(round, k))
    end
  end
  assert.is_true(planned >= 3 * #lists, ("only %d planned: %s"):format(planned,
    tostring(step.reason)))
end

local function scaled(x, factor) return x * factor end

describe("arguments that look alike", function()
  it("two models of the same layers", function()
    local a = nn.sequential { nn.dense(2) }:build({ 4 }, { seed = 1 })
    local b = nn.sequential { nn.dense(2) }:build({ 4 }, { seed = 2 })
    same(function(x, model) return model(x) end, { a }, { b })
    same(function(x, given) return given.model(x) end, { { model = a } }, { { model = b } })
  end)

  it("numbers a bit apart, of either kind, and strings that read like them", function()
    assert.not_equal(0.3, 0.1 + 0.2)
    local f64 = function(x, factor) return x:cast("f64") * factor end
    same(f64, { 0.3 }, { 0.1 + 0.2 })
    local by_type = function(x, v) return x * (math.type(v) == "integer" and 2 or v and 3 or 5) end
    same(by_type, { 1 }, { 1.0 }, { "1" }, { false })
    same(function(x, v) return x * (1 / v > 0 and 2 or 3) end, { 0.0 }, { -0.0 })
  end)

  it("strings that run together", function()
    local function count(x, ...) return x * select("#", ...) end
    same(count, { "p string:q" }, { "p", "q" }, { "p s1:q" }, { "p", n = 2 })
    same(function(x, t) return x * #t end, { { "a 2=b" } }, { { "a", "b" } }, { { "a s1:b" } })
  end)

  it("keys 1 and \"1\"", function()
    same(function(x, t) return x * (t[1] or 7) end, { { [1] = 2 } }, { { ["1"] = 2 } })
  end)

  it("objects with the same text", function()
    local meta = { __tostring = function() return "object" end }
    local function new(factor) return setmetatable({ factor = factor }, meta) end
    same(function(x, object) return x * object.factor end, { new(2) }, { new(3) })
    local function make(factor) return function() return factor end end
    same(function(x, f) return x * f() end, { make(2) }, { make(3) })
    same(function(x, t) return x * (next(t).factor) end, { { [new(2)] = 1 } },
      { { [new(3)] = 1 } })
  end)

  it("tables that differ in their depth", function()
    local function nested(depth, value)
      local t = { value }
      for _ = 1, depth do t = { t } end
      return t
    end
    local function innermost(x, t)
      while type(t) == "table" do t = t[1] end
      return x * t
    end
    for _, depth in ipairs { 0, 2, 3, 4, 30 } do
      same(innermost, { nested(depth, 2) }, { nested(depth, 3) }, { nested(depth + 1, 5) })
    end
  end)

  it("tables with cycles, and parts that are one or two tables", function()
    local function ring(n, value)
      local first = { value }
      local last = first
      for _ = 2, n do
        last.next = { value }
        last = last.next
      end
      last.next = first
      return first
    end
    local function length(x, t)
      local n, at = 1, t.next
      while at ~= t do n, at = n + 1, at.next end
      return x * (n + t[1])
    end
    same(length, { ring(1, 2) }, { ring(2, 2) }, { ring(3, 2) }, { ring(3, 4) })
    local shared = { 1 }
    same(function(x, a, b) return x * (rawequal(a, b) and 2 or 3) end, { shared, shared },
      { shared, { 1 } })
  end)
end)

describe("arguments that are equal", function()
  it("share a plan: other tables with the same contents", function()
    local step = ld.plan(function(x, t) return scaled(x, t.a.b.c.d[2]) end)
    for _ = 1, 5 do step(ld.ones { 2 }, { a = { b = { c = { d = { 1, 0.5 } } } }, on = true }) end
    assert.is_true(step.planned)
    assert.equal(1, #step:describe().plans)
  end)
end)
