package.path = "./spec/support/?.lua;" .. package.path
local html = require "lossdbg.view.html"
local json = require "lossdbg.support.json"
local samples = require "view_samples"
local xml_check = require "xml_check"

local nan, inf = 0 / 0, math.huge

local function has(s, ...)
  for _, words in ipairs { ... } do assert.is_truthy(s:find(words, 1, true), words) end
end

local function well_formed(s)
  local counts, why = xml_check.check(s)
  assert(counts, why)
  return counts
end

local function visible(s)
  return (s:gsub("<script.-</script>", ""):gsub("<style>.-</style>", ""))
end

describe("the HTML report of a diagnosis", function()
  local page = html.report(samples.diagnosis(), { environment = { version = "0.1.0",
    blas = "OpenBLAS 0.3.21" }, date = "2026-11-23" })

  it("is one well-formed file that loads and runs nothing", function()
    local counts = well_formed(page)
    assert.equal(1, counts.script)
    assert.is_nil(page:find("%ssrc="))
    assert.is_nil(page:find("%shref="))
    assert.is_nil(page:find("url%("))
    assert.is_nil(page:find("@import", 1, true))
    assert.is_nil(visible(page):find("%son%a+="))
    has(page, "content=\"default-src 'none'; style-src 'unsafe-inline'; "
      .. "script-src 'unsafe-inline'; img-src data:\"")
    has(page, "<meta charset=\"utf-8\"/>", "prefers-color-scheme:dark", "@media print")
  end)

  it("tells verdict, findings, evidence, fixes and trials", function()
    has(page, "lossdbg diagnosis: wine", "<div class=\"card verdict bad\" role=\"status\">not "
      .. "learning: the inputs are not scaled", "probability 0.97",
      "1. features are not scaled: proline reaches 1680", "<code>unnormalised_inputs</code>",
      " at dense_1, wine.lua:8", "<td class=\"num\">1680</td><td>about 1</td>",
      "column proline", "explains dying_relu, zero_gradient_layer",
      "experiment:with { insert = { at = 1, layer = &quot;normalization&quot; } }",
      "1.088 → 0.021 (placebo 1.088), 3 seeds: 0.020 0.021 0.024",
      "no better than placebo, 1.088 → 1.087", ">verified<", ">tried<")
  end)

  it("tells curves, layers, data, configuration, environment, checks", function()
    has(page, "entropy of the class frequencies 1.0879", "gradient norm, layer by step",
      "update / weight, layer by step", "13 → dense 32 relu → dense 3 softmax",
      "1680 in proline", "<td class=\"num\">33.1 %</td>", "<td>142</td>",
      "glorot_uniform", "wine.lua:8", "OpenBLAS 0.3.21",
      "2026-11-23", "Passed: 7", "Not judged: 2", "training loss never fell")
  end)

  it("gives every picture a title, a description and its numbers as a table", function()
    local pictures = select(2, page:gsub("<svg ", ""))
    assert.is_true(pictures >= 6)
    assert.equal(pictures, select(2, page:gsub("<desc id=", "")))
    assert.equal(pictures, select(2, page:gsub("role=\"img\"", "")))
    assert.is_true(select(2, page:gsub("<summary>numbers</summary>", "")) >= 3)
  end)

  it("carries all numbers as JSON", function()
    local data = page:match("<script type=\"application/json\" id=\"lossdbg%-data\">(.-)</script>")
    local read = assert(json.decode(data))
    assert.equal("lossdbg-diagnosis", read.schema)
    assert.equal(1.0879, read.baseline)
    assert.equal(0.021, read.findings[1].fixes[1].trial.after)
    assert.equal(1.0912, read.run.history.loss[1])
  end)

  it("folds what follows from a cause, and keeps all of it", function()
    local d = samples.diagnosis()
    d[2].explained_by = { "unnormalised_inputs" }
    local s = html.report(d)
    has(s, "so that 32 of 32 units of dense_1 are zero for every row",
      "<summary>1 more: what follows, and remarks</summary>", "<h3>2. 32 of 32 units")
  end)

  it("gives the same bytes for the same input", function()
    assert.equal(html.report(samples.diagnosis()), html.report(samples.diagnosis()))
  end)
end)

