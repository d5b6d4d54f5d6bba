--- Probabilities of findings: what the model reads, and its arithmetic; the fit is held to the
-- equations of its maximum, the scores to small sums by hand.
local probability = require "lossdbg.diagnose.probability"
local hit_rates = require "lossdbg.diagnose.hit_rates"
local logistic = dofile "spec/faultbench/bench_logistic.lua"

local function found(cause, severity, more)
  local f = { rule = cause, cause = cause, severity = severity, class = "measured", role = "cause",
    fixes = {} }
  for key, value in pairs(more or {}) do f[key] = value end
  return f
end

local function trial(verified, gain, reason)
  return { text = "t", trial = { verified = verified, gain = gain, reason = reason } }
end

local stuck = { fails = true, learns = false, skill = -0.2, gap = 0.7 }

local function read(f, findings, known)
  return probability.features(f, findings or { f }, known or stuck)
end

describe("the features of a finding", function()
  it("are its class, severity and role", function()
    local x = read(found("a", "error", { class = "exact" }))
    assert.same({ 1, 0, 1, 0, 0, 0 }, { x.exact, x.suggestive, x.error, x.warning, x.consequence,
      x.symptom })
    x = read(found("a", "warning", { class = "suggestive", role = "consequence" }))
    assert.same({ 0, 1, 0, 1, 1, 0 }, { x.exact, x.suggestive, x.error, x.warning, x.consequence,
      x.symptom })
    x = read(found("a", "info", { role = "symptom" }))
    assert.same({ 0, 0, 0, 0, 0, 1 }, { x.exact, x.suggestive, x.error, x.warning, x.consequence,
      x.symptom })
  end)

  it("are what its trials showed", function()
    local x = read(found("a", "error", { fixes = { trial(false, -0.1), trial(true, 0.4),
      trial(true, 3) } }))
    assert.same({ 1, 1, 0 }, { x.verified, x.gain, x.in_vain })
    x = read(found("a", "error", { fixes = { trial(false, 0.01) } }))
    assert.same({ 0, 0, 1 }, { x.verified, x.gain, x.in_vain })
    x = read(found("a", "error", { fixes = { trial(false, nil, "it changes nothing"),
      { text = "look" } } }))
    assert.same({ 0, 0, 0 }, { x.verified, x.gain, x.in_vain })
  end)

  it("are what the run shows", function()
    local x = read(found("a", "error"))
    assert.same({ 1, 0, 1, 0.7 }, { x.fails, x.learns, x.room, x.gap })
    x = read(found("a", "error"), nil, { fails = false, learns = true, skill = 0.75 })
    assert.same({ 0, 1, 0.25, 0 }, { x.fails, x.learns, x.room, x.gap })
    x = read(found("a", "error"), nil, { fails = false, learns = false })
    assert.equal(0.5, x.room)
  end)

  it("are its rank among the causes, each once, and those as grave", function()
    local a, a2, none = found("a", "error"), found("a", "warning"), found(nil, "error")
    local b, c = found("b", "error"), found("c", "warning")
    local all = { a, a2, none, b, c }
    local function standing(f)
      local x = read(f, all)
      return { math.floor(math.exp(x.later) + 0.5), math.floor(math.exp(x.rivals) + 0.5) - 1 }
    end
    assert.same({ 1, 1 }, standing(a))
    assert.same({ 2, 1 }, standing(b))
    assert.same({ 3, 2 }, standing(c))
  end)
end)

describe("the probability of a finding", function()
  local function zero(more)
    local weights = { intercept = 0 }
    for _, row in ipairs(probability.FEATURES) do weights[row[1]] = 0 end
    for key, value in pairs(more or {}) do weights[key] = value end
    return weights
  end

  it("is the logistic function of the weighted features", function()
    local x = read(found("a", "error", { class = "exact" }))
    assert.equal(0.5, probability.of(x, zero()))
    assert.near(0.75, probability.of(x, zero { exact = math.log(3) }), 1e-12)
    assert.near(0.2, probability.of(x, zero { intercept = -math.log(4) }), 1e-12)
    assert.near(0.9, probability.of(x, zero { exact = math.log(3), error = math.log(3) }), 1e-12)
  end)

  it("has a weight for every feature and for nothing else", function()
    local names = { intercept = true }
    for _, row in ipairs(probability.FEATURES) do names[row[1]] = true end
    for name in pairs(hit_rates.weights) do assert.is_true(names[name], name) end
    for name in pairs(names) do assert.is_number(hit_rates.weights[name], name) end
  end)

  it("grows with a verified fix and falls with the rank and with another explanation", function()
    local function p(more)
      local f = found("a", "error", more)
      return probability.of(read(f))
    end
    assert.is_true(p { fixes = { trial(true, 0.5) } } > p())
    assert.is_true(p { role = "consequence" } < p())
    assert.is_true(p { severity = "warning" } < p())
    local a, b = found("a", "error"), found("b", "error")
    local first, second = read(a, { a, b }), read(b, { a, b })
    assert.is_true(probability.of(second) < probability.of(first))
  end)

  it("is given to findings that name a cause", function()
    local a, symptom = found("a", "error"), found(nil, "error", { probability = 0.3 })
    probability.assign({ a, symptom }, stuck)
    assert.equal(probability.of(read(a, { a, symptom })), a.probability)
    assert.is_nil(symptom.probability)
  end)
end)

describe("the fit", function()
  local samples = {}
  for i = 1, 40 do
    samples[i] = { x = { a = i % 2, b = (i % 5) / 5 }, y = (i * i) % 7 < 3 and 1 or 0 }
  end

  it("is where the slope of the likelihood is that of its prior", function()
    local w = logistic.fit(samples, { "a", "b" })
    local slope = { intercept = 0, a = 0, b = 0 }
    for _, s in ipairs(samples) do
      local p = 1 / (1 + math.exp(-(w.intercept + w.a * s.x.a + w.b * s.x.b)))
      slope.intercept = slope.intercept + s.y - p
      slope.a, slope.b = slope.a + (s.y - p) * s.x.a, slope.b + (s.y - p) * s.x.b
    end
    assert.near(0, slope.intercept, 1e-6)
    assert.near(w.a, slope.a, 1e-6)
    assert.near(w.b, slope.b, 1e-6)
  end)

  it("is scored by Brier, by pairs, and by ranges", function()
    local list = { { p = 0.9, y = 1 }, { p = 0.6, y = 0 }, { p = 0.6, y = 1 }, { p = 0.1, y = 0 } }
    assert.near((0.01 + 0.36 + 0.16 + 0.01) / 4, logistic.brier(list), 1e-12)
    assert.near(3.5 / 4, logistic.auc(list), 1e-12)
    assert.equal(0.5, logistic.rate(list))
    assert.same({ { from = 0, to = 0.5, n = 1, mean = 0.1, right = 0 },
      { from = 0.5, to = 0.9, n = 2, mean = 0.6, right = 0.5 },
      { from = 0.9, to = 1, n = 1, mean = 0.9, right = 1 } },
      logistic.reliability(list, { 0.5, 0.9 }))
  end)
end)
