--- What training loops print: "Epoch [1/8], Loss: 2.25, Val Loss: 2.11", "step 20 | loss 2.29",
-- "Train Epoch: 1 [640/60000] Loss: 0.5", blocks of one measure a line under a heading.
-- Epoch and step are those of the line, else of the nearest line above that had them; a heading
-- that names a part of the data ("EVALUATION") holds until the next epoch or step.

local line_numbers = require "lossdbg.interop.recorded.line_numbers"
local log_text = require "lossdbg.interop.recorded.log_text"
local names = require "lossdbg.interop.recorded.metric_names"
local record_rows = require "lossdbg.interop.recorded.record_rows"
local source_file = require "lossdbg.interop.recorded.source_file"

local M = { id = "console", title = "console of a training loop" }

local MOST_HEADING = 3 -- words of a line that is taken for a heading

local Reader = {}
Reader.__index = Reader

-- "[1, 2000] loss: 2.1" of PyTorch's tutorial, "[10] validation-logloss:0.6" of XGBoost
local function bracketed(line, index)
  local epoch, step = line:match "^%s*%[%s*(%d+),%s*(%d+)%]"
  if epoch then
    index.epoch, index.step = tonumber(epoch), tonumber(step)
  else
    index.step = tonumber(line:match "^%s*%[%s*(%d+)%]%s")
  end
end

local function share(number)
  if number.of and number.of > 0 then return number.value / number.of end
  return number.percent and number.value / 100 or number.value
end

-- The part that stands beside the words of a number: "[valid] loss", "train: loss", "val | loss".
local function part_beside(number)
  local words, gap = number.words, number.gap
  local at = words and gap:find(words, 1, true)
  return names.part(at and gap:sub(1, at - 1) or gap)
end

-- A measure of the line. "train loss 0.5 acc 0.9 val loss 0.6 acc 0.8": the second accuracy is of
-- the part named last, as the line has one already.
local function measure(line, number)
  local name = names.read(number.words)
  if not (name and names.known(name.key)) then return end
  line.loss = line.loss or name.key:find "loss"
  line.named = names.part(number.words) or line.named
  local id = name.key .. " " .. (names.part(number.words) or line.index.part or "")
  local part = line.index.part
  if line.seen[id] and line.named then part = line.named end
  line.seen[id] = true
  line.cells[#line.cells + 1] = { number.words, share(number), part = part }
end

-- "epoch 3 train 0.52 val 0.55": losses, where nothing else on the line has a name.
local function bare_parts(state, numbers)
  for _, number in ipairs(numbers) do
    local words = number.words
    if words and names.is_part(words) and number.decimal and not number.percent then
      state.cells[#state.cells + 1] = { words .. " loss", number.value }
    end
  end
end

-- Epoch, step and measures of one line; a part named beside a number holds for those behind it.
local function parse(line)
  local index, cells = {}, {}
  local state = { index = index, cells = cells, seen = {} }
  bracketed(line, index)
  local numbers = line_numbers.read(line)
  for _, number in ipairs(numbers) do
    local words = number.words
    local axis = words and names.index(words)
    index.part = part_beside(number) or index.part
    if axis then
      -- the first counts, such as "number of nan iterations: 0" stand behind it
      if not index[axis] or words:lower():find "global" then index[axis] = number.value end
      index.part = index.part or names.part(words)
    elseif words then
      measure(state, number)
    end
  end
  if not state.loss and (index.epoch or index.step) then bare_parts(state, numbers) end
  return index, cells
end

local function part_of(line)
  return names.part(line:match "^[^%d:=]*")
end

-- Without what loggers write before their text: dates, levels, the place in the program.
local function without_prefix(line)
  line = line:gsub("%d%d%d%d%-%d%d%-%d%d[T_ ]%d%d:%d%d:?%d*[,%.]?%d*", "")
  line = line:gsub("^[IWEF]%d%d%d%d %d%d:%d%d:%d%d%.?%d*%s+%d+ ", "")
  line = line:gsub("[%w_/%.]+%.py:%d+", "")
  return (line:gsub("^([%s%[|]*)(%a+)(%d+)%f[^%w_]", function(before, word, digits)
    word = word:lower() == "e" and "epoch" or word -- "E003", "Ep 3", "step100"
    return names.index(word) and before .. word .. " " .. digits or nil
  end))
end

function Reader:context(line, index, cells)
  if index.epoch or index.step then
    self.part = index.part
    if index.epoch then self.epoch, self.step = index.epoch, index.step end
    self.step = index.step or self.step
  elseif #cells == 0 then
    local _, words = line:gsub("%a+", "")
    local part = words <= MOST_HEADING and names.part(line)
    if part then self.part = part end
  end
end

function Reader:emit(line, index, cells)
  self:context(line, index, cells)
  if #cells == 0 then return end
  local part = self.part
  if not (index.epoch or index.step) then part = part_of(line) or part end
  self.rows:add({ epoch = self.epoch, step = self.step }, cells, nil, part)
end

-- A line that a carriage return overwrites counts only when another epoch follows it.
function Reader:line(line, kind)
  line = log_text.bare_values(without_prefix(line))
  local index, cells = parse(line)
  local held = self.held
  if held and (#cells > 0 or index.epoch) then
    if index.epoch and index.epoch ~= held.index.epoch then
      self:emit(held.line, held.index, held.cells)
    else
      self.overwritten = self.overwritten + 1
    end
    self.held = nil
  end
  if kind == "overwritten" and #cells > 0 and index.epoch then
    self.held = { line = line, index = index, cells = cells }
  else
    self:emit(line, index, cells)
  end
end

local function has_loss(source)
  for _, series in ipairs(source.series) do
    if names.known(series.key) and #series.y > 1 then return true end
  end
  return false
end

---@param file { path: string, text: string }
---@return lossdbg.RecordedFile|nil
function M.read(file)
  local source = source_file.new(file.path, M.id)
  local rows = record_rows.new(source)
  local reader = setmetatable({ rows = rows, overwritten = 0 }, Reader)
  for line, _, kind in log_text.lines(log_text.plain(file.text)) do
    if kind == "cut" and not line:find "%d%s*$" then kind = "whole" end
    if #line <= log_text.longest and line:find "%S" then reader:line(line, kind) end
  end
  rows:finish()
  if not has_loss(source) then return nil end
  source.digits = true
  if reader.overwritten > 0 then
    source:note("%d lines that were drawn over left out", reader.overwritten)
  end
  return source
end

return M
