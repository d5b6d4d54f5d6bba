-- What a watch says about loops that a user wrote: are gradients cleared between steps?
local ld = require "lossdbg"
local nn = ld.nn

local digits = assert(ld.data.idx("examples/data/digits/digits-images-idx3-ubyte",
  "examples/data/digits/digits-labels-idx1-ubyte")):map(function(x) return x / 16 end)

-- clear(opt, model, step) is what the loop does where zero_grad belongs.
local function watched(clear, batch)
  local model = nn.sequential { nn.flatten(), nn.dense { 16, "relu" }, nn.dense { 10 } }
    :build({ 8, 8 }, { seed = 1 })
  local loss = ld.loss.sparse_crossentropy { from_logits = true }
  local opt = ld.optim.sgd { model, lr = 0.05 }
  local watch <close> = ld.watch(model, opt, { loss = loss, data = digits })
  local step = 0
  for epoch = 1, 2 do
    for x, y in digits:batches { batch, shuffle = true, seed = 3, epoch = epoch } do
      step = step + 1
      local l = loss(model(x), y)
      clear(opt, model, step)
      l:backward()
      opt:step()
      watch:step(l)
    end
  end
  return watch, opt
end

local function named(watch)
  for _, finding in ipairs(watch:diagnose()) do
    if finding.rule == "missing_zero_grad" then return finding end
  end
end

describe("a loop that never clears its gradients", function()
  it("is named, with the buffer several times the fresh gradient", function()
    local finding = assert(named((watched(function() end, 64))))
    assert.is_true(finding.evidence[1].value > 2)
  end)
end)

describe("a loop that clears its gradients only once an epoch", function()
  it("is named: a single call does not count", function()
    local finding = assert(named((watched(function(opt, _, step)
      if step % 20 == 1 then opt:zero_grad() end
    end, 64))))
    assert.is_true(finding.evidence[1].value > 2)
  end)
end)

describe("a loop that clears its gradients is not accused", function()
  it("when it calls zero_grad", function()
    assert.is_nil(named((watched(function(opt) opt:zero_grad() end, 64))))
  end)

  it("when it clears them by hand", function()
    local function by_hand(_, model)
      for _, parameter in model:parameters() do parameter.grad = nil end
    end
    assert.is_nil(named((watched(by_hand, 32))))
  end)
end)

describe("a loop that never calls step", function()
  it("is told so, without a word of epochs, which a watch does not know", function()
    local model = nn.sequential { nn.flatten(), nn.dense { 10 } }:build({ 8, 8 }, { seed = 1 })
    local loss = ld.loss.sparse_crossentropy { from_logits = true }
    local opt = ld.optim.sgd { model, lr = 0.05 }
    local watch <close> = ld.watch(model, opt, { loss = loss, data = digits })
    for x, y in digits:batches { 64 } do
      local l = loss(model(x), y)
      opt:zero_grad()
      l:backward()
      watch:step(l)
    end
    local diagnosis = watch:diagnose()
    assert.equal("optimizer_step_missing", diagnosis[1].rule)
    assert.matches("opt:step() is not called", diagnosis[1].title, 1, true)
    assert.is_nil(tostring(diagnosis):find("0 epochs", 1, true))
  end)
end)

describe("a step without a gradient", function()
  it("is refused with what may have happened", function()
    local model = nn.sequential { nn.dense { 2 } }:build { 3 }
    local opt = ld.optim.sgd { model, lr = 0.1 }
    model(ld.randn { 4, 3 }, { training = true }):sum():backward()
    opt:zero_grad()
    local ok, message = pcall(opt.step, opt)
    assert.is_false(ok)
    assert.matches("or zero_grad ran after backward, or this optimiser holds another model's "
      .. "tensors", message, 1, true)
  end)
end)

describe("watching rows that the model does not take", function()
  it("is refused with both shapes", function()
    local model = nn.sequential { nn.dense { 10 } }:build { 64 }
    local ok, message = pcall(ld.watch, model, ld.optim.sgd { model, lr = 0.1 },
      { loss = "crossentropy", data = digits })
    assert.is_false(ok)
    assert.matches("expected rows of shape [64], as the model takes them, got [8, 8]", message, 1,
      true)
  end)
end)

describe("closing a watch", function()
  it("leaves the optimiser as it was", function()
    local _, opt = watched(function(opt) opt:zero_grad() end, 256)
    assert.is_nil(rawget(opt, "zero_grad"))
  end)

  it("leaves no reference to what it looked at", function()
    local kept = setmetatable({}, { __mode = "k" })
    do
      local watch, opt = watched(function(opt) opt:zero_grad() end, 256)
      kept[watch], kept[opt] = true, true
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(kept))
    assert.is_false(require("lossdbg.support.observers").any)
  end)
end)
