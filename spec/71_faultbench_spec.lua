-- Programs in the form of the fault benchmark, and its runner. Expected scores are those of the
-- benchmark's score.py on the same answers; losses are closed forms.
local ld = require "lossdbg"
local json = require "lossdbg.support.json"

local keras = ld.interop.keras

local folder

local function write(name, text)
  local file = assert(io.open(folder .. "/" .. name, "wb"))
  file:write(text)
  file:close()
end

setup(function()
  folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir -p '" .. folder .. "/cases/data'"))
  local x, y = ld.zeros { 60, 2 }, ld.zeros(60)
  for i = 1, 60 do -- two classes, apart by a wide margin
    local class = i % 2
    x:set(i % 7 * 0.1 + class * 2 - 1, i, 1)
    x:set(i % 5 * 0.1 - class, i, 2)
    y:set(class, i)
  end
  write("cases/data/x.npy", "")
  assert(ld.data.write_npy(folder .. "/cases/data/x.npy", x))
  assert(ld.data.write_npy(folder .. "/cases/data/y.npy", y))
  assert(ld.data.write_npy(folder .. "/cases/data/ids.npy", y:cast "i32"))
end)

teardown(function() os.execute("rm -r '" .. folder .. "'") end)

-- A sound program with some keys changed; false removes one.
local function program(changes)
  local case = {
    schema = 1, id = "case", task = "binary", input_shape = { 2 }, batch_size = 10, epochs = 30,
    data = { x = "data/x.npy", y = "data/y.npy", labels = "zero_one" }, seed = 1,
    model = { { layer = "dense", units = 8, activation = "relu" },
      { layer = "dense", units = 1, activation = "sigmoid" } },
    loss = { name = "binary_crossentropy", from_logits = false, reduction = "mean" },
    optimizer = { name = "adam", learning_rate = 0.02 }, metrics = { "accuracy" },
  }
  for key, value in pairs(changes or {}) do case[key] = value or nil end
  return case
end

local function experiment(changes) return keras.experiment(program(changes), folder .. "/cases") end

local function refused(pattern, changes)
  local ok, message = pcall(experiment, changes)
  assert.is_false(ok)
  assert.matches(pattern, message)
end

