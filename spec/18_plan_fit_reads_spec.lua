-- fit plans without being asked: what a callback writes past every setter is honoured as in eager
-- steps, and functions of the user's, wherever they stand, are called in every step.
local ld = require "lossdbg"
local nn = ld.nn

local function data(n, shape)
  ld.seed(5)
  local y = {}
  for i = 1, n do y[i] = i % 3 end
  return { x = ld.randn { n, table.unpack(shape or { 6 }) }, y = ld.tensor(y, "i32") }
end

local function model(first)
  return nn.sequential { first or nn.dense { 8, "relu" }, nn.dropout(0.3), nn.dense(3) }
end

local function trained(change, given, fit)
  local recipe = { train = data(64), loss = ld.loss.sparse_crossentropy { from_logits = true },
    model = model(), optimizer = ld.optim.sgd { lr = 0.05, momentum = 0.5 }, batch = 16,
    epochs = 8, seed = 3, metrics = {},
    callbacks = { { on_epoch_end = function(_, run, logs) change(run, logs.epoch, given) end } } }
  for key, value in pairs(given or {}) do recipe[key] = value end
  local run = ld.experiment(recipe):fit { verbose = 0, plan = fit }
  local out = {}
  for name, tensor in run.model:parameters() do
    for i, value in ipairs(tensor:reshape({ tensor.numel }):totable()) do
      out[#out + 1] = ("%s %d %a"):format(name, i, value)
    end
  end
  for _, loss in ipairs(run.history.loss) do out[#out + 1] = ("%a"):format(loss) end
  return out, run
end

local function nothing() end

-- given: fresh options of the recipe at each call
local function same(change, given)
  local eager = trained(change, given and given(), false)
  local planned, run = trained(change, given and given())
  assert.same(eager, planned)
  if change ~= nothing then assert.not_same((trained(nothing, given and given())), planned) end
  return run
end

local function late(fn)
  return function(run, epoch, given)
    if epoch == 3 or epoch == 6 then fn(run, epoch / 3, given) end
  end
end

local cases = {
  ["momentum"] = { function(run, k) run.optimizer.options.momentum = 0.3 * k end },
  ["weight decay"] = { function(run, k) run.optimizer.options.weight_decay = 0.2 * k end },
  ["a clip that was not there"] = { function(run, k)
    run.optimizer.options.clip_norm = k == 1 and 1e-3 or nil
  end },
  ["the rate of a dropout"] = { function(run, k)
    run.model:layer("dropout_1").options.rate = 0.2 * k
  end },
  ["a weight's regulariser"] = { function(run, k)
    run.model:layer("dense_1").parameters[1].regularizer.l2 = 0.1 * k
  end, function() return { model = model(nn.dense { 8, "relu", l2 = 1e-3 }) } end },
  ["the regulariser of an activity"] = { function(run, k)
    run.model:layer("dense_1").options.activity_regularizer.l2 = 0.1 * k
  end, function() return { model = model(nn.dense { 8, activity_regularizer = "l2" }) } end },
  ["the scale of the loss"] = { function(_, k, given) given.loss.scale = 1 + k end,
    function() return { loss = ld.loss.sparse_crossentropy { from_logits = true } } end },
  ["a weight"] = { function(run, k)
    local weights = run.model:layer("dense_1").weights
    weights.kernel = (weights.kernel:detach() * (1 + k)):contiguous()
  end },
}

describe("in fit, a callback may write", function()
  for name, case in pairs(cases) do
    it(name, function()
      local run = same(late(case[1]), case[2])
      assert.is_true(run.planned.steps >= 32 - 3 - 2 * 2, run.planned.reason)
    end)
  end

  it("after every step", function()
    local function by_step()
      return { callbacks = { { on_step_end = function(_, run, logs)
        if logs.step == 10 then run.optimizer.options.momentum = 0.9 end
      end } } }
    end
    assert.is_true(same(nothing, by_step).planned.steps >= 32 - 3 - 2)
  end)
end)

describe("in fit, a learning rate of the user's own", function()
  local wraps = {
    ["as it is"] = function(fn) return fn end,
    ["as a schedule"] = function(fn) return ld.schedule.custom(fn) end,
    ["behind a warm-up"] = function(fn)
      return ld.schedule.warmup { schedule = ld.schedule.custom(fn), steps = 2 }
    end,
  }
  for name, wrap in pairs(wraps) do
    it("is asked for once a step, when its time has come, " .. name, function()
      local calls, level
      local function given()
        calls, level = 0, 0.1
        return { optimizer = ld.optim.sgd { lr = wrap(function()
          calls = calls + 1
          return level / (1 + calls)
        end) } }
      end
      local function change(_, epoch) level = 0.1 + 0.05 * epoch end
      assert.is_true(same(change, given).planned.steps >= 29)
      -- a training that ends in the middle has asked no more often
      local asked = {}
      for k, plan in ipairs { false, true } do
        local broken = given()
        broken.train, broken.batch, broken.shuffle = data(64), 4, false
        broken.train.x:set(0 / 0, 40, 1)
        local _, run = trained(nothing, broken, plan)
        assert.same({ 10, "nonfinite_loss" }, { run.n_steps, run.stopped })
        asked[k] = calls
      end
      assert.equal(asked[1], asked[2])
    end)
  end
end)

describe("in fit, a function of the user's", function()
  local function counted()
    local n = 0
    return function(x)
      n = n + 1
      return x * (1 + n / 64)
    end
  end
  local callable = function() return setmetatable({}, { __call = function(self, x)
    self.n = (self.n or 0) + 1
    return x * (1 + self.n / 64)
  end }) end
  local steps = { 4, 6 }
  local places = {
    ["as an activation"] = function() return nn.dense { 8, counted() } end,
    ["in a lambda"] = function() return nn.lambda { counted(), output_shape = { 6 } } end,
    ["that is a table"] = function() return nn.lambda { fn = callable(), output_shape = { 6 } } end,
    ["in a block"] = function() return nn.residual { nn.dense { 6, counted() } } end,
    ["in a wrapped layer"] = { function()
      return nn.time_distributed(nn.dense { 4, counted() })
    end },
    ["in a wrapped lambda"] = { function()
      return nn.time_distributed(nn.lambda { fn = callable(), output_shape = { 6 } })
    end },
  }
  for name, place in pairs(places) do
    it(name .. " is called in every step", function()
      local sequence = type(place) == "table"
      local layer = sequence and place[1] or place
      local run = same(nothing, function()
        if not sequence then return { model = model(layer()) } end
        return { train = data(64, steps),
          model = nn.sequential { layer(), nn.flatten(), nn.dense(3) } }
      end)
      assert.equal(0, run.planned.steps)
      assert.matches("a function of Lua takes part: layer '", run.planned.reason, 1, true)
    end)
  end

  it("in the loss is called in every step", function()
    local run = same(nothing, function()
      local n = 0
      return { loss = function(p, y)
        n = n + 1
        return p:sub(y:reshape({ -1, 1 })):square():mean(-1) * (1 + n / 64)
      end, model = nn.sequential { nn.dense(1) } }
    end)
    assert.matches("a function of Lua takes part: the loss", run.planned.reason, 1, true)
  end)

  it("that only makes the first weights is no hindrance", function()
    local function ones(t) return t:fill_(0.1) end
    local run = same(nothing, function() return { model = model(nn.dense { 8, init = ones }) } end)
    assert.is_true(run.planned.steps > 20, run.planned.reason)
  end)

  it("that a callback puts in is called from then on", function()
    same(late(function(run, k)
      run.model:layer("dense_1").activation = { name = "x",
        apply = function(x) return x * (1 + k / 10) end }
    end))
  end)
end)

describe("several outputs", function()
  it("are planned", function()
    local function given()
      local x = nn.input { 6 }
      local hidden = nn.dense { 8, "relu" }(x)
      local rows = data(64)
      return { train = { x = rows.x, y = { class = rows.y, size = rows.x:mean(2, true) } },
        model = nn.graph { inputs = x, outputs = { class = nn.dense { 3, "softmax" }(hidden),
          size = nn.dense(1)(hidden) } },
        loss = { class = "sparse_crossentropy", size = "mse" } }
    end
    local run = same(nothing, given)
    assert.is_true(run.planned.steps > 20, run.planned.reason)
  end)
end)
