-- Every public function is called with wrong arguments. Whatever happens must be a result, or nil
-- and a message, or one clear message of ours: "lossdbg: function: ...", never a Lua error from
-- the inside.
local ld = require "lossdbg"

local nan, inf = 0 / 0, math.huge

local values = {
  false, true, 0, 1, -1, 3, 1.5, nan, inf, -inf, 1 << 62, math.mininteger, "", "x", "relu", "mse",
  "f32", "\0", ("y"):rep(300), {}, { 1 }, { -1 }, { 1.5 }, { nan }, { {} }, { x = 1 },
  { 1 << 40, 1 << 40 },
  { lr = nan }, { lr = -1 }, { units = 0 }, { learning_rte = 1 }, { [1] = "x", y = {} },
  function() end, function() return 3 end, coroutine.create(print), ld.ones(2), ld.ones { 2, 2 },
  ld.zeros { 0 }, ld.zeros { 0, 3 }, ld.ones(2, "i32"), ld.ones({ 2, 3 }, "f64"), ld.tensor(1),
  ld.tensor { nan, 1 }, ld.ones { 4, 4 }:transpose(), io.stdout,
}
local count = #values

-- Deterministic, and independent of math.random's seed.
local state = 12345
local function draw(n)
  state = (state * 1103515245 + 12345) % 2147483648
  return state // 65536 % n + 1
end

local raw = { "attempt to", "bad argument", "stack overflow", "number has no integer",
  "table overflow", "string expected", "not enough memory" }

local calls = 0

local function show(args, n)
  local out = {}
  for i = 1, n do out[i] = type(args[i]) == "table" and "{…}" or tostring(args[i]):sub(1, 40) end
  return table.concat(out, ", ")
end

