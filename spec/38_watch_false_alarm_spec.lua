-- Sound loops that were accused once, and sentences that were wrong.
local ld = require "lossdbg"
local nn = ld.nn

local wine = assert(ld.data.csv("examples/data/wine.csv", { label = "label" }))

local function scaled()
  local x = wine.x:cast "f32"
  return x:sub(x:mean(1, true)):div(x:var(1, true):sqrt()), wine.y
end

-- A loop over batches of 32; o: layers, loss(p, y), given (to the watch), y, new_optimizer(model),
-- each epoch's.
local function diagnose(o)
  local x, y = scaled()
  y = o.y and o.y(y) or y
  local model = nn.sequential(o.layers):build({ 13 }, { seed = 1 })
  local optimizer = ld.optim.adam { model, lr = 0.02 }
  local watch <close> = ld.watch(model, optimizer, o.given(x, y))
  for epoch = 1, o.epochs or 12 do
    if o.anew and epoch % 4 == 1 then optimizer = ld.optim.adam { model, lr = 0.02 } end
    for first = 1, 161, 32 do
      local last = math.min(first + 31, 178)
      local bx = x:slice(1, first, last):contiguous()
      local by = y:slice(1, first, last):contiguous()
      optimizer:zero_grad()
      local l = o.loss(model(bx, { training = true }), by)
      l:backward()
      optimizer:step()
      watch:step(l)
    end
  end
  return watch:diagnose()
end

local function errors(d)
  local list = {}
  for _, f in ipairs(d) do
    if f.severity == "error" then list[#list + 1] = f.rule end
  end
  return table.concat(list, " ")
end

describe("a sound loop is not accused", function()
  it("for a plain function as its loss over class ids", function()
    local sparse = ld.loss.sparse_crossentropy { from_logits = true }
    local function own(p, y) return sparse(p, y) end
    local d = diagnose { layers = { nn.dense { 16, "relu" }, nn.dense(3) }, loss = own,
      given = function(x, y) return { loss = own, data = { x, y } } end }
    assert.equal("", errors(d))
    assert.is_true(d.healthy)
  end)

  it("for one sigmoid unit that is always right", function()
    local loss = ld.loss.binary_crossentropy()
    local function is_first(y) return y:eq(0):cast("f32"):reshape { -1, 1 } end
    local d = diagnose { layers = { nn.dense { 16, "relu" }, nn.dense { 1, "sigmoid" } },
      loss = loss, y = is_first, epochs = 30,
      given = function(x, y) return { loss = loss, data = { x, y } } end }
    assert.is_true(d.signals.task_skill.train > 0.95)
    for _, f in ipairs(d) do assert.not_equal("single_class_prediction", f.rule) end
    assert.equal("", errors(d))
  end)

  it("for an optimiser that is made anew, as one that never moved a weight", function()
    local loss = ld.loss.sparse_crossentropy { from_logits = true }
    local d = diagnose { layers = { nn.dense { 16, "relu" }, nn.dense(3) }, loss = loss,
      anew = true, given = function(x, y) return { loss = loss, data = { x, y } } end }
    for _, f in ipairs(d) do
      assert.not_equal("optimizer_step_missing", f.rule)
      assert.not_matches("no parameter was ever updated", f.title)
    end
    assert.is_true(d.healthy)
  end)
end)

describe("a sentence on a loop", function()
  -- The loss of the steps and the loss on the data are two measurements: the steps see one batch
  -- again and again, which they learn by heart.
  local function by_heart()
    local loss = ld.loss.sparse_crossentropy { from_logits = true }
    local x, y = scaled()
    local model = nn.sequential { nn.dense { 64, "relu" }, nn.dense(3) }:build({ 13 }, { seed = 1 })
    local optimizer = ld.optim.adam { model, lr = 0.05 }
    local watch <close> = ld.watch(model, optimizer, { loss = loss, data = { x, y } })
    local bx, by = x:slice(1, 1, 6):contiguous(), y:slice(1, 1, 6):contiguous()
    for _ = 1, 80 do
      optimizer:zero_grad()
      local l = loss(model(bx, { training = true }), by)
      l:backward()
      optimizer:step()
      watch:step(l)
    end
    return watch:diagnose()
  end

  it("never calls learning what it shows as a rise", function()
    local d = by_heart()
    local from, to, on = d.verdict:match("steps fall, ([%d.e-]+) to ([%d.e-]+), and the loss on "
      .. "the data is ([%d.]+)")
    assert.is_true(tonumber(to) < tonumber(from) and tonumber(on) > tonumber(from), d.verdict)
    assert.equal("repeated_batch", d[1].rule)
  end)

  it("never says still falling of a level that the steps are far below", function()
    for _, f in ipairs(by_heart()) do
      local level = f.rule == "loss_still_falling" and f.title:match "at the end %(([%d.e-]+)"
      assert.is_true(not level or tonumber(level) < 0.5, f.title)
    end
  end)
end)