describe("a program of the fault benchmark", function()
  it("trains as written", function()
    local e = experiment()
    local d = e:description()
    assert.are.equal("binary", d.task.kind)
    assert.is_false(d.fused)
    local run = e:fit { verbose = 0 }
    assert.are.equal(180, run.n_steps)
    assert.is_true(run:last "accuracy" > 0.95)
  end)

  it("transforms the inputs in order, validation rows the same way", function()
    local e = experiment { data = { x = "data/x.npy", y = "data/y.npy", rows = { 0, 40 },
      val_x = "data/x.npy", val_y = "data/y.npy", val_rows = { 40, 60 },
      transform = { { op = "subtract", by = { 1, 2 } }, { op = "divide", by = 4 },
        { op = "reshape", shape = { 2, 1 } }, { op = "flatten" } } } }
    local raw = assert(ld.data.read_npy(folder .. "/cases/data/x.npy"))
    assert.are.same({ 40, 2 }, e.train.x.shape)
    assert.is_true(math.abs((raw:get(41, 2) - 2) / 4 - e.val.x:get(1, 2)) < 1e-7)
    assert.are.same({ 20, 2 }, e.val.x.shape)
    e = experiment { data = { x = "data/x.npy", y = json.null }, task = "autoencoder",
      loss = { name = "mse" }, model = { { layer = "dense", units = 2 } }, metrics = { "r2" } }
    assert.are.same(e.train.x:totable(), e.train.y:totable())
  end)

  it("shuffles or not, and leaves other loops to those who write them", function()
    assert.is_false(experiment({ loop = { shuffle = false } }):description().shuffle)
    assert.is_true(experiment({ loop = { shuffle = true } }):description().shuffle)
    refused("unknown key 'loop.zero_grad'", { loop = { zero_grad = false } })
    refused("'loop.shuffle'.*true or false", { loop = { shuffle = "x_only" } })
    refused("'optimizer.learning_rate'.*>= 0", { optimizer = { name = "sgd",
      learning_rate = -0.5 } })
  end)

  it("names the key that it does not understand", function()
    refused("'data.x'.*nothing.npy", { data = { x = "data/nothing.npy", y = "data/y.npy" } })
    refused("unknown key 'momentums'", { momentums = 1 })
    refused("unknown key 'data.transfrom'", { data = { x = "data/x.npy", transfrom = {} } })
    refused("unknown key 'optimizer.lr'", { optimizer = { name = "sgd", lr = 1 } })
    refused("unknown key 'loop.shufle'", { loop = { shufle = true } })
    refused("unknown key 'loss.weight'", { loss = { name = "mse", weight = 1 } })
    refused("unknown loss", { loss = { name = "luck" } })
    refused("unknown optimiser", { optimizer = { name = "luck", learning_rate = 1 } })
    refused("layer 1 %(convolve%): 'layer'", { model = { { layer = "convolve" } } })
    refused("layer 1 %(dense%): 'unit'", { model = { { layer = "dense", units = 1, unit = 2 } } })
    refused("layer 1 %(dense%).*units", { model = { { layer = "dense" } } })
    refused("'model'", { model = {} })
    refused("'data'", { data = false })
    refused("'data.rows'", { data = { x = "data/x.npy", y = "data/y.npy", rows = { 0, 61 } } })
    refused("'data.transform%[1%].op'", { data = { x = "data/x.npy", y = "data/y.npy",
      transform = { { op = "rotate" } } } })
    refused("'data.transform%[1%].by'", { data = { x = "data/x.npy", y = "data/y.npy",
      transform = { { op = "divide", by = { 1, 2, 3 } } } } })
    refused("'input_shape'", { input_shape = { 3 } })
    refused("'task'", { task = "ranking" })
    refused("'schema'", { schema = 2 })
  end)
end)

describe("losses written by hand", function()
  local p, y = ld.tensor { { 0.25 }, { 1 } }, ld.tensor { { 1 }, { 0 } }

  it("have no bound under the logarithm", function()
    local open = ld.loss.binary_crossentropy { clip = 0 }
    assert.are.equal(math.huge, open(p, y):item())
    local loss = open(ld.tensor { { 1 } }, ld.tensor { { 1 } }):item() -- 0 ln 0, as in NumPy
    assert.is_true(loss ~= loss)
    local bounded = ld.loss.binary_crossentropy { clip = 0.125 }
    local wanted = -(math.log(0.25) + math.log(0.125)) / 2
    assert.is_true(math.abs(bounded(p, y):item() - wanted) < 1e-6)
  end)

  it("leave out the division by the sum, or keep it", function()
    local q, t = ld.tensor { { 0.5, 0.25, 0.5 } }, ld.tensor { { 1, 0, 0 } }
    local plain = ld.loss.categorical_crossentropy { renormalise = false }
    assert.is_true(math.abs(plain(q, t):item() - math.log(2)) < 1e-6)
    local divided = ld.loss.categorical_crossentropy { clip = 1e-10 }
    assert.is_true(math.abs(divided(q, t):item() - math.log(2.5)) < 1e-6)
    local ids = ld.loss.sparse_crossentropy { renormalise = false }
    assert.is_true(math.abs(ids(q, ld.tensor({ 2 }, "i32")):item() - math.log(2)) < 1e-6)
  end)

  it("compare every prediction with every target", function()
    local loss = ld.loss.mse { broadcast = true }
    -- predictions 1, 3; targets 0, 2: squares 1, 1, 9, 1
    assert.are.equal(3, loss(ld.tensor { { 1 }, { 3 } }, ld.tensor { 0, 2 }):item())
    assert.are.equal(3, ld.loss.mse { broadcast = true, scale = 0.5 }(ld.tensor { { 1 }, { 3 } },
      ld.tensor { 0, 2 }):item() * 2)
  end)

  it("say in the description what they are", function()
    local d = experiment({ loss = { name = "binary_crossentropy", clip = 0 } }):description().loss
    assert.are.equal("binary_crossentropy", d.name)
    assert.are.equal(0, d.clip)
    assert.is_true(d.by_hand)
    d = experiment({ loss = { name = "mse", broadcast = true } }):description().loss
    assert.is_true(d.broadcast)
    assert.is_nil(ld.loss.mse():describe().by_hand)
  end)

  it("do not go with logits; a patch to logits makes the library's own of them", function()
    assert.has_error(function() ld.loss.binary_crossentropy { clip = 0, from_logits = true } end)
    local own = ld.loss.binary_crossentropy({ clip = 0 }):with { from_logits = true }
    assert.is_nil(own.by_hand)
  end)
end)

