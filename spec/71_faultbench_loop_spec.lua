-- Programs of the fault benchmark whose training loop is not the usual one: written out as loops,
-- and named by what a watch sees.
local ld = require "lossdbg"
local json = require "lossdbg.support.json"

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

describe("a program with a loop of its own", function()
  local loops

  setup(function()
    package.path = "spec/faultbench/?.lua;" .. package.path
    loops = require "bench_loop"
  end)

  local function first_cause(changes)
    local case = program(changes)
    assert.is_true(loops.wanted(case))
    local watch <close> = loops.train(case, folder .. "/cases")
    local d = watch:diagnose()
    assert.is_false(d.healthy)
    return d[1].cause
  end

  it("is one where something else than shuffling is said of the loop", function()
    assert.is_false(loops.wanted(program()))
    assert.is_false(loops.wanted(program { loop = { shuffle = false } }))
    assert.is_true(loops.wanted(program { loop = { shuffle = "x_only" } }))
    assert.is_true(loops.wanted(program { optimizer = { name = "sgd", learning_rate = -1 } }))
  end)

  it("is trained as it says, and named by what a watch sees", function()
    assert.equal("missing_zero_grad", first_cause { loop = { zero_grad = false } })
    assert.equal("gradient_sign_flipped", first_cause { loop = { gradient_sign = -1 } })
    assert.equal("gradient_sign_flipped", first_cause { optimizer = { name = "sgd",
      learning_rate = -0.5 } })
    assert.equal("misaligned_labels", first_cause { loop = { shuffle = "x_only" } })
    assert.equal("parameters_not_in_optimizer", first_cause { loop = {
      optimizer_parameters = json.array() } })
    assert.equal("layer_reinitialised", first_cause { loop = { reinitialise_layers = { 0 } } })
  end)
end)
