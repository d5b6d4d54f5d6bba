local ld = require "lossdbg"
local movement = require "lossdbg.diagnose.movement"
local state = require "lossdbg.diagnose.state"

-- n values of f(t), t from 0 to 1
local function curve(n, f)
  local list = {}
  for i = 1, n do list[i] = f((i - 1) / (n - 1), i) end
  return list
end

-- Deterministic noise, uniform in -1 .. 1.
local function noise(i)
  local x = math.sin(i * 12.9898) * 43758.5453
  return 2 * (x - math.floor(x)) - 1
end

local function line(from, to)
  return function(t) return from + (to - from) * t end
end

local function input(list, more)
  local i = { losses = list, start = list[1], level = list[#list], steps_per_epoch = 10 }
  for key, value in pairs(more or {}) do i[key] = value end
  return i
end

local function id(list, more) return state.judge(input(list, more)).id end

describe("the state of a run", function()
  it("is constant or too slow when the loss hardly moved, however low it began", function()
    -- breast cancer, standardised, SGD at 1e-5: the initial weights happened to be good
    local run = state.judge(input(curve(375, line(0.4526, 0.4500)), { baseline = 0.6604 }))
    assert.equal("too_slow", run.id)
    assert.is_true(run.fails)
    local noisy = curve(375, function(t, i) return 0.4526 - 0.0026 * t + 0.02 * noise(i) end)
    assert.equal("constant", id(noisy, { start = 0.4526, level = 0.4500, baseline = 0.6604 }))
  end)

  it("is diverging when the loss rises without a leap", function()
    local run = state.judge(input(curve(300, line(3.47, 4.27)), { baseline = 2.3 }))
    assert.equal("diverging", run.id)
    assert.is_true(run.fails)
    assert.is_false(run.learns)
  end)

  it("is constant when a rate that halves every step leaves the loss where it was", function()
    local list = curve(300, function(_, i) return 0.343 + 0.014 * 0.5 ^ (i - 1) end)
    assert.equal("constant", id(list, { baseline = 0.69 }))
  end)

  it("changes at its limits and nowhere else", function()
    local function falls(share)
      return id(curve(300, line(1, 1 - share)), { baseline = 1.5 })
    end
    assert.equal("too_slow", falls(0.045))
    assert.equal("still_falling", falls(0.055))
    local function rises(share) return id(curve(300, line(1, 1 + share)), { baseline = 0.9 }) end
    assert.equal("constant", rises(0.09))
    assert.equal("diverging", rises(0.11))
    local function settles(at)
      return id(curve(300, function(t, i) return at + (1.2 - at) * math.exp(-60 * t)
        + 1e-3 * noise(i) end), { baseline = 1 })
    end
    assert.equal("constant", settles(0.91))
    assert.equal("plateau_after_progress", settles(0.89))
    assert.equal("plateau_after_progress", settles(0.51))
    assert.equal("healthy", settles(0.49))
    assert.equal("healthy", settles(0.05))
  end)

  it("is nan, or diverging by leaps that recover", function()
    assert.equal("nan", id { 1, 0.9, 0 / 0 })
    local list = curve(100, line(1, 0.9))
    list[60] = 40
    assert.not_equal("diverging", id(list, { baseline = 1 }))
    list[80] = 40
    assert.equal("diverging", id(list, { baseline = 1 }))
  end)

  it("is oscillating when whole epochs jump and little is learnt", function()
    local epochs = curve(20, function(_, i) return i % 2 == 0 and 0.7 or 0.95 end)
    local i = { epochs = epochs, start = 1.4, level = 0.7, baseline = 1 }
    assert.equal("oscillating", state.judge(i).id)
    i.epochs = curve(20, function(_, k) return k % 2 == 0 and 0.7 or 0.83 end)
    assert.not_equal("oscillating", state.judge(i).id)
  end)

  it("cannot tell from few noisy steps, and says how many more would do", function()
    local list = curve(30, function(_, i) return 1 + 0.3 * noise(i) end)
    local run = state.judge(input(list, { start = 1.05, level = 0.95, baseline = 1 }))
    assert.equal("cannot_tell", run.id)
    assert.is_true(run.movement.more_steps > 0)
  end)

  it("takes the task for learnt where predictions are right, and says when the loss is not",
    function()
      local list = curve(300, line(2, 1.2))
      local run = state.judge(input(list, { baseline = 1.25, task = { train = 0.95 } }))
      assert.equal("healthy", run.id)
      assert.is_true(run.bad_loss)
      run = state.judge(input(list, { baseline = 2.41, task = { train = 0.95 } }))
      assert.is_false(run.bad_loss) -- half of the loss is removed
      -- accuracy is no proof where the loss is worse than that of a constant answer
      run = state.judge(input(list, { baseline = 1.1, task = { train = 0.95 } }))
      assert.not_equal("healthy", run.id)
    end)

  it("does not believe a loss below its floor", function()
    local list = curve(300, line(0.7, -40))
    local run = state.judge(input(list, { baseline = 0.69, task = { train = 0.01 } }))
    assert.is_true(run.fails)
    assert.is_nil(run.level.skill)
  end)

  it("is overfitting when validation lags or its loss has turned", function()
    local list = curve(300, function(t) return math.exp(-6 * t) end)
    local function lag(val)
      return id(list, { baseline = 1, task = { train = 0.95, val = val, val_rows = 50 } })
    end
    assert.equal("overfitting", lag(0.74))
    assert.equal("healthy", lag(0.76))
    assert.equal("healthy", id(list, { baseline = 1,
      task = { train = 0.95, val = 0.2, val_rows = 19 } }))
    local epochs = curve(30, function(t) return math.exp(-6 * t) end)
    local val = curve(30, function(t) return 0.5 + (t - 0.3) ^ 2 end)
    assert.equal("overfitting", state.judge { epochs = epochs, val_losses = val, start = 1.2,
      level = epochs[30] }.id)
  end)

  it("leaves room below a lower skill of 0.9", function()
    local list = curve(300, line(1, 0.3))
    local function room(train, val)
      return state.judge(input(list, { baseline = 1,
        task = { train = train, val = val, val_rows = 100 } })).task.room
    end
    assert.is_true(room(0.95, 0.89))
    assert.is_false(room(0.95, 0.91))
    assert.is_true(room(0.89))
  end)

  it("is healthy where little is there to be learnt, and all of it is", function()
    local list = curve(300, function(t) return 0.93 + 0.4 * math.exp(-8 * t) end)
    local function of(reachable, verdict, task)
      return id(list, { baseline = 1, skill = { value = 0.07, verdict = verdict or "better" },
        task = task or { train = 0.07 }, reachable = reachable })
    end
    assert.equal("too_slow", of(nil))
    assert.equal("healthy", of(0.08))
    assert.equal("healthy", of(0.119))
    assert.equal("too_slow", of(0.121)) -- more could be reached
    assert.equal("too_slow", of(0.029)) -- nothing is there: what is learnt is by heart
    assert.equal("too_slow", of(0.08, "at_baseline"))
    assert.equal("too_slow", of(0.08, "better", { train = 0.09, val = 0.02, val_rows = 90 }))
    -- what held-out rows show is no chance either, where a plain network finds nothing
    assert.equal("healthy", id(list, { baseline = 1, skill = { value = 0.07, verdict = "better" },
      task = { train = 0.07, val = 0.05, val_rows = 90 }, val_verdict = "better",
      reachable = -0.1 }))
    -- a run that hardly moved is constant all the same
    assert.equal("too_slow", id(curve(375, line(0.4526, 0.4500)), { baseline = 0.46,
      skill = { value = 0.02, verdict = "better" }, task = { train = 0.02 }, reachable = 0.04 }))
  end)

  it("subtracts what no answer could be rid of", function()
    -- soft targets: entropy 0.6; from 0.7 to 0.604 is 96 % of the way
    local list = curve(300, function(t, i)
      return 0.604 + 0.096 * math.exp(-60 * t) + 1e-3 * noise(i)
    end)
    assert.equal("healthy", id(list, { baseline = 0.7, floor = 0.6 }))
    assert.equal("plateau_after_progress", id(list, { baseline = 0.7 }))
  end)

  it("does not change when the loss is scaled", function()
    local cases = {
      input(curve(375, line(0.4526, 0.4500)), { baseline = 0.6604 }),
      input(curve(300, line(3.47, 4.27)), { baseline = 2.3 }),
      input(curve(300, function(_, i) return 0.343 + 0.014 * 0.5 ^ (i - 1) end),
        { baseline = 0.69 }),
      input(curve(300, line(1, 0.6)), { baseline = 1.1 }),
      input(curve(300, function(t, i) return 0.6 + math.exp(-40 * t) + 0.05 * noise(i) end),
        { baseline = 1 }),
      { epochs = curve(20, function(_, i) return i % 2 == 0 and 0.7 or 0.95 end), start = 1.4,
        level = 0.7, baseline = 1 },
    }
    local function scaled(list, factor)
      return list and curve(#list, function(_, i) return list[i] * factor end)
    end
    for n, case in ipairs(cases) do
      local plain = state.judge(case)
      for _, factor in ipairs { 1e-6, 0.5, 1e6 } do
        local twin = { steps_per_epoch = case.steps_per_epoch,
          losses = scaled(case.losses, factor), epochs = scaled(case.epochs, factor),
          start = case.start * factor, level = case.level * factor,
          baseline = case.baseline * factor }
        local judged = state.judge(twin)
        assert.equal(plain.id, judged.id, ("case %d times %g"):format(n, factor))
        assert.near(plain.movement.fall, judged.movement.fall, 1e-9)
      end
    end
  end)

  it("judges curves alone", function()
    assert.equal("still_falling", state.judge { losses = curve(200, line(2, 1)) }.id)
    assert.equal("constant", state.judge { epochs = curve(30, function(_, i)
      return 0.693 + 0.001 * noise(i) end) }.id)
    assert.equal("cannot_tell", state.judge { losses = { 1 } }.id)
    assert.equal("cannot_tell", state.judge {}.id)
  end)
end)

describe("states", function()
  it("say what they mean and what they allow; none both fails and learns", function()
    local want = { nan = 1, diverging = 1, constant = 1, too_slow = 1, oscillating = 1,
      plateau_after_progress = 1, cannot_tell = 1, overfitting = 1, still_falling = 1,
      healthy = 1 }
    for _, row in ipairs(state.states) do
      assert.equal(1, want[row.id])
      want[row.id] = nil
      assert.is_true(#row.means > 20 and #row.allows > 20)
      assert.is_false(row.fails == true and row.learns == true)
      assert.equal(row, state.get(row.id))
    end
    assert.is_nil(next(want))
  end)

  it("are explained, and listed in the documentation as they are", function()
    local file = assert(io.open("README.md"))
    local readme = file:read("a"):gsub("%s+", " ")
    file:close()
    for _, row in ipairs(state.states) do
      assert.matches(row.means, ld.explain(row.id):gsub("%s+", " "), 1, true)
      assert.is_truthy(readme:find(("| `%s` | %s | %s |"):format(row.id, row.means, row.allows), 1,
        true), row.id)
    end
  end)

  it("have limits with reasons", function()
    for _, limits in ipairs { state.limits, movement.limits } do
      for name, limit in pairs(limits) do
        assert.is_number(limit[1], name)
        assert.is_true(#limit[2] > 10, name)
      end
    end
  end)
end)
