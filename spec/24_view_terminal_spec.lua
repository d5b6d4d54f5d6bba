package.path = "./spec/support/?.lua;" .. package.path
local samples = require "view_samples"
local terminal = require "lossdbg.view.terminal"
local text = require "lossdbg.support.text"

local nan = 0 / 0

local function has(s, ...)
  for _, words in ipairs { ... } do assert.is_truthy(s:find(words, 1, true), words .. "\n" .. s) end
end

local function fits(s, columns)
  for line in (s .. "\n"):gmatch("([^\n]*)\n") do
    assert.is_true(text.width(line) <= columns, text.width(line) .. ": " .. line)
    assert.is_nil(line:find(" $"), "trailing space: " .. line)
  end
end

describe("the card of a run", function()
  it("tells model, recipe, curves and the outcome", function()
    local s = terminal.card(samples.run())
    has(s, "lossdbg run: wine", "30 epochs, 150 steps, 310 ms",
      "13 → dense 32 relu → dense 3 softmax, 547 parameters", "sgd lr 0.1", "batch 32",
      "142 rows, 36 to validate", "seed 7", "loss          1.091 ▄▄▄",
      "▄ 1.088", "val_loss      1.085", "accuracy      0.401", "majority class 0.401",
      "|g|           813 … 0.02", "update/weight 0 … 1e-3 (healthy 1e-4 … 1e-2)",
      "=> not learning: loss constant at 1.088 = entropy of the class frequencies")
    fits(s, 80)
  end)

  it("tells best value and early stopping", function()
    local run = { n_epochs = 5, n_steps = 25, stopped = "early_stopping", seconds = 3.2,
      description = { epochs = 30 }, history = { loss = { 1, 0.5, 0.4, 0.3, 0.2 },
        val_loss = { 1.1, 0.6, 0.55, 0.7, 0.8 }, lr = { 0.1, 0.1, 0.05, 0.05, 0.01 } },
      signals = { trend = { verdict = "decreasing" }, baseline = 1.0879,
        baseline_name = "entropy of the class frequencies",
        skill = { verdict = "better", value = 0.82, loss = 0.2 } } }
    has(terminal.card(run), "best 0.55 (epoch 3)", "early stopping after epoch 5 of 30",
      "lr        0.1 … 0.01", "loss      1 █", "▁ 0.2",
      "=> learning, not finished: loss 1 to 0.2, 82 % of the baseline removed")
    fits(terminal.card(run), 80)
  end)

  it("tells where a NaN came from", function()
    local run = { n_epochs = 2, stopped = "nonfinite_loss", description = { epochs = 10 },
      history = { loss = { 2.3, nan } }, signals = { nonfinite = { step = 12, what = "loss",
        op = "log", layer = "dense_2", line = "train.lua:12" } } }
    local s = terminal.card(run)
    has(s, "2.3 ▄× nan", "the loss was no longer finite, epoch 2 of 10",
      "=> not learning: NaN or infinity from step 12, first in op log, dense_2,")
    has(s, "train.lua:12")
    fits(s, 80)
  end)

  it("says when it cannot tell, when worse, when level", function()
    local function outcome(signals)
      return terminal.card({ history = {}, signals = signals }):gsub("\n%s*", " ")
    end
    has(outcome { trend = { verdict = "undetermined", more_steps = 1200 } },
      "too short to judge, about 1200 more would do")
    has(outcome { baseline = 5928, baseline_name = "variance of the target",
      final = { loss = 26000 }, trend = { verdict = "plateau", last = 26000 } },
      "loss 26 000 against 5928 for a constant answer")
    has(outcome { trend = { verdict = "plateau", last = 0.2 }, skill = { verdict = "better",
      value = 0.9, loss = 0.2 } }, "learning: loss 0.2, 90 % of the baseline removed")
    has(outcome { trend = { verdict = "increasing", best = 0.3, last = 9 } },
      "not learning: the loss rises, best 0.3, last 9")
  end)

  it("is short when little is known, and never fails for what is missing", function()
    assert.equal("lossdbg run", terminal.card({}))
    fits(terminal.card({ description = {}, history = { loss = {} }, signals = {} }), 80)
    fits(terminal.card({ n_epochs = 1, history = { loss = { 0 } } }), 80)
  end)

  it("fits any width with long and hostile names", function()
    local run = samples.run()
    run.name = "a\27[31m" .. ("長い名前"):rep(30) .. "\n\xFF"
    run.history["metric_" .. ("x"):rep(90)] = { 1, 2 }
    run.description.layers[1].activation = ("very_long_activation_"):rep(8)
    for _, columns in ipairs { 60, 80, 120 } do
      local s = terminal.card(run, { width = columns })
      fits(s, columns)
      assert.is_truthy(utf8.len(s))
      assert.is_nil(s:find("\27", 1, true))
    end
  end)

  it("has colour only on request", function()
    assert.is_nil(terminal.card(samples.run()):find("\27", 1, true))
    local s = terminal.card(samples.run(), { color = true })
    assert.is_truthy(s:find("\27[36m", 1, true))
    assert.equal(terminal.card(samples.run()), (s:gsub("\27%[%d*m", "")))
  end)
end)

