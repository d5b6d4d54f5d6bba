-- A planned training has the bits of an eager one: every loss, optimiser, schedule, clip and
-- option, and what happens between the steps. The oracle is the eager step.
local check = require "spec.support.plan_check"
local ld = require "lossdbg"

local nn = ld.nn

local function small(more)
  return nn.sequential { nn.dense { 5, "tanh", kernel_regularizer = more and more.regularizer,
    kernel_constraint = more and more.constraint,
    activity_regularizer = more and more.activity }, nn.dropout(0.2), nn.dense(3) }
end

-- setting: optimizer(model), loss, target(i, rows), steps, rows(i), model()
local function train_small(setting)
  local rows = setting.rows or function() return 6 end
  return check.same(function()
    local model = (setting.model or small)():build({ 4 }, { seed = 3, dtype = setting.dtype })
    local optimizer = setting.optimizer and setting.optimizer(model)
      or ld.optim.adam { model, lr = 0.01 }
    local made = { model = model, optimizer = optimizer }
    made.step = check.training(model, optimizer, setting.loss)
    if setting.step then made.step = setting.step(made) end
    made.evaluate = function() return model(check.noise({ 3, 4 }, 99)) end
    return made
  end, check.data(setting.steps or 8, function(i)
    local target = setting.target and setting.target(i, rows(i))
      or check.noise({ rows(i), 3 }, 1000 + i)
    return { check.noise({ rows(i), 4 }, i), target }
  end), setting)
end

describe("losses, planned", function()
  local targets = {
    real = function(i, n) return check.noise({ n, 3 }, 1000 + i) end,
    index = function(i, n) return check.ids({ n }, 3, 1000 + i) end,
    one_hot = function(i, n) return ld.ops.one_hot(check.ids({ n }, 3, 1000 + i), 3) end,
    zero_one = function(i, n) return check.ids({ n, 3 }, 2, 1000 + i):cast "f32" end,
  }
  local positive = { poisson = true, msle = true }
  local options = {
    { }, { reduction = "sum" }, { reduction = "none" }, { scale = 0.5 },
    { from_logits = true }, { label_smoothing = 0.1 }, { from_logits = true, ignore_class = 1 },
    { from_logits = true, class_weight = { [0] = 1, 2, 0.5 } },
    { from_logits = true, pos_weight = 2 }, { gamma = 1.5, balance = true },
  }
  local names = {}
  for name in pairs(require "lossdbg.loss.catalogue") do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    for k, given in ipairs(options) do
      local ok, loss = pcall(ld.loss[name], given)
      if ok then
        it(("%s (%d)"):format(name, k), function()
          local family, kind = loss.family, loss.target
          local probabilities = family == "probability" and not given.from_logits
          train_small { what = name, target = targets[kind or "one_hot"],
            loss = given.reduction == "none" and function(output, y)
              return loss(output, y):mean()
            end or loss,
            model = function()
              local last = probabilities and (kind == "zero_one" and "sigmoid" or "softmax")
                or positive[name] and "softplus" or name == "crossentropy" and "softmax" or nil
              return nn.sequential { nn.dense { 5, "tanh" }, nn.dense { 3, last } }
            end }
        end)
      end
    end
  end
end)

