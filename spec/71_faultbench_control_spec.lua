-- The runner of the fault benchmark beside its scores: loops written in Lua, the random control,
-- and what log-only tools say of the same runs.
package.path = "./spec/faultbench/?.lua;" .. package.path
local json = require "lossdbg.support.json"
local ld = require "lossdbg"
local random = require "bench_random"

local folder = os.tmpname()

local function write(name, text)
  local file = assert(io.open(folder .. "/" .. name, "wb"))
  file:write(text)
  file:close()
end

local function run(arguments)
  local pipe = assert(io.popen(("%s spec/faultbench/run.lua '%s' %s 2>'%s/log'"):format(
    os.getenv "LUA" or "lua5.4", folder, arguments, folder)))
  local text = pipe:read "a"
  return text, select(3, pipe:close())
end

describe("the runner", function()
  setup(function()
    os.remove(folder)
    assert(os.execute("mkdir -p " .. folder .. "/cases"))
  end)
  teardown(function() os.execute("rm -r " .. folder) end)

  it("takes loops written in Lua, and counts what they print", function()
    write("cases/loop.lua", 'assert(tonumber(arg[1]) == 7)\n'
      .. 'print "ANSWER missing_zero_grad lr_too_high | healthy=false | loss=0.7"')
    write("cases/calm.lua", 'print "ANSWER lr_too_high | healthy=true | loss=0.1"')
    write("cases/broken.lua", 'error "no such data"')
    local out = folder .. "/loops.json"
    local function causes_of(id)
      assert.equal(0, select(2, run(("--only %s --seed 7 --json '%s'"):format(id, out))))
      local file = assert(io.open(out))
      local case = assert(json.decode(file:read "a")).cases[1]
      file:close()
      local list = {}
      for i, cause in ipairs(case.causes) do list[i] = cause.id end
      return list, case
    end
    assert.same({ "missing_zero_grad", "lr_too_high" }, causes_of "loop")
    assert.same({}, causes_of "calm")
    assert.matches("no such data", select(2, causes_of "broken").error)
  end)

  it("draws as many random patches as fixes were tried, equal for equal seeds", function()
    local x = ld.randn { 60, 3 }
    local e = ld.experiment { train = { x, x:sum(2, true) }, loss = "mse", batch = 10, epochs = 4,
      model = ld.nn.sequential { ld.nn.dense { 6, "relu" }, ld.nn.dense(1) }, seed = 1,
      optimizer = ld.optim.sgd { lr = 1e-5 } }
    local run_ = e:fit { verbose = 0 }
    local tried = { trial = { seeds = { 1 }, part = "train", verified = true } }
    local d = { run = run_, trials = { tried, tried, tried, { trial = { reason = "no" } } },
      { fixes = { { trial = tried.trial } } } }
    local a = random.control(e, d, { id = "x", seed = 1 })
    assert.equal(3, a.arms)
    assert.equal(3, a.tried)
    assert.equal(3, #a.patches)
    assert.same(a, random.control(e, d, { id = "x", seed = 1 }))
    assert.not_same(a.patches, random.control(e, d, { id = "x", seed = 2 }).patches)
    for seed = 3, 20 do -- what changes nothing is drawn again
      for _, name in ipairs(random.control(e, d, { id = "x", seed = seed }).patches) do
        assert.not_matches('^{"schedule"', name)
        assert.not_matches('^{"trainable"', name)
        assert.not_matches('^{"data":"drop_nonfinite"', name)
      end
    end
    assert.same({ arms = 3, first = true, any = true }, random.doctor(d))
    d.trials, d[1] = {}, nil
    local none = random.control(e, d, { id = "x", seed = 1 })
    assert.same({ 0, 0, false, false }, { none.arms, none.tried, none.first, none.any })
    assert.same({ arms = 0, first = false, any = false }, random.doctor(d))
  end)

  it("shows what log-only tools say, and which are not there", function()
    local logs = require "bench_logs"
    local log, after = logs.of_loop()
    after(1, 2, 10)
    after(1, 5, 5)
    after(2, 1, 10)
    assert.same({ 3, 1 }, log.epochs.loss)
    assert.same({ 2, 5, 1 }, log.steps.loss)
    local text = logs.text({ one = json.null,
      two = { version = "1.0", cases = { a = { "flat" }, b = json.null, c = {} } },
      three = { version = "2.0", cases = { a = {}, b = { "nan" }, c = { "spike" } } } },
      { "a", "b" }, { "c" }, { faulty = "2/2", sound = "0/1" })
    assert.matches("one +not installed", text)
    assert.matches("two 1%.0 +1/2 +0/1 +1", text)
    assert.matches("three 2%.0 +1/2 +1/1 +0", text)
    assert.matches("any of them +2/2 +1/1", text)
    assert.matches("no Python", logs.text(nil, {}, {}, {}))
  end)

  it("says what scores are where the weights saw nothing of a program's source", function()
    local names = require("bench_samples").names()
    local cases, truth = {}, {}
    for i = 1, 6 do
      local id, sound = "case" .. i, i > 3
      local x = {}
      for _, name in ipairs(names) do x[name] = 0 end
      x[sound and "suggestive" or "exact"] = 1
      cases[i] = { id = id, causes = json.array(), findings = { { rank = 1, features = x,
        cause = "lr_too_high", rule = "r", severity = sound and "warning" or "error" } } }
      truth[id] = { healthy = sound, scored = true, origin = "real", group = sound and "b" or "a",
        causes = sound and json.array() or { "lr_too_high" } }
    end
    write("truth.json", json.encode(truth))
    write("causes.json", json.encode { lr_too_high = { equivalents = json.array() } })
    write("results.json", json.encode { cases = cases })
    local pipe = assert(io.popen(("%s spec/faultbench/leave_out.lua '%s/results.json:%s' 2>&1")
      :format(os.getenv "LUA" or "lua5.4", folder, folder)))
    local text = pipe:read "a"
    pipe:close()
    -- from the sound ones alone nothing is a fault, from the faulty ones alone everything is
    assert.matches("detected +3/3  100 %% +3/3  100 %% +0/3  0 %% +%-100%.0", text)
    assert.matches("first cause, with equivalents +3/3  100 %% +3/3  100 %% +0/3", text)
    assert.matches("false alarms +0/3  0 %% +0/3  0 %% +3/3  100 %% +%+100%.0", text)
    assert.matches("at most 100%.0 points", text)
  end)
end)
