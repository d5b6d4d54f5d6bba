-- A diagnosis with workers says what it says without them, to the byte.
local clouds = require("spec.support.problems").two_clouds
local core = require "lossdbg.core"
local ld = require "lossdbg"
local nn = ld.nn
local trial = require "lossdbg.experiment.trial"
local workers = require "lossdbg.support.workers"

local function experiment(changes)
  local given = { train = clouds(80), val = clouds(30), loss = "sparse_crossentropy",
    model = nn.sequential { nn.dense { 8, "tanh" }, nn.dropout(0.2), nn.dense { 2, "softmax" } },
    optimizer = ld.optim.sgd { lr = 1e-4 }, batch = 16, epochs = 12, seed = 4 }
  for key, value in pairs(changes or {}) do given[key] = value end
  return ld.experiment(given)
end

-- Text and JSON without the seconds that it took.
local function told(e, run, o)
  o.run = run
  local d = e:diagnose(o)
  d.seconds, d.run.seconds = 0, nil
  return d:text { all = true } .. d:to_json(), d
end

local function same(e, o)
  local run, texts, last = e:fit { verbose = 0 }, {}, nil
  for i, jobs in ipairs { 1, 2, 3 } do
    local given = { jobs = jobs }
    for key, value in pairs(o or {}) do given[key] = value end
    texts[i], last = told(e, run, given)
  end
  assert.equal(texts[1], texts[2])
  assert.equal(texts[1], texts[3])
  return last
end

