local ld = require "lossdbg"
local proof = require "lossdbg.diagnose.proof"

local function status(lower, more)
  local s = { task = { lower = lower, train = lower }, skill = lower, learns = true }
  for key, value in pairs(more or {}) do s[key] = value end
  return s
end

local function fix(verified, gain, more)
  local f = { text = "fix", patch = {}, trial = { verified = verified, gain = gain } }
  for key, value in pairs(more or {}) do f[key] = value end
  return f
end

local function finding(rule, severity, ...)
  return { rule = rule, cause = rule, severity = severity, role = "cause", class = "measured",
    fixes = { ... } }
end

local function order(findings)
  local names = {}
  for i, f in ipairs(findings) do names[i] = f.rule end
  return table.concat(names, " ")
end

describe("a warning becomes an error by proof", function()
  local function proves(lower, gain) return proof.proves(fix(true, gain), status(lower)) end

  it("where skill leaves room", function()
    assert.is_true(proves(0.6, 0.3))
    assert.is_true(proves(0.89, 0.1))
    assert.is_false(proves(0.9, 0.1))
  end)

  it("and the fix brings enough of it", function()
    assert.is_true(proves(0.8, 0.101))
    assert.is_false(proves(0.8, 0.099))
    assert.is_true(proves(0.2, 0.241))
    assert.is_false(proves(0.2, 0.239))
    assert.is_true(proves(-3, 0.301))
    assert.is_false(proves(-3, 0.299))
  end)

  it("and never without a verified trial", function()
    assert.is_false(proof.proves(fix(false, 0.5), status(0.3)))
    assert.is_false(proof.proves({ text = "advice" }, status(0.3)))
    assert.is_false(proof.proves(fix(true, 0.5), { task = {} }))
  end)

  it("and an error is none by that", function()
    local f = finding("a", "error", fix(true, 0.5))
    proof.heed({ f }, status(0.3))
    assert.is_nil(f.proved)
  end)

  it("and is put before what nothing verified, at its severity", function()
    local findings = { finding("a", "warning", fix(false, 0)),
      finding("b", "warning", fix(true, 0.4)) }
    proof.heed(findings, status(0.5))
    assert.equal("b a", order(findings))
    assert.is_true(findings[1].proved)
    assert.equal("warning", findings[2].severity)
  end)
end)

describe("a warning becomes a remark", function()
  local function after(f, more, reached)
    proof.calm({ f }, status(0.6, more), reached or false)
    return f.severity
  end

  it("where all its fixes were tried in vain, or nothing more can be reached", function()
    assert.equal("info", after(finding("a", "warning", fix(false, 0))))
    assert.equal("warning", after(finding("a", "warning", fix(true, 0.06))))
    assert.equal("warning", after(finding("a", "warning", { text = "advice" })))
    assert.equal("info", after(finding("a", "warning", { text = "advice" }), nil, true))
  end)

  it("but not what is true by construction, nor in a run that fails, nor an error", function()
    local exact = finding("a", "warning", fix(false, 0))
    exact.class = "exact"
    assert.equal("warning", after(exact, nil, true))
    assert.equal("warning", after(finding("a", "warning", fix(false, 0)), { fails = true }, true))
    assert.equal("error", after(finding("a", "error", fix(false, 0)), nil, true))
  end)
end)

