--- Data sets from CSV files.
local core = require "lossdbg.core"
local dataset = require "lossdbg.data.dataset"
local read_file = require "lossdbg.data.read_file"
local labels = require "lossdbg.data.labels"
local options = require "lossdbg.support.options"

local M = {}

local schema = options.declare "data.csv" {
  { name = "label", type = "string|integer", doc = "column of class labels" },
  { name = "target", type = "string|integer", doc = "column of numbers to predict" },
  { name = "columns", type = "table", doc = "feature columns; default all others" },
  { name = "classes", type = "table", doc = "class names in the order of their ids" },
  { name = "separator", type = "string", doc = "one character; default found" },
  { name = "header", type = "boolean|string", default = "auto", choices = { "auto" },
    doc = "whether the first line holds names; default found" },
  { name = "missing", type = "string", default = "nan", choices = { "nan", "drop", "error" },
    doc = "of empty cells: keep NaN, drop the row, or refuse the file" },
  { name = "dtype", type = "string", default = "f32", choices = { "f32", "f64" },
    doc = "of the numbers" },
}
options.declare "data.csv_bytes"(schema)

local function check(where, given)
  local o = options.check(where, given, schema, 3)
  if o.label and o.target then
    options.fail(where, "target", "label or target, not both", o.target, nil, 3)
  end
  if o.separator and #o.separator ~= 1 then
    options.fail(where, "separator", "one character", o.separator, nil, 3)
  end
  for i, name in ipairs(o.classes or {}) do
    if type(name) ~= "string" then
      options.fail(where, ("classes[%d]"):format(i), "a string", name, nil, 3)
    end
  end
  return o
end

local function names_of(layout)
  local names = {}
  for j = 1, #layout.columns do
    local name = layout.names and layout.names[j]
    names[j] = name and name ~= "" and name or ("column_%d"):format(j)
  end
  return names
end

