--- Tables that programs print between other lines: a row of names, then rows of as many cells, set
-- apart by blanks, tabs or "|", as fastai, notebooks of transformers and YOLO show them; and bare
-- numbers, a step and a loss a line or the loss alone, as short scripts print them.

local log_text = require "lossdbg.interop.recorded.log_text"
local metric_csv = require "lossdbg.interop.recorded.metric_csv"
local names = require "lossdbg.interop.recorded.metric_names"
local record_rows = require "lossdbg.interop.recorded.record_rows"
local source_file = require "lossdbg.interop.recorded.source_file"

local M = { id = "printed_table", title = "printed table" }

local FEWEST = 5 -- lines of bare numbers: fewer may be anything

-- Cells by a separator that the header shows: tabs, bars, wide gaps, single blanks.
local SPLIT = {
  function(line) return line:find "\t" and metric_csv.cells(line, "\t") end,
  function(line)
    local inner = line:match "^%s*|?(.-)|?%s*$"
    return inner:find "|" and metric_csv.cells(inner, "|")
  end,
  function(line)
    local list = {}
    for cell in (line .. "  "):gmatch "%s*(.-)%s%s+" do list[#list + 1] = cell end
    return list
  end,
  function(line)
    local list = {}
    for cell in line:gmatch "%S+" do list[#list + 1] = cell end
    return list
  end,
}

local function loss_among(columns)
  for _, column in ipairs(columns) do
    if column.key and names.known(column.key) and column.key:find "loss" then return true end
  end
end

-- What the cells of a header are; nil: they are none.
local function columns_of(cells)
  local columns = {}
  for i, cell in ipairs(cells) do
    if not cell:find "^%a[%w_ /%-%.%(%)%%]*$" or source_file.number(cell) then return nil end
    local axis = names.index(cell)
    local name = not axis and names.read(cell)
    columns[i] = { raw = cell, axis = axis, key = name and name.key }
  end
  return #columns >= 2 and loss_among(columns) and columns or nil
end

local function header_of(line)
  for _, split in ipairs(SPLIT) do
    local cells = split(line)
    local columns = cells and #cells >= 2 and columns_of(cells)
    if columns then return { columns = columns, split = split } end
  end
end

-- A row has a number for every axis and for a loss; "1/12" of a column of epochs is its first.
local function row_of(table_, line)
  local cells = table_.split(line) or {}
  if #cells < #table_.columns and table_.split ~= SPLIT[4] then cells = SPLIT[4](line) end
  if #cells < #table_.columns then return nil end
  local index, list = {}, {}
  for i, column in ipairs(table_.columns) do
    local y = source_file.number(column.axis and cells[i]:match "^%d+" or cells[i])
    if column.axis then
      if not y then return nil end
      index[column.axis] = y
    elseif y and column.key then
      list[#list + 1] = { column.raw, y }
    end
  end
  return #list > 0 and { index, list } or nil
end

---@param file { path: string, text: string }
---@return lossdbg.RecordedFile|nil
function M.read(file)
  local source = source_file.new(file.path, M.id)
  local rows, open, count = record_rows.new(source), nil, 0
  for line, _, kind in log_text.lines(log_text.plain(file.text)) do
    if #line > log_text.longest then line = "" end
    local header = kind ~= "overwritten" and line:find "%a" and header_of(line)
    if header then
      open = header
    elseif open and line:find "%d" and kind ~= "overwritten" then
      local row = row_of(open, line)
      if row then
        rows:add(row[1], row[2])
        count = count + 1
      end
    end
  end
  if count < 2 then return nil end
  rows:finish()
  source.digits = true
  return source
end

M.bare = { id = "bare_numbers", title = "bare numbers" }

---Numbers without a name: taken for the loss where nothing else stands in the text, and told. Not
---for the files of a folder, where such columns are data.
---@param file { path: string, text: string, alone: boolean|nil }
---@return lossdbg.RecordedFile|nil
function M.bare.read(file)
  if not file.alone then return nil end
  local source = source_file.new(file.path, M.bare.id)
  local count, last, whole = 0, -math.huge, true
  for line in log_text.lines(log_text.plain(file.text)) do
    if #line > log_text.longest then return nil end
    if line:find "%S" then
      local x, text = line:match "^%s*(%d+)[%s,:;]+(%S+)%s*$"
      local y = source_file.number(text or line)
      x = tonumber(x) or not text and count or nil
      if not y or not x or x <= last then return nil end
      last, count, whole = x, count + 1, whole and y == math.floor(y)
      source:add("loss", x, y, nil, "step")
    end
  end
  if count < FEWEST or whole then return nil end
  source.digits = true
  source:note "numbers without a name: taken for the loss"
  return source
end

return M