describe("a gain in a few answers", function()
  it("proves nothing, whatever share of the rare class they are", function()
    local function proved(right, part, measure)
      -- 13 of 130 rows are of the rare class: an answer more is 1/13 of skill
      local s = status(0.5)
      s.task.measure, s.task.majority = "accuracy", 0.9
      s.task.val_rows, s.task.train_rows = 130, 1300
      return proof.proves({ trial = { verified = true, gain = right / 13, part = part,
        measure = measure or "task" } }, s)
    end
    assert.is_true(proved(5.01, "val"))
    assert.is_false(proved(4.99, "val"))
    assert.is_true(proved(4.99, "train"))
    assert.is_true(proved(4.99, "val", "loss"))
  end)

  it("is counted in the rows that were looked at", function()
    local x, y = {}, {}
    for i = 1, 90 do x[i], y[i] = { math.sin(i) }, i % 3 == 0 and 1 or 0 end
    local function part(first, last)
      return { ld.tensor(table.move(x, first, last, 1, {})),
        ld.tensor(table.move(y, first, last, 1, {}), "i32") }
    end
    local e = ld.experiment { train = part(1, 60), val = part(61, 90), epochs = 1, seed = 1,
      model = { ld.nn.dense { 1, "sigmoid" } }, loss = "binary_crossentropy" }
    local collect = require "lossdbg.diagnose.collect"
    local task = collect.status(collect.experiment(e, e:fit { verbose = 0 })).task
    assert.same({ 60, 30, "accuracy" }, { task.train_rows, task.val_rows, task.measure })
    assert.near(40 / 60, task.majority, 1e-12)
  end)
end)

