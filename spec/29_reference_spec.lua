-- The reference: everything public is documented, and help finds it.
package.path = "./spec/support/?.lua;" .. package.path
local core = require "lossdbg.core"
local help = require "lossdbg.view.help"
local ld = require "lossdbg"
local markup = require "lossdbg.view.markup"
local options = require "lossdbg.support.options"
local reference = require "lossdbg.view.reference"
local text = require "lossdbg.support.text"
local xml_check = require "xml_check"

local all, by_name = reference.all(), {}
for _, topic in ipairs(all) do by_name[topic.name] = topic end

local function small()
  local rows = ld.data.arrays { ld.rand { 32, 3 }, ld.rand { 32, 1 } }
  return ld.experiment { train = rows, model = { ld.nn.dense(1) }, loss = "mse", epochs = 1,
    verbose = 0 }
end

-- The objects that users hold, and the table that their methods are looked up in.
local function objects()
  local experiment = small()
  local model = ld.nn.sequential { ld.nn.dense(1) }:build { 3 }
  local optimizer = ld.optim.sgd { model, lr = 0.1 }
  return { run = experiment:fit(), experiment = experiment, model = model, optimizer = optimizer,
    dataset = experiment.train, watch = ld.watch(model, optimizer),
    diagnosis = experiment:diagnose { trials = false } }
end

-- Methods of an object: functions in its metatable and in what __index reaches.
local function methods(object)
  local meta, found = getmetatable(object), {}
  local function walk(t)
    for name, value in pairs(t) do
      if type(value) == "function" and type(name) == "string" and not name:find "^_" then
        found[name] = true
      end
    end
  end
  walk(meta)
  local index = meta.__index
  if type(index) == "table" then walk(index) end
  for i = 1, type(index) == "function" and math.huge or 0 do -- class tables of __index functions
    local name, value = debug.getupvalue(index, i)
    if not name then break end
    if type(value) == "table" and (name == "methods" or name:find "^%u") then walk(value) end
  end
  return found
end

