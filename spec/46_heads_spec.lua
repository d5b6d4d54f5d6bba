-- The closed table of heads, losses and codings: every program that it calls right is silent, every
-- other one that can be built gets a patch with which it is right, and then trains.
local ld = require "lossdbg"
local collect = require "lossdbg.diagnose.collect"
local facts = require "lossdbg.diagnose.facts"
local heads = require "lossdbg.diagnose.heads"
local head_table = require "lossdbg.diagnose.heads.head_table"
local nn = ld.nn

local n, classes = 36, 3

-- Three separable groups in the plane.
local function plane()
  local x, id = {}, {}
  for i = 1, n do
    local k = i % classes
    local angle = 2 * math.pi * k / classes
    x[i] = { math.cos(angle) + 0.2 * math.sin(7 * i), math.sin(angle) + 0.2 * math.cos(5 * i) }
    id[i] = k
  end
  return x, id
end

local function each(ids, make)
  local list = {}
  for i, id in ipairs(ids) do list[i] = make(id, i) end
  return list
end

local function one_hot(id)
  local row = { 0, 0, 0 }
  row[id + 1] = 1
  return row
end

local smooth = { [0] = { 0.8, 0.1, 0.1 }, { 0.1, 0.8, 0.1 }, { 0.1, 0.1, 0.8 } }

-- Targets by task and coding, and the width that the output must have.
local targets = {
  multiclass = {
    ids = function(ids) return ld.tensor(ids, "i32"), 3 end,
    one_hot = function(ids) return ld.tensor(each(ids, one_hot)), 3 end,
    distribution = function(ids)
      return ld.tensor(each(ids, function(k) return smooth[k] end)), 3
    end,
  },
  binary = {
    flags = function(ids)
      return ld.tensor(each(ids, function(k) return { k == 0 and 1 or 0 } end)), 1
    end,
    shares = function(ids)
      return ld.tensor(each(ids, function(k) return { k == 0 and 0.9 or 0.1 } end)), 1
    end,
    signs = function(ids)
      return ld.tensor(each(ids, function(k) return { k == 0 and 1 or -1 } end)), 1
    end,
  },
  multilabel = {
    flags = function(ids)
      return ld.tensor(each(ids, function(k, i) return { k == 0 and 1 or 0, k ~= 1 and 1 or 0,
        i % 2 } end)), 3
    end,
  },
  regression = {
    real = function(ids)
      return ld.tensor(each(ids, function(k) return { 4 * k - 4.5 } end)), 1
    end,
    counts = function(ids)
      return ld.tensor(each(ids, function(k, i) return { 30 * k + i } end)), 1
    end,
    shares = function(ids)
      return ld.tensor(each(ids, function(k) return { 0.1 + 0.4 * k } end)), 1
    end,
  },
}

local activations = { linear = "linear", softmax = "softmax", log_softmax = "log_softmax",
  sigmoid = "sigmoid", signed = "tanh", rectified = "relu", positive = "softplus",
  leaky = "elu" }

local function experiment(task, loss, head, coding)
  local x, ids = plane()
  local y, width = targets[task][coding](ids)
  return ld.experiment {
    train = { ld.tensor(x), y }, loss = head_table.loss_patch[loss], task = task,
    model = nn.sequential { nn.dense { 8, "tanh" }, nn.dense { width, activations[head] } },
    optimizer = { name = "adam", lr = 0.03 }, batch = 12, epochs = 25, seed = 3,
    terminate_on_nan = true,
  }
end

local function case_of(e, run)
  local case = run and collect.experiment(e, run) or { description = e:description(),
    signals = { data = collect.audit(e.recipe.train_rows, nil, e:prepared().task) } }
  case.facts = facts.of(case)
  return case
end

