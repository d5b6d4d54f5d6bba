--- Axes of layers that normalise: counted with the batch as 1 or negative from the end.
local layer = require "lossdbg.nn.layer"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local M = {}

---Resolved axes in rising order.
---@param self lossdbg.Layer for messages
---@param axis integer|integer[]
---@param input_shape integer[] of one sample
---@return integer[] axes with the batch as 1
function M.resolve(self, axis, input_shape)
  local rank, axes, seen = #input_shape + 1, {}, {}
  for _, given in ipairs(type(axis) == "table" and axis or { axis }) do
    local place = math.type(given) == "integer" and (given < 0 and rank + 1 + given or given)
    if not place or place < 2 or place > rank then
      layer.shape_error(self, ("with an axis %s besides the batch"):format(options.show(given)),
        input_shape, ("axes are 2..%d, or -1..-%d from the end"):format(rank, rank - 1))
    elseif seen[place] then
      options.fail("nn." .. self.kind, "axis", "every axis once", given, nil, source.level())
    end
    seen[place] = true
    axes[#axes + 1] = place
  end
  if #axes == 0 then
    options.fail("nn." .. self.kind, "axis", "at least one axis", axis, nil, source.level())
  end
  table.sort(axes)
  return axes
end

---The orders of axes that bring some axes to the end and back; nil where they stand there already.
---@param axes integer[] rising
---@param rank integer
---@return integer[]|nil there
---@return integer[]|nil back
function M.to_end(axes, rank)
  local moved, there, back = {}, {}, {}
  for _, axis in ipairs(axes) do moved[axis] = true end
  for axis = 1, rank do
    if not moved[axis] then there[#there + 1] = axis end
  end
  table.move(axes, 1, #axes, #there + 1, there)
  local same = true
  for place, axis in ipairs(there) do
    back[axis] = place
    same = same and place == axis
  end
  if same then return nil, nil end
  return there, back
end

---Applies fn to x with its axes in another order, and puts them back.
---@param x userdata
---@param there integer[]|nil
---@param back integer[]|nil
---@param fn fun(x: userdata, ...): userdata
---@return userdata
function M.turned(x, there, back, fn, ...)
  if not there then return fn(x, ...) end
  return fn(x:transpose(there), ...):transpose(back)
end

---Sizes of some axes.
---@param axes integer[]
---@param input_shape integer[]
---@return integer[]
function M.sizes(axes, input_shape)
  local sizes = {}
  for i, axis in ipairs(axes) do sizes[i] = input_shape[axis - 1] end
  return sizes
end

return M
