--- A data set: rows of inputs x, usually with answers y. Methods return new data sets and leave
--- this one as it is.
local core = require "lossdbg.core"
local inputs = require "lossdbg.data.inputs"
local observers = require "lossdbg.support.observers"
local options = require "lossdbg.support.options"
local reads = require "lossdbg.tensor.reads"

local M = {}

---@class lossdbg.Dataset
---@field x lossdbg.Tensor|lossdbg.Inputs inputs [n, …], f32 or f64; several for models with
---                             several inputs
---@field y lossdbg.Tensor|lossdbg.Inputs|nil answers: i32 class ids 0..K-1 [n], or f32 numbers or
---                             rows [n, …]; several for models with several outputs
---@field classes string[]|nil  class names, classes[id + 1]; nil when ids are as written
---@field n_classes integer|nil K, when y holds class ids
---@field columns string[]|nil  feature names
---@field ordered boolean|nil   rows follow one another in time: split takes the last ones
---@field source string|nil     where it was read from
local Dataset = {}

local metatable = { __index = Dataset, __name = "lossdbg.dataset" }
reads.kind(metatable, { fields = { "x", "y" } })

function metatable:__len() return inputs.count(self.x) end

local function with_commas(shape)
  return table.concat(shape, " x ", 2)
end

-- "[2] and [3]"
local function shapes_text(x)
  local parts = {}
  for i, tensor in ipairs(x) do parts[i] = "[" .. with_commas(tensor.shape) .. "]" end
  return table.concat(parts, " and ")
end

-- Several inputs or outputs.
local function text_of_several(self, rows)
  local y = self.y
  local answers = y and (inputs.is_several(y) and shapes_text(y) or shapes_text { y })
  local text = ("%s of %s%s"):format(rows, shapes_text(inputs.list(self.x)),
    y and ", y of " .. answers or "")
  return self.source and ("%s (%s)"):format(text, self.source) or text
end

function metatable:__tostring()
  local n = #self
  local parts = { ("%d row%s"):format(n, n == 1 and "" or "s") }
  if inputs.is_several(self.x) or inputs.is_several(self.y) then
    return text_of_several(self, parts[1])
  end
  local shape = self.x.shape
  if #shape == 1 then
    parts[2] = "of one number"
  elseif self.columns then
    parts[2] = ("of %d column%s"):format(shape[2], shape[2] == 1 and "" or "s")
  else
    parts[2] = ("of [%s]"):format(with_commas(shape))
  end
  local text = table.concat(parts, " ")
  if self.n_classes then
    text = text .. (", %d class%s"):format(self.n_classes, self.n_classes == 1 and "" or "es")
  elseif self.y then
    local y = self.y.shape
    text = text .. (self.y.numel == shape[1] and ", one number to predict"
      or (", y of [%s]"):format(with_commas(y)))
  end
  return self.source and ("%s (%s)"):format(text, self.source) or text
end

-- K of i32 ids, nil when y is something else.
local function count_classes(y)
  if not y or inputs.is_several(y) or y.dtype ~= "i32" or y.rank ~= 1 or y.numel == 0 then
    return nil
  end
  local stats = core.io.column_stats(y)
  local lowest, highest = stats:get(1, 5), stats:get(1, 6)
  return lowest >= 0 and math.tointeger(highest) + 1 or nil
end