describe("optimisers, planned", function()
  local variants = {
    sgd = { {}, { momentum = 0.9 }, { momentum = 0.9, nesterov = true } },
    rmsprop = { {}, { momentum = 0.5, centered = true } }, adam = { {}, { amsgrad = true } },
  }
  for _, name in ipairs(ld.optim.names) do
    for _, flavor in ipairs { "keras", "torch" } do
      for k, given in ipairs(variants[name] or { {} }) do
        for _, decay in ipairs { 0, 0.01 } do
          local o = { lr = 0.01, flavor = flavor, weight_decay = decay }
          for key, value in pairs(given) do o[key] = value end
          if pcall(ld.optim[name], o) then
            it(("%s %s %d, decay %g"):format(name, flavor, k, decay), function()
              train_small { optimizer = function(model)
                local mine = { model }
                for key, value in pairs(o) do mine[key] = value end
                return ld.optim[name](mine)
              end }
            end)
          end
        end
      end
    end
  end

  local schedules = {
    function(s) return s.step { 0.1, 3 } end,
    function(s) return s.exponential { 0.1, 4, 0.5 } end,
    function(s) return s.cosine { 0.1, 10, warmup_steps = 2, warmup_target = 0.2 } end,
    function(s) return s.piecewise { { 3, 6 }, { 0.1, 0.05, 0.01 } } end,
    function(s) return s.warmup { 3, s.cosine { 0.1, 6 } } end,
    function(s) return s.custom(function(step) return 0.1 / (step + 1) end) end,
  }
  for k, make in ipairs(schedules) do
    it("follow schedules: " .. k, function()
      for _, name in ipairs { "sgd", "adam", "nadam" } do
        train_small { optimizer = function(model)
          return ld.optim[name] { model, lr = make(ld.schedule) }
        end, what = name }
      end
    end)
  end

  for _, flavor in ipairs { "keras", "torch" } do
    for _, clip in ipairs { "clip_value", "clip_norm", "global_clip_norm" } do
      it(("%s, %s"):format(clip, flavor), function()
        for _, limit in ipairs { 0.05, 100 } do
          train_small { optimizer = function(model)
            return ld.optim.sgd { model, lr = 0.1, flavor = flavor, [clip] = limit }
          end }
        end
      end)
    end
  end

  local many = {
    accumulation = { gradient_accumulation_steps = 3 },
    ["accumulation and a clip"] = { gradient_accumulation_steps = 2, global_clip_norm = 0.1 },
    ["average of the weights"] = { use_ema = true, ema_momentum = 0.5 },
    ["average that overwrites"] = { use_ema = true, ema_overwrite_frequency = 3 },
    ["average with accumulation"] = { use_ema = true, gradient_accumulation_steps = 2,
      ema_overwrite_frequency = 2 },
    ["groups"] = { groups = { { parameters = "dense_1", lr = 0.001 },
      { parameters = "bias", weight_decay = 0.1 } } },
    ["groups and a schedule"] = { groups = { { parameters = "dense_1", lr = 0.001 } },
      lr = function(step) return 0.1 / (step + 1) end },
  }
  for name, given in pairs(many) do
    it(name, function()
      for _, kind in ipairs { "sgd", "adam" } do
        train_small { steps = 24, what = kind, optimizer = function(model)
          local o = { model, lr = 0.05 }
          for key, value in pairs(given) do o[key] = value end
          return ld.optim[kind](o)
        end }
      end
    end)
  end

  it("with constraints and regularisers", function()
    for _, constraint in ipairs { ld.constraint.max_norm(0.5), ld.constraint.min_max_norm {},
      ld.constraint.unit_norm(), ld.constraint.non_neg() } do
      train_small { model = function() return small { constraint = constraint } end }
    end
    for _, regularizer in ipairs { ld.regularizer.l1(0.1), ld.regularizer.l2(0.1),
      ld.regularizer.l1_l2 { l1 = 0.1, l2 = 0.2 }, ld.regularizer.orthogonal(0.1) } do
      train_small { model = function() return small { regularizer = regularizer } end }
    end
  end)

  it("with a penalty on outputs of layers", function()
    train_small { model = function() return small { activity = ld.regularizer.l2(0.1) } end,
      step = function(made)
        return function(x, y)
          made.optimizer:zero_grad()
          local penalty
          local output = made.model(x, { training = true, activity = function(layer, out)
            penalty = layer.options.activity_regularizer(out)
          end })
          local total = ld.loss.mse()(output, y) + penalty
          total:backward()
          made.optimizer:step()
          return total, penalty, output
        end
      end }
  end)

  it("of two models in one step", function()
    check.same(function()
      local one = small():build({ 4 }, { seed = 3 })
      local two = small():build({ 3 }, { seed = 4 })
      local a, b = ld.optim.sgd { one, lr = 0.1 }, ld.optim.adam { two, lr = 0.01 }
      return { models = { one, two }, optimizers = { a, b }, step = function(x, y)
        a:zero_grad()
        b:zero_grad()
        local hidden = one(x, { training = true })
        local loss = ld.loss.mse()(two(hidden, { training = true }), y)
        loss:backward()
        b:step()
        a:step()
        return loss
      end }
    end, check.data(8, function(i)
      return { check.noise({ 6, 4 }, i), check.noise({ 6, 3 }, 100 + i) }
    end))
  end)
end)