describe("a diagnosis in the terminal", function()
  it("has the form: verdict, findings with numbers, fixes with trials, ok, --, next", function()
    local s = terminal.diagnosis(samples.diagnosis(), { report = "report.html" })
    has(s, "lossdbg diagnose: 30 epochs, 150 steps, 310 ms", "run: wine\n",
      "  loss  1.091 ▄▄▄▄▄▄▄▄▄▄ 1.088   val 1.085   acc 0.401 (majority class 0.401)\n",
      "  VERDICT  not learning: the inputs are not scaled", "0.97\n",
      "  1  unnormalised_inputs error", "       features are not scaled: proline reaches 1680\n",
      "at dense_1, wine.lua:8", "largest feature 1680 (reference about 1; column proline)",
      "     fix  standardise the inputs with the training rows\n",
      "          verified: 1.088 -> 0.021 (placebo 1.088), 3 seeds: 0.020 0.021 0.024\n",
      "          tried: no better than placebo, 1.088 -> 1.087 (placebo 1.088)\n",
      "  2  dying_relu warning  32 of 32 units of dense_1 are zero for every row  exact\n",
      "dead units 100 % (reference below 10 %)", "\n  ok  label_range · loss_matches_output",
      "\n  --  overfitting, missing_regularisation: not judged, training loss never fell\n",
      "\n  next:  ld.explain \"unnormalised_inputs\"    report: report.html    exit 2")
    assert.is_true(s:find("VERDICT") < s:find("  1  unnormalised"))
    fits(s, 80)
  end)

  it("shows three findings, all on request", function()
    local d = samples.diagnosis()
    for i = 3, 7 do
      d[i] = { rule = "rule_" .. i, severity = "info", title = "title " .. i, fixes = {} }
    end
    local s = terminal.diagnosis(d)
    has(s, "  3  rule_3 info  title 3", "and 4 more: see all")
    assert.is_nil(s:find("rule_4", 1, true))
    has(terminal.diagnosis(d, { all = true }), "  7  rule_7 info  title 7",
      "experiment:with { insert = { at = 1, layer = \"normalization\" } }",
      "experiment:with { optimizer = { lr = 1e-3 } }")
    has(terminal.diagnosis(d, { limit = 1 }), "and 6 more: see all")
  end)

  it("cuts long lists of rules and says how many it left out", function()
    local d = { verdict = "healthy: nothing found", healthy = true, checked = {}, unjudged = {} }
    for i = 1, 60 do
      d.checked[i] = "a_rule_with_a_long_name_" .. i
      local why = i <= 50 and "no validation data" or "why " .. i
      d.unjudged[i] = { rule = "other_" .. i, why = why }
    end
    local s = terminal.diagnosis(d)
    has(s, " more\n", "other_1, other_2, other_3 and 47 more: not judged, no validation data",
      "  --  8 more rules not judged, see all", "exit 0")
    fits(s, 80)
    local all = terminal.diagnosis(d, { all = true })
    has(all, "a_rule_with_a_long_name_60", "why 60")
    fits(all, 80)
  end)

  it("shows a verified fix before two that are not", function()
    local d = samples.diagnosis()
    d[1].fixes = { { text = "first" }, { text = "second" },
      { text = "third", trial = { before = 2, after = 1, placebo = 2, verified = true } } }
    local s = terminal.diagnosis(d)
    has(s, "fix  third", "fix  first", "verified: 2 -> 1 (placebo 2)")
    assert.is_nil(s:find("second", 1, true))
  end)

  it("says why a fix could not be tried, in how many epochs, and what follows from what", function()
    local d = samples.diagnosis()
    d[1].fixes = { { text = "first", trial = { verified = false, reason = "no such layer" } },
      { text = "second", trial = { before = 2, after = 1, placebo = 2, epochs = 30,
        metric = "val_loss", verified = true } } }
    d[2].explained_by = { "unnormalised_inputs" }
    has(terminal.diagnosis(d, { all = true }), "          could not be tried: no such layer\n",
      "          verified: val_loss 2 -> 1 in 30 epochs (placebo 2)\n",
      "       explains dying_relu, zero_gradient_layer, loss_at_baseline\n",
      "       follows from unnormalised_inputs\n")
  end)

  it("folds what follows from a cause under it", function()
    local d = samples.diagnosis()
    d[2].explained_by = { "unnormalised_inputs" }
    for i = 3, 7 do
      d[i] = { rule = "rule_" .. i, severity = i < 4 and "error" or "info", title = "title " .. i,
        explained_by = { i < 6 and "unnormalised_inputs" or nil }, fixes = {} }
    end
    d[8] = { rule = "rule_8", severity = "error", title = "title 8", explained_by = {}, fixes = {} }
    local s = terminal.diagnosis(d)
    has(s, "       so that 32 of 32 units of dense_1 are zero for every row\n",
      "       so that title 3\n", "       and rule_4, rule_5\n", "  2  rule_6 info  title 6",
      "  3  rule_7 info  title 7", "     and 1 more: see all")
    assert.is_nil(s:find("  2  dying_relu", 1, true))
    fits(s, 80)
  end)

  it("ends with the exit code of the diagnosis", function()
    has(terminal.diagnosis { verdict = "v", healthy = false }, "exit 2")
    has(terminal.diagnosis { verdict = "v", exit_code = function() return 1 end }, "exit 1")
  end)

  it("shows NaN as nan and never as a number", function()
    local d = samples.diagnosis()
    d[1].probability, d.probability = nan, nan
    d[1].evidence[1].value = nan
    d[1].fixes[1].trial.before = nan
    has(terminal.diagnosis(d), "largest feature nan", "verified: nan -> 0.021")
  end)

  it("fits any width with long and hostile texts", function()
    local d = samples.diagnosis()
    d.verdict = ("word "):rep(60) .. "\27]0;x\7" .. ("y"):rep(200)
    d[1].title = "<script>" .. ("長い"):rep(60)
    d[1].rule = ("r"):rep(100)
    d[1].evidence[1].name = "\0" .. ("e"):rep(100)
    d[1].fixes[1].text = "\xFF\xFE" .. ("f "):rep(100)
    d[1].where.source = ("dir/"):rep(40) .. "a.lua:1"
    d.checked[1], d.unjudged[1].why = ("c"):rep(200), ("w"):rep(200)
    for _, columns in ipairs { 60, 80, 120 } do
      for _, all in ipairs { false, true } do
        local s = terminal.diagnosis(d, { width = columns, all = all })
        fits(s, columns)
        assert.is_truthy(utf8.len(s))
        assert.is_nil(s:find("[\27\0\7]"))
      end
    end
  end)

  it("gives the same bytes for the same input", function()
    assert.equal(terminal.diagnosis(samples.diagnosis()), terminal.diagnosis(samples.diagnosis()))
    assert.equal(terminal.card(samples.run()), terminal.card(samples.run()))
  end)
end)

describe("the words for a trial", function()
  local phrase = require "lossdbg.view.phrase"

  it("tell the loss, or the task skill where the loss does not show it", function()
    local function change(after, measure)
      return phrase.change { before = 0.2, after = after, measure = measure,
        skill = { before = 0, after = 0.97 } }
    end
    assert.equal("0.2 -> 0.02", change(0.02, "task"))
    assert.equal("0.2 -> 0.1898", change(0.1898, "task"))
    assert.equal("skill 0 -> 0.97 (0.2 -> 0.1902)", change(0.1902, "task"))
    assert.equal("0.2 -> 0.21", change(0.21, "loss"))
    assert.equal("val_loss nan -> 0.1", phrase.change { before = 0 / 0, after = 0.1,
      metric = "val_loss" })
  end)
end)
