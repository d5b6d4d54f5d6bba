--- Weights inside losses: per class, for positive labels, and classes that are left out.
-- What a mean has to be divided by (the weights used, the rows kept) is folded into the values, so
-- that their plain mean over the batch is the loss.
local core = require "lossdbg.core"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"
local tensors = require "lossdbg.tensor"

local op = core.op
local M = {}

local function fail(self, name, expected, value, cause)
  options.fail("loss." .. self.name, name, expected, value, cause, source.level())
end

---One weight per class as a tensor [classes].
---@param self lossdbg.Loss
---@param classes integer
---@param dtype string
---@return userdata|nil
function M.per_class(self, classes, dtype)
  local given = self.class_weight
  if not given then return nil end
  local made = self.class_tensor -- made once: the loss is called at every step
  if made and made.numel == classes and made.dtype == dtype then return made end
  if options.is_tensor(given) then
    if given.numel ~= classes then
      fail(self, "class_weight", ("a tensor of %d weights"):format(classes), given)
    end
    made = given:detach():cast(dtype):reshape { classes }
  else
    local list = {}
    for k = 1, classes do list[k] = 1 end
    for id, weight in pairs(given) do
      if math.type(id) ~= "integer" or id < 0 or id >= classes or type(weight) ~= "number"
        or not (weight >= 0) then
        fail(self, "class_weight", ("a number >= 0 for class ids 0..%d"):format(classes - 1),
          weight, ("at [%s]%s"):format(tostring(id),
            id == classes and "; ids start at 0: { [0] = 1, [1] = 5 }" or ""))
      end
      list[id + 1] = weight
    end
    made = tensors.tensor(list, dtype)
  end
  rawset(self, "class_tensor", made)
  return made
end

---An option as plain data that makes the same loss again.
---@param name string
---@param value any
---@return any
function M.plain(name, value)
  if not options.is_tensor(value) then return value end
  local list, map = value:reshape({ -1 }):totable(), {}
  if name ~= "class_weight" then return list end
  for k, weight in ipairs(list) do map[k - 1] = weight end
  return map
end

-- n divided by the sum of what was used, or 0: a tensor, so that a plan can repeat it.
local function share(used, n)
  local total = used:cast("f64"):sum()
  return total:gt(0):where(tensors.full({}, n, "f64"):div(total), 0)
end

---Divides by what was used instead of by the number of values.
---@param self lossdbg.Loss
---@param values userdata weighted already
---@param used userdata weights of the values
---@param raw boolean|nil leave the values alone
---@return userdata
function M.normalise(self, values, used, raw)
  if raw or self.reduction == "sum" or self.reduction == "none" then return values end
  return values:mul(tensors.no_grad(share, used, values.numel):cast(values.dtype))
end

---Ids with those of the ignored class replaced by 0, and a mask of the others (nil: none ignored).
---@param self lossdbg.Loss
---@param ids userdata i32
---@param dtype string
---@return userdata ids
---@return userdata|nil keep 1 for values that count
function M.without_ignored(self, ids, dtype)
  if not self.ignore_class then return ids, nil end
  local keep = ids:ne(self.ignore_class)
  return ids:mul(keep), keep:cast(dtype)
end

---Log-probabilities of the labelled classes and their weights, from all log-probabilities.
---@param self lossdbg.Loss
---@param logs userdata [..., classes]
---@param ids userdata [...]
---@param smoothing number
---@param raw boolean|nil
---@return userdata values [...]
function M.by_label(self, logs, ids, smoothing, raw)
  local shape = logs.shape
  local classes, dtype = shape[#shape], logs.dtype
  local keep
  ids, keep = M.without_ignored(self, ids, dtype)
  local hot = op.one_hot(ids, classes)
  local weights = M.per_class(self, classes, dtype)
  local picked = op.where(hot, logs, 0):sum(-1):neg()
  local used = weights and hot:cast(dtype):mul(weights):sum(-1)
  if used then picked = picked:mul(used) end
  if smoothing > 0 then
    local all = weights and logs:mul(weights) or logs
    picked = picked:mul(1 - smoothing):sub(all:sum(-1):mul(smoothing / classes))
  end
  if keep then
    picked, used = op.where(keep, picked, 0), used and used:mul(keep) or keep
  end
  return used and M.normalise(self, picked, used, raw) or picked
end

---Weight of positive labels as number or tensor.
---@param self lossdbg.Loss
---@param dtype string
---@return number|userdata|nil
function M.positive(self, dtype)
  local given = self.pos_weight
  if type(given) == "table" then
    given = tensors.tensor(given, dtype)
    self.pos_weight = given
  end
  return options.is_tensor(given) and given:cast(dtype) or given
end

---Weights of values with a mask folded in: as in Keras, means are over the values it keeps.
---@param self lossdbg.Loss
---@param weight userdata|nil
---@param mask userdata|nil
---@param dtype string
---@return userdata|nil
function M.masked(self, weight, mask, dtype)
  if not mask then return weight end
  local kept = mask:cast(dtype)
  if self.reduction == "mean" then -- all zeros stay zeros
    kept = kept:mul(tensors.no_grad(share, mask, mask.numel):cast(dtype))
  end
  mask = kept
  return weight and weight:mul(mask) or mask
end

---A weight or mask in the form of the values: one a value, or one a sample for all its values.
---@param self lossdbg.Loss
---@param given userdata|table|nil
---@param values userdata
---@param name string
---@return userdata|nil
function M.fitted(self, given, values, name)
  if given == nil or values.rank == 0 then return nil end
  if not options.is_tensor(given) then given = tensors.tensor(given, values.dtype) end
  local shape = values.shape
  if given.numel == values.numel then return given:cast(values.dtype):reshape(shape) end
  if given.numel ~= shape[1] then
    error(("lossdbg: loss.%s: argument '%s': expected %d weights, got %d"):format(self.name, name,
      values.numel, given.numel), source.level())
  end
  local column = { shape[1] }
  for i = 2, #shape do column[i] = 1 end
  return given:cast(values.dtype):reshape(column):add(tensors.zeros(shape, values.dtype))
end

return M