describe("a planned training", function()
  it("has the same bits in f64", function()
    train_small { dtype = "f64" }
  end)

  it("has the same bits with frozen layers", function()
    train_small { step = function(made)
      made.model:freeze "dense_1"
      return made.step
    end }
  end)

  it("has the same bits when batches change their size", function()
    train_small { steps = 20, rows = function(i)
      return i % 5 == 0 and 2 or i % 7 == 0 and 9 or 6
    end }
  end)

  it("has the same bits with eager steps in between", function()
    train_small { steps = 20, may_end_eagerly = true, call = function(made, i, step)
      return i % 3 == 0 and made.step or step
    end }
  end)

  it("has the same bits when two plans serve one model", function()
    local other
    local made = train_small { steps = 20, may_end_eagerly = true, call = function(made, i, step)
      if i == 1 then
        local function second(x, y)
          made.optimizer:zero_grad()
          local loss = ld.loss.mae()(made.model(x, { training = true }), y)
          loss:backward()
          made.optimizer:step()
          return loss
        end
        other = rawequal(step, made.step) and second or ld.plan(second)
      end
      return (i // 2) % 2 == 0 and other or step
    end }
    assert.is_true(made.planned >= 5)
    assert.is_true(other.planned)
  end)

  it("has the same bits with an evaluation and numbers drawn in between", function()
    train_small { steps = 12, between = function(made)
      made.model(check.noise({ 3, 4 }, 5))
      ld.rand { 3 }
    end }
  end)

  it("has the same bits with one argument twice, views and lists as arguments", function()
    check.same(function()
      local model = small():build({ 4 }, { seed = 3 })
      local optimizer = ld.optim.sgd { model, lr = 0.1 }
      return { model = model, optimizer = optimizer, step = function(given, other, name)
        optimizer:zero_grad()
        local output = model(given.x, { training = true })
        local loss = ld.loss.mse()(output, given.y) + other:mean() * (name == "a" and 1 or 2)
        loss:backward()
        optimizer:step()
        return loss, name
      end }
    end, check.data(16, function(i)
      local x = check.noise({ 12, 4 }, i):slice(1, 1, -1, 2)
      local y = check.noise({ 3, 6 }, 50 + i):transpose()
      return { { x = x, y = y }, x, i % 2 == 0 and "a" or "b" }
    end))
  end)

  it("has the same bits with numbers that the step itself draws", function()
    train_small { steps = 10, step = function(made)
      local inner = made.step
      return function(x, y)
        return inner(x + ld.randn { 6, 4 } * 0.1, y * ld.rand { 6, 1 })
      end
    end }
  end)

  it("has the same bits on two threads", function()
    local before = ld.threads()
    for _, n in ipairs { 2, 1 } do
      ld.threads(n)
      local ok, message = pcall(train_small, { rows = function() return 600 end,
        model = function() return nn.sequential { nn.dense { 200, "relu" }, nn.dense(3) } end })
      if not ok then ld.threads(before) end
      assert(ok, message)
    end
    local made = train_small { steps = 16, between = function(_, i) ld.threads(i % 2 + 1) end }
    ld.threads(before)
    assert.is_true(made.planned > 5)
  end)
end)
