--- What a watch concludes from numbers: weights of classes from reported losses, functions from
-- targets, pairs from a loss that is written by hand, heads that a loop applies itself.
local class_law = require "lossdbg.experiment.watch.class_law"
local ld = require "lossdbg"
local linear = require "lossdbg.support.linear"
local relation = require "lossdbg.experiment.watch.target_relation"
local nn = ld.nn

describe("small linear systems", function()
  it("are solved, and overdetermined ones come closest", function()
    local w = linear.solve({ { 4, 1 }, { 1, 3 } }, { { 1 }, { 2 } })
    assert.near(1 / 11, w[1][1], 1e-14)
    assert.near(7 / 11, w[2][1], 1e-14)
    -- the line through (0, 1), (1, 3), (2, 2): 1.5 + 0.5 x
    local line = linear.least_squares({ { 1, 0 }, { 1, 1 }, { 1, 2 } }, { 1, 3, 2 })
    assert.near(1.5, line[1], 1e-9)
    assert.near(0.5, line[2], 1e-9)
  end)
end)

describe("weights of classes", function()
  -- Looks at a loss that weighs classes; rows of 24, class c with a chance of share[c].
  local function looks_of(n, weights, by_weight, noise)
    local looks, state = {}, 7
    local function random()
      state = (state * 16807) % 2147483647
      return state / 2147483647
    end
    for _ = 1, n do
      local values, ids, sum, all = {}, {}, 0, 0
      for i = 1, 24 do
        local id = random() < 0.5 and 0 or random() < 0.8 and 1 or 2
        values[i], ids[i] = 0.1 + random(), id
        sum, all = sum + weights[id] * values[i], all + weights[id]
      end
      local value = sum / (by_weight and all or 24) * (1 + (noise or 0) * (random() - 0.5))
      class_law.take(looks, ld.tensor(values, "f64"), ld.tensor(ids, "i32"), value)
    end
    return looks
  end

  local truth = { [0] = 1.5, [1] = 0.5, [2] = 0.125 }

  it("are known from a mean over the rows", function()
    local w = assert(class_law.weights(looks_of(8, truth)))
    for id, value in pairs(truth) do assert.near(value, w[id], 1e-4) end
  end)

  it("are known from a mean over the weights, up to a factor", function()
    local w = assert(class_law.weights(looks_of(8, truth, true)))
    assert.near(1 / 3, w[1] / w[0], 1e-4)
    assert.near(1 / 12, w[2] / w[0], 1e-4)
  end)

  it("of nothing are nothing", function()
    local w = assert(class_law.weights(looks_of(8, { [0] = 0, [1] = 1, [2] = 1 })))
    assert.near(0, w[0], 1e-6)
  end)

  it("are learnt from 64 looks at most, however long a training is", function()
    assert.equal(64, #looks_of(100, truth))
  end)

  it("are not known from too few looks, nor where the numbers do not agree", function()
    assert.is_nil(class_law.weights(looks_of(5, truth)))
    assert.is_truthy(class_law.weights(looks_of(6, truth)))
    assert.is_nil(class_law.weights(looks_of(12, truth, false, 0.02)))
  end)
end)

describe("findings of a loop", function()
  local rank = require "lossdbg.diagnose.rank"

  local function made(rule, step, more)
    local f = { rule = rule, cause = rule, family = "loop", severity = "error", class = "exact",
      title = "t", role = "cause", strength = 1, explains = {}, evidence = {}, fixes = {},
      where = { step = step } }
    for key, value in pairs(more or {}) do f[key] = value end
    return f
  end

  it("come in the order of the first bad step, where neither explains the other", function()
    local function first(a, b)
      local one = rank.order({ a(), b() })[1].rule
      assert.equal(one, rank.order({ b(), a() })[1].rule)
      return one
    end
    local function turned(step, more)
      return function() return made("misaligned_labels", step, more) end
    end
    local function written(step) return function() return made("targets_recoded", step) end end
    assert.equal("targets_recoded", first(turned(9), written(3)))
    assert.equal("misaligned_labels", first(turned(3), written(9)))
    assert.equal("misaligned_labels", first(turned(3), written(nil)))
    -- evidence goes before time
    assert.equal("targets_recoded", first(turned(3, { class = "measured" }), written(9)))
  end)
end)

describe("inputs that are fed", function()
  it("are measured by 256 rows of a pass, against the mean and spread of the data", function()
    local scale = require "lossdbg.experiment.watch.fed_scale"
    local x = ld.arange(1000):cast("f32"):reshape { 1000, 1 }
    local fed = scale.add(scale.add(nil, x), x:slice(1, 1, 10))
    assert.same({ 266, 266 }, { fed.rows, fed.n })
    assert.near(256 * 255 / 2 + 45, fed.sum, 1e-9) -- 0 to 255 and 0 to 9
    local moved, widened = scale.between(scale.add(nil, x:slice(1, 1, 200):mul(5):add(100)),
      x:slice(1, 1, 200))
    assert.near((4 * 99.5 + 100) / math.sqrt((200 ^ 2 - 1) / 12), moved, 1e-9)
    assert.near(5, widened, 1e-9)
  end)
end)

describe("targets that became others", function()
  local function of(n, f, wanted)
    local pairs_of = { wanted = {}, given = {} }
    for i = 1, n do
      local w = wanted and wanted(i) or math.sin(i)
      pairs_of.wanted[i], pairs_of.given[i] = w, f(w, i)
    end
    return relation.of(pairs_of)
  end

  it("by a function, or by trading places", function()
    assert.equal("affine", of(64, function(w) return 3 * w - 1 end))
    assert.equal("map", of(64, function(w) return math.exp(6 * w) end))
    assert.equal("map", of(64, function(w) return -w ^ 9 end))
    assert.equal("mixed", of(64, function(_, i) return math.sin(i + 1) end))
    assert.is_nil(of(15, function(w) return w end))
  end)

  it("by classes", function()
    local function class(i) return i % 4 end
    assert.equal("map", of(64, function(w) return (w * 3 + 1) % 4 end, class))
    assert.equal("merged", of(64, function(w) return w // 2 end, class))
    assert.equal("mixed", of(64, function(_, i) return (i * 7 // 3) % 4 end, class))
  end)
end)

describe("a watch", function()
  -- A loop over three classes: loss_of(scores, y) is minimised, named is what the watch is told.
  local function watched(named, loss_of, optimizer, steps)
    ld.seed(5)
    local x = ld.randn { 240, 4 }
    local y = x:slice(2, 1, 1):gt(0):cast("i32"):add(x:slice(2, 2, 2):gt(0):cast "i32")
      :reshape { 240 }
    local model = nn.sequential { nn.dense { 16, "relu" }, nn.dense { 3 } }
      :build({ 4 }, { seed = 2 })
    local opt = optimizer and optimizer(model) or ld.optim.adam { model, lr = 0.01 }
    local data = ld.data.arrays { x, y }
    local watch = ld.watch(model, opt, { loss = named, data = data, batch = 24 })
    local n = 0
    while n < (steps or 60) do
      for a, b in data:batches { 24, shuffle = true, seed = n } do
        local l = loss_of(model(a, { training = true }), b)
        opt:zero_grad()
        l:backward()
        opt:step()
        watch:step(l)
        n = n + 1
      end
    end
    watch:close()
    return watch:diagnose()
  end

  local function errors(d)
    local list = {}
    for _, f in ipairs(d) do
      if f.severity == "error" then list[#list + 1] = f.rule end
    end
    return table.concat(list, " ")
  end

  it("judges outputs as scores where the loop applies the softmax itself", function()
    local loss = ld.loss.sparse_crossentropy()
    local d = watched(loss, function(scores, y) return loss(scores:softmax(2), y) end)
    assert.equal("", errors(d))
    assert.near(math.log(3), d.signals.init.loss, 0.6) -- of the scores, not of their clipped values
    d = watched(ld.loss.sparse_crossentropy { from_logits = true }, function(scores, y)
      return ld.loss.sparse_crossentropy { from_logits = true } (scores:softmax(2), y)
    end)
    assert.matches("softmax_in_loop", errors(d))
  end)

  it("knows the layers that an optimiser over a plain list moves", function()
    local loss = ld.loss.sparse_crossentropy { from_logits = true }
    local d = watched(loss, loss, function(model)
      local list = {}
      for _, t in model:parameters() do list[#list + 1] = t end
      return ld.optim.adam { list, lr = 0.01 }
    end)
    assert.equal("", errors(d))
    assert.is_truthy(d.signals.layers.dense_1.ratio_median)
    assert.is_truthy(d.signals.layers.dense_2.ratio_median)
  end)

  it("takes an infinite loss for no loss that was turned round", function()
    local loss = ld.loss.sparse_crossentropy { from_logits = true }
    local d = watched(loss, function(scores, y)
      return loss(scores:mul(1e3):square(), y):mul(1e38)
    end, function(model) return ld.optim.sgd { model, lr = 1e3 } end, 12)
    for _, f in ipairs(d) do assert.not_equal("gradient_sign_flipped", f.rule) end
  end)
end)