describe("trials", function()
  it("bring verified fixes to the front of their finding", function()
    local f = finding("a", "error", fix(false, 0), fix(true, 0.4, { text = "helps" }))
    proof.heed({ f }, status(0.1))
    assert.equal("helps", f.fixes[1].text)
  end)

  it("keep the causal order of causes that are both verified", function()
    local findings = { finding("a", "error", fix(true, 0.2)), finding("b", "error", fix(true, 0.7)),
      finding("c", "error") }
    proof.heed(findings, status(0.1))
    assert.equal("a b c", order(findings))
  end)

  it("put what brings far more skill first, of causes that are both verified", function()
    local function names(more, class, measure)
      local a, b = finding("a", "error", fix(true, 0.2)), finding("b", "error", fix(true, more))
      a.class = class or "measured"
      a.fixes[1].trial.measure, b.fixes[1].trial.measure = "task", measure or "task"
      local findings = { a, b }
      proof.heed(findings, status(0.1))
      return order(findings)
    end
    assert.equal("a b", names(0.399))
    assert.equal("b a", names(0.401))
    assert.equal("a b", names(0.9, "exact"))
    assert.equal("a b", names(0.9, nil, "loss")) -- skills of two measures do not compare
  end)

  it("tell the most that any verified fix brings to the task", function()
    local function task(verified, gain, measure)
      local f = fix(verified, gain)
      f.trial.measure = measure or "task"
      return finding("a", "warning", f)
    end
    assert.equal(0, proof.best_gain {})
    assert.equal(0.4, proof.best_gain { task(true, 0.2), task(true, 0.4), task(false, 0.7),
      task(true, 0.9, "loss") })
  end)

  it("do not move what is true by construction and was not refuted", function()
    local exact = finding("a", "error")
    exact.class = "exact"
    local findings = { exact, finding("b", "error", fix(true, 0.7)) }
    proof.heed(findings, status(0.1))
    assert.equal("a b", order(findings))
    exact.fixes = { fix(false, 0) }
    proof.heed(findings, status(0.1))
    assert.equal("b a", order(findings))
  end)

  it("make no error of what only tunes a run that is close to a plain recipe", function()
    local f = finding("a", "warning", fix(true, 0.6))
    f.tuning = true
    proof.heed({ f }, status(0.1))
    assert.equal("warning", f.severity)
    f.tuning = nil
    proof.heed({ f }, status(0.1))
    assert.equal("error", f.severity)
  end)

  it("make no error of a run as good as a plain recipe that more steps would better", function()
    local short, slow = finding("too_few_epochs", "warning", fix(true, 0.6)),
      finding("lr_too_low", "warning", fix(true, 0.6))
    proof.reached { short, slow }
    proof.heed({ short, slow }, status(0.1))
    assert.same({ "warning", "error" }, { short.severity, slow.severity })
    proof.calm({ short, slow }, status(0.6), true)
    assert.same({ "info", "error" }, { short.severity, slow.severity })
  end)

  it("never make an error of a symptom", function()
    local f = finding("a", "warning", fix(true, 0.6))
    f.role = "symptom"
    proof.heed({ f }, status(0.1))
    assert.equal("warning", f.severity)
  end)

  it("by a plain loop prove what that loop is without, where one cause alone is", function()
    local function fixed(findings, losses, skill)
      proof.by_plain_loop(findings, { final = { loss = 1.7 },
        outside = { gain = 0.9, reference = { losses = losses, skill = skill, steps = 40 } } })
      local trial = findings[1].fixes[1].trial
      return trial and trial.after
    end
    local function zero_grad() return finding("missing_zero_grad", "error", { text = "clear" }) end
    local limit = require("lossdbg.experiment.trial.trial_outcome").limits.constant[1]
    assert.near(0.2, fixed({ zero_grad() }, { 0.1, 0.3 }, limit * 1.01), 1e-12)
    assert.is_nil(fixed({ zero_grad() }, { 0.1, 0.3 }, limit * 0.99))
    assert.is_nil(fixed({ zero_grad() }, { 0.1 }, 0.9)) -- a second order was not needed
    local other = finding("gradient_sign_flipped", "error", { text = "flip" })
    assert.is_nil(fixed({ zero_grad(), other }, { 0.1, 0.3 }, 0.9))
    other.severity = "warning"
    assert.near(0.2, fixed({ zero_grad(), other }, { 0.1, 0.3 }, 0.9), 1e-12)
    assert.is_nil(fixed({ finding("class_ignored_by_loss", "error", { text = "x" }) },
      { 0.1, 0.3 }, 0.9)) -- which a plain loop has as well
  end)

  it("give the same diagnosis whatever the speed of the machine", function()
    local function diagnose()
      local x, y = {}, {}
      for i = 1, 80 do
        x[i] = { math.cos(i * 2.4), math.sin(i * 2.4) }
        y[i] = 3 * x[i][1] - 2 * x[i][2]
      end
      return ld.experiment { train = { ld.tensor(x), ld.tensor(y) }, model = { ld.nn.dense(1) },
        loss = "mse", optimizer = ld.optim.sgd { lr = 1e-4 }, epochs = 25, seed = 3,
      }:diagnose { budget = 2 }
    end
    local clock, ticks = os.clock, 0
    local plain = diagnose()
    os.clock = function() -- luacheck: ignore 122
      ticks = ticks + 1
      return clock() + 1000 * ticks
    end
    local ok, slow = pcall(diagnose)
    os.clock = clock -- luacheck: ignore 122
    assert(ok, slow)
    assert.equal(plain.verdict, slow.verdict)
    assert.is_true(#plain.trials > 0)
    assert.equal(#plain.trials, #slow.trials)
    for i, t in ipairs(plain.trials) do
      assert.equal(t.text, slow.trials[i].text)
      assert.equal(t.trial.verified, slow.trials[i].trial.verified)
      assert.equal(t.trial.after, slow.trials[i].trial.after)
    end
  end)

  it("try warnings in runs that learn, and prove them", function()
    local x, y = {}, {}
    for i = 1, 120 do
      x[i] = { math.cos(i * 2.4), math.sin(i * 2.4) }
      y[i] = 3 * x[i][1] - 2 * x[i][2]
    end
    local d = ld.experiment { train = { ld.tensor(x), ld.tensor(y) }, model = { ld.nn.dense(1) },
      loss = "mse", optimizer = ld.optim.sgd { lr = 0.02 }, epochs = 8, seed = 3,
    }:diagnose { budget = 5 }
    assert.equal("still_falling", d.state)
    local repaired, f = d:verified_fix()
    assert.is_truthy(repaired)
    assert.is_true(f.proved)
    assert.equal(f, d[1])
    assert.is_false(d.healthy)
  end)
end)
