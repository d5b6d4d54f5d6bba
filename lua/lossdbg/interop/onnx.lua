--- Models in ONNX, as torch.onnx.export and others write them, as trainable graphs.
--   local program = assert(ld.interop.onnx.read "model.onnx")
--   print(program:experiment { train = train, loss = "mse" }:diagnose())
--   assert(ld.interop.onnx.save(run.model, "model.onnx"))
local attempt = require "lossdbg.support.attempt"
local experiment = require "lossdbg.experiment"
local nn = require "lossdbg.nn"
local onnx_build = require "lossdbg.interop.onnx_build"
local onnx_export = require "lossdbg.interop.onnx_export"
local onnx_file = require "lossdbg.interop.onnx_file"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local M = {}

local rows = {}
for _, name in ipairs { "onnx_ops", "onnx_shapes", "onnx_layers" } do
  for op, row in pairs(require("lossdbg.interop." .. name)) do rows[op] = row end
end

---@class lossdbg.OnnxProgram
---@field model lossdbg.Graph
---@field names table<string, string> path of a layer -> name of the module in the program
---@field initial { layer: string, parameter: string, tensor: userdata }[] weights of the file
---@field notices string[]
local Program = { __name = "lossdbg.onnx_program" }
Program.__index = Program

local function input_value(info, i)
  if not info.shape or #info.shape < 2 then
    error({ onnx = ("input '%s': expected [batch, ...] with known sizes"):format(info.name) }, 0)
  end
  local shape = table.move(info.shape, 2, #info.shape, 1, {})
  for _, size in ipairs(shape) do
    if not size or size < 1 then
      error({ onnx = ("input '%s': only the batch may have an open size"):format(info.name) }, 0)
    end
  end
  local given = table.move(shape, 1, #shape, 1, {})
  given.name = info.name:gsub("[^%w_]", "_")
  return nn.input(given), shape, i
end

-- All operators that are not known are told at once.
local function check_known(graph)
  local unknown = {}
  for _, node in ipairs(graph.nodes) do
    if not rows[node.op] then
      unknown[#unknown + 1] = ("node '%s' (%s)"):format(node.name, node.op)
    end
  end
  if #unknown > 0 then
    error({ onnx = "operators that are not known: " .. table.concat(unknown, ", ", 1,
      math.min(#unknown, 5)) .. (#unknown > 5 and (" and %d more"):format(#unknown - 5) or "") }, 0)
  end
end

local function lower(graph)
  check_known(graph)
  local self, inputs, outputs = onnx_build.new(graph), {}, {}
  for i, info in ipairs(graph.inputs) do
    local sym, shape = input_value(info)
    inputs[i], self.values[info.name] = sym, { sym = sym, shape = shape }
  end
  for _, node in ipairs(graph.nodes) do
    local results = { rows[node.op](self, node) }
    for i, name in ipairs(node.outputs) do self.values[name] = results[i] end
  end
  for i, info in ipairs(graph.outputs) do
    local value = self.values[info.name]
    if not value or not value.sym or value.swapped then
      error({ onnx = ("output '%s' is no value with the batch in front"):format(info.name) }, 0)
    end
    outputs[i] = self:logical(value).sym
  end
  return self, nn.graph { inputs = inputs, outputs = outputs }
end

---A built model with the weights of the file.
---@param given? { seed: integer, dtype: string }
---@return lossdbg.Model
function Program:build(given)
  local model = self.model:build(nil, given)
  local state = {}
  for i, weight in ipairs(self.weights or self.initial) do
    local target = model:layer(weight.layer).weights[weight.parameter]
    state[i] = { name = weight.layer .. "/" .. weight.parameter,
      tensor = weight.tensor:cast(model.dtype):reshape(target.shape) }
  end
  model:load_state(state)
  for _, path in ipairs(self.frozen or {}) do model:freeze(path) end
  return model
end

---The experiment, from the weights of the file.
---@param given table train, loss, epochs, batch, seed, ... as ld.experiment takes them
---@return lossdbg.Experiment
function Program:experiment(given)
  if type(given) ~= "table" then
    options.fail("interop.onnx: program:experiment", "options", "a table with train and loss",
      given, nil, source.level())
  end
  local o = { model = self:build { seed = given.seed }, loss = self.loss,
    optimizer = self.optimizer }
  for key, value in pairs(given) do o[key] = value end
  return experiment.new(o)
end

function Program:__tostring() return "a program in ONNX\n" .. tostring(self.model) end

---A program from a graph in the form of onnx_file.
---@param graph table
---@return lossdbg.OnnxProgram|nil
---@return string|nil message
function M.of_graph(graph)
  local ok, built, model = attempt.call(lower, graph)
  if ok then
    return setmetatable({ model = model, names = built.names, initial = built.weights,
      notices = built.notices, ignored = {} }, Program)
  end
  if type(built) == "table" and built.onnx then return nil, "ONNX: " .. built.onnx end
  if type(built) ~= "string" then error(built, 0) end
  return nil, "ONNX: " .. built:gsub("^.-lossdbg: ", "", 1)
end

---A program from the bytes of an ONNX file.
---@param bytes string
---@return lossdbg.OnnxProgram|nil
---@return string|nil message
function M.parse(bytes)
  if type(bytes) ~= "string" then
    options.fail("interop.onnx.parse", "bytes", "a string", bytes, nil, source.level())
  end
  local graph, why = onnx_file.read(bytes)
  if not graph then return nil, why end
  return M.of_graph(graph)
end

---A program from an ONNX file.
---@param path string
---@return lossdbg.OnnxProgram|nil
---@return string|nil message
function M.read(path)
  if type(path) ~= "string" then
    options.fail("interop.onnx.read", "path", "a file name", path, nil, source.level())
  end
  local bytes, why = require "lossdbg.data.read_file"(path)
  if not bytes then return nil, why end
  local program
  program, why = M.parse(bytes)
  if not program then return nil, path .. ": " .. why end
  return program
end

M.bytes, M.save = onnx_export.bytes, onnx_export.save

return M
