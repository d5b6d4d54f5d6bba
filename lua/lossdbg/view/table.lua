--- Plain text tables: columns as wide as their cells, numbers to the right, UTF-8 aware.
local number = require "lossdbg.support.number"
local text = require "lossdbg.support.text"

local M = {}

---@class lossdbg.table_options
---@field header string[]|nil
---@field align ("left"|"right"|"center")[]|nil  default: right where all cells are numbers
---@field footer any[][]|nil   rows under a second rule
---@field width integer|nil    most columns of a line; the widest text column is cut, default 80
---@field gap integer|nil      spaces between columns, default 2
---@field indent integer|nil   spaces before each line, default 0
---@field ascii boolean|nil    rules from "-" instead of "─"

local function as_text(cell)
  if type(cell) == "string" then return text.clean(cell) end
  if cell == nil then return "" end
  return text.clean(number.any(cell))
end

local function is_numeric(cell)
  if type(cell) == "number" or cell == nil or cell == "" or cell == "-" then return true end
  return type(cell) == "string" and cell:find("^[%+%-]?%d[%d%., ]*[eE]?[%+%-]?%d* ?%%?$") ~= nil
end

local function collect(into, rows, columns)
  for _, row in ipairs(rows or {}) do
    local line = { source = row }
    for c = 1, columns do line[c] = as_text(row[c]) end
    into[#into + 1] = line
  end
end

local function measure(lines, columns, header)
  local widths, numeric = {}, {}
  for c = 1, columns do
    widths[c] = header and text.width(as_text(header[c])) or 0
    numeric[c] = #lines > 0
    for _, line in ipairs(lines) do
      widths[c] = math.max(widths[c], text.width(line[c]))
      numeric[c] = numeric[c] and is_numeric(line.source[c])
    end
  end
  return widths, numeric
end

-- Takes columns away from the widest until the table fits; no column under 4.
local function shrink(widths, room)
  local total = 0
  for _, w in ipairs(widths) do total = total + w end
  while total > room do
    local widest = 1
    for c = 2, #widths do
      if widths[c] > widths[widest] then widest = c end
    end
    if widths[widest] <= 4 then return end
    widths[widest] = widths[widest] - 1
    total = total - 1
  end
end

--- Table as text; lines joined by newlines, no trailing spaces.
---@param rows any[][]  cells: strings, numbers (written by number.any), booleans, nil
---@param opts lossdbg.table_options|nil
---@return string
function M.render(rows, opts)
  opts = opts or {}
  local columns = opts.header and #opts.header or 0
  for _, list in ipairs { rows, opts.footer or {} } do
    for _, row in ipairs(list) do
      for c in pairs(row) do
        if math.type(c) == "integer" then columns = math.max(columns, c) end
      end
    end
  end
  if columns == 0 then return "" end
  local lines = {}
  collect(lines, rows, columns)
  local n_body = #lines
  collect(lines, opts.footer, columns)
  local gap, indent = (" "):rep(opts.gap or 2), (" "):rep(opts.indent or 0)
  local widths, numeric = measure(lines, columns, opts.header)
  shrink(widths, (opts.width or 80) - #indent - #gap * (columns - 1))

  local function line_of(cells)
    local out = {}
    for c = 1, columns do
      local align = opts.align and opts.align[c] or (numeric[c] and "right" or "left")
      out[c] = text.pad(text.cut(cells[c], widths[c]), widths[c], align)
    end
    return indent .. table.concat(out, gap):gsub(" +$", "")
  end
  local total = #gap * (columns - 1)
  for c = 1, columns do total = total + widths[c] end
  local rule = indent .. (opts.ascii and "-" or "─"):rep(total)

  local out = {}
  if opts.header then
    local cells = {}
    for c = 1, columns do cells[c] = as_text(opts.header[c]) end
    out[1], out[2] = line_of(cells), rule
  end
  for i, line in ipairs(lines) do
    if i == n_body + 1 then out[#out + 1] = rule end
    out[#out + 1] = line_of(line)
  end
  return table.concat(out, "\n")
end

return M