describe("the runner", function()
  local truth = { causes = {}, also = {}, tolerated = {}, published = {}, scored = true,
    origin = "real", healthy = true }
  local function labelled(changes)
    local out = {}
    for key, value in pairs(truth) do out[key] = value end
    for key, value in pairs(changes) do out[key] = value end
    return out
  end

  local function run(arguments)
    local pipe = assert(io.popen(("%s spec/faultbench/run.lua '%s' %s 2>'%s/log'"):format(
      os.getenv "LUA" or "lua5.4", folder, arguments, folder)))
    local text = pipe:read "a"
    return text, select(3, pipe:close())
  end

  setup(function()
    write("cases/good.json", json.encode(program { id = "good" }))
    write("cases/wild.json", json.encode(program { id = "wild",
      optimizer = { name = "sgd", learning_rate = 1e9 } }))
    write("cases/cut.json", json.encode(program()):sub(1, 90))
    write("cases/odd.json", json.encode(program { id = "odd", model = { { layer = "odd" } } }))
    write("causes.json", json.encode { lr_too_high = { equivalents = { "loss_sum_reduction" } } })
    write("truth.json", json.encode { good = truth,
      wild = labelled { healthy = false, causes = { "lr_too_high" } },
      cut = labelled { healthy = false, causes = { "lr_too_high" } }, odd = truth })
  end)

  it("goes on after cases that cannot be read, and scores what it was not told", function()
    local out = folder .. "/out.json"
    local text, status = run(("--truth '%s/truth.json' --json '%s' --budget 2"):format(folder, out))
    assert.are.equal(0, status)
    assert.matches("not diagnosed: 2", text)
    assert.matches("cut: .*line 1", text)
    assert.matches("odd: .*layer 1 %(odd%): 'layer'", text)
    assert.matches("faultbench: detected 1/2, first 1/2, three 1/2, false_alarms 0/2, " ..
      "verified %d/2, median [%d.]+ s\n$", text)
    local file = assert(io.open(out))
    local result = assert(json.decode(file:read "a"))
    file:close()
    assert.are.equal("lossdbg.faultbench", result.schema)
    assert.are.equal(1, result.version)
    assert.are.equal(4, #result.cases)
    local by_id = {}
    for _, case in ipairs(result.cases) do by_id[case.id] = case end
    assert.are.same({}, by_id.good.causes)
    assert.are.equal("lr_too_high", by_id.wild.causes[1].id)
    assert.are.equal("measured", by_id.wild.causes[1].class)
    assert.are.equal("string", type(by_id.wild.fixes[1].text))
    assert.is_true(by_id.wild.seconds > 0 and by_id.wild.peak_mb > 1)
    assert.matches("cut.json", by_id.cut.error)
  end)

  it("refuses options and folders that do not exist", function()
    assert.are.equal(2, select(2, run "--speed 3"))
    assert.are.equal(2, select(2, run "--only nobody"))
    assert.are.equal(2, select(2, run "--jobs 0"))
  end)

  it("compares training alone with the reference", function()
    local seen = { { final = 1e-4, skill = 1, baseline = 0.69, initial = 0.7 } }
    write("check.json", json.encode { good = { verdict = "trains", seeds_that_train = 1,
      runs = seen } })
    local text = run "--only good --train-only --seeds 1"
    assert.matches("same verdict 1/1, final loss within 1.25 on 0/1 that train, 0", text)
  end)
end)

describe("scores", function()
  local score = dofile "spec/faultbench/bench_score.lua"

  it("are those of the benchmark's score.py", function()
    local function case(o)
      return { scored = o.scored ~= false, healthy = not o.causes, origin = o.origin or "real",
        causes = o.causes or {}, also = o.also or {}, tolerated = o.tolerated or {},
        single_repairs = o.single }
    end
    local truth = {
      a = case { causes = { "x" } }, b = case { causes = { "x" }, also = { "z" } },
      c = case { causes = { "y" }, single = { "w" }, origin = "injected" },
      d = case { causes = { "y" }, tolerated = { "w" } },
      e = case { causes = { "x" }, scored = false },
      f = case {}, g = case { tolerated = { "x" } }, h = case {},
    }
    local causes = { x = { equivalents = { "y" } }, y = { equivalents = {} },
      z = { equivalents = {} }, w = { equivalents = {} } }
    local s = score.score(truth, causes, { a = { "y", "x" }, b = { "w", "y", "y", "z" },
      c = { "w", "z" }, d = {}, e = { "x" }, f = { "x" }, g = { "x" }, h = {} })
    -- {"detected": 0.75, "top1_strict": 0, "top3_strict": 0.25, "top1_with_equivalents": 0.25,
    --  "top3_with_equivalents": 0.5, "top1_with_measured_repairs": 0.5, "top3_...": 0.75,
    --  "precision_top3": 4 / 7}, sound: 3 programs, 1 false alarm
    assert.are.same({ 3, 4 }, s.all.detected)
    assert.are.same({ { { 0, 4 }, { 1, 4 } }, { { 1, 4 }, { 2, 4 } }, { { 2, 4 }, { 3, 4 } } },
      { { s.all[1][1], s.all[1][3] }, { s.all[2][1], s.all[2][3] },
        { s.all[3][1], s.all[3][3] } })
    assert.are.same({ 4, 7 }, s.all.precision)
    assert.are.same({ 1, 3 }, s.all.false_alarms)
    assert.are.same({ "f" }, s.all.alarms)
    assert.are.same({ 1, 1 }, s.injected.detected)
  end)

  it("are held against floors, false alarms from above", function()
    local floors = dofile "spec/faultbench/bench_floors.lua"
    local least = { detected = 5, first = 4, three = 4, false_alarms = 1, verified = 3,
      over_random = 2 }
    local lines, failed = floors.compare(least, least)
    assert.same({ 0, "6 passed, 0 failed" }, { failed, lines[#lines] })
    for name, value in pairs(least) do
      local worse = setmetatable({ [name] = value + (name == "false_alarms" and 1 or -1) },
        { __index = least })
      lines, failed = floors.compare(worse, least)
      assert.same({ 1, "5 passed, 1 failed" }, { failed, lines[#lines] })
      local better = setmetatable({ [name] = value - (name == "false_alarms" and 1 or -1) },
        { __index = least })
      assert.equal(0, select(2, floors.compare(better, least)))
    end
    least.over_random = nil -- no random patches were tried
    assert.equal("5 passed, 0 failed", floors.compare(least, setmetatable({ over_random = 2 },
      { __index = least }))[6])
  end)

  it("have Wilson's intervals", function()
    local low, high = score.interval(5, 10) -- statsmodels proportion_confint(5, 10, 0.05, "wilson")
    assert.is_true(math.abs(low - 0.236593) < 1e-5 and math.abs(high - 0.763407) < 1e-5)
    low, high = score.interval(0, 49)
    assert.is_true(low == 0 and math.abs(high - 0.0727) < 1e-4)
  end)
end)
