--- Rows of a table of measures, each with its epoch and step where they were logged, into series.
-- A measure that has one value an epoch is one per epoch; with more it is one per step.

local names = require "lossdbg.interop.recorded.metric_names"

local M = {}
local Rows = {}
Rows.__index = Rows

---@param source lossdbg.RecordedFile
function M.new(source)
  return setmetatable({ source = source, order = {}, by_name = {}, count = 0 }, Rows)
end

---@param index { epoch: number|nil, step: number|nil }
---@param cells { [1]: string, [2]: number, part: string|nil }[] names and values
---@param level? "epoch"|"step"
---@param part? string of the cells that name none
function Rows:add(index, cells, level, part)
  self.count = self.count + 1
  for _, cell in ipairs(cells) do
    local of = cell.part or part
    local id = cell[1] .. "\0" .. (level or "") .. "\0" .. (of or "")
    local list = self.by_name[id]
    if not list then
      list = { name = cell[1], level = level, part = of, y = {}, epoch = {}, step = {}, row = {} }
      self.by_name[id] = list
      self.order[#self.order + 1] = list
    end
    local n = #list.y + 1
    list.y[n], list.row[n] = cell[2], self.count
    list.epoch[n], list.step[n] = index.epoch or false, index.step or false
  end
end

local function all(list)
  for _, value in ipairs(list) do
    if not value then return false end
  end
  return true
end

-- Whether every epoch has one value; epochs may be repeated by an appended training.
local function once_an_epoch(list)
  if not all(list.epoch) then return false end
  for i = 2, #list.epoch do
    if list.epoch[i] == list.epoch[i - 1] then return false end
  end
  for _, epoch in ipairs(list.epoch) do
    if epoch ~= math.floor(epoch) then return false end
  end
  return true
end

-- Whether epochs go back somewhere.
local function falls(epochs)
  for i = 2, #epochs do
    if epochs[i] and epochs[i - 1] and epochs[i] < epochs[i - 1] then return true end
  end
  return false
end

---Writes the series into the source.
function Rows:finish()
  for _, list in ipairs(self.order) do
    local name = names.read(list.name, list.part)
    local level, x = name and name.level or list.level, list.row
    if level ~= "step" and once_an_epoch(list) then
      level, x = "epoch", list.epoch
    elseif all(list.step) then
      level, x = "step", list.step
    elseif level == "epoch" and all(list.epoch) then
      x = list.epoch
    else
      level = level or "step"
      self.falls = self.falls or falls(list.epoch)
    end
    for i = 1, #list.y do self.source:add(list.name, x[i], list.y[i], list.part, level) end
  end
  if self.falls then
    self.source:note "epochs repeat and go back: points are counted by their rows"
  end
end

return M
