--- A program that came from Keras: its model, what it was compiled with, and weights that were
-- given beside it.
local attempt = require "lossdbg.support.attempt"
local archive = require "lossdbg.interop.archive"
local config = require "lossdbg.interop.keras_config"
local json = require "lossdbg.support.json"
local losses = require "lossdbg.loss"
local model = require "lossdbg.interop.keras_model"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"
local weights = require "lossdbg.interop.keras_weights"

local M = {}

---@class lossdbg.KerasProgram
---@field model table description: nn.sequential or nn.graph
---@field input_shape integer[]|nil shape of one sample, of models in a row
---@field loss lossdbg.Loss|nil      of the compile_config
---@field optimizer table|nil        { name, lr, ... }
---@field metrics any[]|nil
---@field weights { name: string, tensor: userdata }[]|nil
---@field ignored string[] what was left out because it changes no training
---@field notices string[] what could not be read, and what to do about it
local Program = { __name = "lossdbg.keras_program" }
Program.__index = Program

--- A built model, with the weights when there are any.
---@param given? { seed: integer, dtype: string, input_shape: integer[] }
---@return lossdbg.Model
function Program:build(given)
  local o, shape = {}, given and given.input_shape or self.input_shape
  for key, value in pairs(given or {}) do
    if key ~= "input_shape" then o[key] = value end
  end
  local built = self.model:build(shape, o)
  if self.weights then weights.load(built, self.weights, self.archived) end
  return built
end

--- The experiment: what Keras compiled, with data and whatever else `ld.experiment` takes.
---@param given table train, val, epochs, batch, seed, ...; loss and optimizer override
---@return lossdbg.Experiment
function Program:experiment(given)
  if type(given) ~= "table" then
    options.fail("interop.keras: program:experiment", "options", "a table with train", given, nil,
      source.level())
  end
  local o = { model = self.weights and self:build { seed = given.seed } or self.model,
    loss = self.loss, optimizer = self.optimizer, metrics = self.metrics }
  for key, value in pairs(given) do o[key] = value end
  return require("lossdbg.experiment").new(o)
end

function Program:__tostring() return "a program of Keras\n" .. tostring(self.model) end

local function compiled(program, object)
  if type(object) ~= "table" then return end
  local c = config.without_nulls(object)
  local loss = config.loss(c.loss)
  program.loss = loss and losses.resolve(loss, "interop.keras")
  program.optimizer = config.optimizer(c.optimizer or c.optimizer_config)
  program.metrics = config.metrics(c.metrics, program.ignored)
end

-- Raises a text; `parse` and `read` turn it into nil and the text.
local function read_object(object, compile_config, problems)
  local made = model.model(object, problems)
  made.ignored, made.notices = {}, {}
  local program = setmetatable(made, Program)
  program.object = object
  compiled(program, compile_config or object.compile_config or object.training_config)
  return program
end

local function guarded(fn, ...)
  local ok, result = attempt.call(fn, ...)
  if ok then return result end
  if type(result) ~= "string" then error(result, 0) end
  return nil, (result:gsub("^.-lossdbg: ", "lossdbg: ", 1))
end

local schema = options.declare "interop.keras.parse" {
  { name = "compile_config", type = "table|string",
    doc = "what model.get_compile_config() returns, where the file holds none" },
  { name = "weights", type = "string|boolean",
    doc = ".npz or safetensors: bytes (parse), path (read); false: those of an archive are left" },
  { name = "problems", type = "table",
    doc = "a list: layers that are not known are told there and pass their input on" },
}
options.declare "interop.keras.read"(schema)

local function decode(text, what)
  local value, why = json.decode(text)
  if value == nil then return nil, ("%s: %s"):format(what, why) end
  return value
end

local convert = "python3 -c 'import keras, numpy; m = keras.saving.load_model(\"model.keras\"); " ..
  "numpy.savez(\"weights.npz\", **{w.path: w.numpy() for w in m.weights})'"

-- The weights that lie in the archive; where they cannot be read, a notice says how to get at them.
local function archived_weights(program, bytes)
  local npz = archive.member(bytes, "model.weights.npz")
  local content, why = npz or archive.member(bytes, "model.weights.h5")
  local arrays
  if content then
    if npz then
      arrays, why = archive.arrays(content)
    else
      arrays, why = require("lossdbg.interop.hdf5").arrays(content)
    end
  end
  if arrays then
    program.weights, program.archived = arrays, program.object
  else
    program.notices[#program.notices + 1] = ("the weights of the archive were not read (%s): " ..
      "convert them with %s and give weights = \"weights.npz\""):format(why, convert)
  end
end

local function build(text, o, weight_bytes)
  local object, why = decode(text, "the configuration")
  if object == nil then return nil, why end
  local compile_config = o.compile_config
  if type(compile_config) == "string" then
    compile_config, why = decode(compile_config, "compile_config")
    if compile_config == nil then return nil, why end
  end
  local program
  program, why = guarded(read_object, object, compile_config, o.problems)
  if not program then return nil, why end
  if weight_bytes then
    program.weights, why = archive.arrays(weight_bytes)
    if not program.weights then return nil, "weights: " .. why end
  end
  return program
end

--- A program from the text of model.to_json(), or the bytes of a .keras archive.
---@param bytes string
---@param given? { compile_config: table|string, weights: string|false }
---@return lossdbg.KerasProgram|nil
---@return string|nil message
function M.parse(bytes, given)
  if type(bytes) ~= "string" then
    options.fail("interop.keras.parse", "bytes", "a string", bytes, nil, source.level())
  end
  local o = options.check("interop.keras.parse", given, schema, source.level())
  local text = bytes
  if bytes:sub(1, 2) == "PK" then
    local why
    text, why = archive.member(bytes, "config.json")
    if not text then return nil, why end
  end
  local program, why = build(text, o, o.weights)
  if program and text ~= bytes and o.weights == nil then archived_weights(program, bytes) end
  return program, why
end

--- A program from a file: .json or .keras.
---@param path string
---@param given? { compile_config: table|string, weights: string } weights: path
---@return lossdbg.KerasProgram|nil
---@return string|nil message
function M.read(path, given)
  if type(path) ~= "string" then
    options.fail("interop.keras.read", "path", "a file name", path, nil, source.level())
  end
  local o = options.check("interop.keras.read", given, schema, source.level())
  local read_file = require "lossdbg.data.read_file"
  local bytes, why = read_file(path)
  if not bytes then return nil, why end
  local beside = o.weights
  if beside then
    beside, why = read_file(beside)
    if not beside then return nil, why end
  end
  local program
  program, why = M.parse(bytes, { compile_config = o.compile_config, weights = beside })
  if not program then return nil, path .. ": " .. why end
  return program
end

return M