--- From checked parts; the loaders and methods end here.
---@param fields table { x, y, classes, n_classes, columns, source }
---@return lossdbg.Dataset
function M.new(fields)
  local set = {
    x = inputs.contiguous(fields.x), y = fields.y and inputs.contiguous(fields.y),
    classes = fields.classes, columns = fields.columns, source = fields.source,
    ordered = fields.ordered,
    n_classes = fields.n_classes or (fields.classes and #fields.classes) or count_classes(fields.y),
  }
  return setmetatable(set, metatable)
end

---Whether a value is a data set.
---@param value any
---@return boolean
function M.is_dataset(value) return getmetatable(value) == metatable end

-- The same data set with other tensors.
local function derive(self, x, y)
  return M.new {
    x = x, y = y, classes = self.classes, n_classes = self.n_classes, columns = self.columns,
    source = self.source, ordered = self.ordered,
  }
end

-- Rows by an i32 tensor of numbers from 0.
local function take(self, ids)
  return derive(self, inputs.take(self.x, ids), self.y and inputs.take(self.y, ids))
end

M.take = take -- for the parts of this package

local function permutation(n, seed, purpose, epoch)
  local ids = core.tensor.full({ n }, 0, "i32")
  core.random.permutation(ids, seed, core.random.stream(purpose, epoch or 0, 0))
  return ids
end

M.permutation = permutation

--- The chosen rows, in the order given; a row may come twice.
---@param rows integer[]|lossdbg.Tensor row numbers from 1, negative from the end
---@return lossdbg.Dataset
function Dataset:take(rows)
  local n = #self
  local list = core.tensor.is_tensor(rows) and rows:totable() or rows
  if type(list) ~= "table" then options.fail("take", "rows", "a list of row numbers", rows) end
  local ids = {}
  for i, row in ipairs(list) do
    local id = math.type(row) == "integer" and row ~= 0 and (row > 0 and row - 1 or row + n)
    if not id or id < 0 or id >= n then
      error(("lossdbg: take: argument 'rows[%d]': expected a row from 1 to %d, got %s"):format(
        i, n, options.show(row)), 2)
    end
    ids[i] = id
  end
  if #ids == 0 then options.fail("take", "rows", "at least one row number", rows) end
  return take(self, core.tensor.from_table(ids, "i32"))
end

--- All rows in a random order that depends only on the seed.
---@param seed? integer default 0
---@return lossdbg.Dataset
function Dataset:shuffle(seed)
  if seed ~= nil and math.type(seed) ~= "integer" then
    options.fail("shuffle", "seed", "an integer", seed)
  end
  local set = take(self, permutation(#self, seed or 0, "shuffle/dataset"))
  set.ordered = nil
  return set
end

local batch_schema = options.declare "batches" {
  { name = "batch", type = "integer", min = 1, default = 32, positional = 1, alias = "size",
    doc = "rows a batch" },
  { name = "shuffle", type = "boolean", default = false,
    doc = "another order every epoch" },
  { name = "seed", type = "integer", default = 0,
    doc = "of the order" },
  { name = "epoch", type = "integer", min = 0,
    doc = "whose order; default: one more with every call" },
  { name = "drop_last", type = "boolean", default = false,
    doc = "leave out a last batch that is too short" },
}

--- Iterates over batches: `for x, y in train:batches { 32, shuffle = true, seed = 7 } do`.
--- Batches are copies. The order of an epoch depends on seed and epoch alone; without `epoch`,
--- every call on this data set is the next epoch.
---@param given? integer|table batch size (default 32); shuffle = false; seed = 0; epoch;
---  drop_last = false leaves a short last batch in
---@return fun(): lossdbg.Tensor|lossdbg.Inputs|nil, lossdbg.Tensor|lossdbg.Inputs|nil
function Dataset:batches(given)
  local o = options.check("batches", given, batch_schema)
  local n, at = #self, 0
  local epoch = o.epoch or rawget(self, "next_epoch") or 1
  if not o.epoch then rawset(self, "next_epoch", epoch + 1) end
  local order = o.shuffle and permutation(n, o.seed, "shuffle", epoch)
    or core.tensor.range(0, 1, n, "i32")
  local ended = false
  return function()
    local last = math.min(at + o.batch, n)
    if at >= n or (o.drop_last and last - at < o.batch) then
      if ended and observers.any then observers.tell("exhausted", self) end
      ended = true
      return nil
    end
    local ids = order:slice(1, at + 1, last, 1)
    at = last
    return inputs.take(self.x, ids), self.y and inputs.take(self.y, ids)
  end
end

-- What fn of map returned: a tensor, or several, of n rows.
local function mapped(name, value, n)
  if inputs.looks_several(value) then
    return inputs.read(value, function(part, label)
      return mapped(name .. "." .. label, part, n)
    end)
  elseif not core.tensor.is_tensor(value) then
    options.fail("map", "fn", "a function that returns " .. (name == "x" and name or "x and y"),
      value, nil, 4)
  elseif value.rank == 0 or value.shape[1] ~= n then
    error(("lossdbg: map: fn returned %s of shape [%s], expected %d rows"):format(
      name, table.concat(value.shape, " x "), n), 3)
  end
  return value:detach()
end

--- Applies fn to the tensors as a whole: `ds:map(function(x, y) return x / 255, y end)`.
---@param fn fun(x: lossdbg.Tensor, y: lossdbg.Tensor|nil): lossdbg.Tensor, lossdbg.Tensor|nil
---  without a second result y stays; the number of rows must stay
---@return lossdbg.Dataset
function Dataset:map(fn)
  if not (type(fn) == "function" or (getmetatable(fn) or {}).__call) then
    options.fail("map", "fn", "a function", fn)
  end
  local x, y = fn(self.x, self.y)
  if y == nil then y = self.y end
  x = mapped("x", x, #self)
  local set = derive(self, x, y and mapped("y", y, #self))
  if inputs.is_several(x) or inputs.is_several(self.x) then
    set.columns = nil
  else
    local before, after = self.x.shape, set.x.shape
    if #before ~= #after or before[2] ~= after[2] then set.columns = nil end
  end
  if y and not rawequal(y, self.y) then
    set.n_classes = self.classes and core.tensor.is_tensor(y) and y.dtype == "i32"
      and #self.classes or count_classes(set.y)
    if not set.n_classes then set.classes = nil end
  end
  return set
end

--- The data set with y as one-hot rows [n x classes] of x's dtype.
---@param classes? integer default n_classes
---@return lossdbg.Dataset
function Dataset:one_hot(classes)
  local y = not inputs.is_several(self.y) and self.y or nil
  if not y or y.dtype ~= "i32" or y.rank ~= 1 then
    error("lossdbg: one_hot: expected class ids (i32, rank 1) as y, got "
      .. (y and ("%s of rank %d"):format(y.dtype, y.rank) or "no y"), 2)
  end
  classes = classes or self.n_classes
  if math.type(classes) ~= "integer" or classes < (self.n_classes or 1) then
    options.fail("one_hot", "classes", ("an integer of at least %d"):format(self.n_classes or 1),
      classes)
  end
  local set = derive(self, self.x, core.op.one_hot(y, classes):cast(self.x.dtype))
  set.n_classes = nil
  return set
end

--- How often each class occurs; nil when y is not class ids.
---@return integer[]|nil counts[id + 1]
function Dataset:class_counts()
  if not self.n_classes then return nil end
  local counts = {}
  for id = 1, self.n_classes do counts[id] = 0 end
  for _, id in ipairs(self.y:totable()) do counts[id + 1] = (counts[id + 1] or 0) + 1 end
  return counts
end

for _, part in ipairs { "lossdbg.data.partition", "lossdbg.data.overview" } do
  for name, fn in pairs(require(part)(M)) do Dataset[name] = fn end
end

return M
