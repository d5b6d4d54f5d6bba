local causal = require "lossdbg.diagnose.causal"
local causes = require "lossdbg.diagnose.causes"
local explain = require "lossdbg.diagnose.explain"
local numfmt = require "lossdbg.diagnose.numfmt"
local registry = require "lossdbg.diagnose.registry"

local COST = { free = true, forward = true, backward = true, side_run = true }
local LEAST = { steps = true, epochs = true, n = true }

describe("every rule", function()
  for _, rule in ipairs(registry.rules()) do
    it("declares what it is: " .. rule.id, function()
      for _, key in ipairs { "what", "formula", "source", "false_alarms" } do
        assert.is_string(rule.doc[key], key)
      end
      assert.is_true(COST[rule.cost])
      assert.is_table(rule.needs)
      for unit in pairs(rule.least or {}) do assert.is_true(LEAST[unit]) end
      if rule.cause then assert.is_table(causes[rule.cause]) end
      assert.is_true(causal.has(rule.id) or rule.cause ~= nil or rule.role == "symptom")
      assert(io.open("spec/rules/" .. rule.id .. "_spec.lua")):close()
    end)
  end

  it("says no number in words that is not a limit of its own", function()
    for _, rule in ipairs(registry.rules()) do
      assert.is_nil(rule.doc.threshold, rule.id)
    end
  end)
end)

describe("a rule of one's own", function()
  local function refused(change)
    local rule = { id = "mine", family = "data", class = "measured", needs = { "data.x" },
      doc = { what = "w" }, check = function() end }
    for key, value in pairs(change) do rule[key] = value end
    local ok, message = pcall(registry.add, rule)
    assert.is_false(ok)
    return message
  end

  it("is refused where it reads what nobody measures", function()
    assert.truthy(refused { needs = { "data.x.kapa" } }:find("lossdbg: registry.add: rule 'mine': "
      .. "needs unknown signal 'data.x.kapa' (did you mean 'data.x.kappa'?)", 1, true))
    assert.truthy(refused { needs = { "skill|tests.sign" } }:find("unknown signal 'tests.sign'", 1,
      true))
    assert.truthy(refused { needs = { "description.optimiser" } }:find(
      "did you mean 'description.optimizer'?", 1, true))
  end)

  it("is refused with the id of another, an unknown class, a limit without a reason", function()
    assert.truthy(refused { id = "dying_relu" }:find("the id is taken", 1, true))
    assert.truthy(refused { class = "sure" }:find("unknown class of evidence sure", 1, true))
    assert.truthy(refused { limits = { most = { 3 } } }:find("limit 'most' must be", 1, true))
  end)

  it("is told of at the line that adds it", function()
    assert.truthy(refused { class = "sure" }:find("^spec/44_registry_spec.lua") ~= nil
      or refused { class = "sure" }:find("lossdbg: registry.add", 1, true))
  end)
end)

describe("the causal graph", function()
  it("refuses a cycle and names it", function()
    local place, cycle = causal.order { a = { "b" }, b = { "c" }, c = { "a" } }
    assert.is_nil(place)
    assert.equal("a > b > c > a", cycle)
    place = causal.order { a = { "b", "c" }, b = { "c" } }
    assert.is_true(place.a < place.b and place.b < place.c)
  end)

  it("has no node but causes, rules and mechanisms", function()
    for node, effects in pairs(causal.EDGES) do
      for _, name in ipairs { node, table.unpack(effects) } do
        assert.is_true(name:find "^%u" ~= nil or causes[name] ~= nil or registry.get(name) ~= nil,
          name)
        if name:find "^%u" then assert.is_table(causal.EDGES[name], name) end
      end
    end
  end)

  it("leads from the input's scale over dead units to the constant loss", function()
    local effects = causal.effects "unnormalised_inputs"
    for _, name in ipairs { "dying_relu", "lr_too_high", "loss_at_baseline", "loss_constant" } do
      assert.is_true(effects[name], name)
    end
    assert.is_nil(causal.effects("dying_relu").unnormalised_inputs)
    assert.is_true(causal.effects("dying_relu").zero_gradient_layer)
    assert.is_nil(effects.Still)
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
    assert.truthy(explain.text("dying_relu"):find("found by\n    dying_relu", 1, true))
  end)

  it("lists all rules, causes and states without a name", function()
    local text = explain.text()
    for _, name in ipairs(explain.names()) do assert.truthy(text:find(name, 1, true), name) end
    for line in text:gmatch "[^\n]+" do assert.is_true(#line <= 80, line) end
  end)

  it("tells the limits that the code has", function()
    local rule = registry.get "unnormalised_inputs"
    local text = explain.text "unnormalised_inputs"
    for name, limit in pairs(rule.limits) do
      assert.equal(limit[1], rule.limit[name])
      assert.truthy(text:find(name .. " = " .. numfmt.number(limit[1]) .. ":", 1, true), name)
    end
  end)

  it("suggests a name", function()
    local text, message = explain.text "dying_rellu"
    assert.is_nil(text)
    assert.equal("no rule, cause or state is called 'dying_rellu' (did you mean 'dying_relu'?)",
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
    assert.equal(require("lossdbg.support.number").format, numfmt.number) -- there is one formatter
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
