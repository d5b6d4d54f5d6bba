--- What the audit of a data set (core.diagnose.audit) does not count: sequences that are filled up,
-- rows on another scale, classes that validation has and training has not.
local inputs = require "lossdbg.data.inputs"
local outliers = require "lossdbg.data.outliers"
local padding = require "lossdbg.diagnose.padding"

local M = {}

local looked_at = 64 -- rows that tell whether targets are inputs

local labelled = { multiclass = true, binary = true }

-- One class a row: ids as they are, the place of the largest of a one-hot row; nil for the rest.
local function classes_of(y)
  local n = y.shape[1]
  local width = n > 0 and y.numel // n or 0
  if width == 1 then return y:contiguous():reshape({ n }):totable() end
  if y.rank ~= 2 or y.dtype == "i32" then return nil end
  return y:argmax(-1):reshape({ n }):totable()
end

local function unseen(y, val_y)
  local known, list = {}, classes_of(y)
  local others = list and classes_of(val_y)
  if not others then return nil end
  for _, id in ipairs(list) do known[id] = true end
  local rows, new, classes = 0, {}, 0
  for _, id in ipairs(others) do
    if not known[id] then
      rows = rows + 1
      if not new[id] then new[id], classes = true, classes + 1 end
    end
  end
  return { share = #others > 0 and rows / #others or 0, classes = classes }
end

-- Rows so much larger than the middle one that they are on another scale.
local function outlying(x)
  if x.dtype == "i32" or x.numel // math.max(x.shape[1], 1) < 2 then return nil end
  local found, middle, worst = outliers.of(x)
  return found and { share = #found / x.shape[1], rows = #found, worst = worst / middle }
end

---Whether the targets are the inputs, as those of an autoencoder are.
---@param x userdata
---@param y userdata
---@return boolean
function M.mirrored(x, y)
  local n = x.shape[1]
  if x.dtype ~= y.dtype or x.dtype == "i32" or x.numel ~= y.numel or n < 2 then return false end
  local width, first = x.numel // n, math.min(n, looked_at)
  if width < 2 or y.shape[1] ~= n then return false end
  local a = inputs.slice(x, 1, first):reshape { first, width }
  local b = inputs.slice(y, 1, first):reshape { first, width }
  return a:ne(b):cast("f32"):sum():item() == 0
end

---Adds to an audit.
---@param audit table
---@param rows { x: any, y: any }
---@param val? { x: any, y: any }
---@param task? { kind: string }
function M.add(audit, rows, val, task)
  if not inputs.is_several(rows.x) then
    audit.padding, audit.outlying = padding.of(rows.x), outlying(rows.x)
  end
  if inputs.is_several(rows.y) then return end
  audit.mirrored = not inputs.is_several(rows.x) and M.mirrored(rows.x, rows.y) or nil
  if rows.y.dtype == "i32" then audit.target_padding = padding.of(rows.y) end
  local same = val and not inputs.is_several(val.y) and val.y.rank == rows.y.rank
  if audit.val and same and task and labelled[task.kind] then
    audit.val.unseen = unseen(rows.y, val.y)
  end
end

return M
