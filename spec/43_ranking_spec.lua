local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local facts = require "lossdbg.diagnose.facts"
local finding = require "lossdbg.diagnose.finding"
local rank = require "lossdbg.diagnose.rank"
local registry = require "lossdbg.diagnose.registry"
local verdict = require "lossdbg.diagnose.verdict"

local function diagnose(case)
  local findings, checked, unjudged, skipped = registry.evaluate {
    description = case.description, signals = case.signals, options = { strict = true },
  }
  return rank.order(findings), checked, unjudged, skipped
end

local function sorted(names)
  local list = {}
  for name in pairs(names) do list[#list + 1] = name end
  table.sort(list)
  return list
end

local function names_of(findings)
  local list = {}
  for i, f in ipairs(findings) do list[i] = f.severity .. " " .. f.rule end
  return list
end

local function made(fields)
  return { rule = fields[1], family = fields.family or "activation", severity = fields[2],
    confidence = fields[3], title = "t", role = fields.role or "cause",
    explains = fields.explains or {}, evidence = {}, fixes = {}, cause = fields.cause }
end

describe("healthy cases", function()
  for _, name in ipairs(sorted(cases.healthy())) do
    it("raise no error: " .. name, function()
      local case = cases.healthy()[name]
      local findings = diagnose(case)
      for _, f in ipairs(findings) do
        assert.is_true(facts.LADDER[f.severity] <= 1, f.rule .. ": " .. f.title)
      end
      assert.is_true(verdict.build(findings, case).healthy)
    end)
  end

  it("raise no error when the weights are in other units", function()
    for name, case in pairs(cases.healthy()) do
      for _, k in ipairs { 1e-4, 1e3 } do
        for _, f in ipairs(diagnose(cases.scaled_weights(case, k))) do
          assert.is_true(facts.LADDER[f.severity] <= 2, name .. ": " .. f.rule)
        end
      end
    end
  end)
end)

describe("faulty cases", function()
  for _, name in ipairs(sorted(faulty.first)) do
    it("name the cause first: " .. name, function()
      local findings = diagnose(faulty[name]())
      local first = assert(findings[1])
      local wanted = "|" .. faulty.first[name] .. "|"
      assert.truthy(wanted:find("|" .. tostring(first.cause) .. "|", 1, true),
        first.rule .. ": " .. first.title)
      assert.equal("cause", first.role)
    end)
  end

  it("chain unscaled inputs, dead units and the constant loss", function()
    local findings = diagnose(cases.wine_raw())
    local at = {}
    for i, f in ipairs(findings) do at[f.rule] = i end
    assert.equal(1, at.input_not_normalized)
    assert.equal(2, at.dead_relu)
    assert.equal("consequence", findings[2].role)
    assert.is_true(at.loss_at_baseline > at.dead_relu)
    assert.equal("symptom", findings[at.loss_at_baseline].role)
    assert.same({ insert = { at = 1, layer = { kind = "normalization", adapt = true } } },
      findings[1].fixes[1].patch)
    assert.same({ layer = "dense_2", source = "train.lua:6" }, findings[1].where)
  end)

  it("do not call a slow run dead, nor a diverging one", function()
    for _, case in ipairs { faulty.sonar_slow(), faulty.shuttle_raw() } do
      for _, f in ipairs(diagnose(case)) do
        if f.rule == "dead_relu" then assert.equal("info", f.severity) end
      end
    end
    assert.equal("diverging", facts.of(faulty.shuttle_raw()).state)
    assert.equal("too_slow", facts.of(faulty.sonar_slow()).state)
  end)

  it("never put a symptom first when a cause was found", function()
    for name in pairs(faulty.first) do
      local findings = diagnose(faulty[name]())
      assert.not_equal("symptom", findings[1].role, name)
    end
  end)
end)

describe("ranking", function()
  it("takes a cause before what it explains, whatever their confidence", function()
    local a = made { "a", "err", 0.6, explains = { "b" } }
    local b = made { "b", "crit", 0.99, explains = { "c" } }
    local c = made { "c", "crit", 0.99, role = "symptom" }
    assert.same({ "err a", "crit b", "crit c" }, names_of(rank.order { c, b, a }))
    assert.same({ "a" }, b.explained_by)
    -- noisy-or: 1 - (1 - 0.6)(1 - 0.25 * 0.99)^2
    assert.is_true(math.abs(a.score - (1 - 0.4 * (1 - 0.2475) ^ 2)) < 1e-12)
    assert.is_true(math.abs(b.score - 0.99 * (1 - 0.5 * a.score)) < 1e-12)
  end)

  it("does not let a doubtful finding explain a sure one", function()
    local a = made { "a", "err", 0.3, explains = { "b" } }
    local b = made { "b", "err", 0.9 }
    assert.same({ "err b", "err a" }, names_of(rank.order { a, b }))
  end)

  it("raises a warning to the severity of the consequence it explains", function()
    local a = made { "a", "warn", 0.9, explains = { "b" } }
    local b = made { "b", "crit", 0.9 }
    assert.same({ "err a", "crit b" }, names_of(rank.order { b, a }))
  end)

  it("lets no remark explain an error", function()
    local a = made { "a", "info", 0.9, explains = { "b" } }
    local b = made { "b", "err", 0.9 }
    assert.same({ "err b", "info a" }, names_of(rank.order { b, a }))
    assert.equal("cause", b.role)
    local lone = made { "a", "info", 0.9, explains = { "b" } }
    local symptom = made { "b", "crit", 0.9, role = "symptom" }
    assert.same({ "crit b", "info a" }, names_of(rank.order { lone, symptom }))
  end)

  it("breaks a cycle in favour of the surer finding", function()
    local a = made { "a", "err", 0.8, explains = { "b" } }
    local b = made { "b", "err", 0.9, explains = { "a" } }
    assert.same({ "err b", "err a" }, names_of(rank.order { a, b }))
  end)

  it("lets '*' explain what was measured, not the configuration", function()
    local a = made { "a", "crit", 0.99, explains = { "*" }, family = "data" }
    local b = made { "b", "crit", 0.9 }
    local c = made { "c", "crit", 0.9, family = "configuration" }
    rank.order { a, b, c }
    assert.equal("consequence", b.role)
    assert.equal("cause", c.role)
  end)

  it("gives the same order twice", function()
    for name in pairs(faulty.first) do
      assert.same(names_of(diagnose(faulty[name]())), names_of(diagnose(faulty[name]())))
    end
  end)
end)

describe("severity", function()
  it("is that of the rule when the run failed, a remark when it learns", function()
    local failed, learns = facts.of(cases.wine_raw()), facts.of(cases.wine())
    local short = facts.of(cases.short())
    assert.equal("err", failed:grade("err"))
    assert.equal("info", learns:grade("err"))
    assert.equal("warn", learns:grade("crit", "warn"))
    assert.equal("warn", short:grade("crit"))
  end)
end)

describe("a fit whose mean loss few rows carry away", function()
  it("counts as learnt", function()
    local case = cases.with(cases.wine(), { signals = {
      skill = { value = -1.4, verdict = "at_baseline", loss = 2.67 },
      final = { loss = 2.67, level = 2.67 }, accuracy = 0.97,
    } })
    local f = facts.of(case)
    assert.equal("healthy", f.state)
    assert.is_true(f.outliers)
    assert.equal("learning: training loss 1 to 0.02722; few rows carry the mean over the probe to"
      .. " 2.67", verdict.build(diagnose(case), case).text)
  end)
end)

describe("verdict", function()
  local function text(case) return verdict.build(diagnose(case), case).text end

  it("names level, cause and consequence of a run that does not learn", function()
    assert.equal("not learning: loss constant at 1.088 = entropy of the class frequencies, because"
      .. " features are not scaled: proline reaches 1680, RMS of all inputs 226.5 (so that 100 %"
      .. " of the rectified units in dense_2 are dead after training)", text(cases.wine_raw()))
  end)

  it("says what a healthy run reached", function()
    assert.equal("learning: loss 1 to 0.0248, 98 % of the baseline removed", text(cases.wine()))
  end)

  it("says how many steps are missing", function()
    assert.equal("too short to judge: 5 steps, about 116 more would do", text(cases.short()))
  end)

  it("owns up when no cause was found", function()
    local case = cases.with(faulty.zero_lr(), { description = { optimizer = { lr = 0.1 } },
      signals = { layers = cases.NONE } })
    assert.truthy(text(case):find("no cause was found", 1, true))
  end)

  it("handles an empty case", function()
    assert.equal("not judged: nothing was trained",
      verdict.build({}, { description = {}, signals = {} }).text)
  end)
end)

describe("robustness", function()
  it("judges nothing and raises nothing without signals", function()
    local findings, _, unjudged = diagnose { description = {}, signals = {} }
    assert.equal(0, #findings)
    assert.is_true(#unjudged > 60)
  end)

  it("raises nothing when any single signal is missing", function()
    local bases = { cases.wine(), cases.wine_raw(), faulty.diabetes_raw_y(), faulty.permuted() }
    for _, base in ipairs(bases) do
      for key, value in pairs(base.signals) do
        assert.is_table(diagnose(cases.with(base, { signals = { [key] = cases.NONE } })))
        if type(value) == "table" and #value == 0 then
          for inner in pairs(value) do
            local change = { signals = { [key] = { [inner] = cases.NONE } } }
            assert.is_table(diagnose(cases.with(base, change)))
          end
        end
      end
      for key in pairs(base.description) do
        assert.is_table(diagnose(cases.with(base, { description = { [key] = cases.NONE } })))
      end
    end
  end)

  it("reports a rule that fails as not judged", function()
    local rule = registry.get "dead_relu"
    local check = rule.check
    rule.check = function() error "boom" end
    local _, _, unjudged = registry.evaluate { description = cases.wine().description,
      signals = cases.wine().signals, options = { only = { dead_relu = true } } }
    rule.check = check
    assert.equal("dead_relu", unjudged[1].rule)
    assert.truthy(unjudged[1].why:find("boom", 1, true))
  end)

  it("refuses a finding of the wrong shape", function()
    assert.is_nil((finding.validate { rule = "a" }))
    local _, why = finding.validate { rule = "a", family = "data", severity = "err", title = "t",
      confidence = 2 }
    assert.equal("confidence must be in 0..1, got 2", why)
    _, why = finding.validate { rule = "a", family = "data", severity = "err", title = "t",
      confidence = 1, cause = "bad_luck" }
    assert.equal("cause 'bad_luck' is not known", why)
  end)
end)
