--- Residual block: x + f(x), with f a list of layers as in sequential. Where f changes the shape, a
-- shortcut brings x to it: x -> shortcut(x) + f(x).
-- Its layers carry the paths "residual_1/dense_1", "residual_1/shortcut/dense_1"; the sum is
-- "residual_1/add".
local layer = require "lossdbg.nn.layer"
local options = require "lossdbg.support.options"
local sequential = require "lossdbg.nn.sequential"
local source = require "lossdbg.support.source"

local M = {}

---@class lossdbg.Residual: lossdbg.Sequential
---@field kind "residual"
---@field shortcut lossdbg.Sequential|nil

local Residual = { __name = "lossdbg.residual", block = true }
for name, method in pairs(sequential.class) do Residual[name] = Residual[name] or method end
Residual.__index = Residual

local schema = options.declare "nn.residual" {
  { name = "name", type = "string", doc = "path of the block in its model" },
  { name = "trainable", type = "boolean", default = true,
    doc = "false: the optimiser skips it" },
  { name = "shortcut", type = "table", doc = "layer or list of layers on the way around" },
}

---`nn.residual { nn.dense { 8, "relu" }, nn.dense(8) }`,
---`nn.residual { nn.dense(16), shortcut = nn.dense { 16, bias = false } }`
---@param given table layers in order, and optionally shortcut, name, trainable
---@return lossdbg.Residual
function M.describe(given)
  local self = sequential.read_list("residual", given, schema)
  if #self == 0 then
    options.fail("nn.residual", "layers", "at least one layer", nil, "the block is empty",
      source.level())
  end
  local shortcut = self.options.shortcut
  self.options.shortcut = nil
  if shortcut then
    local list = shortcut
    if layer.is_description(shortcut) or sequential.is_block(shortcut) or shortcut.kind then
      list = { shortcut }
    end
    self.shortcut = sequential.describe { name = "shortcut", table.unpack(list) }
  end
  self.sum = layer.describe("add", { name = "add" }, self.source)
  return setmetatable(self, Residual)
end

---The block's layers, its shortcut and its sum, with their paths.
---@param prefix string
---@return table[] items
---@return string[] paths
function Residual:parts(prefix)
  local items = table.move(self, 1, #self, 1, {})
  items[#items + 1] = self.shortcut
  items[#items + 1] = self.sum
  return items, sequential.paths_of(items, prefix, "nn.residual")
end

function Residual:walk(visit, prefix)
  local _, paths = self:parts(prefix)
  for i, item in ipairs(self) do
    if sequential.is_block(item) then
      item:walk(visit, paths[i] .. "/")
    else
      visit(item, paths[i], self, i, self)
    end
  end
  if self.shortcut then self.shortcut:walk(visit, paths[#self + 1] .. "/") end
end

function Residual:children()
  local list = table.move(self, 1, #self, 1, {})
  list[#list + 1] = self.shortcut
  return list
end

function Residual:copy()
  local twin = sequential.class.copy(self)
  twin.shortcut = self.shortcut and self.shortcut:copy()
  return twin
end

---@param input_shape integer[]|integer shape of one sample
---@param given? { seed: integer, dtype: "f32"|"f64", adapt: userdata }
---@return lossdbg.Model
function Residual:build(input_shape, given)
  return sequential.build({ self }, input_shape, given)
end

function Residual:__tostring()
  local lines = {}
  self:walk(function(item, path) lines[#lines + 1] = ("  %-16s %s"):format(path, item) end, "")
  return "residual\n" .. table.concat(lines, "\n")
end

return M
