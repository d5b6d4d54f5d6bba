-- Contracts in fit: what code of a user's own may break there, and that a plain fit keeps them all.
local ld = require "lossdbg"
local nn = ld.nn
local observers = require "lossdbg.support.observers"

local function classes()
  ld.seed(4)
  local x = ld.randn { 96, 6 }
  local y = x:slice(2, 1, 1):gt(0):add(x:slice(2, 2, 2):gt(0)):reshape { 96 }
  return ld.data.arrays { x, y:cast "i32" }
end

local function experiment(o)
  o = o or {}
  return ld.experiment { train = classes(), val = classes(), epochs = 3, batch = 16, seed = 2,
    model = nn.sequential(o.layers or { nn.dense { 8, "relu" }, nn.dense { 3 } }),
    loss = o.loss or ld.loss.sparse_crossentropy { from_logits = true },
    optimizer = o.optimizer or ld.optim.adam { lr = 0.01 }, callbacks = o.callbacks }
end

local function fitted(o, given)
  given = given or {}
  given.verbose = 0
  return experiment(o):fit(given).signals.contracts
end

local function broken(found)
  local list = {}
  for i, one in ipairs(found.broken) do list[i] = one.id end
  return table.concat(list, " ")
end

describe("a plain fit", function()
  it("keeps every contract that it can be asked", function()
    local found = fitted {}
    assert.same({}, found.broken)
    assert.same({ "labels_cover", "targets_of_data", "rows_belong", "batches_differ",
      "current_tensors", "one_optimizer_each", "gradient_moves_weight", "rate_of_schedule",
      "evaluation_changes_nothing", "evaluation_repeats" }, found.kept)
  end)

  it("asks a loss of one's own for every output, and none of the library's", function()
    local x, y = {}, {}
    for i = 1, 40 do x[i], y[i] = { math.sin(i), math.cos(i) }, { math.sin(i), math.cos(i) } end
    local function broken_with(loss, activation)
      local run = ld.experiment { train = { ld.tensor(x), ld.tensor(y) }, loss = loss, epochs = 2,
        model = ld.nn.sequential { ld.nn.dense { 2, activation } }, seed = 1,
        optimizer = ld.optim.sgd { lr = 0.1 } }:fit { verbose = 0 }
      return broken(run.signals.contracts)
    end
    local function first_column(p, t)
      return p:slice(2, 1, 1):sub(t:slice(2, 1, 1)):square():mean()
    end
    local function both(p, t) return p:sub(t):square():mean() end
    assert.equal("outputs_get_gradient", broken_with(first_column))
    assert.equal("", broken_with(both))
    assert.equal("", broken_with("mse", function(v) return v:mul(ld.tensor { { 1, 0 } }) end))
  end)

  it("is not asked without telemetry", function()
    assert.is_nil(fitted({}, { telemetry = false }))
  end)

  it("leaves nobody looking on, by an error either", function()
    local failing = { { on_step_end = function() error "stop it" end } }
    assert.is_false((pcall(fitted, { callbacks = failing, layers = { nn.lambda(function(x)
      return x
    end), nn.dense { 3 } } })))
    assert.is_false(observers.any)
  end)
end)

describe("in fit is broken", function()
  it("what a callback does to weights", function()
    local shrink = { on_step_end = function(_, run)
      for _, tensor in run.model:parameters() do
        ld.no_grad(function() tensor:mul_(0.9) end)
      end
    end }
    local found = fitted { callbacks = { shrink } }
    assert.equal("only_step_moves_weights", broken(found))
    assert.same({ 1, "dense_1" }, { found.broken[1].step, found.broken[1].layer })
    local same = { on_step_end = function(_, run) return run.nothing end }
    assert.equal("", broken(fitted { callbacks = { same } }))
  end)

  it("an evaluation with noise", function()
    local found = fitted { layers = { nn.dense { 8 }, nn.lambda(function(x)
      return x + ld.randn(x.shape)
    end), nn.dense { 3 } } }
    assert.equal("evaluation_repeats", broken(found))
    assert.equal("lambda_1", found.broken[1].layer)
  end)

  it("a backward that is no slope", function()
    local op = ld.op { forward = function(_, x) return x:mul(x) end,
      backward = function(ctx, g) return g:mul(ctx.inputs[1]) end }
    local found = fitted { layers = { nn.dense { 8 }, nn.lambda(function(x) return op(x) end),
      nn.dense { 3 } } }
    assert.equal("op_gradient", broken(found))
    assert.matches("38_contract_fit_spec.lua:%d+$", found.broken[1].line)
  end)

  it("a class that the loss leaves out, and outputs without a class", function()
    assert.equal("ignored_outside", broken(fitted { loss = ld.loss.sparse_crossentropy {
      from_logits = true, ignore_class = 2 } }))
    assert.equal("labels_cover", broken(fitted { layers = { nn.dense { 5 } } }))
  end)

  it("a contract of one's own", function()
    local mine = ld.contract { id = "falls", check = function(step)
      return step.loss < 0, "the loss is not below 0"
    end }
    local found = fitted({}, { contracts = { mine } })
    assert.same({ "falls", "the loss is not below 0" }, { broken(found), found.broken[1].text })
  end)

  it("and said in the diagnosis, with its step", function()
    local shrink = { on_step_end = function(_, run)
      for _, tensor in run.model:parameters() do ld.no_grad(function() tensor:mul_(0.5) end) end
    end }
    local found
    for _, f in ipairs(experiment { callbacks = { shrink } }:diagnose { trials = false }) do
      if f.rule == "contract_broken" then found = f end
    end
    assert.matches("nothing but a step changes weights", found.title, 1, true)
    assert.same({ "weights_changed_outside", 1, "dense_1" }, { found.cause, found.where.step,
      found.where.layer })
  end)
end)