-- Programs of the whole grid that can be built at all: losses refuse shapes that do not fit.
local function grid()
  local list = {}
  for task, codings in pairs(targets) do
    for coding in pairs(codings) do
      for loss in pairs(head_table.loss_patch) do
        for head in pairs(activations) do
          local ok, e = pcall(experiment, task, loss, head, coding)
          if ok and pcall(e.prepared, e) then
            list[#list + 1] = { name = ("%s: %s behind %s for %s"):format(task, loss, head, coding),
              e = e, task = task, loss = loss, head = head, coding = coding }
          end
        end
      end
    end
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

local function skill_of(run)
  local s = run.signals.skill
  return s and s.value or nil
end

describe("the table of heads, losses and codings", function()
  local programs = grid()

  it("is asked about hundreds of programs", function()
    assert.is_true(#programs > 150)
  end)

  it("is silent on every right program, and finds a patch for every other", function()
    local wrong, right = 0, 0
    for _, p in ipairs(programs) do
      local case = case_of(p.e)
      local verdict = assert(heads.judge(case), p.name)
      local grade = head_table.grade(verdict.read.task, p.loss, p.head, verdict.read.coding)
      local one = p.head == "softmax" and verdict.read.width == 1
      if grade and not one then
        right = right + 1
        assert.equal(grade, verdict.grade, p.name)
        assert.equal(grade == "right", verdict.rule == nil, p.name)
      elseif p.head ~= "log_softmax" or p.task ~= "regression" then
        wrong = wrong + 1
        assert.equal("wrong", verdict.grade, p.name)
        assert.is_true(#verdict.fixes > 0, p.name .. ": no fix")
        for _, fix in ipairs(verdict.fixes) do
          local patched = p.e:with(fix.patch)
          local again = heads.judge(case_of(patched))
          assert.equal("right", again.grade, p.name .. " -> " .. fix.text)
        end
      end
    end
    assert.is_true(wrong > 60 and right > 40, ("%d wrong, %d right"):format(wrong, right))
  end)

  it("leads to programs that train", function()
    local tried = {}
    for _, p in ipairs(programs) do
      local verdict = heads.judge(case_of(p.e))
      local fix = verdict.grade == "wrong" and verdict.fixes[1]
      if fix then
        local e = p.e:with(fix.patch)
        local d = e:description()
        local key = table.concat({ p.task, p.coding, d.loss.name, tostring(d.loss.from_logits),
          d.layers[#d.layers].activation or "linear", d.target or "" }, " ")
        if not tried[key] then
          tried[key] = true
          local run = e:fit { verbose = 0 }
          local first, last = run.history.loss[1], run.history.loss[#run.history.loss]
          assert.is_true(last < first, p.name .. " -> " .. fix.text)
          local skill = skill_of(run)
          assert.is_true(not skill or skill > 0.05, ("%s -> %s: %s"):format(p.name, fix.text,
            tostring(skill)))
        end
      end
    end
  end)
end)

describe("the head that is read", function()
  local function judged(layers, options)
    local x, ids = plane()
    local recipe = { train = { ld.tensor(x), ld.tensor(ids, "i32") }, loss = "sparse_crossentropy",
      model = nn.sequential(layers), optimizer = "adam", batch = 12, epochs = 2, seed = 1 }
    for key, value in pairs(options or {}) do recipe[key] = value end
    local e = ld.experiment(recipe)
    return heads.judge(case_of(e, e:fit { verbose = 0, max_steps = 1 }))
  end

  local flags = { ld.tensor((plane())), ld.tensor(each(select(2, plane()),
    function(k) return { k == 0 and 1 or 0 } end)) }

  it("is that of the real output: a sum of two units is one", function()
    local v = judged({ nn.dense { 2 }, nn.lambda(function(x) return x:sum(-1, true) end),
      nn.activation "sigmoid" }, { train = flags, loss = "binary_crossentropy" })
    assert.same({ "right", 1 }, { v.grade, v.read.width })
  end)

  it("has as many units as positions behind a flatten", function()
    local v = judged({ nn.reshape { 2, 1 }, nn.conv1d { 1, 1 }, nn.flatten(), nn.dense { 3 },
      nn.reshape { 3, 1 }, nn.conv1d { 1, 1 }, nn.flatten(), nn.activation "softmax" })
    assert.same({ "right", 3, 3 }, { v.grade, v.read.width, v.read.head.width })
  end)

  it("is a softmax over one unit when it is applied before the flatten", function()
    local v = judged { nn.dense { 3 }, nn.reshape { 3, 1 }, nn.conv1d { 1, 1, "softmax" },
      nn.flatten() }
    assert.same({ "wrong", "softmax_single_unit" }, { v.grade, v.rule })
  end)

  it("is measured where the last layer is the user's own", function()
    local v = judged { nn.dense { 3 }, nn.lambda(function(x) return x:softmax(-1) end) }
    assert.same({ "right", "softmax" }, { v.grade, v.read.head.group })
    v = judged { nn.dense { 3 }, nn.lambda(function(x) return x:mul(2):sub(9) end) }
    assert.same({ "wrong", "missing_output_activation" }, { v.grade, v.rule })
  end)

  it("shows what stands between the last weights and the softmax", function()
    local v = judged { nn.dense { 3, "relu" }, nn.activation "softmax" }
    assert.same({ "wrong", "final_layer_nonlinear" }, { v.grade, v.rule })
    v = judged { nn.dense { 3 }, nn.activation "softmax" }
    assert.equal("right", v.grade)
  end)

  it("of a recurrent layer is its tanh", function()
    local x, ids = {}, {}
    for i = 1, n do x[i], ids[i] = { { i % 5 }, { i % 3 } }, { 10 * (i % 3) } end
    local v = judged({ nn.lstm { 1 } }, { train = { ld.tensor(x), ld.tensor(ids) }, loss = "mse" })
    assert.same({ "wrong", "target_range_unreachable" }, { v.grade, v.rule })
  end)

  it("takes sequences of ids for classes, not for real targets", function()
    local x, y = {}, {}
    for i = 1, n do
      x[i], y[i] = {}, {}
      for t = 1, 4 do x[i][t], y[i][t] = (i + t) % 5, (i + t + 1) % 5 end
    end
    local v = judged({ nn.embedding { 5, 4 }, nn.dense { 5, "softmax" } },
      { train = { ld.tensor(x, "i32"), ld.tensor(y, "i32") }, task = "regression" })
    assert.same({ "right", "multiclass" }, { v.grade, v.read.task })
  end)
end)

describe("labels in a wrong code", function()
  local function judged(y, loss, layers)
    local e = ld.experiment { train = { ld.tensor((plane())), y }, loss = loss,
      model = nn.sequential(layers), optimizer = { name = "adam", lr = 0.03 }, batch = 12,
      epochs = 30, seed = 1 }
    return heads.judge(case_of(e)), e
  end

  it("-1 and 1 under a binary cross-entropy become 0 and 1", function()
    local _, ids = plane()
    local v, e = judged(ld.tensor(each(ids, function(k) return { k == 0 and 1 or -1 } end)),
      "binary_crossentropy", { nn.dense { 1, "sigmoid" } })
    assert.same({ "wrong", "wrong_label_encoding" }, { v.grade, v.cause })
    local patched = e:with(v.fixes[1].patch)
    local y = patched:prepared().train.y
    assert.same({ 0, 1 }, { y:min():item(), y:max():item() })
    assert.is_true(patched:fit({ verbose = 0 }).signals.skill.value > 0.3)
  end)

  it("three ids on one unit get three units", function()
    local _, ids = plane()
    local v, e = judged(ld.tensor(each(ids, function(k) return { k } end)),
      "binary_crossentropy", { nn.dense { 1, "sigmoid" } })
    assert.same({ "wrong", "wrong_output_units", 3 }, { v.grade, v.cause, v.read.need })
    local patched = e:with(v.fixes[1].patch)
    assert.same({ 3 }, patched:prepared().model.output_shape)
    assert.is_true(patched:fit({ verbose = 0 }).signals.skill.value > 0.3)
  end)
end)