-- The number of the column that a name or an index (negative: from the end) means.
local function find(names, wanted)
  if math.type(wanted) == "integer" then
    local j = wanted < 0 and wanted + #names + 1 or wanted
    if j >= 1 and j <= #names then return j end
    return nil, ("no column %d: there are %d"):format(wanted, #names)
  end
  local found
  for j, name in ipairs(names) do
    if name == wanted then
      if found then return nil, ("two columns are named '%s': give the number"):format(wanted) end
      found = j
    end
  end
  if found then return found end
  local known = #names > 20 and table.move(names, 1, 20, 1, {}) or names
  return nil, ("no column '%s'%s%s"):format(tostring(wanted), options.hint(wanted, known, names),
    #names > 20 and ", …" or "")
end

local function feature_columns(o, names, answer)
  local list, used = {}, {}
  if not o.columns then
    for j = 1, #names do
      if j ~= answer then list[#list + 1] = j end
    end
    return list
  end
  for _, wanted in ipairs(o.columns) do
    local j, message = find(names, wanted)
    if not j then return nil, message end
    if j == answer then
      return nil, ("column '%s' is the answer, not a feature"):format(names[j])
    end
    if used[j] then return nil, ("column '%s' is named twice"):format(names[j]) end
    used[j] = true
    list[#list + 1] = j
  end
  return list
end

local function place(names, j, line)
  return ("line %d, column %d ('%s')"):format(line, j, names[j])
end

-- A missing answer cannot be learnt from, and a missing feature may be forbidden.
local function check_missing(o, layout, names, list, answer)
  local column = answer and layout.columns[answer]
  if column and column.missing > 0 and o.missing ~= "drop" then
    return nil, ("%s: the %s is missing (missing = \"drop\" leaves such rows out)"):format(
      place(names, answer, column.missing_line), o.label and "label" or "target")
  end
  for _, j in ipairs(o.missing == "error" and list or {}) do
    if layout.columns[j].missing > 0 then
      return nil, place(names, j, layout.columns[j].missing_line) .. ": a value is missing"
    end
  end
  return true
end

-- Rows (from 0) that stay: all features there, and an answer. nil: all rows.
local function complete_rows(x, cells)
  local kept = {}
  for _, i in ipairs(core.io.complete_rows(x):totable()) do
    local cell = not cells or cells[i + 1]
    if cell and cell == cell then kept[#kept + 1] = i end
  end
  return #kept < #x and kept or nil
end

-- The label column as a list of integers or strings, false or NaN where one is missing.
local function label_cells(bytes, layout, names, j)
  local column = layout.columns[j]
  if column.text > 0 then return core.io.csv_text(bytes, layout, j) end
  if not column.integral then
    return nil, ("column '%s' holds fractions, which are no class labels (for regression say "
      .. "target = \"%s\")"):format(names[j], names[j])
  end
  local cells = core.io.csv_numbers(bytes, layout, { j }, "f64"):reshape { -1 }:totable()
  for i, value in ipairs(cells) do cells[i] = math.tointeger(value) or value end
  return cells
end

local function pick(list, kept)
  if not kept then return list end
  local out = {}
  for i, row in ipairs(kept) do out[i] = list[row + 1] end
  return out
end

local function classify(fields, cells, kept, o, name)
  local ids, classes, n = labels.encode(pick(cells, kept), o.classes)
  if not ids then
    local row = kept and kept[n] + 1 or n
    return nil, ("row %d, column '%s': %s"):format(row, name, classes)
  end
  fields.y = core.tensor.from_table(ids, "i32")
  fields.classes, fields.n_classes = classes, n
  return fields
end

local function build(bytes, layout, o, source)
  local names = names_of(layout)
  local list, ok, answer, message
  if o.label or o.target then
    answer, message = find(names, o.label or o.target)
    if not answer then return nil, message end
  end
  list, message = feature_columns(o, names, answer)
  if not list then return nil, message end
  if #list == 0 then return nil, "no feature columns: the file has only the answer" end
  if layout.rows == 0 then return nil, "no data rows: the file holds only the line of names" end
  ok, message = check_missing(o, layout, names, list, answer)
  if not ok then return nil, message end

  local fields = { columns = {}, source = source }
  fields.x, message = core.io.csv_numbers(bytes, layout, list, o.dtype)
  if not fields.x then
    return nil, message .. (o.columns and "" or "; leave a column of text out with columns = {…}")
  end
  for k, j in ipairs(list) do fields.columns[k] = names[j] end
  local cells, y
  if o.label then
    cells, message = label_cells(bytes, layout, names, answer)
    if not cells then return nil, message end
  elseif o.target then
    y, message = core.io.csv_numbers(bytes, layout, { answer }, o.dtype)
    if not y then return nil, message end
    cells = y:reshape { -1 }:totable()
  end
  local kept = o.missing == "drop" and complete_rows(fields.x, cells) or nil
  if kept then
    if #kept == 0 then return nil, "no rows are left: every one has a missing value" end
    local ids = core.tensor.from_table(kept, "i32")
    fields.x = core.io.take_rows(fields.x, ids)
    y = y and core.io.take_rows(y, ids)
  end
  fields.y = y
  if o.label then
    fields, message = classify(fields, cells, kept, o, names[answer])
    if not fields then return nil, message end
  end
  return dataset.new(fields)
end

local function parse(bytes, o, source)
  local settings = { separator = o.separator }
  if o.header ~= "auto" then settings.header = o.header end
  local layout, message = core.io.csv(bytes, settings)
  local set
  if layout then set, message = build(bytes, layout, o, source) end
  if not set then return nil, (source and source .. ": " or "") .. message end
  return set
end

--- A data set from the bytes of a CSV file.
---@param bytes string
---@param given? table as for load
---@return lossdbg.Dataset|nil
---@return string|nil message
function M.parse(bytes, given)
  if type(bytes) ~= "string" then
    options.fail("data.csv_bytes", "bytes", "a string", bytes, nil, 2)
  end
  return parse(bytes, check("data.csv_bytes", given), nil)
end

--- A data set from a CSV file: RFC 4180 with LF, CRLF or CR, a header found by itself, quoted
--- fields, blank lines and lines that start with # skipped. Empty, NA, N/A, NaN, null and ? are
--- missing.
---@param path string
---@param given? table label = name or number of the column of class labels (y: i32 ids [n];
---  integers 0..K-1 stay as written, all else is numbered in sorted order, see .classes) | target =
---  column to predict (y: [n x 1]); columns = features (default all others); classes = names by id;
---  separator (default: found among , ; tab |); header = true | false | "auto"; missing = "nan"
---  (keep as NaN) | "drop" (leave the row out) | "error"; dtype = "f32" | "f64"
---@return lossdbg.Dataset|nil
---@return string|nil message "wine.csv: line 7, column 3 ('alcohol'): 'abc' is not a number"
function M.load(path, given)
  if type(path) ~= "string" then options.fail("data.csv", "path", "a file name", path, nil, 2) end
  local o = check("data.csv", given)
  local bytes, message = read_file(path)
  if not bytes then return nil, message end
  return parse(bytes, o, path)
end

return M