describe("a diagnosis with workers", function()
  it("is the same for inputs that are not scaled", function()
    local d = same(experiment { optimizer = ld.optim.sgd { lr = 0.5 },
      model = nn.sequential { nn.dense { 8, "relu" }, nn.dense { 2, "softmax" } },
      train = { clouds(80)[1]:mul(300), clouds(80)[2] },
      val = { clouds(30)[1]:mul(300), clouds(30)[2] } })
    assert.is_true(#d.trials >= 2, #d.trials .. " trials")
    assert.is_truthy(d:verified_fix())
  end)

  it("is the same where nothing helps, pairs are tried and the budget cuts", function()
    local noise = ld.randn { 80, 1 }
    local x = clouds(80)[1]:mul(1000)
    for _, budget in ipairs { 0.3, 2, 20 } do
      same(experiment { train = { x, noise }, val = { x, noise }, loss = "mse",
        model = nn.sequential { nn.dense { 6, "relu" }, nn.dense { 1, "relu" } },
        optimizer = ld.optim.sgd { lr = 0.5 } }, { budget = budget })
    end
  end)

  it("is the same where a layer of the user's raises in trials", function()
    local angry = false
    local function picky(x)
      if angry then error "not again, please" end
      return x
    end
    local e = experiment { model = nn.sequential { nn.lambda(picky), nn.dense { 8, "relu" },
      nn.dense { 2, "softmax" } }, optimizer = ld.optim.sgd { lr = 30 } }
    local run, texts = e:fit { verbose = 0 }, {}
    angry = true
    for jobs = 1, 2 do texts[jobs] = told(e, run, { jobs = jobs }) end
    assert.equal(texts[1], texts[2])
    assert.matches("41_trial_jobs_spec.lua:%d+: not again, please", texts[1])
  end)

  it("keeps callbacks in the process that they belong to", function()
    local calls = {}
    local e = experiment { callbacks = { { on_train_end = function()
      calls[#calls + 1] = true
    end } } }
    local run = e:fit { verbose = 0 }
    calls = {}
    told(e, run, { jobs = 1 })
    local alone = #calls
    calls = {}
    told(e, run, { jobs = 2 })
    assert.is_true(alone > 2)
    assert.equal(alone, #calls)
    for jobs = 1, 2 do -- side tests alone
      calls = {}
      told(e, run, { jobs = jobs, trials = false })
      if jobs == 1 then alone = #calls end
    end
    assert.is_true(alone > 0)
    assert.equal(alone, #calls)
    local pool <close> = workers.pool { jobs = 2 }
    assert.is_nil(trial.bench(e, { seeds = 3, pool = pool }).pool)
  end)

  it("counts the seconds of its workers", function()
    local e = experiment()
    local run, began = e:fit { verbose = 0 }, os.clock()
    local d = e:diagnose { run = run, jobs = 2 }
    assert.is_true(d.seconds > os.clock() - began)
  end)
end)

-- ---- what happens to workers -------------------------------------------------------------------

local function bench(e, jobs)
  local pool = workers.pool { jobs = jobs }
  return trial.bench(e, { seeds = 3, pool = pool }), pool
end

-- A layer that does something to the process, but for the one that this spec runs in.
local function spiteful(act)
  local armed = false
  local layer = nn.lambda(function(x)
    if armed then act() end
    return x
  end)
  return layer, function() armed = true end
end

describe("trials with workers", function()
  it("end with the numbers of trials without", function()
    local alone = trial.bench(experiment { optimizer = ld.optim.sgd { lr = 0.005 } }, { seeds = 3 })
    local with, pool = bench(experiment { optimizer = ld.optim.sgd { lr = 0.005 } }, 2)
    for _, patch in ipairs { { optimizer = { lr = 0.3 } }, { batch = 8 }, { init = "zeros" },
      { optimizer = { lr = 1e38 } } } do
      local a, b = alone:try(patch), with:try(patch)
      assert.same(a, b)
      assert.equal(alone.spent, with.spent)
    end
    pool:close()
    assert.same({}, pool.told)
  end)

  -- An experiment of which one worker is killed, once; the path marks that it was.
  local function killed_once()
    local path = os.tmpname()
    os.remove(path)
    local layer, arm = spiteful(function()
      if io.open(path) then return end
      io.open(path, "w"):close()
      os.execute "kill -KILL $PPID"
    end)
    local e = experiment { model = nn.sequential { layer, nn.dense { 8, "tanh" },
      nn.dense { 2, "softmax" } } }
    return e, arm, path
  end

  it("tell of a worker that dies, try once more, and go on", function()
    local e, arm, path = killed_once()
    local expected = trial.bench(e, { seeds = 3 }):try { optimizer = { lr = 0.3 } }
    local b, pool = bench(e, 2)
    arm()
    local result = b:try { optimizer = { lr = 0.3 } }
    pool:close()
    os.remove(path)
    assert.is_true(result.verified)
    assert.same(expected.seeds, result.seeds)
    assert.equal(1, #pool.told)
    assert.matches("signal 9 %(killed%); tried once more", pool.told[1])
  end)

  it("tell of it in the diagnosis", function()
    local e, arm, path = killed_once()
    local run = e:fit { verbose = 0 }
    arm()
    local d, lines = e:diagnose { run = run, jobs = 2 }, {}
    os.remove(path)
    for _, m in ipairs(d.missing_tests) do
      if m.test == "workers" then lines[#lines + 1] = m.why end
    end
    assert.equal(1, #lines)
    assert.matches("signal 9 %(killed%); tried once more", lines[1])
  end)

  it("that die twice are trials that failed, and the diagnosis goes on", function()
    local layer, arm = spiteful(function() os.execute "kill -ABRT $PPID" end)
    local e = experiment { model = nn.sequential { layer, nn.dense { 8, "tanh" },
      nn.dense { 2, "softmax" } } }
    local run = e:fit { verbose = 0 }
    local status = require("lossdbg.diagnose.collect")
    local case = status.experiment(e, run)
    local pool <close> = workers.pool { jobs = 2 }
    local t = require("lossdbg.diagnose.trials").bench(e, run, status.status(case),
      { budget = 60, seeds = 3, max_fixes = 3, pool = pool })
    arm()
    t:try { { rule = "r", cause = "c", severity = "error", class = "measured", role = "cause",
      fixes = { { text = "faster", patch = { optimizer = { lr = 0.3 } } } } } }
    assert.equal(1, #t.tried)
    assert.is_false(t.tried[1].trial.verified)
    assert.matches("signal 6 %(abort%)", t.tried[1].trial.reason)
  end)

  it("run nothing twice, and hand on what a layer of the user's says", function()
    local layer, arm = spiteful(function() error("no, thank you", 0) end)
    local e = experiment { model = nn.sequential { layer, nn.dense { 8, "tanh" },
      nn.dense { 2, "softmax" } } }
    local b, pool = bench(e, 2)
    local alone = trial.bench(e, { seeds = 3 })
    arm()
    local result = b:try { batch = 8 }
    pool:close()
    assert.equal(alone:try({ batch = 8 }).reason, result.reason)
    assert.matches("no, thank you", result.reason)
    assert.same({}, pool.told)
  end)

  it("begin before they are asked, and ask no more than without", function()
    local e = experiment { optimizer = ld.optim.sgd { lr = 0.005 } }
    local b, pool = bench(e, 2)
    local arms = {}
    for i, lr in ipairs { 0.3, 0.1, 0.05 } do
      arms[i] = { arm = b:arm { optimizer = { lr = lr } }, seeds = 1 }
    end
    b:expect(function() return arms end)
    b:screen(arms[1].arm)
    assert.equal(1, #arms[1].arm.seeds)
    assert.equal(0, #arms[2].arm.seeds)
    local begun = 0
    for _ in pairs(pool.running) do begun = begun + 1 end
    assert.is_true(begun > 0)
    local alone = trial.bench(e, { seeds = 3 })
    alone:screen(alone:arm { optimizer = { lr = 0.3 } })
    assert.equal(alone.spent, b.spent)
    pool:close()
  end)

  it("end at once with an interruption, and so does the diagnosis", function()
    local e = experiment { epochs = 3000 }
    local run = e:fit { verbose = 0, max_steps = 20 }
    local began, left = core.clock(), 400
    debug.sethook(function()
      left = left - 1
      if left > 0 then return end
      debug.sethook()
      error("interrupted!", 0)
    end, "", 1000)
    local ok, why = pcall(e.diagnose, e, { jobs = 2, run = run, budget = math.huge })
    debug.sethook()
    assert.same({ false, "interrupted!" }, { ok, why })
    assert.is_true(core.clock() - began < 60)
  end)
end)