local function try(name, fn, args, n)
  calls = calls + 1
  local result = table.pack(pcall(fn, table.unpack(args, 1, n)))
  if result[1] then return end
  local message = tostring(result[2])
  local context = ("%s(%s): %s"):format(name, show(args, n), message)
  assert.equal("string", type(result[2]), context)
  assert.is_truthy(message:find("lossdbg: ", 1, true), context)
  for _, inside in ipairs(raw) do
    assert.is_nil(message:find(inside, 1, true), context)
  end
  assert.is_true(#message < 1200, "too long: " .. name)
end

-- fn is called with `self` (if any) and bad arguments behind it.
local function torment(name, fn, self)
  local first = self ~= nil and 1 or 0
  local args = { self }
  try(name, fn, args, first)
  for i = 1, count do
    args[first + 1] = values[i]
    try(name, fn, args, first + 1)
  end
  for _ = 1, 3 * count do
    local n = first + 2 + draw(3)
    for i = first + 1, n do args[i] = values[draw(count)] end
    for _ = 1, 2 do -- nil in the middle
      local hole = first + draw(n - first)
      if draw(3) == 1 then args[hole] = nil end
    end
    try(name, fn, args, n)
  end
end

-- Would start a long training, read the keyboard or write files.
local skip = {
  save = true, save_jsonl = true, save_tensorboard = true, save_checkpoint = true,
  write_npy = true, save_svg = true, save_html = true, save_json = true, save_csv = true,
}

local function walk(name, module, seen)
  if seen[module] then return end
  seen[module] = true
  local keys = {}
  for key, value in pairs(module) do
    if type(key) == "string" and not skip[key] then keys[#keys + 1] = { key, value } end
  end
  table.sort(keys, function(a, b) return a[1] < b[1] end)
  for _, pair in ipairs(keys) do
    local full = name .. "." .. pair[1]
    if type(pair[2]) == "function" then torment(full, pair[2]) end
  end
end

local function class_of(object)
  local index = getmetatable(object).__index
  return type(index) == "table" and index or getmetatable(object)
end

local function walk_methods(name, object, methods)
  local keys = {}
  for key, value in pairs(methods) do
    if type(value) == "function" and not key:find "^__" and not skip[key] then
      keys[#keys + 1] = key
    end
  end
  table.sort(keys)
  assert.is_true(#keys > 0, name .. " has no methods")
  for _, key in ipairs(keys) do
    torment(name .. ":" .. key, methods[key], object)
  end
end

local function small_experiment()
  local x = ld.tensor { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } }
  return ld.experiment {
    train = { x, ld.tensor({ 0, 1, 1, 0 }, "i32") },
    model = ld.nn.sequential { ld.nn.dense { 3, "relu" }, ld.nn.dense { 2, "softmax" } },
    loss = "sparse_crossentropy", optimizer = "sgd", epochs = 2,
  }
end

describe("bad input", function()
  before_each(function() calls = 0 end)
  after_each(function() assert.is_true(calls > 100, "the walk called nothing") end)

  it("of the façade is explained", function()
    local functions = {}
    for _, name in ipairs { "experiment", "watch", "op", "gradcheck", "lr_find", "explain" } do
      functions[name] = ld[name]
      assert.equal("function", type(ld[name]))
    end
    for name, value in pairs(ld) do
      if type(value) == "function" and name ~= "no_grad" and name ~= "seed" then
        functions[name] = value
      end
    end
    walk("ld", functions, {})
  end)

  it("of every op is explained", function() walk("ld.ops", ld.ops, {}) end)

  for _, name in ipairs { "nn", "data", "loss", "optim", "schedule", "init", "metric", "callback",
    "regularizer" } do
    it("of ld." .. name .. " is explained", function() walk("ld." .. name, ld[name], {}) end)
  end

  it("of tensor methods is explained", function()
    local methods = require("lossdbg.core").tensor.methods
    walk_methods("tensor", ld.ones { 2, 3 }, methods)
  end)

  it("of data sets is explained", function()
    local set = ld.data.arrays { ld.ones { 6, 2 }, ld.tensor({ 0, 1, 0, 1, 0, 1 }, "i32") }
    walk_methods("dataset", set, class_of(set))
  end)

  it("of models is explained", function()
    local model = ld.nn.sequential { ld.nn.dense { 3, "relu" }, ld.nn.dense { 2 } }:build { 2 }
    walk_methods("model", model, getmetatable(model))
  end)

  it("of experiments is explained", function()
    local e = small_experiment()
    local methods = {}
    for key, value in pairs(getmetatable(e)) do
      if type(value) == "function" and key ~= "diagnose" and key ~= "fit" then
        methods[key] = value
      end
    end
    walk_methods("experiment", e, methods)
  end)

  it("of optimisers is explained", function()
    for _, name in ipairs(ld.optim.names) do
      local opt, methods = ld.optim[name] { { ld.ones(3) }, lr = 0.1 }, {}
      for _, key in ipairs { "attach", "step", "zero_grad", "epoch", "state", "load_state",
        "describe", "clone" } do
        methods[key] = opt[key]
      end
      walk_methods("optim." .. name, opt, methods)
    end
  end)

  it("of initialisers and schedules is explained", function()
    local called = {}
    for _, name in ipairs(ld.init.names) do
      called[name] = function(...) return ld.init.get(name)(...) end
    end
    called.cosine = function(...) return ld.schedule.cosine { 0.1, 10 }(...) end
    walk("call", called, {})
    local plateau = ld.schedule.reduce_on_plateau()
    walk_methods("plateau", plateau, getmetatable(plateau))
  end)

  it("of the core's arithmetic is explained", function()
    local core = require "lossdbg.core"
    for _, part in ipairs { "train", "random", "diagnose" } do walk(part, core[part], {}) end
  end)

  it("of the record of a training is explained", function()
    local record = require("lossdbg.core").train.recorder({ 1, 2, 2 }, { 3, 4 }, 1)
    walk_methods("record", record, getmetatable(record).__index)
    local function refused(pattern, ...)
      local ok, message = pcall(require("lossdbg.core").train.recorder, ...)
      assert.is_false(ok)
      assert.matches("^lossdbg: recorder: argument " .. pattern, message)
    end
    refused("'layer_of': expected a list .* got nothing")
    refused("'sizes': expected a list .* got nothing", { 1 })
    refused("'outputs'.* got nothing", { 1 }, { 3 })
    refused("'layer_of'.* from 1 to 1 at place 2, got 2", { 1, 2 }, { 3 }, 0)
    refused("'layer_of'.* at place 1, got string", { "x" }, { 3 }, 0)
    refused("'layer_of'.* at place 1, got 1.5", { 1.5 }, { 3 }, 0)
    refused("'sizes'.* at place 1, got %-1", { 1 }, { -1 }, 0)
  end)

  it("in the state of a record is explained, and leaves the record as it was", function()
    local core = require "lossdbg.core"
    local record = core.train.recorder({ 1 }, { 3 }, 1)
    record:add(0.5, 0.1, true)
    for _, change in ipairs { { "step", 1, nan }, { "room", 4, 2 ^ 60 }, { "capacity", 5, 1e300 },
      { "stride", 2, 0 }, { "total", nil, nan }, { "total", nil, 1e300 },
      { "output_total", nil, -1 },
      { "series", nil, ld.zeros(1, "f64") }, { "history", nil, ld.zeros(4) } } do
      local name, place, value = table.unpack(change, 1, 3)
      local past = record:state()
      if place then past.steps[place] = value
      elseif type(value) == "number" then past[name] = ld.full(past[name].shape, value, "f64")
      else past[name] = value end
      try("record:load", record.load, { record, past }, 2)
      assert.is_false(pcall(record.load, record, past), name)
      assert.same({ 0.5 }, record:history "loss")
    end
    record:load(record:state())
    assert.same({ 0.5 }, record:history "loss")
    calls = calls + 100
  end)

  it("of runs is explained", function()
    local run = small_experiment():fit { verbose = 0 }
    walk_methods("run", run, getmetatable(run))
  end)
end)