describe("the HTML report", function()
  it("of a run alone has outcome, curves and data", function()
    local s = html.report(samples.run())
    well_formed(s)
    has(s, "lossdbg run: wine",
      "not learning: loss constant at 1.088 = entropy of the class frequencies",
      "Learning curves", "Configuration")
    assert.is_nil(s:find("<h2>Findings", 1, true))
  end)

  it("carries the data form of a diagnosis that has one", function()
    local d = samples.diagnosis()
    d.to_table = function(self) return { schema = "own", verdict = self.verdict, f = print } end
    local page = html.diagnosis(d)
    assert.same({ schema = "own", verdict = d.verdict },
      json.decode(page:match("id=\"lossdbg%-data\">(.-)</script>")))
  end)

  it("says healthy in green", function()
    local s = html.report { verdict = "healthy: 12 rules passed", healthy = true, checked = { "a" },
      unjudged = {}, run = samples.run() }
    has(s, "<div class=\"card verdict good\"")
    assert.is_nil(s:find("<h2>Findings", 1, true))
    well_formed(s)
  end)

  it("has a linear and a logarithmic form of a curve that spans much", function()
    local run = samples.run()
    for i = 1, 30 do run.history.loss[i] = 10.0 ^ (-i / 6) end
    local s = html.report(run)
    has(s, "<label for=\"metric-1-switch\">log scale</label>", "checked=\"checked\"",
      "id=\"metric-1-linear-title\"", "id=\"metric-1-log-title\"")
    well_formed(s)
  end)

  it("shows side tests and the range of learning rates", function()
    local run = samples.run()
    run.signals.tests = { lr_range = { lrs = { 1e-4, 1e-3, 1e-2, 0.1 },
      losses = { 2, 1.5, 1, 9 }, suggestion = 0.01 },
      overfit_batch = { loss = 0.001, start = 1.1, steps = 200, passed = true },
      gradcheck = { max_error = 3e-9, worst = "dense_1/kernel[3]", checked = 200, passed = true },
      data_independence = { real = 0.5, shuffled = 1.1, independent = false },
      line = { best_median = 2 } }
    local s = html.report(run)
    well_formed(s)
    has(s, "suggested lr <b>0.01</b>", "loss 0.001 after 200 steps, from 1.1",
      "largest relative error 3e-09 in dense_1/kernel[3]", "loss 0.5, with shuffled labels 1.1")
  end)

  it("is safe from hostile names and numbers", function()
    local d = samples.diagnosis()
    local evil = "</script><script>alert('x')</script>\"'&\0\27[2J\xFF\u{2028}"
    d.verdict, d.run.name, d.run.description.name = evil, evil, evil
    d[1].title, d[1].rule, d[1].severity, d[1].where.layer = evil, evil, evil, evil
    d[1].evidence[1] = { name = evil, value = nan, reference = evil, note = evil }
    d[1].fixes[1].text, d[1].fixes[1].patch = evil, { [evil] = { evil, inf } }
    d[1].fixes[1].trial.before, d[1].fixes[1].trial.curves.after[3] = nan, nan
    d.checked[1], d.unjudged[1].why = evil, evil
    d.run.history[evil] = { nan, inf, 3 }
    d.run.history.loss[7] = nan
    d.run.signals.layers[evil] = { grad_norm = { nan, 0, 1e300 }, ratio = { inf },
      ratio_median = nan }
    d.run.signals.data.names[1], d.run.signals.data.x.largest.name = evil, evil
    d.run.signals.baseline_name = evil
    d.run.description.layers[1].activation, d.run.description.layers[1].source = evil, evil
    local s = html.report(d, { title = evil, date = evil, environment = { [evil] = evil } })
    local counts = well_formed(s)
    assert.equal(1, counts.script)
    assert.is_nil(s:find("alert('x')", 1, true) and visible(s):find("<script>alert", 1, true))
    assert.is_nil(s:find("\27", 1, true))
    local data = s:match("<script type=\"application/json\" id=\"lossdbg%-data\">(.-)</script>")
    assert.is_table(json.decode(data))
  end)

  it("never fails for what is missing, and leaves out functions", function()
    for _, subject in ipairs { {}, { history = {} }, { verdict = "x" }, { signals = {} },
      { run = {}, checked = {} }, { description = { layers = {} } },
      { history = { loss = { 1 } }, fit = print, signals = { data = {}, tests = {}, layers = {} } },
      { { rule = "a" } },
      { { rule = "a", evidence = { { name = "e", value = true, reference = { 1, 2 } },
        { value = { 1, 2 } }, { name = "f", value = "x", note = 3 } } } },
      { { rule = "a", fixes = { {} }, evidence = { {} } }, verdict = "v" } } do
      well_formed(html.report(subject))
    end
    assert.has_error(function() html.report(7) end, "lossdbg: html.report: argument 'subject': "
      .. "expected a run or a diagnosis, got number")
  end)
end)
