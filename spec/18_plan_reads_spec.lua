-- Whatever a planned step reads may be written between two steps, past every setter: the plan is
-- dropped. The oracle is the eager step, to which the same is done.
local check = require "spec.support.plan_check"
local ld = require "lossdbg"

local nn = ld.nn

local function x_of(i) return check.noise({ 6, 4 }, i) end
local function y_of(i) return check.noise({ 6, 3 }, 100 + i) end

local function make(options)
  local layers = options.layers and options.layers() or { nn.dense { 5, "tanh" }, nn.dense(3) }
  local model = nn.sequential(layers):build({ 4 }, { seed = 3 })
  local given = { model, lr = 0.01 }
  for key, value in pairs(options.given or {}) do given[key] = value end
  local optimizer = ld.optim[options.kind or "adam"](given)
  local loss = options.loss and options.loss() or ld.loss.mse()
  local made = { model = model, optimizer = optimizer, loss = loss,
    step = check.training(model, optimizer, loss) }
  if options.step then made.step = options.step(made) end
  return made
end

-- change(made) before steps 7 and 13; both must be noticed, and the step be planned again.
local function noticed(change, options)
  options = options or {}
  local made, step = check.same(function() return make(options) end,
    check.data(18, function(i) return { x_of(i), y_of(i) } end),
    { between = function(made, i)
      if i == 7 then change(made, 1) end
      if i == 13 then change(made, 2) end
    end })
  assert.is_true(step.planned, step.reason)
  local first = options.step and 2 or 3 -- an optimiser is new to the first step
  assert.equal(18 - first - 2 * 2, made.planned)
end

-- Layers made anew for each of the two trainings: their options are changed.
local function with(layers) return { layers = layers } end

local cases = {
  ["the optimiser's momentum"] = { function(made, k) made.optimizer.options.momentum = 0.9 / k end,
    { kind = "sgd", given = { momentum = 0.5 } } },
  ["the optimiser's beta1"] = { function(made, k) made.optimizer.options.beta1 = 0.5 / k end },
  ["the optimiser's weight decay"] = { function(made, k)
    made.optimizer.options.weight_decay = 0.1 * k
  end },
  ["a clip that was not there"] = { function(made, k)
    made.optimizer.options.clip_norm = k == 1 and 1e-3 or nil
  end },
  ["a global clip"] = { function(made, k) made.optimizer.options.global_clip_norm = 1e-3 * k end,
    { given = { global_clip_norm = 1 } } },
  ["a weight's regulariser"] = { function(made, k)
    made.model:layer("dense_1").parameters[1].regularizer.l2 = 0.3 * k
  end, with(function() return { nn.dense { 5, "tanh", l2 = 0.1 }, nn.dense(3) } end) },
  ["a regulariser put in"] = { function(made, k)
    made.model:layer("dense_1").parameters[1].regularizer = k == 1 and ld.regularizer.l1(0.2) or nil
  end },
  ["a constraint"] = { function(made, k)
    made.model:layer("dense_1").parameters[1].constraint.options.max_value = 0.3 * k
  end, with(function()
    return { nn.dense { 5, "tanh", kernel_constraint = "max_norm" }, nn.dense(3) }
  end) },
  ["the scale of the loss"] = { function(made, k) made.loss.scale = k + 1 end },
  ["the loss's own options"] = { function(made, k) made.loss.delta = 0.1 * k end,
    { loss = function() return ld.loss.huber { delta = 1 } end } },
  ["the rate of a dropout"] = { function(made, k)
    made.model:layer("dropout_1").options.rate = 0.2 * k
  end, with(function() return { nn.dense(5), nn.dropout(0.3), nn.dense(3) } end) },
  ["weights put in the place of others"] = { function(made, k)
    local weights = made.model:layer("dense_1").weights
    weights.kernel = (weights.kernel:detach() * 2 * k):contiguous()
  end },
  ["an activation"] = { function(made, k)
    made.model:layer("dense_1").activation = { name = "x", apply = function(x) return x * k end }
  end },
  ["the epsilon of a normalisation"] = { function(made, k)
    made.model:layer("batch_norm_1").options.epsilon = 0.5 * k
  end, with(function() return { nn.dense(5), nn.batch_norm(), nn.dense(3) } end) },
  ["a layer in the place of another"] = { function(made)
    local list = made.model.list
    list[2], list[3] = list[3], list[2]
  end, with(function()
    return { nn.dense { 5, "tanh" }, nn.dense { 5, "relu" }, nn.dense(5), nn.dense(3) }
  end) },
}

describe("a planned step notices", function()
  for name, case in pairs(cases) do
    it(name, function() noticed(case[1], case[2]) end)
  end

  it("variables of its functions, plain tables and globals", function()
    local factor, config = 1, { deep = { list = { 1, 2 } } }
    local function inner(x) return x * config.deep.list[2] end
    local function step_of(made)
      return function(x, y)
        return made.loss(inner(made.model(x)) * factor * (rawget(_G, "plan_reads_factor") or 1), y)
      end
    end
    for _, change in ipairs {
      function(_, k) factor = k + 1 end,
      function(_, k) config.deep.list[2] = 3 * k end,
      function(_, k) config.deep = { list = { 0, 7 * k } } end,
      function(_, k) inner = function(x) return x - k end end,
      function(_, k) rawset(_G, "plan_reads_factor", k == 1 and 5 or nil) end,
    } do
      local start = { factor, config, inner }
      noticed(change, { step = function(made)
        factor, config, inner = start[1], { deep = { list = { 1, 2 } } }, start[3]
        return step_of(made)
      end })
    end
  end)

  it("what its arguments hold", function()
    local function run(planned)
      local out, object = {}, setmetatable({ scale = 2, tables = { { 1 } } }, { __index = {} })
      local fn = function(x, given) return x * given.scale * given.tables[1][1] end
      local step = planned and ld.plan(fn) or fn
      for i = 1, 12 do
        if i == 6 then object.scale = 3 end
        if i == 9 then object.tables[1][1] = 5 end
        out[i] = check.bits(step(x_of(i), object))
      end
      return out, step
    end
    local planned, step = run(true)
    assert.same((run(false)), planned)
    assert.is_true(step.planned)
  end)
end)

describe("a step whose variables change all the time", function()
  it("runs eagerly and says which", function()
    local factor = 0
    local step = ld.plan(function(x) return x * factor end)
    for i = 1, 30 do
      if i % 4 == 0 then factor = i end
      assert.equal(check.bits(x_of(i) * factor), check.bits(step(x_of(i))))
    end
    assert.matches("the step reads 'factor', which changes from step to step", step.reason, 1, true)
  end)

  it("may count by itself", function()
    local n = 0
    local step = ld.plan(function(x)
      n = n + 1
      return x * 2
    end)
    for i = 1, 10 do step(x_of(i)) end
    assert.is_true(step.planned)
    assert.equal(2, n)
  end)
end)

describe("what a step can reach", function()
  it("has a limit", function()
    local many = {}
    for i = 1, 70000 do many[i] = i end
    local step = ld.plan(function(x) return x * many[3] end)
    for i = 1, 5 do step(x_of(i)) end
    assert.matches("more than 65536 values outside its arguments", step.reason, 1, true)
  end)
end)
