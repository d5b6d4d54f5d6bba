--- Data sets from NumPy's NPY files, and tensors to and from them.
local core = require "lossdbg.core"
local dataset = require "lossdbg.data.dataset"
local file = require "lossdbg.support.file"
local read_file = require "lossdbg.data.read_file"
local options = require "lossdbg.support.options"

local M = {}

local schema = options.declare "data.npy" {
  { name = "dtype", type = "string", default = "f32", choices = { "f32", "f64" },
    doc = "of the inputs" },
  { name = "classes", type = "table",
    doc = "class names in the order of their ids" },
  { name = "columns", type = "table",
    doc = "names of the features" },
}
options.declare "data.npy_bytes"(schema)

-- Answers: integers are class ids, floats are numbers to predict.
local function read_answers(answers, o, rows)
  local y, message = core.io.npy(answers.bytes)
  if not y then return nil, message end
  if y.dtype ~= "i32" and y.dtype ~= o.dtype then
    y, message = core.io.npy(answers.bytes, o.dtype)
    if not y then return nil, message end
  end
  if y.rank == 0 or #y ~= rows then
    return nil, ("%s rows of answers for %d rows of inputs"):format(
      y.rank == 0 and "no" or tostring(#y), rows)
  end
  return y
end

local function build(inputs, answers, o)
  local x, message = core.io.npy(inputs.bytes, o.dtype)
  if not x then return nil, inputs.name .. ": " .. message end
  if x.rank == 0 then return nil, inputs.name .. ": a scalar, expected rows" end
  if x.numel == 0 then
    return nil, ("%s: no rows: shape [%s]"):format(inputs.name, table.concat(x.shape, " x "))
  end
  local y
  if answers then
    y, message = read_answers(answers, o, #x)
    if not y then return nil, answers.name .. ": " .. message end
  end
  return dataset.new {
    x = x, y = y, classes = o.classes, columns = o.columns, source = inputs.path,
  }
end

--- A data set from the bytes of NPY files.
---@param inputs string
---@param answers? string
---@param given? table as for load
---@return lossdbg.Dataset|nil
---@return string|nil message
function M.parse(inputs, answers, given)
  if type(inputs) ~= "string" then
    options.fail("data.npy_bytes", "inputs", "a string", inputs, nil, 2)
  end
  if answers ~= nil and type(answers) ~= "string" then
    options.fail("data.npy_bytes", "answers", "a string", answers, nil, 2)
  end
  local o = options.check("data.npy_bytes", given, schema)
  return build({ bytes = inputs, name = "inputs" },
    answers and { bytes = answers, name = "answers" } or nil, o)
end

--- A data set from NPY files: x as f32, y as i32 class ids when its file holds integers.
---@param inputs string file name
---@param answers? string file name
---@param given? table dtype = "f32" | "f64"; classes = names by id; columns = feature names
---@return lossdbg.Dataset|nil
---@return string|nil message
function M.load(inputs, answers, given)
  if type(inputs) ~= "string" then
    options.fail("data.npy", "inputs", "a file name", inputs, nil, 2)
  end
  if answers ~= nil and type(answers) ~= "string" then
    options.fail("data.npy", "answers", "a file name", answers, nil, 2)
  end
  local o = options.check("data.npy", given, schema)
  local bytes, message = read_file(inputs)
  if not bytes then return nil, message end
  local second
  if answers then
    second, message = read_file(answers)
    if not second then return nil, message end
  end
  return build({ bytes = bytes, name = inputs, path = inputs },
    second and { bytes = second, name = answers } or nil, o)
end

--- One tensor from an NPY file.
---@param path string
---@param dtype? "f32"|"f64"|"i32" default: integers and booleans i32, floats as they are
---@return lossdbg.Tensor|nil
---@return string|nil message
function M.read(path, dtype)
  if type(path) ~= "string" then options.fail("data.read_npy", "path", "a file name", path) end
  local bytes, message = read_file(path)
  if not bytes then return nil, message end
  local tensor
  tensor, message = core.io.npy(bytes, dtype)
  if not tensor then return nil, path .. ": " .. message end
  return tensor
end

--- One tensor to an NPY file (version 1, C order, little-endian).
---@param path string
---@param tensor lossdbg.Tensor
---@return true|nil ok
---@return string|nil message
function M.write(path, tensor)
  if type(path) ~= "string" then options.fail("data.write_npy", "path", "a file name", path) end
  if not core.tensor.is_tensor(tensor) then
    options.fail("data.write_npy", "tensor", "a tensor", tensor)
  end
  return file.write(path, core.io.npy_encode(tensor:contiguous()))
end

return M
