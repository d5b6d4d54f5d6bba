--- Static rules on a model file, without its data: what the configuration alone shows. Layers that
-- are not known are named and stand aside as if they passed values on; the rest is read.
local attempt = require "lossdbg.support.attempt"
local core = require "lossdbg.core"
local experiment = require "lossdbg.experiment"
local keras_program = require "lossdbg.interop.keras_program"
local onnx = require "lossdbg.interop.onnx"
local options = require "lossdbg.support.options"
local read_file = require "lossdbg.data.read_file"
local registry = require "lossdbg.diagnose.registry"
local source = require "lossdbg.support.source"
local tensors = require "lossdbg.tensor"

local M = {}

---@class lossdbg.Lint
---@field findings table[]  of the rules that read the description alone
---@field problems string[] layers and operators that are not known, with their place
---@field notices string[]
---@field checked string[]  rules that looked and found nothing
---@field model string      the layers, as text

-- Rows that stand in for data, so that an experiment can be described; no rule sees them.
local ROWS = 8

local function stand_in(shape)
  local x = tensors.zeros { ROWS, table.unpack(shape) }
  core.random.uniform(x, 0, core.random.stream("lint", 0, 0), 0, 1)
  return x
end

local function targets(loss, shape)
  if loss.target == "index" then
    local ids, classes = {}, shape[#shape]
    for i = 1, ROWS do ids[i] = (i - 1) % classes end
    return tensors.tensor(ids, "i32")
  end
  return tensors.zeros { ROWS, table.unpack(shape) }
end

local function inputs_of(model)
  local shapes = model.input_shapes or { model.input_shape }
  local list = {}
  for i, shape in ipairs(shapes) do list[i] = stand_in(shape) end
  return #list == 1 and list[1] or list
end

local function described(program)
  local built = program:build {}
  if built.output_shapes and #built.output_shapes > 1 then
    return nil, "a model of several outputs is not linted"
  end
  local loss = program.loss
  local guessed = not loss
  loss = loss or require("lossdbg.loss").resolve("mse", "interop.lint")
  local e = experiment.new { train = { inputs_of(built), targets(loss, built.output_shape) },
    model = built, loss = loss, optimizer = program.optimizer }
  local d = e:description()
  return d, guessed and "no loss was compiled: rules on the loss do not apply" or nil
end

-- Rules on the loss say nothing where it had to be guessed.
local function about_loss(rule)
  return rule:find("loss", 1, true) or rule:find("output", 1, true) or rule:find("target", 1, true)
end

local function judge(program, out)
  local ok, d, note = attempt.call(described, program)
  if not ok or not d then
    out.problems[#out.problems + 1] = "the model could not be built: " ..
      tostring(ok and note or d):gsub("^.-lossdbg: ", "")
    return out
  end
  if note then out.notices[#out.notices + 1] = note end
  local findings, checked = registry.evaluate { description = d, signals = {}, options = {} }
  for _, f in ipairs(findings) do
    if not (note and about_loss(f.rule)) then out.findings[#out.findings + 1] = f end
  end
  out.checked = checked
  return out
end

local function read(path, bytes, problems)
  if path:find "%.onnx$" then
    local program, why = onnx.parse(bytes)
    if not program and why:find "not known" then
      problems[#problems + 1] = why
      return nil
    end
    return program, why
  end
  return keras_program.parse(bytes, { weights = false, problems = problems })
end

---Lints a model: .keras, model.json or .onnx.
---@param path string
---@return lossdbg.Lint|nil
---@return string|nil message
function M.file(path)
  if type(path) ~= "string" then
    options.fail("interop.lint", "path", "a file name", path, nil, source.level())
  end
  local bytes, why = read_file(path)
  if not bytes then return nil, why end
  local out = { findings = {}, problems = {}, notices = {}, checked = {} }
  local program
  program, why = read(path, bytes, out.problems)
  if not program then
    if #out.problems > 0 then return out end
    return nil, path .. ": " .. why
  end
  for _, text in ipairs(program.notices) do out.notices[#out.notices + 1] = text end
  out.model = tostring(program.model)
  return judge(program, out)
end

return M
