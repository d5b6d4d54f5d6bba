local ld = require "lossdbg"
local nn = ld.nn

local function standardised()
  local train = assert(ld.data.csv("examples/data/diabetes.csv", { target = "target" })):every(5)
  local mean, deviation = train.x:mean(1, true), train.x:var(1, true):sqrt()
  local low, spread = train.y:mean():item(), math.sqrt(train.y:var():item())
  return train:map(function(x, y) return (x - mean) / deviation, (y - low) / spread end)
end

local function experiment(loss)
  return ld.experiment {
    train = standardised(), model = nn.sequential { nn.dense { 16, "relu" }, nn.dense(1) },
    loss = loss, optimizer = ld.optim.sgd { lr = 0.01 }, epochs = 20, seed = 1,
  }
end

local function rules(diagnosis)
  local set = {}
  for _, f in ipairs(diagnosis) do set[f.rule] = f end
  return set
end

describe("a loss of one's own", function()
  it("that broadcasts [N, 1] against [N] is found out", function()
    local d = experiment(function(p, y)
      return (p - y:reshape { -1 }):square():mean()
    end):diagnose { trials = false }
    assert.equal("shape_broadcast", d[1].cause)
  end)

  it("that does not is left alone", function()
    local d = experiment(function(p, y) return (p - y):square():mean() end)
      :diagnose { trials = false }
    assert.is_nil(rules(d).shape_broadcast)
    d = experiment(function(p, y) return (p - y):square():sum() * 0.01 end)
      :diagnose { trials = false }
    assert.is_nil(rules(d).shape_broadcast)
  end)
end)

describe("trials", function()
  it("bring a cause whose fix helps before one whose fixes do not", function()
    local d = experiment("mse"):with({ optimizer = { lr = 0 } }):diagnose { budget = 20 }
    local fix, f = d:verified_fix()
    assert.is_truthy(fix)
    assert.equal(d[1], f)
    assert.is_true(fix.trial.after < fix.trial.before)
    assert.is_true(#d.trials >= 1)
  end)
end)

describe("a diagnosis", function()
  local d = experiment("mse"):with({ optimizer = { lr = 0 } }):diagnose { trials = false }

  it("is data for other programs", function()
    local json_schema = require "spec.support.json_schema"
    local schema = require "lossdbg.view.diagnosis_schema"
    local data = assert(require("lossdbg.support.json").decode(d:to_json()))
    assert.equal("lossdbg-diagnosis", data.schema)
    assert.equal(1, data.version)
    assert.equal(d[1].rule, data.findings[1].rule)
    assert.equal(true, data.verdict.fault)
    assert.equal(d.state, data.verdict.state)
    assert.equal(#d, #data.findings)
    assert.same({}, json_schema.problems(data, schema))
    local tried = experiment("mse"):with({ optimizer = { lr = 0 } }):diagnose { budget = 3 }
    assert.is_true(#tried.trials > 0)
    data = assert(require("lossdbg.support.json").decode(tried:to_json()))
    assert.same({}, json_schema.problems(data, schema))
    assert.equal("verified", data.findings[1].fixes[1].applicability)
  end)

  it("prints one number for certainty, the same in verdict and finding", function()
    local decoded = assert(require("lossdbg.support.json").decode(d:to_json()))
    assert.is_true(d.probability > 0 and d.probability < 1)
    assert.equal(d[1].probability, d.probability)
    assert.equal(d.probability, decoded.verdict.probability)
    assert.equal(d.probability, decoded.findings[1].probability)
    assert.truthy(tostring(d):find(("%.2f"):format(d.probability), 1, true))
  end)

  it("names what passed and what could not be judged, every rule once", function()
    local seen, n = {}, 0
    for _, f in ipairs(d) do seen[f.rule] = true end
    for _, id in ipairs(d.checked) do
      assert.is_nil(seen[id], id)
      seen[id] = true
    end
    for _, list in ipairs { d.unjudged, d.skipped } do
      for _, u in ipairs(list) do
        assert.is_nil(seen[u.rule], u.rule)
        assert.is_string(u.why)
        seen[u.rule] = true
      end
    end
    for _ in pairs(seen) do n = n + 1 end
    assert.equal(#require("lossdbg.diagnose.registry").rules(), n)
  end)

  it("is the same every time", function()
    local again = experiment("mse"):with({ optimizer = { lr = 0 } }):diagnose { trials = false }
    assert.equal(d.verdict, again.verdict)
    for i, f in ipairs(d) do assert.equal(f.rule, again[i].rule) end
  end)

  it("leaves out the rules that it is told to", function()
    local without = experiment("mse"):with({ optimizer = { lr = 0 } })
      :diagnose { trials = false, disable = { d[1].rule } }
    assert.is_nil(rules(without)[d[1].rule])
    assert.has_error(function() experiment("mse"):diagnose { disable = { "no_such_rule" } } end)
  end)

  it("of a sound run is short and healthy", function()
    local sound = experiment("mse"):diagnose()
    assert.is_true(sound.healthy)
    assert.equal(0, sound:exit_code())
    assert.matches("^learning", sound.verdict)
  end)
end)
