--- The rows that a loop feeds, against the rows of its data: which are seen again and again, which
-- never, and whether inputs and targets still belong together.
local attempt = require "lossdbg.support.attempt"
local core = require "lossdbg.core"
local fit_data = require "lossdbg.train.fit_data"
local inputs = require "lossdbg.data.inputs"
local scales = require "lossdbg.experiment.watch.fed_scale"
local target_relation = require "lossdbg.experiment.watch.target_relation"
local tensors = require "lossdbg.tensor"

local M = {}

local MOST_KEPT = 20000 -- different rows that are counted
local MOST_PAIRS = 1024 -- targets that are compared with those of the data
local MOST_VALUES = 200000 -- of the data, looked up one by one
local MIXED_LOOKS = 4 -- batches that are looked up value by value
local LIGHT = 4 -- rows of a step that is not looked at closely

---@class lossdbg.BatchRows
---@field n integer rows of the data; 0 when it was not given
---@field different integer different rows among them
---@field drawn integer rows taken down so far
---@field seen integer different rows among those
---@field checked integer rows whose inputs were looked up in the data
---@field matched integer rows found there
local Rows = {}
Rows.__index = Rows

-- One hash a row; several inputs are hashed together.
local function hashes(x, dtype, most, offset, without)
  local total
  for i, part in ipairs(inputs.list(x)) do
    if i == without then goto continue end -- a state, which is no part of the data
    if part.dtype ~= dtype and part.dtype ~= "i32" then part = part:detach():cast(dtype) end
    local list = core.diagnose.row_hashes(part:contiguous(), most, offset)
    if total then
      for row, h in ipairs(list) do total[row] = total[row] * 31 ~ h end
    else
      total = list
    end
    ::continue::
  end
  return total
end

---@param data { x: any, y: userdata, n: integer }|nil in the form the model computes with
---@param dtype string
---@return lossdbg.BatchRows
function M.new(data, dtype)
  return setmetatable({ data = data, dtype = dtype, n = data and data.n or 0, drawn = 0, seen = 0,
    kept = {}, checked = 0, matched = 0, pairs = { given = {}, wanted = {}, rows = {} }, equal = 0,
    unequal = 0, last = {}, batches = 0, jumps = 0, carried = 0 }, Rows)
end

-- Row numbers by hash; false for rows that occur more than once with different targets.
local function index(self)
  if self.index then return self.index end
  local list, found, different = hashes(self.data.x, self.dtype, nil, nil, self.without), {}, 0
  for i, h in ipairs(list) do
    if found[h] == nil then
      found[h], different = i, different + 1
    else
      found[h] = false
    end
  end
  self.index, self.different = found, different
  return found
end

local function count(self, list)
  local kept = self.kept
  for _, h in ipairs(list) do
    if self.seen < MOST_KEPT then
      self.drawn = self.drawn + 1
      if not kept[h] then kept[h], self.seen = true, self.seen + 1 end
    end
  end
end

---Takes up the inputs of a step by a few of its rows.
---@param x any
---@param step integer
function Rows:glance(x, step)
  count(self, hashes(x, self.dtype, LIGHT, step * 7))
end

-- Rows by single values of the data that occur in one row alone; false for the others. Nil where
-- values do not tell rows apart, or there are too many.
local function owners(self)
  if self.owners ~= nil then return self.owners end
  self.owners = false
  local x = self.data.x
  if inputs.is_several(x) or x.dtype == "i32" or x.numel > MOST_VALUES then return false end
  local width, found, alone, all = x.numel // self.data.n, {}, 0, 0
  for i, v in ipairs(x:reshape({ -1 }):totable()) do
    local row, known = (i - 1) // width + 1, found[v]
    if known == nil then
      found[v], alone, all = row, alone + 1, all + 1
    elseif known and known ~= row then
      found[v], alone = false, alone - 1
    end
  end
  if alone > all // 2 then self.owners = found end
  return self.owners
end

-- How many rows of a batch have values of several rows of the data.
local function count_mixed(self, x)
  local found = owners(self)
  if not found or not core.tensor.is_tensor(x) or x.dtype ~= self.data.x.dtype then return end
  local n = x.shape[1]
  local mixed = 0
  for _, values in ipairs(x:detach():contiguous():reshape({ n, -1 }):totable()) do
    local first, several
    for _, v in ipairs(values) do
      local row = found[v]
      if row then
        several = several or first ~= nil and row ~= first
        first = first or row
      end
    end
    if several then mixed = mixed + 1 end
  end
  if mixed > n // 2 then self.mixed = (self.mixed or 0) + mixed end
end

