--- The signal catalogue against those who make signals and the literal cases that stand for them.
local ld = require "lossdbg"
local collect = require "lossdbg.diagnose.collect"
local registry = require "lossdbg.diagnose.registry"
local signals = require "lossdbg.diagnose.signals"
local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"

local function rows(n, shift)
  local x, y = {}, {}
  for i = 1, n do
    x[i] = { math.sin(i * 1.7), math.cos(i * 2.3) + (shift or 0), 1 }
    y[i] = x[i][1] > 0.3 and 2 or x[i][2] > 0 and 1 or 0
  end
  return { ld.tensor(x), ld.tensor(y, "i32"), names = { "a", "b", "c" } }
end

-- All that a diagnosis with its side tests measures.
local function classifier()
  local model = ld.nn.sequential { ld.nn.dense { 8, "relu", kernel_regularizer = { l2 = 1e-3 } },
    ld.nn.dense { 6, "sigmoid" }, ld.nn.dense { 3, "softmax" } }
  return ld.experiment { train = rows(60), val = rows(24, 0.1), model = model,
    loss = "sparse_crossentropy", optimizer = ld.optim.adam { lr = 1e-4 }, epochs = 4, batch = 5,
    seed = 1 }:diagnose { budget = 1e4, max_fixes = 1 }.signals
end

-- A run that ends in NaN.
local function blown_up()
  local x, y = {}, {}
  for i = 1, 40 do x[i], y[i] = { i * 1e15, 1 }, { i * 1e15 } end
  return ld.experiment { train = { ld.tensor(x), ld.tensor(y) }, model = { ld.nn.dense(1) },
    loss = "mse", optimizer = ld.optim.sgd { lr = 1e15 }, epochs = 3, seed = 1,
  }:diagnose { tests = false, trials = false }.signals
end

-- The audit of inputs and labels that no training would take.
local function bad_rows()
  local x = ld.tensor { { 1, 0 / 0 }, { 2, 1 }, { 2, 1 } }
  return { data = collect.audit({ x = x, y = ld.tensor({ 0, 7, 1 }, "i32"), names = { "a", "b" } },
    nil, { kind = "multiclass", classes = 3 }) }
end

-- A loop of one's own.
local function watched()
  local model = ld.nn.sequential { ld.nn.dense { 4, "relu" }, ld.nn.dense(1) }
    :build({ 2 }, { seed = 1 })
  local x = ld.tensor { { 1, 2 }, { 2, 1 }, { 0, 1 }, { 3, 1 } }
  local y = ld.tensor { { 1 }, { 2 }, { 0 }, { 3 } }
  local optimizer, loss = ld.optim.sgd { model, lr = 0.01 }, ld.loss.mse()
  local watch = ld.watch(model, optimizer, { loss = loss, data = { x, y }, batch = 4 })
  for _ = 1, 30 do
    optimizer:zero_grad()
    local value = loss(model(x), y)
    value:backward()
    optimizer:step()
    watch:step(value)
  end
  return watch:diagnose().signals
end

local function unknown(table_)
  local bad = {}
  for _, name in ipairs(signals.names_in(table_)) do
    if not signals.get(name) then bad[#bad + 1] = name end
  end
  return bad
end

-- The code of a module of the library, without its comments.
local function code_of(module)
  local path = assert(package.searchpath("lossdbg." .. module, package.path))
  local file <close> = assert(io.open(path))
  return (file:read("a"):gsub("%-%-[^\n]*", ""))
end

-- Whether code takes a signal by its name: its last word, where the word before it stands too.
local function says(code, name)
  local words = {}
  for word in name:gmatch "[%w_]+" do words[#words + 1] = word end
  local last, before = words[#words], words[#words - 1]
  return code:find('[."]' .. last .. "%f[^%w_]") ~= nil
    and (not before or code:find("%f[%w_]" .. before .. "%f[^%w_]") ~= nil)
end

-- All code that rules consist of.
local of_rules = {}
registry.rules()
for path in pairs(package.loaded) do
  local module = path:match "^lossdbg%.(diagnose%.rules%..+)$"
  if module then of_rules[#of_rules + 1] = code_of(module) end
end

local function is_read(signal)
  for _, code in ipairs(of_rules) do
    if says(code, signal.name) then return true end
  end
  for _, module in ipairs(signal.readers) do
    if says(code_of(module), signal.name) then return true end
  end
  return false
end

-- Whether its producer writes a signal: a field of a table by its last word. The audit of the data
-- is written in C.
local function is_written(signal)
  local code, last = code_of(signal.producer), signal.name:match "([%w_]+)[.*]*$"
  if code:find("core.diagnose.audit", 1, true) then
    local file <close> = assert(io.open "csrc/binding/lb_audit.c")
    code = code .. file:read "a"
  end
  return code:find("%f[%w_]" .. last .. "%f[^%w_]") ~= nil
end

describe("the signal catalogue", function()
  local made = {}
  for name, make in pairs { classifier = classifier, blown_up = blown_up, bad_rows = bad_rows,
    watched = watched } do
    made[name] = make()
  end

  for _, producer in ipairs { "classifier", "blown_up", "bad_rows", "watched" } do
    it("lists what is made by: " .. producer, function()
      assert.same({}, unknown(made[producer]))
    end)
  end

  it("lists all that literal cases hold", function()
    for name, case in pairs(cases.healthy()) do assert.same({}, unknown(case.signals), name) end
    for name in pairs(faulty.first) do assert.same({}, unknown(faulty[name]().signals), name) end
  end)

  it("knows who needs a signal", function()
    local readers = table.concat(registry.readers "final.layers.*.dead_share", " ")
    assert.truthy(readers:find("dying_relu", 1, true))
    assert.same({}, registry.readers "no.such.signal")
  end)

  it("holds nothing that no rule, verdict, test or view reads", function()
    local unread = {}
    for _, signal in ipairs(signals.all()) do
      if not is_read(signal) then unread[#unread + 1] = signal.name end
    end
    assert.same({}, unread)
  end)

  it("names as readers only modules that read something of the group", function()
    local reads = {}
    for _, signal in ipairs(signals.all()) do
      for _, module in ipairs(signal.readers) do
        local group = signal.name:gsub("%.%*$", ""):match "^(.*)%." or "the top"
        local key = module .. " reads " .. group
        reads[key] = reads[key] or says(code_of(module), signal.name)
      end
    end
    for key, found in pairs(reads) do assert.is_true(found, key) end
  end)

  it("holds nothing that nobody makes", function()
    local found, missing = {}, {}
    for _, table_ in pairs(made) do
      for _, name in ipairs(signals.names_in(table_)) do found[name] = true end
    end
    for _, signal in ipairs(signals.all()) do
      if not (found[signal.name] or is_written(signal)) then missing[#missing + 1] = signal.name end
    end
    assert.same({}, missing)
  end)

  it("gives every signal a unit, a shape, a producer that is a module, and a cost", function()
    local costs = { free = true, forward = true, backward = true, side_run = true }
    for _, signal in ipairs(signals.all()) do
      assert.is_string(signal.unit, signal.name)
      assert.is_string(signal.shape, signal.name)
      assert.is_true(costs[signal.cost], signal.name)
      local path = "lossdbg." .. signal.producer
      assert.is_truthy(package.searchpath(path, package.path), path)
    end
  end)
end)
