-- Contracts of a training loop: each with a planted fault and a sound look-alike. What is broken
-- names its first step, its layer and the line of Lua.
local ld = require "lossdbg"
local nn = ld.nn
local cases = require "spec.support.contract_cases"
local contract = require "lossdbg.experiment.contract"

local function classes(n)
  ld.seed(4)
  local x = ld.randn { n or 96, 6 }
  local y = x:slice(2, 1, 1):gt(0):add(x:slice(2, 2, 2):gt(0)):reshape { n or 96 }
  return ld.data.arrays { x, y:cast "i32" }
end

local function network(layers)
  return nn.sequential(layers or { nn.dense { 8, "relu" }, nn.dense { 3 } }):build({ 6 },
    { seed = 3 })
end

-- Twelve steps; `o` says what is not as usual. Each hook gets the state of the loop.
local function watched(o)
  local data = o.data or classes()
  local model = o.model or network(o.layers)
  local loss = o.loss or ld.loss.sparse_crossentropy { from_logits = true }
  local opt = (o.optimizer or function(m) return ld.optim.adam { m, lr = 0.01 } end)(model)
  local watch = ld.watch(model, opt, { loss = loss, data = data, contracts = o.contracts })
  local s = { model = model, opt = opt, loss = loss, data = data, watch = watch }
  for step = 1, o.steps or 12 do
    local from = (step - 1) * 8 % #data + 1
    local ids = {}
    for i = 0, 7 do ids[#ids + 1] = from + i end
    local batch = data:take(o.ids and o.ids(step) or ids)
    s.x, s.y, s.step = batch.x, batch.y, step
    if o.batch then o.batch(s) end
    if o.own then
      s.l = o.own(s)
    else
      s.l = loss(model(s.x, { training = true }), s.y)
      if o.clear == nil or o.clear(s) then opt:zero_grad() end
      s.l:backward()
      if o.gradient then o.gradient(s) end
      opt:step()
    end
    if o.after then o.after(s) end
    watch:step(s.l)
    if o.between then o.between(s) end
  end
  local found = watch:run().signals.contracts
  watch:close()
  return found, s
end

local function broken(found, id)
  for _, one in ipairs(found.broken) do
    if one.id == id then return one end
  end
end

local function kept(found, id)
  for _, one in ipairs(found.kept) do
    if one == id then return true end
  end
  return false
end

describe("the contract", function()
  for id, case in pairs(cases) do
    it(id .. " is broken by a fault, at its step, layer and line", function()
      local one = broken((watched(case[1])), id)
      assert.is_table(one)
      assert.equal(case[3], one.step)
      assert.equal(case[4], one.layer)
      assert.matches("contract_%a+%.lua:%d+$", one.line)
      assert.is_string(one.says)
    end)

    if case[2] then
      it(id .. " is kept by a sound look-alike", function()
        local found = watched(case[2])
        assert.is_nil((broken(found, id) or {}).text or broken(found, id))
      end)
    end
  end

  it("is kept by a plain loop, whichever it is", function()
    local found = watched {}
    assert.same({}, found.broken)
    for _, id in ipairs { "labels_cover", "targets_of_data", "rows_belong", "batches_differ",
      "only_step_moves_weights", "current_tensors", "one_optimizer_each", "all_held",
      "gradient_moves_weight", "rate_of_schedule", "evaluation_repeats", "one_backward",
      "gradients_cleared", "outputs_get_gradient" } do
      assert.is_true(kept(found, id), id)
    end
  end)

  it("has its two cases here", function()
    for _, row in ipairs(contract.rows()) do
      assert.is_true(cases[row.id] ~= nil, row.id)
    end
  end)
end)

describe("a contract of one's own", function()
  local function norm(limit)
    return ld.contract { id = "small_weights", says = "weights stay small", check = function(step)
      local kernel = step.model:layer("dense_1").weights.kernel
      return kernel:abs():max():item() < limit, "a weight of dense_1 is too large"
    end }
  end

  it("is asked at every look", function()
    local found = watched { contracts = { norm(0) } }
    local one = broken(found, "small_weights")
    assert.same({ 1, "a weight of dense_1 is too large", "weights stay small" },
      { one.step, one.text, one.says })
    assert.matches("38_contract_spec.lua:%d+$", one.line)
    assert.is_true(kept(watched { contracts = { norm(1e9) } }, "small_weights"))
  end)

  it("that raises ends nothing, and is said to have failed", function()
    local bad = ld.contract { id = "bad", check = function() error "oops" end }
    local found, s = watched { contracts = { bad } }
    assert.is_nil(broken(found, "bad"))
    assert.same({ "bad" }, { found.unasked[#found.unasked] })
    assert.matches("contract bad: .*oops", s.watch.eyes.failures[1])
  end)

  it("is refused where it is none, or has the name of another", function()
    local ok, message = pcall(ld.watch, network(), ld.optim.sgd { network(), lr = 1 },
      { contracts = { {} } })
    assert.is_false(ok)
    assert.matches("38_contract_spec.lua:%d+: lossdbg: watch: argument 'contracts%[1%]'", message)
    ok, message = pcall(ld.contract, { id = "all_held", check = print })
    assert.is_false(ok)
    assert.matches("argument 'id': expected a name of its own", message, 1, true)
  end)
end)