-- Whether the rows of this batch follow those of the step before, each at the same distance.
local function follows(self, rows, at)
  local before = self.before
  self.before = rows and { rows = rows, at = at } or nil
  if not (rows and before and before.at == at - 1 and #before.rows == #rows) then return nil end
  local distance = rows[1] - before.rows[1]
  for i, row in ipairs(rows) do
    if row - before.rows[i] ~= distance then return false end
  end
  return distance ~= 0 or nil
end

---Takes up all inputs of a step.
---@param x any
---@param at integer steps before it
---@param carried boolean|nil whether a recurrent state is carried into it
---@param without integer|nil the input that is that state
---@return integer[]|nil rows of the data, when every input was found there
function Rows:look(x, at, carried, without)
  if without ~= self.without then self.without, self.index = without, nil end
  local list, same = hashes(x, self.dtype, nil, nil, without), #self.last > 0
  count(self, list)
  for i, h in ipairs(list) do same = same and self.last[i] == h end
  self.batches, self.jump = self.batches + 1, nil
  self.again = same and #list == #self.last
  self.last = list
  if not self.data then return nil end
  local known, rows, all = index(self), {}, true
  for i, h in ipairs(list) do
    local row = known[h]
    self.checked = self.checked + 1
    if row ~= nil then self.matched = self.matched + 1 end
    rows[i] = row or 0
    all = all and row
  end
  if self.matched == 0 and self.batches <= MIXED_LOOKS then count_mixed(self, x) end
  if self.matched == 0 then scales.take(self, x) end
  local goes_on = follows(self, all and rows or nil, at)
  if carried and goes_on ~= nil then
    self.carried, self.jump = self.carried + 1, not goes_on
    if self.jump then self.jumps = self.jumps + 1 end
  end
  return all and rows or nil
end

---Targets of the data for these rows.
---@param rows integer[]
---@return userdata
function Rows:targets(rows)
  local ids = {}
  for i, row in ipairs(rows) do ids[i] = row - 1 end
  return inputs.take(inputs.contiguous(self.data.y), tensors.tensor(ids, "i32"))
end

---Counts batches whose targets, class ids, are one and the same.
---@param y userdata
function Rows:count_classes(y)
  if y.dtype ~= "i32" or y.numel ~= y.shape[1] or y.numel < 2 then return end
  self.class_looks = (self.class_looks or 0) + 1
  if y:min():item() == y:max():item() then self.one_class = (self.one_class or 0) + 1 end
end

-- Up to MOST_PAIRS single targets, those of a row once, for the question how one became the other.
local function keep_pairs(self, wanted, given, rows)
  local kept = self.pairs
  if wanted.numel ~= given.numel or wanted.numel > 4 * wanted.shape[1] then return end
  local a, b = wanted:reshape({ -1 }):totable(), given:reshape({ -1 }):totable()
  local width = #a // #rows
  for i = 1, #a do
    local row = rows[(i - 1) // width + 1]
    if #kept.given >= MOST_PAIRS then return end
    if (kept.rows[row] or self.batches) == self.batches then
      kept.rows[row] = self.batches
      kept.wanted[#kept.wanted + 1], kept.given[#kept.given + 1] = a[i], b[i]
    end
  end
end

-- Whether two lists of rows are the same in another order.
local function same_set(a, b)
  if a.dtype ~= b.dtype then return false end
  local x, y = core.diagnose.row_hashes(a:contiguous()), core.diagnose.row_hashes(b:contiguous())
  table.sort(x)
  table.sort(y)
  for i, h in ipairs(x) do
    if y[i] ~= h then return false end
  end
  return true
end

---Compares the targets that the loss was given with those of the data.
---@param rows integer[] of the data
---@param given any as the loop handed them to its loss
---@param loss lossdbg.Loss
---@param output_shape integer[]
---@return { equal: boolean, unequal: integer, moved: boolean }|nil pair nil: cannot be compared
function Rows:compare(rows, given, loss, output_shape)
  local wanted = self:targets(rows)
  if not core.tensor.is_tensor(given) or not core.tensor.is_tensor(wanted) then return nil end
  local ok, mine = attempt.call(fit_data.target, loss, given:detach(), output_shape, self.dtype,
    "y")
  if not ok or mine.numel ~= wanted.numel then return nil end
  mine = mine:reshape(wanted.shape)
  local n = wanted.shape[1]
  local same = mine:eq(wanted):reshape({ n, -1 }):min(2):sum():item()
  self.equal, self.unequal = self.equal + same, self.unequal + n - same
  if same < n then keep_pairs(self, wanted, mine, rows) end
  return { equal = same == n, unequal = n - same,
    moved = same < n and same_set(wanted:reshape { n, -1 }, mine:reshape { n, -1 }) }
end

---@return table signals.loop.rows
function Rows:signals()
  local expected
  if self.data and self.batches > 0 then
    local n = index(self) and self.different
    expected = n * (1 - (1 - 1 / n) ^ self.drawn)
  end
  local compared = self.equal + self.unequal
  local moved, widened = scales.apart(self)
  return { drawn = self.drawn, seen = self.seen, expected = expected, of = self.different,
    moved = moved, widened = widened, batches = self.batches, batch = #self.last,
    mixed = self.mixed, class_looks = self.class_looks,
    one_class = self.class_looks and (self.one_class or 0) / self.class_looks or nil,
    jumps = self.carried > 0 and self.jumps / self.carried or nil,
    found = self.checked > 0 and self.matched / self.checked or nil,
    targets_equal = compared > 0 and self.equal / compared or nil,
    targets = compared > 0 and self.unequal > 0 and target_relation.of(self.pairs) or nil }
end

---Drops what was kept.
function Rows:close() self.kept, self.last, self.before = {}, {}, nil end

return M