describe("the reference", function()
  it("says of every topic what it is", function()
    local missing = {}
    for _, topic in ipairs(all) do
      if not topic.what:find "%w" then missing[#missing + 1] = topic.name end
    end
    assert.same({}, missing)
  end)

  it("says of every option what it means, with a type or a default", function()
    local missing, n = {}, 0
    local function walk(name, schema)
      for _, option in ipairs(schema or {}) do
        n = n + 1
        if not (option.doc or ""):find "%w" then missing[name .. "." .. option.name] = true end
      end
    end
    for _, topic in ipairs(all) do walk(topic.name, topic.options) end
    for name, schema in pairs(options.schemas) do walk(name, schema) end
    assert.same({}, missing)
    assert.is_true(n > 500)
  end)

  it("has every function of the façade and of its modules", function()
    local missing = {}
    local families = { "nn", "data", "loss", "optim", "schedule", "init", "metric", "callback",
      "regularizer", "constraint", "rules", "safetensors", "ops", "interop", "interop.keras",
      "interop.onnx" }
    for _, family in ipairs(families) do
      local module = ld
      for part in family:gmatch "[^.]+" do module = module[part] end
      for name, value in pairs(module) do
        if type(value) == "function" and not by_name[family .. "." .. name] then
          missing[#missing + 1] = family .. "." .. name
        end
      end
    end
    for name, value in pairs(ld) do
      if type(value) == "function" and not by_name[name] then missing[#missing + 1] = name end
    end
    assert.same({}, missing)
  end)

  it("has every method of the objects that users hold", function()
    local missing = {}
    for class, object in pairs(objects()) do
      local n = 0
      for name in pairs(methods(object)) do
        n = n + 1
        local full = class .. ":" .. name
        if not by_name[full] then missing[#missing + 1] = full end
      end
      assert.is_true(n > 0, class)
    end
    for name in pairs(core.tensor.methods) do
      if not (by_name["tensor:" .. name] or by_name["ops." .. name]) then
        missing[#missing + 1] = "tensor:" .. name
      end
    end
    table.sort(missing)
    assert.same({}, missing)
  end)

  it("knows every schema that a public function checks with", function()
    local missing = {}
    require "lossdbg.interop.recorded_replay"
    for path in io.popen("find lua/lossdbg -name '*.lua'"):lines() do
      local file = assert(io.open(path))
      for name, schema in file:read("a"):gmatch 'options%.check%("([^"]+)", [^,]+,%s*(%S)' do
        if not name:find "[:.]$" and schema ~= "{" and not options.schemas[name] then
          missing[name] = path
        end
      end
      file:close()
    end
    assert.same({}, missing)
  end)

  it("reads an annotation with its parameters and results", function()
    local found = reference.annotations(table.concat({ "---Adds one.", "---and tells.",
      "---@param x number what", "---  is added to", "---@return number sum", "function M.add(x)",
      "end", "-- no annotation", "function M.bare() end" }, "\n"))
    assert.equal("x", found["M.add"].parameters[1].name)
    assert.same({ "number sum" }, found["M.add"].returns)
    assert.matches("^Adds one%. and tells%.", table.concat(found["M.add"].text, " "))
    assert.is_nil(found["M.bare"])
  end)
end)

describe("the reference in HTML", function()
  local pages = require("lossdbg.view.reference_html").pages()

  it("has every topic at an anchor of its own, and every option of it", function()
    for _, topic in ipairs(all) do
      local page = pages[topic.family:gsub("%.", "_") .. ".html"]
      local _, n = page:gsub('id="' .. markup.id(topic.name):gsub("%p", "%%%0") .. '"', "")
      assert.equal(1, n, topic.name)
      for _, option in ipairs(topic.options or {}) do
        assert.matches("<code>" .. option.name .. "</code>", page, 1, true)
      end
    end
  end)

  it("is well formed, needs no network, and its links lead somewhere", function()
    for name, page in pairs(pages) do
      assert(xml_check.check((page:gsub("^<!DOCTYPE html>\n", ""))))
      assert.is_nil(page:find("<script", 1, true), name)
      assert.is_nil(page:find('src="', 1, true), name)
      for to in page:gmatch 'href="([^"]+)"' do
        local file, anchor = to:match "^([^#]*)#?(.*)$"
        local target = pages[file ~= "" and file or name]
        assert.is_string(target, to)
        assert.is_true(anchor == "" or target:find('id="' .. anchor .. '"', 1, true) ~= nil, to)
      end
    end
  end)
end)

describe("ld.help", function()
  it("tells type, range, default and other names of each option", function()
    local told = assert(ld.help "nn.dense")
    assert.matches("units: number of outputs", told, 1, true)
    assert.matches("integer; >= 1 and <= 2147483647; required; place 1", told, 1, true)
    assert.matches("boolean; default true; also use_bias", told, 1, true)
  end)

  it("finds short names, families, methods, rules, causes and states", function()
    assert.matches("nn.dropout", assert(ld.help "dropout"), 1, true)
    assert.matches("  nn%.lstm  ", assert(ld.help "nn"))
    assert.matches("model:predict", assert(ld.help "model"), 1, true)
    assert.matches("dying_relu", assert(ld.help "dying_relu"), 1, true)
    assert.matches("constant", assert(ld.help "constant"), 1, true)
    assert.matches("another name of loss.mse", assert(ld.help "loss.mean_squared_error"), 1, true)
  end)

  it("names inputs and attributes of ops", function()
    local told = assert(ld.help "ops.softmax")
    assert.matches("axis (axis, default -1)", told, 1, true)
    assert.matches("(x w b?)", assert(ld.help "ops.conv2d"), 1, true)
  end)

  it("guesses what was meant", function()
    local told, why = ld.help "nn.desne"
    assert.is_nil(told)
    assert.matches("did you mean 'nn.dense'?", why, 1, true)
    told, why = ld.help "adaam"
    assert.is_nil(told)
    assert.matches("did you mean 'adam'?", why, 1, true)
    assert.has_error(function() ld.help(3) end)
    assert.has_error(function() help.text("nn", 19) end)
  end)

  it("fits every topic into 80 and into 40 columns", function()
    for _, columns in ipairs { 40, 80 } do
      for _, name in ipairs { "nn.dense", "nn", "experiment", "run", "optim.adam", "ops.conv2d" } do
        for line in (assert(help.text(name, columns)) .. "\n"):gmatch "(.-)\n" do
          assert.is_true(text.width(line) <= columns, line)
        end
      end
    end
  end)
end)
