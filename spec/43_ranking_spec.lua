local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local facts = require "lossdbg.diagnose.facts"
local finding = require "lossdbg.diagnose.finding"
local rank = require "lossdbg.diagnose.rank"
local registry = require "lossdbg.diagnose.registry"
local severity = require "lossdbg.diagnose.severity"
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
  return { rule = fields[1], family = "activation", severity = fields[2], class = fields[3],
    title = "t", role = fields.role or "cause", strength = fields.strength or 1, explains = {},
    evidence = {}, fixes = {}, cause = fields.cause }
end

describe("healthy cases", function()
  for _, name in ipairs(sorted(cases.healthy())) do
    it("raise no error: " .. name, function()
      local case = cases.healthy()[name]
      local findings = diagnose(case)
      for _, f in ipairs(findings) do
        assert.is_true(severity.LADDER[f.severity] <= 1, f.rule .. ": " .. f.title)
      end
      assert.is_true(verdict.build(findings, case).healthy)
    end)
  end

  it("raise no error when the weights are in other units", function()
    for name, case in pairs(cases.healthy()) do
      for _, k in ipairs { 1e-4, 1e3 } do
        for _, f in ipairs(diagnose(cases.scaled_weights(case, k))) do
          assert.is_true(severity.LADDER[f.severity] <= 2, name .. ": " .. f.rule)
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
    assert.equal(1, at.unnormalised_inputs)
    assert.equal("unnormalised_inputs", findings[at.dying_relu - 1].cause)
    assert.equal("consequence", findings[at.dying_relu].role)
    assert.is_true(at.loss_at_baseline > at.dying_relu)
    assert.equal("symptom", findings[at.loss_at_baseline].role)
    assert.same({ insert = { at = 1, layer = { kind = "normalization", adapt = true } } },
      findings[1].fixes[1].patch)
    assert.same({ layer = "dense_2", source = "train.lua:6" }, findings[1].where)
  end)

  it("do not call a slow run dead, nor a diverging one", function()
    for _, case in ipairs { faulty.sonar_slow(), faulty.shuttle_raw() } do
      for _, f in ipairs(diagnose(case)) do
        assert.not_equal("dying_relu", f.rule)
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
  -- In the graph unnormalised_inputs brings about dying_relu, and both loss_at_baseline.
  local function scale(sev, class, strength)
    return made { "unnormalised_inputs", sev, class, cause = "unnormalised_inputs",
      strength = strength }
  end
  local function dead(sev, class) return made { "dying_relu", sev, class, cause = "dying_relu" } end
  local function stuck()
    return made { "loss_at_baseline", "error", "measured", role = "symptom" }
  end

  it("takes a cause before what it brings about, whatever their evidence", function()
    local a, b, c = scale("error", "measured"), dead("error", "exact"), stuck()
    assert.same({ "error unnormalised_inputs", "error dying_relu", "error loss_at_baseline" },
      names_of(rank.order { c, b, a }))
    assert.same({ "unnormalised_inputs" }, b.explained_by)
    assert.equal("consequence", b.role)
  end)

  it("does not let a suggestion explain a measurement", function()
    local a, b = scale("warning", "suggestive"), dead("error", "exact")
    assert.same({ "error dying_relu", "warning unnormalised_inputs" },
      names_of(rank.order { a, b }))
    assert.equal("cause", b.role)
  end)

  it("takes a warned cause before the error that it may bring about", function()
    local a, b = scale("warning", "measured"), dead("error", "exact")
    assert.same({ "warning unnormalised_inputs", "error dying_relu" },
      names_of(rank.order { b, a }))
  end)

  it("lets no remark explain an error", function()
    local a, b = scale("info", "measured"), dead("error", "exact")
    assert.same({ "error dying_relu", "info unnormalised_inputs" }, names_of(rank.order { b, a }))
    assert.equal("cause", b.role)
    assert.same({ "error loss_at_baseline", "info unnormalised_inputs" },
      names_of(rank.order { scale("info", "measured"), stuck() }))
  end)

  it("lets two rules of one cause support each other", function()
    local a = scale("error", "measured", 2)
    local b = made { "feature_scale_disparity", "error", "measured",
      cause = "unnormalised_inputs", strength = 40 }
    assert.same({ "error feature_scale_disparity", "error unnormalised_inputs" },
      names_of(rank.order { a, b }))
    assert.equal("cause", a.role)
    assert.equal("cause", b.role)
  end)

  it("takes exact evidence first, then what explains more", function()
    local a = made { "over_regularisation", "error", "measured", cause = "over_regularisation" }
    local b = made { "double_softmax", "error", "exact", cause = "double_softmax" }
    local c = made { "class_imbalance", "error", "measured", cause = "class_imbalance" }
    assert.same({ "error double_softmax", "error over_regularisation", "error loss_at_baseline" },
      names_of(rank.order { a, b, stuck() }))
    assert.same({ "error over_regularisation", "error class_imbalance",
      "error loss_at_baseline" }, names_of(rank.order { stuck(), c, a }))
  end)

  it("lets no symptom explain anything", function()
    local a = made { "nonfinite_loss", "error", "exact", role = "symptom" }
    local b = made { "loss_diverging", "error", "measured", role = "symptom" }
    rank.order { a, b }
    assert.same({}, b.explained_by)
  end)

  it("takes what explains more first", function()
    local a = made { "class_imbalance", "error", "measured", cause = "class_imbalance" }
    local b = made { "missing_nonlinearity", "error", "measured", cause = "missing_nonlinearity" }
    local c = made { "single_class_prediction", "error", "measured", role = "symptom" }
    assert.equal("missing_nonlinearity", rank.order({ a, b, c, stuck() })[1].rule)
    assert.equal("cause", a.role)
  end)

  it("takes few rows on another scale before the spread that they give to all", function()
    local causal = require "lossdbg.diagnose.causal"
    local rows = { rule = "rows_on_another_scale", cause = "unnormalised_inputs" }
    local shift = { rule = "train_val_shift", cause = "inconsistent_test_preprocessing" }
    assert.is_true(causal.explains(rows, shift))
    assert.is_false(causal.explains(shift, rows))
  end)

  it("puts a finding at its rule where the graph has one", function()
    local a = made { "lr_zero_or_schedule_collapsed", "error", "exact", cause = "lr_too_low" }
    local b = dead("error", "exact")
    rank.order { b, a }
    assert.same({ a.rule }, b.explained_by)
  end)

  it("gives the same order twice", function()
    for name in pairs(faulty.first) do
      assert.same(names_of(diagnose(faulty[name]())), names_of(diagnose(faulty[name]())))
    end
  end)
end)

describe("a fit whose mean loss few rows carry away", function()
  it("counts as learnt", function()
    local case = cases.with(cases.wine(), { signals = {
      skill = { value = -1.4, verdict = "at_baseline", loss = 2.67 },
      final = { loss = 2.67 }, accuracy = 0.97,
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
    assert.equal("learning: loss 1 to 0.0248, 97.7 % of the baseline removed", text(cases.wine()))
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
    local rule = registry.get "dying_relu"
    local check = rule.check
    rule.check = function() error "boom" end
    local _, _, unjudged = registry.evaluate { description = cases.wine().description,
      signals = cases.wine().signals, options = { only = { dying_relu = true } } }
    rule.check = check
    assert.equal("dying_relu", unjudged[1].rule)
    assert.truthy(unjudged[1].why:find("boom", 1, true))
  end)

  it("refuses a finding of the wrong shape", function()
    assert.is_nil((finding.validate { rule = "a" }))
    local function why(change)
      local f = { rule = "a", family = "data", class = "exact", title = "t" }
      for key, value in pairs(change) do f[key] = value end
      return select(2, finding.validate(f))
    end
    assert.equal("class 'sure' is not known", why { class = "sure" })
    assert.equal("severity 'err' is not known", why { severity = "err" })
    assert.equal("part 'test' is not known", why { part = "test" })
    assert.equal("unknown field 'confidence'", why { confidence = 0.9 })
    assert.equal("cause 'bad_luck' is not known", why { cause = "bad_luck" })
  end)
end)
