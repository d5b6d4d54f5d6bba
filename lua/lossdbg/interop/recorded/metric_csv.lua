--- Tables of measures with a header: Keras' CSVLogger, Lightning's metrics.csv (one measure a row),
-- fastai's history.csv, exports of W&B, any table with a column for the loss. Rows that are cut or
-- of another length are told, and what came before them is kept.

local log_text = require "lossdbg.interop.recorded.log_text"
local names = require "lossdbg.interop.recorded.metric_names"
local record_rows = require "lossdbg.interop.recorded.record_rows"
local source_file = require "lossdbg.interop.recorded.source_file"

local M = { id = "csv", title = "CSV" }

local MISSING = { [""] = true, NA = true, ["N/A"] = true, None = true, null = true, ["--"] = true,
  ["No log"] = true }

---Cells of one line; quotes may hold separators.
---@param line string
---@param separator string one character
---@return string[]
function M.cells(line, separator)
  local list, at = {}, 1
  while true do
    local quoted, after = line:match('^ *"([^"]*)" *()', at)
    local stop = line:find(separator, after or at, true)
    local cell = quoted or line:sub(at, (stop or #line + 1) - 1)
    list[#list + 1] = cell:match "^%s*(.-)%s*$"
    if not stop then return list end
    at = stop + 1
  end
end

local function separator_of(header)
  local best, most = nil, 0
  for _, sign in ipairs { ",", ";", "\t", "|" } do
    local n = #M.cells(header, sign)
    if n > most then best, most = sign, n end
  end
  return best, most
end

-- What each column is: an axis, a measure, or nothing (a name that is left out).
local function columns_of(header)
  local columns = {}
  for i, raw in ipairs(header) do
    local axis = names.index(raw)
    columns[i] = { raw = raw, axis = axis, measure = not axis and names.read(raw) ~= nil }
  end
  return columns
end

-- A header names at least one measure, and holds neither numbers nor "loss: 0.5". Rows of layers
-- are no curve.
local function is_header(cells)
  local measures = 0
  for _, cell in ipairs(cells) do
    if cell == "layer" then return false end
    if source_file.number(cell) or cell:find "[:=]%s*[%d%+%-%.]"
      or cell:find "%s[%+%-]?%.?%d+%.?%d*$" then
      return false
    end
    if cell:find "%a" and (names.read(cell) or names.index(cell)) then measures = measures + 1 end
  end
  return measures > 0
end

local function read_row(source, columns, cells)
  local index, list = {}, {}
  for i, column in ipairs(columns) do
    local cell = cells[i]
    local y = source_file.number(cell)
    if column.axis and y then
      index[column.axis] = y
    elseif column.measure and y then
      list[#list + 1] = { column.raw, y }
    elseif not column.measure and not column.axis or not MISSING[cell] then
      source:leave_out(column.raw)
    end
  end
  return index, list
end

---@param text string
---@return string|nil line the header
local function header_line(text)
  for line in log_text.lines(text) do
    if line:find "%S" and not line:find "^#" then return line end
  end
end

---Whether a text is such a table.
---@param text string
---@return boolean
function M.fits(text)
  local line = header_line(text)
  if not line then return false end
  local separator, n = separator_of(line)
  return n >= 2 and is_header(M.cells(line, separator))
end

local function read_rows(source, text, separator)
  local columns
  local rows = record_rows.new(source)
  for line, at, kind in log_text.lines(text) do
    if line:find "%S" and not line:find "^#" then
      local cells = M.cells(line, separator)
      if not columns then
        columns = columns_of(cells)
      elseif #cells == #columns and kind ~= "cut" then
        if table.concat(cells, "\0") ~= source.header then
          rows:add(read_row(source, columns, cells))
        end
      elseif kind == "cut" then
        -- a whole last row is kept only when nothing tells that more of it would have come
        if #cells == #columns and cells[#cells] ~= "" then
          rows:add(read_row(source, columns, cells))
        else
          source:note "the last row is cut: it may still be being written"
        end
      else
        source.damage = ("byte %d: %d cells where the header has %d"):format(at - 1, #cells,
          #columns)
        break
      end
      source.header = source.header or table.concat(cells, "\0")
    end
  end
  rows:finish()
end

---@param file { path: string, text: string }
---@return lossdbg.RecordedFile|nil
function M.read(file)
  if not M.fits(file.text) then return nil end
  local source = source_file.new(file.path, M.id)
  read_rows(source, file.text, (separator_of(header_line(file.text))))
  return source
end

return M
