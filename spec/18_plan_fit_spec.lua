-- fit replays its steps from plans: whatever the recipe, with the bits of eager steps.
local ld = require "lossdbg"
local nn = ld.nn

local function data(n, classes)
  ld.seed(5)
  local x, y = ld.randn { n, 6 }, {}
  for i = 1, n do y[i] = i % (classes or 3) end
  return { x = x, y = ld.tensor(y, "i32") }
end

local function mlp()
  return nn.sequential { nn.dense { 8, "relu", l2 = 1e-3 }, nn.batch_norm(), nn.dropout(0.3),
    nn.dense { 3, "softmax" } }
end

local function recipe(changes)
  local given = { train = data(70), model = mlp(), loss = "sparse_crossentropy", epochs = 6,
    optimizer = ld.optim.adam { lr = 0.02 }, batch = 16, seed = 3 }
  for key, value in pairs(changes or {}) do given[key] = value end
  return given
end

-- Every number of a run, in a fixed order; NaN as text.
local function numbers(value, path, out)
  if type(value) == "table" then
    local keys = {}
    for key in pairs(value) do keys[#keys + 1] = key end
    table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
    for _, key in ipairs(keys) do numbers(value[key], path .. "/" .. tostring(key), out) end
  elseif type(value) == "number" then
    out[#out + 1] = path .. " " .. ("%a"):format(value)
  elseif type(value) ~= "function" and type(value) ~= "userdata" then
    out[#out + 1] = path .. " " .. tostring(value)
  end
  return out
end

local function trace(run)
  local out = {}
  for name, tensor in run.model:parameters() do numbers(tensor:totable(), name, out) end
  numbers(run.history, "history", out)
  numbers(run.steps, "steps", out)
  numbers(run.signals, "signals", out)
  out[#out + 1] = run.stopped .. " " .. run.n_steps
  return out
end

-- make: a fresh recipe at each call, since optimisers and callbacks keep a state
local function same(make, fit, least)
  local given = { verbose = 0 }
  for key, value in pairs(fit or {}) do given[key] = value end
  local planned = ld.experiment(make()):fit(given)
  given.plan = false
  local eager = ld.experiment(make()):fit(given)
  assert.equal(0, eager.planned.steps)
  assert.is_true(planned.planned.steps >= (least or 10),
    ("only %d steps were replayed: %s"):format(planned.planned.steps,
      tostring(planned.planned.reason)))
  local a, b = trace(eager), trace(planned)
  for i = 1, math.max(#a, #b) do
    if a[i] ~= b[i] then error(("eager %s, planned %s"):format(a[i], b[i])) end
  end
end

describe("a planned fit equals the eager one", function()
  it("with shuffled, short last batches", function()
    same(function() return recipe() end)
    same(function() return recipe { shuffle = false } end)
    same(function() return recipe { dtype = "f64" } end)
  end)

  it("with metrics, validation and early stopping", function()
    same(function()
      return recipe { metrics = { "accuracy" }, val = data(30), early_stopping = true }
    end, nil, 5)
  end)

  it("with schedules, clips, accumulation and averages", function()
    same(function()
      return recipe { optimizer = ld.optim.sgd { lr = 0.1, momentum = 0.9 },
        schedule = { name = "cosine", lr = 0.1, steps = 30 } }
    end)
    same(function() return recipe { clip_norm = 0.05 } end)
    same(function() return recipe { global_clip_norm = 0.05 } end)
    same(function() return recipe { clip_value = 0.01 } end)
    same(function()
      return recipe { epochs = 12, optimizer = ld.optim.adam { gradient_accumulation_steps = 2 } }
    end)
    same(function()
      return recipe { optimizer = ld.optim.adamw { use_ema = true, ema_momentum = 0.9 } }
    end)
  end)

  it("with weights of classes and penalties of activities", function()
    same(function() return recipe { class_weight = { [0] = 2, [1] = 0.5 } } end)
    same(function()
      return recipe { model = nn.sequential { nn.dense { 8, "relu", activity_regularizer = "l1" },
        nn.dense { 3, "softmax" } } }
    end)
  end)

  it("up to the step where the loss stops being finite", function()
    for _, stop in ipairs { true, false } do
      same(function()
        return recipe { optimizer = ld.optim.sgd { lr = 1e12 }, terminate_on_nan = stop,
          model = nn.sequential { nn.dense { 8 }, nn.dense { 8 }, nn.dense { 3 } },
          loss = "sparse_crossentropy" }
      end, nil, 0)
    end
    -- late: one row is broken, and the epoch is shuffled
    for _, stop in ipairs { true, false } do
      same(function()
        local rows = data(640)
        rows.x:set(0 / 0, 601, 2)
        return recipe { train = rows, terminate_on_nan = stop, epochs = 2, shuffle = false }
      end)
    end
  end)

  it("with a limit on steps, and somebody who looks at each", function()
    same(function() return recipe() end, { max_steps = 17 }, 5)
    local seen = {}
    same(function() return recipe() end, { on_step = function(ctx)
      seen[#seen + 1] = ctx.loss
      assert.equal(ctx.x.shape[1], ctx.y.shape[1])
    end })
    assert.equal(60, #seen)
    for i = 1, 30 do assert.equal(seen[i], seen[i + 30]) end
  end)

  it("when a callback changes what is trained", function()
    same(function()
      return recipe { epochs = 9, callbacks = { { on_epoch_end = function(_, run, logs)
        if logs.epoch == 3 then run.model:freeze "dense_1" end
        if logs.epoch == 5 then run.model:unfreeze "dense_1" end
        if logs.epoch == 6 then run.optimizer.lr = 0.001 end
      end } } }
    end)
  end)
end)

describe("a fit that cannot be planned", function()
  it("runs eagerly and says why", function()
    local run = ld.experiment(recipe { model = nn.sequential {
      nn.lambda { function(x) return x:mul(2) end, output_shape = { 6 } },
      nn.dense { 3, "softmax" } } })
      :fit { verbose = 0 }
    assert.equal(0, run.planned.steps)
    assert.truthy(run.planned.reason:find("function of Lua", 1, true), run.planned.reason)
  end)
end)

describe("outputs of layers", function()
  it("are measured in every step", function()
    local run = ld.experiment(recipe { model = nn.sequential { nn.dense { 8, "relu" },
      nn.dense { 3, "softmax" } } }):fit { verbose = 0 }
    local seen = run.signals.outputs.dense_1
    assert.equal(run.n_steps, #seen.mean)
    for i = 1, run.n_steps do
      assert.is_true(seen.zero_share[i] > 0 and seen.zero_share[i] < 1 and seen.mean[i] > 0)
    end
    assert.is_nil(seen.first_nonfinite_step)
  end)
end)
