--- Ways to part a data set in two.
local core = require "lossdbg.core"
local options = require "lossdbg.support.options"

local schema = options.declare "split" {
  { name = "seed", type = "integer", default = 0,
    doc = "of the shuffle" },
  { name = "shuffle", type = "boolean",
    doc = "default: true, false for rows in order of time" },
  { name = "stratify", type = "boolean", default = false,
    doc = "keep the shares of the classes in both parts" },
}

-- How many rows the first part gets, both parts not empty.
local function first_size(share, n)
  local valid = type(share) == "number" and share == share
  local count = valid and math.type(share) == "integer" and share >= 1
  if not count and not (valid and share > 0 and share < 1) then
    options.fail("split", "share", "a fraction between 0 and 1, or a number of rows", share, nil, 3)
  end
  if n < 2 then
    error(("lossdbg: split: a data set of %d row%s cannot be split in two"):format(
      n, n == 1 and "" or "s"), 3)
  end
  if count and share >= n then
    error(("lossdbg: split: %d rows for the first part leave none for the second: there are %d")
      :format(share, n), 3)
  end
  return count and share or math.max(1, math.min(n - 1, math.floor(share * n + 0.5)))
end

-- Rows of the first part per class: shares rounded so that they sum to m (largest remainders
-- first), and no class of two or more rows is missing on either side while m allows it.
local function quotas(counts, m, n)
  local list, sum = {}, 0
  for id, count in pairs(counts) do
    local exact = count * m / n
    local low, high = count > 1 and 1 or 0, count > 1 and count - 1 or count
    local quota = math.max(low, math.min(high, math.floor(exact)))
    list[#list + 1] = { id = id, quota = quota, rest = exact - quota, low = low, high = high,
      count = count }
    sum = sum + quota
  end
  local step = sum < m and 1 or -1
  for limits = 1, 2 do -- within the limits as long as that is possible
    table.sort(list, function(a, b)
      if a.rest ~= b.rest then
        if step == 1 then return a.rest > b.rest end
        return a.rest < b.rest
      end
      return a.id < b.id
    end)
    local moved = true
    while sum ~= m and moved do
      moved = false
      for _, class in ipairs(list) do
        local low, high = class.low, class.high
        if limits == 2 then low, high = 0, class.count end
        local wanted = class.quota + step
        if sum ~= m and wanted >= low and wanted <= high then
          class.quota, sum, moved = wanted, sum + step, true
        end
      end
    end
  end
  local quota = {}
  for _, class in ipairs(list) do quota[class.id] = class.quota end
  return quota
end

local function stratified(order, y, m)
  local counts, n = {}, #order
  for _, id in ipairs(y) do counts[id] = (counts[id] or 0) + 1 end
  local quota, first, second = quotas(counts, m, n), {}, {}
  for _, row in ipairs(order) do
    local id = y[row + 1]
    local part = first
    if quota[id] > 0 then quota[id] = quota[id] - 1 else part = second end
    part[#part + 1] = row
  end
  return first, second
end

---@param dataset table the module lossdbg.data.dataset
return function(dataset)
  local Part = {}

  local function take(self, ids)
    return dataset.take(self, core.tensor.from_table(ids, "i32"))
  end

  --- Two data sets, neither of them empty.
  ---@param share number fraction of the rows (0.8), or a number of rows (250), for the first
  ---@param given? table seed = 0; shuffle = true, but false for windows of a series (false keeps
  ---  the order: the first rows, the last rows); stratify = false (true keeps the shares of the
  ---  classes)
  ---@return lossdbg.Dataset first
  ---@return lossdbg.Dataset second
  function Part:split(share, given)
    local o = options.check("split", given, schema)
    local n = #self
    local m = first_size(share, n)
    local shuffle = o.shuffle
    if shuffle == nil then shuffle = not self.ordered or o.stratify end
    local order = shuffle and dataset.permutation(n, o.seed, "split")
      or core.tensor.range(0, 1, n, "i32")
    if not o.stratify then
      return dataset.take(self, order:slice(1, 1, m, 1)),
        dataset.take(self, order:slice(1, m + 1, n, 1))
    end
    if not self.n_classes then
      error("lossdbg: split: argument 'stratify': expected a data set with class ids as y", 2)
    end
    local first, second = stratified(order:totable(), self.y:totable(), m)
    return take(self, first), take(self, second)
  end

  --- Without chance: the second part gets every k-th row, the first all others.
  ---@param k integer from 2 to the number of rows
  ---@param offset? integer which of each k rows, from 1 to k; default k
  ---@return lossdbg.Dataset others
  ---@return lossdbg.Dataset kth
  function Part:every(k, offset)
    local n = #self
    if math.type(k) ~= "integer" or k < 2 or k > n then
      options.fail("every", "k", ("an integer from 2 to the %d rows"):format(n), k)
    end
    if offset == nil then offset = k end
    if math.type(offset) ~= "integer" or offset < 1 or offset > k then
      options.fail("every", "offset", ("an integer from 1 to %d"):format(k), offset)
    end
    local others, kth = {}, {}
    for i = 1, n do
      local part = (i - offset) % k == 0 and kth or others
      part[#part + 1] = i - 1
    end
    return take(self, others), take(self, kth)
  end

  --- Two data sets by a question about each row number.
  ---@param fn fun(row: integer): boolean true: into the second part; rows count from 1
  ---@return lossdbg.Dataset first
  ---@return lossdbg.Dataset second
  function Part:split_rows(fn)
    if type(fn) ~= "function" then options.fail("split_rows", "fn", "a function", fn) end
    local first, second = {}, {}
    for i = 1, #self do
      local part = fn(i) and second or first
      part[#part + 1] = i - 1
    end
    if #first == 0 or #second == 0 then
      error(("lossdbg: split_rows: fn put all %d rows into the %s part"):format(
        #self, #first == 0 and "second" or "first"), 2)
    end
    return take(self, first), take(self, second)
  end

  return Part
end
