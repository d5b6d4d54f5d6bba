--- What the columns and classes of a data set hold, as a table that prints.
local core = require "lossdbg.core"
local inputs = require "lossdbg.data.inputs"

---@class lossdbg.DatasetDescription
---@field rows integer
---@field columns { name: string, mean: number, std: number, min: number, max: number,
---  missing: integer, infinite: integer }[] one per feature; std divides by n, statistics are over
---  finite values
---@field total { mean: number, std: number, min: number, max: number, missing: integer,
---  infinite: integer, constant: integer } over all features; constant counts columns
---@field target table|nil the same for y when it is one number a row
---@field classes { id: integer, name: string, count: integer, share: number }[]|nil
---@field title string

local LISTED = 40 -- data sets with more columns (images) print their total only

local metatable = { __name = "lossdbg.description" }

local function number(value)
  return (("%.4g"):format(value):gsub(",", "."))
end

local function row_of(name, item)
  return { name, number(item.mean), number(item.std), number(item.min), number(item.max),
    ("%d"):format(item.missing), ("%d"):format(item.infinite) }
end

local function aligned(rows)
  local width = {}
  for _, row in ipairs(rows) do
    for k, cell in ipairs(row) do width[k] = math.max(width[k] or 0, utf8.len(cell) or #cell) end
  end
  local lines = {}
  for i, row in ipairs(rows) do
    local cells = {}
    for k, cell in ipairs(row) do
      local blank = (" "):rep(width[k] - (utf8.len(cell) or #cell))
      cells[k] = k == 1 and cell .. blank or blank .. cell
    end
    lines[i] = "  " .. table.concat(cells, "  ")
  end
  return lines
end

function metatable:__tostring()
  local rows = { { "column", "mean", "std", "min", "max", "missing", "infinite" } }
  if #self.columns <= LISTED then
    for _, item in ipairs(self.columns) do rows[#rows + 1] = row_of(item.name, item) end
  end
  if #self.columns ~= 1 then
    rows[#rows + 1] = row_of(("all %d columns"):format(#self.columns), self.total)
  end
  if self.target then rows[#rows + 1] = row_of("y", self.target) end
  local lines = aligned(rows)
  table.insert(lines, 1, self.title)
  if self.total.constant > 0 then
    lines[#lines + 1] = ("  constant columns: %d"):format(self.total.constant)
  end
  local counts = {}
  for i, class in ipairs(self.classes or {}) do
    if i <= LISTED then
      counts[i] = ("%s %d (%.1f %%)"):format(class.name, class.count, 100 * class.share):gsub(
        "(%d),(%d %%)", "%1.%2")
    end
  end
  if #counts > 0 then
    lines[#lines + 1] = "  classes: " .. table.concat(counts, ", ")
      .. (#self.classes > LISTED and ", …" or "")
  end
  return table.concat(lines, "\n")
end

local function columns_of(x, names)
  local list = {}
  for j, row in ipairs(core.io.column_stats(x):totable()) do
    list[j] = {
      name = names and names[j] or ("column_%d"):format(j), mean = row[3], std = row[4],
      min = row[5], max = row[6], missing = math.tointeger(row[1]),
      infinite = math.tointeger(row[2]),
    }
  end
  return list
end

local function total_of(x, columns)
  local total = columns_of(x:reshape { -1 }, { "total" })[1]
  total.constant = 0
  for _, item in ipairs(columns) do
    if item.min == item.max and item.missing + item.infinite == 0 then
      total.constant = total.constant + 1
    end
  end
  return total
end

return function()
  local Part = {}

  --- Mean, standard deviation, range and missing values per column, and the class counts.
  ---@return lossdbg.DatasetDescription
  function Part:describe()
    local x = inputs.columns(self.x)
    local columns = columns_of(x, self.columns)
    local d = { title = tostring(self), rows = #self, columns = columns,
      total = total_of(x, columns) }
    if self.n_classes then
      d.classes = {}
      for i, count in ipairs(self:class_counts()) do
        local name = self.classes and self.classes[i] or ("%d"):format(i - 1)
        d.classes[i] = { id = i - 1, name = name, count = count, share = count / #self }
      end
    elseif self.y and not inputs.is_several(self.y) and self.y.numel == #self then
      d.target = columns_of(self.y, { "y" })[1]
    end
    return setmetatable(d, metatable)
  end

  return Part
end
