-- A grid trained by workers has the runs of one trained here, to the bit.
local core = require "lossdbg.core"
local ld = require "lossdbg"
local nn = ld.nn

local function rows(n)
  local x, y = {}, {}
  for i = 1, n do
    x[i] = { math.sin(i), math.cos(3 * i), math.sin(7 * i) }
    y[i] = { x[i][1] - 2 * x[i][2] + 0.1 * math.sin(91 * i) }
  end
  return { ld.tensor(x), ld.tensor(y) }
end

local function experiment(changes)
  local given = { train = rows(90), val = rows(30), loss = "mse", batch = 8, epochs = 5, seed = 3,
    model = nn.sequential { nn.normalization { adapt = true }, nn.dense { 8, "relu" },
      nn.batch_norm(), nn.dropout(0.3), nn.dense(1) },
    target = "standardize", optimizer = ld.optim.adam { lr = 0.01 } }
  for key, value in pairs(changes or {}) do given[key] = value end
  return ld.experiment(given)
end

local function state_of(list)
  local out = {}
  for i, entry in ipairs(list) do out[i] = { entry.name, entry.tensor:totable() } end
  return out
end

local function plain(value, seen)
  if core.tensor.is_tensor(value) then return value:totable() end
  if type(value) == "number" then return math.type(value) .. ("%a"):format(value) end
  if type(value) ~= "table" then return value end
  seen = seen or {}
  if seen[value] then return "seen" end
  seen[value] = true
  local out = {}
  for key, item in pairs(value) do out[key] = plain(item, seen) end
  return out
end

local function check(e, name, values, epochs)
  local grids = {}
  for jobs = 1, 2 do -- on one line: runs know the line that they were made on
    grids[jobs] = e:vary(name, values):fit { jobs = jobs, epochs = epochs }
  end
  local alone, apart = grids[1], grids[2]
  assert.equal(tostring(alone), tostring(apart))
  assert.equal(select(2, alone:best()), select(2, apart:best()))
  for i, run in ipairs(alone.runs) do
    local other = apart.runs[i]
    for _, field in ipairs { "history", "steps", "signals", "stopped", "n_steps", "n_epochs",
      "better", "planned", "seed" } do
      assert.same(plain(run[field]), plain(other[field]), field)
    end
    assert.same(state_of(run.model:state()), state_of(other.model:state()))
    local x = rows(10)[1]
    assert.same(run:predict(x):totable(), other:predict(x):totable())
    assert.same(run.optimizer:state().iterations, other.optimizer:state().iterations)
    assert.equal(run.optimizer.last_lr, other.optimizer.last_lr)
    local keys, others = {}, {}
    for key in pairs(run) do keys[key] = true end
    for key in pairs(other) do others[key] = true end
    assert.same(keys, others)
  end
  return alone, apart
end

describe("a grid with workers", function()
  it("has the runs of one without", function()
    check(experiment(), "lr", { 0.1, 0.01, 1e-3 })
    check(experiment(), "units", { 4, 16 }, 3)
    check(experiment { optimizer = ld.optim.sgd { lr = 0.1, momentum = 0.9 },
      schedule = ld.schedule.exponential { lr = 0.1, rate = 0.9, steps = 5 } },
      "batch", { 4, 32 })
  end)

  it("keeps runs that end in NaN, and predicts and trains on as they would", function()
    local _, apart = check(experiment { target = "as_is", optimizer = ld.optim.sgd { lr = 1e30 } },
      "seed", { 1, 2 })
    assert.equal("nonfinite_loss", apart.runs[1].stopped)
  end)

  it("hands an error through, at the user's line", function()
    local function broken(x)
      if x.shape[1] == 4 then error "not four" end
      return x
    end
    local e = experiment { model = nn.sequential { nn.lambda(broken), nn.dense(1) } }
    local messages = {}
    for jobs = 1, 2 do
      local ok, why = pcall(function() e:vary("batch", { 8, 4 }):fit { jobs = jobs } end)
      assert.is_false(ok)
      messages[jobs] = why
    end
    assert.equal(messages[1], messages[2])
    assert.matches("not four", messages[2])
  end)

  it("calls callbacks here", function()
    local calls = 0
    experiment():vary("lr", { 0.1, 0.01 }):fit { jobs = 2, on_step = function()
      calls = calls + 1
    end }
    assert.equal(2 * 5 * 12, calls)
  end)

  it("refuses a number of workers that is none", function()
    for _, jobs in ipairs { 0, 2.5, "2", true } do
      local ok, why = pcall(function() experiment():vary("lr", { 0.1 }):fit { jobs = jobs } end)
      assert.is_false(ok)
      assert.matches("41_grid_jobs_spec.lua:%d+: lossdbg: grid:fit: argument 'jobs': expected", why)
    end
  end)
end)
