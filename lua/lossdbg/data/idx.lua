--- Data sets from IDX files, the format of MNIST.
local core = require "lossdbg.core"
local dataset = require "lossdbg.data.dataset"
local read_file = require "lossdbg.data.read_file"
local options = require "lossdbg.support.options"

local M = {}

local schema = options.declare "data.idx" {
  { name = "channels", type = "boolean", default = false,
    doc = "give images a channel axis" },
  { name = "dtype", type = "string", default = "f32", choices = { "f32", "f64" },
    doc = "of the inputs" },
  { name = "classes", type = "table",
    doc = "class names in the order of their ids" },
}

options.declare "data.idx_bytes"(schema)

local function check_labels(x, y)
  if y.rank ~= 1 or y.dtype ~= "i32" then
    return nil, ("expected integers of rank 1 as labels, got %s of rank %d"):format(y.dtype, y.rank)
  elseif #y ~= #x then
    return nil, ("%d labels for %d images"):format(#y, #x)
  elseif core.io.column_stats(y):get(1, 5) < 0 then
    return nil, "labels are class ids and cannot be negative"
  end
  return true
end

local function build(images, labels, o)
  local x, message = core.io.idx(images.bytes, o.dtype)
  if not x then return nil, images.name .. ": " .. message end
  local shape = x.shape
  if shape[1] == 0 then return nil, images.name .. ": no rows: the header declares 0" end
  if x.numel == 0 then
    return nil, ("%s: the header declares rows without elements: [%s]"):format(images.name,
      table.concat(shape, " x "))
  end
  if o.channels then
    if #shape == 8 then return nil, images.name .. ": rank 8 leaves no room for a channel axis" end
    shape[#shape + 1] = 1
    x = x:reshape(shape)
  end
  local y, ok
  if labels then
    y, message = core.io.idx(labels.bytes)
    if not y then return nil, labels.name .. ": " .. message end
    ok, message = check_labels(x, y)
    if not ok then return nil, labels.name .. ": " .. message end
  end
  return dataset.new { x = x, y = y, classes = o.classes, source = images.path }
end

--- A data set from the bytes of IDX files.
---@param images string
---@param labels? string
---@param given? table as for load
---@return lossdbg.Dataset|nil
---@return string|nil message
function M.parse(images, labels, given)
  if type(images) ~= "string" then
    options.fail("data.idx_bytes", "images", "a string", images, nil, 2)
  end
  if labels ~= nil and type(labels) ~= "string" then
    options.fail("data.idx_bytes", "labels", "a string", labels, nil, 2)
  end
  local o = options.check("data.idx_bytes", given, schema)
  return build({ bytes = images, name = "images" },
    labels and { bytes = labels, name = "labels" } or nil, o)
end

--- A data set from IDX files: x [n, h, w] with the values as they are in the file (0..255 for
--- MNIST), y i32 class ids [n].
---@param images string file name
---@param labels? string file name
---@param given? table channels = true appends an axis of one channel [n, h, w, 1]; dtype = "f32" |
---  "f64"; classes = names by id
---@return lossdbg.Dataset|nil
---@return string|nil message "x-ubyte: cut short: expected 47040016 bytes for shape …, got 1024"
function M.load(images, labels, given)
  if type(images) ~= "string" then
    options.fail("data.idx", "images", "a file name", images, nil, 2)
  end
  if labels ~= nil and type(labels) ~= "string" then
    options.fail("data.idx", "labels", "a file name", labels, nil, 2)
  end
  local o = options.check("data.idx", given, schema)
  local bytes, message = read_file(images)
  if not bytes then return nil, message end
  local answers
  if labels then
    answers, message = read_file(labels)
    if not answers then return nil, message end
  end
  return build({ bytes = bytes, name = images, path = images },
    answers and { bytes = answers, name = labels } or nil, o)
end

return M
