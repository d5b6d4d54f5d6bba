-- Loops that are not as they should be: what can be judged is, and the watch neither raises into
-- the loop nor keeps anything of it.
local ld = require "lossdbg"
local nn = ld.nn
local observers = require "lossdbg.support.observers"

local function parts(given)
  ld.seed(1)
  local x, y = ld.randn { 64, 4 }, ld.randn { 64, 1 }
  local model = nn.sequential { nn.dense { 4, "relu" }, nn.dense { 1 } }:build({ 4 }, { seed = 1 })
  local opt, loss = ld.optim.sgd { model, lr = 0.01 }, ld.loss.mse()
  local watch = ld.watch(model, opt, given or { loss = loss, data = { x, y } })
  return { x = x, y = y, model = model, opt = opt, loss = loss, watch = watch }
end

local function step(s, from, report)
  local l = s.loss(s.model(s.x:slice(1, from, from + 15):contiguous(), { training = true }),
    s.y:slice(1, from, from + 15):contiguous())
  s.opt:zero_grad()
  l:backward()
  s.opt:step()
  s.watch:step(report and report(l) or l)
end

local function some_steps(s, report)
  for i = 1, 12 do step(s, (i - 1) % 4 * 16 + 1, report) end
  return s
end

describe("a watch of a loop", function()
  it("that was never entered can be asked", function()
    local s = parts()
    local d = s.watch:diagnose()
    s.watch:close()
    assert.is_string(d.verdict)
    assert.is_true(#d.unjudged > 0)
  end)

  it("that never tells its steps is said to be so", function()
    local s = parts()
    for _ = 1, 5 do
      local l = s.loss(s.model(s.x, { training = true }), s.y)
      s.opt:zero_grad(); l:backward(); s.opt:step()
    end
    local d = s.watch:diagnose()
    s.watch:close()
    assert.equal("not judged: 5 updates were seen, but watch:step(loss) was never called",
      d.verdict)
  end)

  it("that stops half way, before the step, can be asked", function()
    local s = some_steps(parts())
    s.loss(s.model(s.x, { training = true }), s.y):backward()
    local d = s.watch:diagnose()
    s.watch:close()
    assert.is_true(d.healthy or #d > 0)
  end)

  it("that reports numbers is judged as one that reports tensors", function()
    local a = some_steps(parts()).watch:run().signals
    local b = some_steps(parts(), function(l) return l:item() end).watch:run().signals
    assert.same(a.loss, b.loss)
    assert.same(a.loop.relation, b.loop.relation)
  end)

  it("that reports what is no loss is refused, at its line", function()
    local s = parts()
    for _, bad in ipairs { "0.3", {}, s.x } do
      local ok, message = pcall(step, s, 1, function() return bad end)
      assert.is_false(ok)
      assert.matches("38_watch_bad_input_spec.lua:%d+: lossdbg: watch:step: argument 'loss': "
        .. "expected the loss of this step", message)
    end
    local ok, message = pcall(function() s.watch:step() end)
    assert.is_false(ok)
    assert.matches("argument 'loss'", message, 1, true)
    s.watch:close()
  end)

  it("whose loss is not finite names the first step", function()
    local s, n = parts(), 0
    some_steps(s, function(l)
      n = n + 1
      return n < 5 and l or 0 / 0
    end)
    assert.same({ step = 5, what = "loss" }, s.watch:run().signals.nonfinite)
    s.watch:close()
  end)

  it("without data or loss says what it could not judge", function()
    local s = some_steps(parts {})
    local d = s.watch:diagnose()
    s.watch:close()
    local why = {}
    for _, one in ipairs(d.unjudged) do why[one.rule] = one.why end
    assert.matches("cannot tell", why.loop_falls_short)
    assert.matches("the rows of the data were not given", why.repeated_batch)
  end)

  it("whose data can be read once is judged by its steps", function()
    local s = parts()
    local given = pcall(ld.watch, s.model, s.opt, { loss = s.loss, data = function() end })
    assert.is_false(given) -- no data set: refused, the loop goes on without
    assert.is_string(some_steps(s).watch:diagnose().verdict)
    s.watch:close()
  end)

  it("is not told of a failure of the watch", function()
    local s = parts()
    s.watch.batch_rows.look = function() error "broken inside" end
    some_steps(s)
    assert.matches("broken inside", s.watch:run().signals.loop.failures[1])
    s.watch:close()
  end)
end)

describe("a closed watch", function()
  it("keeps no tensor, model or optimiser of the loop", function()
    local kept = setmetatable({}, { __mode = "k" })
    do
      local s = some_steps(parts())
      kept[s.opt], kept[s.model], kept[s.watch] = true, true, true
      s.watch:close()
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(kept))
  end)

  it("hears nothing more, even of what is rare", function()
    local s = some_steps(parts())
    s.watch:close()
    assert.same({ false, false }, { observers.any, observers.each })
    s.model:layer("dense_1"):reinitialise(3, 3)
    assert.same({}, s.watch.eyes.redrawn)
    assert.is_false((pcall(s.watch.step, s.watch, 1)))
  end)

  it("was forgotten without being closed: it goes with its last reference", function()
    some_steps(parts())
    collectgarbage()
    collectgarbage()
    observers.tell "step"
    assert.same({ false, false }, { observers.any, observers.each })
  end)
end)

describe("a refusal in a loop", function()
  local function refused(fn)
    local ok, message = pcall(fn)
    assert.is_false(ok)
    assert.matches("^spec/38_watch_bad_input_spec.lua:%d+: lossdbg: ", message)
    return message
  end

  it("names the line of the user, watched or not", function()
    local loss = ld.loss.sparse_crossentropy { from_logits = true }
    for _, looking in ipairs { false, true } do
      local watch = looking and parts().watch
      assert.matches("backward: nothing that requires a gradient", refused(function()
        local l = ld.randn({ 2 }):sum()
        l:backward()
      end))
      assert.matches("label 3 in row 2 is outside 0..2", refused(function()
        local l = loss(ld.randn { 2, 3 }, ld.tensor({ 0, 3 }, "i32"))
        return l
      end))
      if watch then watch:close() end
    end
  end)

  it("leaves errors of a user's own loss as they are", function()
    local own = ld.loss.custom(function() error("mine", 0) end)
    local ok, message = pcall(own, ld.randn { 2, 1 }, ld.randn { 2, 1 })
    assert.same({ false, "mine" }, { ok, message })
  end)
end)
