-- What a script can reach through require "lossdbg.core" raises where it is misused and never
-- touches memory that is not its own: each case here read or wrote out of bounds once.
package.path = "./spec/support/?.lua;" .. package.path
local core = require "lossdbg.core"
local samples = require "core_samples"

local function sample(name) return samples.samples[name]() end

local function fails(pattern, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  assert.matches(pattern, message)
end

describe("userdata of another kind", function()
  local tape = sample("plan.build")[1]
  local kinds = { tape = tape, plan = sample("plan.run")[1], record = sample("record.clear")[1],
    tensor = samples.ramp { 3 }, file = io.stdout }
  -- a tensor as long as a tape: the length of userdata tells nothing about its kind
  local like = core.tensor.full({ 1 << 9 }, 1)

  it("is no tape", function()
    for name, value in pairs(kinds) do
      if name ~= "tape" then
        fails("plan.build: argument 'tape': expected a tape", core.plan.build, value, value)
        fails("plan.build: argument 'tape': expected a tape", core.plan.build, tape, value)
        fails("plan.reason: argument 'tape': expected a tape", core.plan.reason, value)
      end
    end
    for n = 0, 600 do -- small tensors hold their bytes themselves: every length of a userdata
      local t = core.tensor.full({ n }, 1)
      fails("expected a tape", core.plan.build, t, t)
      fails("expected a tape", core.plan.reason, t)
    end
    fails("expected a tape", core.plan.reason, like)
  end)

  it("is no plan, no record and no tensor", function()
    for name, value in pairs(kinds) do
      if name ~= "plan" then
        fails("plan", core.plan.run, value, 1, {})
        if name ~= "tape" then fails("plan", core.plan.optimizers, value) end
        fails("plan", core.fit.result, value, 1)
      end
      if name ~= "record" then
        fails("the record of a training", getmetatable(kinds.record).__index.steps, value)
      end
      if name ~= "tensor" then fails("expected a tensor", core.op.neg, value) end
    end
  end)
end)

describe("plan.capture", function()
  it("captures one step at a time", function()
    local x = samples.ramp { 2 }
    local inner
    local t = core.plan.capture(function()
      inner = table.pack(pcall(core.plan.capture, function() return x * 2 end, nil, {}))
      return x + 1
    end, nil, {})
    assert.is_false(inner[1])
    assert.matches("plan.capture: a step is being captured already", inner[2])
    assert.is_nil(core.plan.reason(t))
    assert.is_false(core.plan.taping())
  end)

  it("takes only tables for optimisers and text for layers", function()
    fails("table expected", core.plan.optimizer, 5, 0.1, 1)
    fails("string expected", core.autograd.scope, {})
  end)

  it("keeps what the record of a training writes into", function()
    local plan, x
    do
      local record = core.train.recorder({ 1 }, { 4 }, 1)
      local see = getmetatable(record).__index.see
      x = samples.ramp { 4 }
      local function step(a)
        local y = a * 2
        see(record, 1, y)
        return y
      end
      local first = core.plan.capture(step, nil, { x }, x)
      plan = assert(core.plan.build(first, (core.plan.capture(step, nil, { x }, x))))
    end
    collectgarbage()
    collectgarbage()
    for _ = 1, 50 do core.tensor.full({ 200 }, 1) end
    assert.same((x * 2):totable(), core.plan.run(plan, 3, { x }):totable())
  end)
end)

describe("fit.steps", function()
  local function steps(changes)
    local args = sample("fit.steps")
    for key, value in pairs(changes) do args[3][key] = value end
    return core.fit.steps(table.unpack(args, 1, args.n))
  end

  it("counts rows without overflow", function()
    assert.equal(1, (steps {}))
    for _, batch in ipairs { 1 << 61, 1 << 62, math.maxinteger } do
      fails("rows", steps, { batch = batch, n = 8 })
      fails("rows", steps, { batch = 4, n = batch })
      fails("rows", steps, { first = batch })
    end
    for _, bad in ipairs { -1, math.mininteger } do
      for _, key in ipairs { "batch", "n", "first" } do
        fails("must count rows and steps", steps, { [key] = bad })
      end
    end
    fails("must count rows and steps", steps, { batch = 0 })
    fails("rows and batches do not fit", steps, { n = 2 })
  end)

  it("takes lists for lists, and inputs as they were captured", function()
    for _, value in ipairs { "x", 5, false } do
      for _, key in ipairs { "rows", "batches", "places" } do
        fails("argument '" .. key .. "': expected a list", steps, { [key] = value })
      end
    end
    fails("another layout", steps, { rows = { samples.ramp { 4, 4 } } })
    fails("another layout", steps, { rows = { samples.ramp({ 4, 3 }, "f64") } })
  end)

  it("resumes only a step that waits", function()
    fails("no step waits", steps, { resume = true })
  end)

  it("looks at what the table holds, not at what its metatable makes up", function()
    local args = sample("fit.steps")
    local rows = args[3].rows
    args[3].rows = nil
    setmetatable(args[3], { __index = function(_, key) return key == "rows" and rows or nil end })
    fails("argument 'rows': expected a list", core.fit.steps, table.unpack(args, 1, args.n))
  end)
end)

describe("a result that is an argument of the step", function()
  it("is not handed out when the step is over", function()
    local function step(a) return a end
    local x = samples.ramp { 2, 2 }
    local first = core.plan.capture(step, nil, { x }, x)
    local plan = assert(core.plan.build(first, (core.plan.capture(step, nil, { x }, x))))
    fails("argument of a step that is over", core.fit.result, plan, 1)
    core.plan.run(plan, 1, { samples.ramp { 2, 2 } })
    collectgarbage()
    fails("argument of a step that is over", core.fit.result, plan, 1)
  end)
end)

describe("a digest", function()
  it("keeps its own list of what it watches", function()
    local list = { { a = 1 }, { 1, 2 }, function() return fails end }
    local made = core.digest.make(list, { { "a" }, false, false })
    for i, value in ipairs { 5, "x", true } do list[i] = value end
    assert.is_nil(core.digest.changed(made))
    fails("expected tables and functions", core.digest.make, list, { false, false, false })
    fails("expected a digest", core.digest.changed, io.stdout)
  end)
end)

describe("the state of a record", function()
  it("is read from the table itself, once", function()
    local record = core.train.recorder({ 1 }, { 4 }, 0)
    local state, load = record:state(), getmetatable(record).__index.load
    local history, asked = state.history, 0
    state.history = nil
    setmetatable(state, { __index = function()
      asked = asked + 1
      return asked == 1 and history or core.tensor.full({ 1 }, 0, "f64")
    end })
    fails("history", load, record, state)
    assert.equal(0, asked)
  end)
end)
