-- Losses and their gradients against Keras 3 and PyTorch 2 in f64 (parity/losses.py), metrics
-- against Keras and NumPy (parity/metrics.py).
local ld = require "lossdbg"
local losses = dofile "spec/parity/losses.lua"

local function near(expected, got, tolerance, what)
  local function flat(value, list)
    if type(value) ~= "table" then
      list[#list + 1] = value
    else
      for _, item in ipairs(value) do flat(item, list) end
    end
    return list
  end
  expected, got = flat(expected, {}), flat(got, {})
  assert.equal(#expected, #got, what)
  local scale = 0
  for _, value in ipairs(expected) do scale = math.max(scale, math.abs(value)) end
  for i, value in ipairs(expected) do
    assert.is_true(math.abs(value - got[i]) <= tolerance * math.max(scale, 1e-12),
      ("%s, place %d: expected %.17g, got %.17g"):format(what, i, value, got[i]))
  end
end

local function text(value)
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for key, item in pairs(value) do parts[#parts + 1] = tostring(key) .. "=" .. text(item) end
  table.sort(parts)
  return "{" .. table.concat(parts, " ") .. "}"
end

local function values_of(t) return t.rank == 0 and { t:item() } or t:totable() end

describe("loss and gradient", function()
  for i, row in ipairs(losses) do
    local label = ("%s %s %s%s%s, case %d"):format(row.name, row.peer, text(row.options),
      row.weight and " weighted" or "", row.mask and " masked" or "", i)
    it(label, function()
      for dtype, tolerance in pairs { f64 = 1e-10, f32 = 2e-5 } do
        local p = ld.tensor(row.prediction, dtype)
        p.requires_grad = true
        local loss = ld.loss[row.name](row.options)
        local value = loss(p, ld.tensor(row.target, "f64"), row.weight, row.mask)
        near(type(row.value) == "table" and row.value or { row.value }, values_of(value),
          tolerance, dtype .. " loss")
        local total = value.rank > 0 and value:sum() or value
        total:backward()
        near(row.gradient, p.grad:totable(), tolerance, dtype .. " gradient")
      end
    end)
  end
end)

local metrics = dofile "spec/parity/metrics.lua"
local data = {}
for name, values in pairs(metrics.data) do
  data[name] = ld.tensor(values, name == "ids" and "i32" or "f64")
end

-- Feeds a metric the batches of the peer.
local function stream(metric, prediction, target)
  for i = 1, #metrics.cuts - 1 do
    local first, last = metrics.cuts[i] + 1, metrics.cuts[i + 1]
    metric:update(prediction:slice(1, first, last), target:slice(1, first, last), false)
  end
  return metric:value()
end

describe("metric", function()
  for i, row in ipairs(metrics.rows) do
    it(("%s %s of %s, case %d"):format(row[1], text(row[2]), row[3], i), function()
      local given = { name = row[1] }
      for key, value in pairs(row[2]) do given[key] = value end
      local metric = ld.metric.resolve(given, "spec")
      assert.near(row[5], stream(metric, data[row[3]], data[row[4]]),
        1e-10 * math.max(math.abs(row[5]), 1e-3))
      -- the whole at once, and again after a reset
      assert.near(row[5], metric(data[row[3]], data[row[4]]), 1e-10 * math.max(row[5], 1e-3))
    end)
  end

  it("confusion_matrix counts answers by label", function()
    local metric = ld.metric.confusion_matrix()
    stream(metric, data.probability, data.ids)
    assert.same(metrics.matrix, metric:matrix())
    assert.is_truthy(tostring(metric):find("answer", 1, true))
    metric(data.one, data.one_label)
    assert.same(metrics.binary_matrix, metric:matrix())
  end)

  it("takes logits where it is told so", function()
    local logit = data.one:div(data.one:neg():add(1)):log()
    for _, name in ipairs { "accuracy", "precision", "recall", "f1", "auc", "log_loss" } do
      assert.near(ld.metric[name]()(data.one, data.one_label),
        ld.metric[name]()(logit, data.one_label, true), 1e-9)
    end
    assert.near(ld.metric.perplexity()(data.probability, data.ids),
      ld.metric.perplexity()(data.logits, data.ids, true), 1e-9)
  end)

  it("never counts NaN as right", function()
    local nan = 0 / 0
    local p, y = ld.tensor { { nan }, { nan }, { .9 }, { .1 } }, ld.tensor { 1, 0, 1, 0 }
    assert.equal(.5, ld.metric.accuracy()(p, y))
    assert.equal(.5, ld.metric.precision()(p, y)) -- the second row is a false alarm
    assert.equal(.5, ld.metric.recall()(p, y))
    assert.equal(.5, ld.metric.f1()(p, y))
    -- pairs (1,2) (1,4) (3,2) are wrong, (3,4) is right
    assert.equal(.25, ld.metric.auc { exact = true }(p, y))
    assert.equal(.25, ld.metric.auc()(p, y))
    assert.equal(.5, ld.metric.confusion_matrix()(p, y))
    local rows, ids = ld.tensor { { nan, 0, 1 }, { 0, 1, 0 }, { nan, nan, nan } }, { 2, 1, 0 }
    ids = ld.tensor(ids, "i32")
    for _, name in ipairs { "accuracy", "confusion_matrix" } do
      assert.near(1 / 3, ld.metric[name]()(rows, ids), 1e-12)
    end
    assert.near(1 / 3, ld.metric.top_k_accuracy(3)(rows, ids), 1e-12)
    assert.near(1 / 3, ld.metric.recall { average = "micro" }(rows, ids), 1e-12)
    local loss = ld.metric.log_loss()(rows, ids)
    assert.is_true(loss ~= loss)
  end)

  it("leaves out an ignored class", function()
    local p = ld.tensor({ { .5, .5 }, { .25, .75 }, { .1, .9 } }, "f64")
    local ids = ld.tensor({ 0, -1, 1 }, "i32")
    assert.near(math.exp(-(math.log(.5) + math.log(.9)) / 2),
      ld.metric.perplexity { ignore_class = -1 }(p, ids), 1e-12)
  end)

  it("has no value before rows and none of AUC for one class", function()
    for _, name in ipairs { "precision", "recall", "f1", "auc", "log_loss", "confusion_matrix" } do
      local value = ld.metric[name]():value()
      assert.is_true(value ~= value, name)
    end
    local value = ld.metric.auc { exact = true }(ld.tensor { .2, .3 }, ld.tensor { 1, 1 })
    assert.is_true(value ~= value)
  end)

  it("works in a fit by name, and callbacks know its direction", function()
    local x, y = {}, {}
    for i = 1, 40 do x[i], y[i] = { math.sin(i) }, math.sin(i) > 0 and 1 or 0 end
    local wanted = { "auc", "f1", "precision", "recall", "log_loss", "confusion_matrix" }
    local run = ld.experiment { train = { ld.tensor(x), ld.tensor(y) }, epochs = 20, batch = 8,
      loss = "binary_crossentropy", metrics = wanted, optimizer = ld.optim.adam { lr = .1 },
      model = ld.nn.sequential { ld.nn.dense { 1, "sigmoid" } },
      callbacks = { ld.callback.early_stopping { "f1", patience = 19 } } }:fit { verbose = 0 }
    for _, name in ipairs(wanted) do assert.equal(20, #run.history[name]) end
    assert.is_true(run:last "auc" > .99 and run:last "f1" > .9 and run:last "log_loss" < .4)
  end)

  it("says what it does not know", function()
    local function fails(pattern, fn, ...)
      local ok, message = pcall(fn, ...)
      assert.is_false(ok)
      assert.is_truthy(tostring(message):find(pattern, 1, true), message)
    end
    fails("did you mean 'precision'", ld.metric.resolve, "precison", "spec")
    fails("did you mean 'average'", ld.metric.f1, { averag = "micro" })
    fails("'k': expected an integer >= 1", ld.metric.top_k_accuracy, 0)
    fails("'thresholds': expected an integer >= 3", ld.metric.auc, { thresholds = 2 })
  end)
end)

describe("loss options", function()
  local function fails(pattern, fn, ...)
    local ok, message = pcall(fn, ...)
    assert.is_false(ok)
    assert.is_truthy(tostring(message):find(pattern, 1, true), message)
  end

  it("are checked", function()
    local p = ld.tensor { { 1, 2 }, { 3, 4 } }
    local sparse = ld.loss.sparse_crossentropy
    fails("ids start at 0", sparse { class_weight = { [2] = 1 } }, p, { 0, 1 })
    fails("a tensor of 2 weights", sparse { class_weight = ld.ones(3) }, p, { 0, 1 })
    fails("did you mean 'ignore_class'", sparse, { ignore_clas = 1 })
    fails("did you mean 'smooth_l1'", function() return ld.loss.smoth_l1 end)
    fails("'beta': expected a number > 0", ld.loss.smooth_l1, 0)
    fails("'mask': expected 2 weights, got 3", ld.loss.mse(), p, p, nil, { 1, 0, 1 })
    fails("'gamma'", ld.loss.binary_focal, { gamma = -1 })
  end)

  it("survive plain data, and nothing counted is a loss of 0", function()
    local loss = ld.loss.sparse_crossentropy { from_logits = true, ignore_class = 1,
      class_weight = ld.tensor { 1, 2 } }
    local plain = loss:describe()
    assert.equal(1, plain.ignore_class)
    assert.same({ [0] = 1, 2 }, plain.class_weight)
    local p = ld.tensor { { 1, 2 }, { 3, 4 } }
    assert.equal(0, loss(p, { 1, 1 }):item())
    assert.equal(0, ld.loss.mse()(p, p:add(1), nil, { 0, 0 }):item())
  end)
end)

describe("in an experiment", function()
  local x, ids = {}, {}
  for i = 1, 30 do x[i], ids[i] = { math.sin(i), math.cos(i) }, i % 5 == 0 and -1 or i % 3 end

  local function experiment(loss, options)
    local recipe = { train = { ld.tensor(x), ld.tensor(ids, "i32") }, loss = loss, epochs = 2,
      model = ld.nn.sequential { ld.nn.dense { 3, "softmax" } }, batch = 30, dtype = "f64",
      optimizer = ld.optim.sgd { lr = .01 } }
    for key, value in pairs(options or {}) do recipe[key] = value end
    return ld.experiment(recipe)
  end

  -- The best constant answer gives each class its share of the weight; its loss is the entropy.
  it("the baseline knows weights and the ignored class", function()
    local weights, total, counts = { [0] = 1, 4, .5 }, 0, { [0] = 0, 0, 0 }
    for _, id in ipairs(ids) do
      if id >= 0 then counts[id], total = counts[id] + weights[id], total + weights[id] end
    end
    local entropy = 0
    for k = 0, 2 do entropy = entropy - counts[k] / total * math.log(counts[k] / total) end
    local e = experiment { name = "sparse_crossentropy", ignore_class = -1, class_weight = weights }
    assert.near(entropy, e:prepared().baseline.loss, 1e-9)
    -- the loss of a fit is the loss of the call
    local run = e:fit { verbose = 0 }
    local model = e:build()
    local loss = ld.loss.sparse_crossentropy { ignore_class = -1, class_weight = weights }
    assert.near(loss(model(ld.tensor(x):cast "f64"), ids):item(), run.history.loss[1], 1e-9)
    assert.is_true(run.history.loss[2] < run.history.loss[1])
  end)

  it("refuses other labels out of range", function()
    local ok, message = pcall(function() experiment("sparse_crossentropy"):prepared() end)
    assert.is_false(ok)
    assert.matches("found %-1 in row 5", message)
  end)

  it("every loss trains by name", function()
    local y = { real = {}, one_hot = {}, zero_one = {}, index = {} }
    for i = 1, 30 do
      y.real[i], y.zero_one[i], y.index[i] = { math.abs(math.sin(i)) + 1 }, { i % 2 }, i % 3
      y.one_hot[i] = { i % 3 == 0 and 1 or 0, i % 3 == 1 and 1 or 0, i % 3 == 2 and 1 or 0 }
    end
    local heads = { one_hot = { 3, "softmax" }, index = { 3, "softmax" }, real = { 1, "softplus" },
      zero_one = { 1, "sigmoid" } }
    local known = require "lossdbg.loss.catalogue"
    for name, entry in pairs(known) do
      local target = entry[2] or "index"
      local head = name == "nll" and { 3, "log_softmax" } or heads[target]
      local run = experiment(name, { train = { ld.tensor(x),
        ld.tensor(y[target], target == "index" and "i32" or "f64") },
        model = ld.nn.sequential { ld.nn.dense(head) } }):fit { verbose = 0 }
      assert.equal("completed", run.stopped, name)
      assert.is_true(run.history.loss[2] < run.history.loss[1] + 1e-12, name)
    end
  end)
end)
