--- What layers with sliding windows share: sizes of one number or a list, padding, shapes and
-- messages. The core's shape rules are the only ones: a layer asks the op with an empty batch.
local attempt = require "lossdbg.support.attempt"
local layer = require "lossdbg.nn.layer"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"
local tensors = require "lossdbg.tensor"

local M = {}

local axes = { "[batch, steps, channels]", "[batch, height, width, channels]" }

---A size for each of n axes from one integer or a list of n.
---@param value integer|integer[]|nil
---@param n integer 1 or 2
---@param where string for messages
---@param name string argument name
---@param min integer smallest legal size
---@return integer[]|nil sizes nil for nil
function M.sizes(value, n, where, name, min)
  if value == nil then return nil end
  local list = type(value) == "table" and value or {}
  if type(value) ~= "table" then
    for i = 1, n do list[i] = value end
  end
  local fits = #list == n
  for i = 1, #list do
    fits = fits and math.type(list[i]) == "integer" and list[i] >= min and list[i] < 2 ^ 31
  end
  if not fits then
    local each = n == 1 and "" or (" or { height, width }")
    local got = type(value) == "table" and "{ " .. table.concat(list, ", ") .. " }"
      or options.show(value)
    error(("lossdbg: %s: argument '%s': expected an integer >= %d%s, got %s"):format(where, name,
      min, each, got), source.level())
  end
  return table.move(list, 1, n, 1, {})
end

-- The form of an attribute: one integer for sequences, else the list.
function M.attribute(sizes, n)
  if sizes == nil then return nil end
  return n == 1 and sizes[1] or sizes
end

---Checks the padding: a name, or cells on each side for PyTorch's spelling.
---@param value string|integer|table
---@param n integer
---@param where string
---@param names string[] legal names
---@return string|nil name
---@return integer[]|nil pads before and after each axis
function M.padding(value, n, where, names)
  if type(value) == "string" then
    for _, name in ipairs(names) do
      if value == name then return name end
    end
    error(("lossdbg: %s: argument 'padding': unknown value %s%s"):format(where,
      options.show(value), options.hint(value, names)), source.level())
  end
  local sizes = M.sizes(value, n, where, "padding", 0)
  local pads = {}
  for i, size in ipairs(sizes) do pads[2 * i - 1], pads[2 * i] = size, size end
  return nil, pads
end

-- What may be wrong with an input of the wrong rank.
local function rank_cause(n, shape)
  if #shape == n then
    return ("the channel axis is missing: put nn.reshape { %s, 1 } first"):format(
      table.concat(shape, ", "))
  elseif #shape == 1 then
    return n == 2 and "flat rows: put nn.reshape { height, width, channels } first"
      or "flat rows: put nn.reshape { steps, channels } first"
  elseif n == 1 then
    return "images: use the layer for two axes, its name ends in 2d"
  end
  return "sequences: use the layer for one axis, its name ends in 1d"
end

---Raises unless the input has n axes and channels.
---@param self lossdbg.Layer
---@param n integer
---@param shape integer[]
function M.check_rank(self, n, shape)
  if #shape ~= n + 1 then layer.shape_error(self, axes[n], shape, rank_cause(n, shape)) end
end

---Shape of one output, from the op itself; its message becomes the cause in the layer's.
---@param self lossdbg.Layer
---@param n integer
---@param shape integer[] of one input
---@param run fun(x: userdata): userdata
---@return integer[]
function M.output_shape(self, n, shape, run)
  M.check_rank(self, n, shape)
  local empty = tensors.zeros { 0, table.unpack(shape) }
  local ok, result = attempt.call(run, empty)
  if not ok then
    local text = tostring(result)
    local cause = text:match("lossdbg: [%w_]+: (.+)$")
    if not cause then error(result, 0) end
    if n == 2 and shape[1] <= 4 and shape[3] > 4 then
      cause = cause .. "; or are the channels first? They belong last"
    end
    layer.shape_error(self, axes[n] .. " that the layer fits into", shape, cause)
  end
  return table.move(result.shape, 2, n + 2, 1, {})
end

return M
