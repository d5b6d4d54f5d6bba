--- Which labels a loss uses and which it does not: a class that is left out although it has inputs
-- of its own, weights that favour the frequent class, padding that counts as an answer. From the
-- loss, the rows and the outputs.
local core = require "lossdbg.core"
local tensors = require "lossdbg.tensor"

local M = {}

local APART = 1.25 -- times the rows: classes of about one size may weigh either way

local function counts_of(ids)
  local counts, n = {}, 0
  for _, id in ipairs(ids) do counts[id], n = (counts[id] or 0) + 1, n + 1 end
  return counts, n
end

-- Share of the targets of each class that the outputs name.
local function recall_of(ids, named)
  local hits, counts = {}, counts_of(ids)
  for i, id in ipairs(ids) do
    if named[i] - 1 == id then hits[id] = (hits[id] or 0) + 1 end
  end
  local recall = {}
  for id, n in pairs(counts) do recall[id] = (hits[id] or 0) / n end
  return recall
end

-- Inputs at the places of the targets, one hash each: rows where there is a target a row, positions
-- where there is one a step. Nil when they do not correspond.
local function places(x, y)
  if not core.tensor.is_tensor(x) then return nil end
  local n = y.shape[1]
  if y.rank == 1 or y.numel == n then
    return core.diagnose.row_hashes(x:detach():contiguous():reshape { n, -1 })
  elseif x.rank >= 2 and x.shape[2] == y.shape[2] and y.numel == n * y.shape[2] then
    return core.diagnose.row_hashes(x:detach():contiguous():reshape { y.numel, -1 })
  end
  return nil
end

-- How many different inputs the places with this id have, and how many there are.
local function variety(ids, hashes, id)
  local seen, different, n = {}, 0, 0
  for i, other in ipairs(ids) do
    if other == id then
      n = n + 1
      if not seen[hashes[i]] then seen[hashes[i]], different = true, different + 1 end
    end
  end
  return different, n
end

-- A class that weighs nothing in what the steps reported.
local function weightless(measured)
  local none, some
  for id, w in pairs(measured or {}) do
    if w < 1e-3 then none = id else some = true end
  end
  return some and none or nil
end

-- The ignored class is padding where all its inputs are the same; a class has inputs of its own.
local function ignored(loss, ids, hashes, measured)
  local id = loss.ignore_class or weightless(measured)
  if not id then return nil end
  local different, n = variety(ids, hashes, id)
  if n == 0 then return nil end
  return { class = id, share = n / #ids, inputs = different / n, count = n }
end

-- Weights that grow with the frequency of their class: correlation of the ranks, and how far.
local function weights(loss, counts, measured)
  local given = measured or loss.class_weight
  if not given then return nil end
  if core.tensor.is_tensor(given) then
    local list = given:reshape({ -1 }):totable()
    given = {}
    for i, value in ipairs(list) do given[i - 1] = value end
  end
  local often, rare
  for id, n in pairs(counts) do
    if n > (counts[often] or 0) then often = id end
    if not rare or n < counts[rare] then rare = id end
  end
  if not often or often == rare then return nil end
  local agree, pairs_of = 0, 0
  for a, n in pairs(counts) do
    for b, m in pairs(counts) do
      local d = (given[a] or 1) - (given[b] or 1)
      if n > APART * m and d ~= 0 then
        pairs_of = pairs_of + 1
        if d > 0 then agree = agree + 1 end
      end
    end
  end
  return { often = often, rare = rare, of_often = given[often] or 1, of_rare = given[rare] or 1,
    agree = pairs_of > 0 and agree / pairs_of or 0, imbalance = counts[often] / counts[rare] }
end

-- One id at most places, whose inputs are all the same, in targets that have many places a row.
local function padding(loss, ids, hashes, counts, y, named)
  if loss.ignore_class or y.rank < 2 or y.numel == y.shape[1] then return nil end
  local most
  for id, n in pairs(counts) do
    if not most or n > counts[most] then most = id end
  end
  local different = variety(ids, hashes, most)
  if different > 1 then return nil end
  local rest, majority, hits, n = {}, 0, 0, 0
  for i, id in ipairs(ids) do
    if id ~= most then
      n, rest[id] = n + 1, (rest[id] or 0) + 1
      majority = math.max(majority, rest[id])
      if named[i] - 1 == id then hits = hits + 1 end
    end
  end
  if n == 0 then return nil end
  return { class = most, share = counts[most] / #ids, accuracy = hits / n, majority = majority / n }
end

---@param loss lossdbg.Loss
---@param rows { x: any, y: userdata }
---@param output userdata outputs of the rows, classes last
---@param measured? table<integer, number> weights of the classes in what the steps reported
---@return table|nil labels { ignored, weights, padding, recall }; nil unless targets are class ids
function M.of(loss, rows, output, measured)
  local y = rows.y
  if loss.parts or not core.tensor.is_tensor(output) or not core.tensor.is_tensor(y)
    or y.dtype ~= "i32" or output.rank < 2 or output.shape[output.rank] < 2
    or output.numel // output.shape[output.rank] ~= y.numel then
    return nil
  end
  return tensors.no_grad(function()
    local ids = y:reshape({ y.numel }):totable()
    local named = output:argmax(-1):reshape({ y.numel }):totable()
    local counts, hashes = counts_of(ids), places(rows.x, y)
    return { recall = recall_of(ids, named), weights = weights(loss, counts, measured),
      ignored = hashes and ignored(loss, ids, hashes, measured) or nil,
      padding = hashes and padding(loss, ids, hashes, counts, y, named) or nil }
  end)
end

return M
