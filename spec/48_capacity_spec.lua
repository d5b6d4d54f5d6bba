--- Networks that are too small for what is there: told from rates that are too low and from runs
-- that are too short, although a higher rate or more epochs bring them a little, too.
local cases = require "spec.support.cases"
local ld = require "lossdbg"
local nn = ld.nn

local function points(n)
  local x, y = {}, {}
  for i = 1, n do
    local a, r = i * 2.399963, 0.5 + (i * 37 % n) / n
    x[i], y[i] = { r * math.cos(a), r * math.sin(a) }, a
  end
  return x, y
end

-- Rings: which of two depends on the distance alone, so that a line tells nothing.
local function rings(n)
  local x = points(n)
  local y = {}
  for i, row in ipairs(x) do y[i] = row[1] ^ 2 + row[2] ^ 2 > 1 and 1 or 0 end
  return ld.tensor(x), ld.tensor(y)
end

describe("a network without a hidden layer", function()
  local function judged(plain, linear, own, more)
    local case = cases.with(cases.wine_raw(), { signals = { reference = { level = 0.1,
      network = plain, linear = linear, own = own } } })
    case = cases.network(case, more or { cases.dense(1, 3, 13, "softmax") })
    local state, f = cases.run("model_too_simple", case)
    return state == "fires" and f.title:match "without a hidden layer" or "not named"
  end
  local named = "without a hidden layer"

  it("is named where a network does more than the best line, and the run does not", function()
    assert.equal(named, judged(0.501, 0.4, 0.4))
    assert.equal("not named", judged(0.499, 0.4, 0.4))
    assert.equal(named, judged(0.9, 0.4, 0.499))
    assert.equal("not named", judged(0.9, 0.4, 0.501)) -- more than a line does
    assert.equal(named, judged(0.9, -0.5, 0.099)) -- a constant answer is a line as well
    assert.equal("not named", judged(0.9, -0.5, 0.101))
  end)

  it("is one dense layer and no more", function()
    assert.equal("not named", judged(0.9, 0.4, 0.4, { cases.dense(1, 8, 13, "relu"),
      cases.dense(2, 3, 8, "softmax") }))
  end)

  it("is repaired by a hidden layer, which no rate replaces", function()
    local x, y = rings(160)
    local d = ld.experiment { train = { x, y }, model = { nn.dense { 1, "sigmoid" } },
      loss = "binary_crossentropy", optimizer = ld.optim.adam { lr = 0.01 }, epochs = 60,
      batch = 16, seed = 4 }:diagnose { budget = 20 }
    assert.equal("too_few_units", d[1].cause)
    local repaired, f = d:verified_fix()
    assert.equal(d[1], f)
    assert.matches("add a hidden layer", repaired.text)
  end)

  it("is a choice where there is nothing but a line to learn", function()
    local x, y = points(160)
    for i, row in ipairs(x) do y[i] = 2 * row[1] - row[2] end
    local d = ld.experiment { train = { ld.tensor(x), ld.tensor(y) }, model = { nn.dense(1) },
      loss = "mse", optimizer = ld.optim.sgd { lr = 1e-3 }, epochs = 4, batch = 16, seed = 4,
    }:diagnose { budget = 20 }
    assert.is_true(#d > 0)
    for _, f in ipairs(d) do assert.is_nil(f.title:match "without a hidden layer") end
  end)
end)

describe("a narrow network", function()
  local function sectors(units, lr, epochs)
    local x, y = {}, {}
    for i, row in ipairs((points(240))) do -- eight of them
      x[i] = row
      y[i] = math.floor((math.atan(row[2], row[1]) / math.pi + 1) * 4) % 8
    end
    local d = ld.experiment { train = { ld.tensor(x), ld.tensor(y, "i32") }, epochs = epochs,
      model = { nn.dense { units, "tanh" }, nn.dense { 8, "softmax" } }, batch = 16, seed = 4,
      loss = "sparse_crossentropy", optimizer = ld.optim.adam { lr = lr } }
      :diagnose { budget = 30 }
    local searched = false
    for _, t in ipairs(d.trials) do searched = searched or t.rule == "behind_reference" end
    return d, searched
  end

  it("is named where a higher rate helps, but leaves most of what is there", function()
    local d, searched = sectors(1, 0.01, 40)
    assert.equal("too_few_units", d[1].cause)
    assert.is_true(d[1].fixes[1].trial.verified)
    assert.is_true(searched)
  end)

  it("is not looked for where a higher rate brings nearly all", function()
    local d, searched = sectors(2, 0.003, 60)
    assert.equal("lr_too_low", d[1].cause)
    assert.is_true(d[1].fixes[1].trial.verified)
    assert.is_false(searched)
  end)
end)

describe("an autoencoder", function()
  local function rows(n, scale, width)
    local list = {}
    for i = 1, n do
      list[i] = {}
      for j = 1, width do list[i][j] = scale * math.sin(i * (0.7 + 0.31 * j) + j * j) end
    end
    return ld.tensor(list)
  end

  local function autoencoder(x, neck, more)
    local o = { train = { x, x }, model = { nn.dense { neck, "tanh" }, nn.dense(x.shape[2]) },
      loss = "mse", optimizer = ld.optim.adam { lr = 0.01 }, epochs = 60, batch = 16, seed = 4 }
    for key, value in pairs(more or {}) do o[key] = value end
    return ld.experiment(o)
  end

  it("is known by targets that are its inputs", function()
    local audit = require "lossdbg.diagnose.row_audit"
    local x = rows(100, 1, 6)
    assert.is_true(audit.mirrored(x, x))
    assert.is_true(audit.mirrored(x, x:reshape { 100, 3, 2 }))
    assert.is_false(audit.mirrored(x, x:add(1e-3)))
    assert.is_false(audit.mirrored(x, x:slice(2, 1, 3)))
    assert.is_false(audit.mirrored(x:slice(2, 1, 1), x:slice(2, 1, 1))) -- one column is a line
  end)

  it("has a narrow layer by choice: what passes through it is all that is asked for", function()
    local x = rows(200, 1, 12)
    local e = autoencoder(x, 4)
    local plain = assert(require("lossdbg.diagnose.reference").run(e, e:fit { verbose = 0 }))
    assert.equal(4, plain.neck)
    assert.is_nil(plain.linear)
    assert.matches("64%-4%-64", plain.name)
    assert.is_true(plain.skill < 0.8, plain.skill) -- twelve independent columns do not fit in four
    for _, f in ipairs(e:diagnose { budget = 20 }) do
      assert.not_equal("error", f.severity, f.title)
      assert.not_equal("too_few_units", f.severity == "warning" and f.cause)
    end
    e = autoencoder(x, 12)
    assert.is_nil(assert(require("lossdbg.diagnose.reference").run(e, e:fit { verbose = 0 })).neck)
  end)

  it("whose narrow layer lets next to nothing through is too small, all the same", function()
    local e = autoencoder(rows(200, 1, 12), 1)
    local plain = assert(require("lossdbg.diagnose.reference").run(e, e:fit { verbose = 0 }))
    assert.is_nil(plain.neck)
    assert.is_true(plain.skill > 0.9, plain.skill)
    local d = e:diagnose { budget = 20 }
    assert.equal("too_few_units", d[1].cause)
  end)

  it("of raw rows is repaired on both sides at once", function()
    local d = autoencoder(rows(200, 300, 6), 6):diagnose { budget = 20 }
    assert.equal("unnormalised_inputs", d[1].cause)
    assert.matches("and the targets", d[1].fixes[1].text)
    assert.is_true(d[1].fixes[1].trial.verified)
  end)
end)

describe("initial weights", function()
  local function fires(inputs, units, variance)
    local case = cases.network(cases.wine_raw(), { cases.dense(1, units, inputs, "relu"),
      cases.dense(2, 3, units, "softmax") })
    case.signals.init = { layers = { dense_1 = { weight_std = math.sqrt(variance) } } }
    return (cases.run("bad_init_scale", case)) == "fires"
  end

  it("are small by design where few inputs go into many units", function()
    local glorot = 2 / (2 + 128)
    assert.is_false(fires(2, 128, glorot))
    assert.is_false(fires(2, 128, glorot / 24))
    assert.is_true(fires(2, 128, glorot / 26))
    assert.is_false(fires(128, 2, 2 / 128 / 24)) -- the fan-in alone counts where it is the larger
    assert.is_true(fires(128, 2, 2 / 128 / 51))
  end)
end)

describe("a factor on the loss", function()
  it("below zero makes training climb", function()
    local x = ld.tensor((points(64)))
    local d = ld.experiment { train = { x, x:sum(2) }, loss = ld.loss.mse { scale = -1 },
      model = { nn.dense { 8, "tanh" }, nn.dense(1) }, optimizer = ld.optim.sgd { lr = 0.01 },
      epochs = 20, batch = 16, seed = 4 }:diagnose { budget = 10 }
    assert.equal("gradient_sign_flipped", d[1].rule)
    assert.equal("exact", d[1].class)
    assert.matches("multiplied by %-1", d[1].title)
    assert.is_true(d[1].fixes[1].trial.verified)
  end)
end)
