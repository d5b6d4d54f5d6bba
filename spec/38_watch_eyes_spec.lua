-- A watch looks on: it sees what the loop does without being told, and changes no bit of it.
local ld = require "lossdbg"
local nn = ld.nn
local observers = require "lossdbg.support.observers"

local function rows(n)
  ld.seed(4)
  local x = ld.randn { n, 6 }
  return ld.data.arrays { x, x:slice(2, 1, 1):mul(2):add(x:slice(2, 2, 2):square()):contiguous() }
end

local function network()
  return nn.sequential { nn.dense { 16, "relu" }, nn.batch_norm(), nn.dropout(0.2), nn.dense { 1 } }
    :build({ 6 }, { seed = 3 })
end

local data = rows(256)

-- Losses of a loop, to the last bit; look(model, opt, loss) makes the watch, or nothing does.
local function losses(look, plan, steps)
  local model, loss = network(), ld.loss.mse()
  local opt = ld.optim.adam { model, lr = 0.01 }
  local watch = look and look(model, opt, loss)
  local function step(x, y)
    local l = loss(model(x, { training = true }), y)
    opt:zero_grad()
    l:backward()
    opt:step()
    return l
  end
  local planned = plan and ld.plan(step)
  local list, replays = {}, 0
  for i = 1, steps or 60 do
    local batch = data:take(i % 2 == 0 and { 1, 2, 3, 4, 5, 6, 7, 8 } or { 11, 12, 13, 14, 15, 16,
      17, 18 })
    local l = (planned or step)(batch.x, batch.y)
    if planned and planned.planned then replays = replays + 1 end
    if watch then watch:step(l) end
    list[i] = l:item()
  end
  for name, tensor in model:parameters() do list[name] = tensor:totable() end
  if watch then watch:close() end
  return list, watch, replays
end

local function watched(model, opt, loss)
  return ld.watch(model, opt, { loss = loss, data = data })
end

describe("a watch", function()
  it("changes no bit of a loop, with dropout and moving statistics", function()
    assert.same(losses(), (losses(watched)))
  end)

  it("changes no bit of planned steps, and lets them be replayed between its looks", function()
    local list, _, replays = losses(watched, true, 120)
    assert.same(losses(nil, false, 120), list)
    assert.is_true(replays > 60)
  end)

  it("sees planned steps at its looks", function()
    local _, watch = losses(watched, true, 120)
    local loop = watch:run().signals.loop
    assert.is_true(loop.looks > 10)
    assert.equal(1, loop.rows.found)
    assert.is_true(loop.relation.same > 0)
  end)

  it("sees a loss whose sign was turned", function()
    local model, loss = network(), ld.loss.mse()
    local opt = ld.optim.sgd { model, lr = 1e-4 }
    local watch <close> = watched(model, opt, loss)
    for i = 1, 12 do
      local batch = data:take { i, i + 1, i + 2, i + 3 }
      local turned = loss(model(batch.x, { training = true }), batch.y):neg()
      opt:zero_grad()
      turned:backward()
      opt:step()
      watch:step(turned)
    end
    local relation = watch:run().signals.loop.relation
    assert.is_true((relation.negative or 0) > 0)
    assert.is_nil(relation.same)
  end)

  it("does not look at other models", function()
    local other = network()
    local _, watch = losses(function(model, opt, loss)
      local watch = watched(model, opt, loss)
      other(data.x, { training = true }):sum():backward()
      return watch
    end)
    local loop = watch:run().signals.loop
    local alone = select(2, losses(watched)):run().signals.loop
    assert.is_true(loop.backwards >= 58 and loop.backwards <= 60) -- unseen ones: by their share
    assert.equal(alone.passes.training, loop.passes.training)
  end)

  it("tells how many steps and passes there were", function()
    local loop = select(2, losses(watched)):run().signals.loop
    assert.same({ 60, 60 }, { loop.backwards, loop.steps })
  end)
end)

describe("observers", function()
  it("keep their errors to themselves", function()
    local said
    local bad = { forward = function() error "broken" end,
      failed = function(_, message) said = message end }
    observers.add(bad)
    local ok = pcall(network(), data.x)
    observers.remove(bad)
    assert.is_true(ok)
    assert.matches("broken", said)
    assert.is_false(observers.any)
  end)

  it("pass on what is the host's business", function()
    local stopped = { forward = function() error("lossdbg: op: interrupted", 0) end,
      failed = function() end }
    observers.add(stopped)
    local ok, message = pcall(network(), data.x)
    observers.remove(stopped)
    assert.is_false(ok)
    assert.matches("interrupted", message)
  end)

  it("do not hear of what is done quietly", function()
    local heard = 0
    local one = { forward = function() heard = heard + 1 end }
    observers.add(one)
    local model = network()
    observers.quietly(model, data.x)
    model(data.x)
    observers.remove(one)
    assert.equal(1, heard)
  end)
end)
