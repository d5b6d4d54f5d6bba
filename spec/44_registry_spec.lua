local causes = require "lossdbg.diagnose.causes"
local explain = require "lossdbg.diagnose.explain"
local numfmt = require "lossdbg.diagnose.numfmt"
local registry = require "lossdbg.diagnose.registry"

local COST = { free = true, forward = true, backward = true, side_run = true }
local LEAST = { steps = true, epochs = true, n = true }

describe("every rule", function()
  for _, rule in ipairs(registry.rules()) do
    it("declares what it is: " .. rule.id, function()
      for _, key in ipairs { "what", "formula", "threshold", "source", "false_alarms" } do
        assert.is_string(rule.doc[key], key)
      end
      assert.is_true(COST[rule.cost])
      assert.is_table(rule.needs)
      for unit in pairs(rule.least or {}) do assert.is_true(LEAST[unit]) end
      if rule.cause then assert.is_table(causes[rule.cause]) end
      for _, name in ipairs(rule.explains) do
        assert.is_true(name == "*" or registry.get(name) ~= nil or causes[name] ~= nil, name)
        assert.not_equal(rule.id, name)
      end
      assert(io.open("spec/rules/" .. rule.id .. "_spec.lua")):close()
    end)
  end

  it("has an id of its own", function()
    local first = registry.rules()[1]
    assert.has_error(function() registry.add(first) end,
      "lossdbg: registry.add: rule '" .. first.id .. "': the id is taken")
  end)
end)

describe("explain", function()
  it("has a text for every rule and cause", function()
    for _, name in ipairs(explain.names()) do
      local text = assert(explain.text(name))
      for line in text:gmatch("[^\n]+") do assert.is_true(#line <= 80, line) end
    end
  end)

  it("lists the rules that find a cause", function()
    assert.truthy(explain.text("dying_relu"):find("found by\n    dead_relu", 1, true))
  end)

  it("suggests a name", function()
    local text, message = explain.text "dead_rellu"
    assert.is_nil(text)
    assert.equal("no rule, cause or state is called 'dead_rellu' (did you mean 'dead_relu'?)",
      message)
  end)

  it("knows only equivalents that are causes", function()
    for _, cause in pairs(causes) do
      for _, other in ipairs(cause.equivalents or {}) do assert.is_table(causes[other], other) end
    end
  end)
end)

describe("numbers in texts", function()
  it("have four significant digits", function()
    assert.equal("1680", numfmt.number(1680))
    assert.equal("1.088", numfmt.number(1.08796))
    assert.equal("1e+91", numfmt.number(1e91))
    assert.equal("0.0002", numfmt.number(2e-4))
    assert.equal("NaN", numfmt.number(0 / 0))
    assert.equal("-Inf", numfmt.number(-1 / 0))
  end)

  it("have per cents that do not round a rest away", function()
    assert.equal("100 %", numfmt.percent(1))
    assert.equal("99.7 %", numfmt.percent(0.997))
    assert.equal("0.014 %", numfmt.percent(1.4e-4))
    assert.equal("0 %", numfmt.percent(0))
  end)

  it("join names", function()
    assert.equal("a, b and c", numfmt.list { "a", "b", "c" })
    assert.equal("a, b and 3 more", numfmt.list({ "a", "b", "c", "d", "e" }, 2))
  end)
end)
