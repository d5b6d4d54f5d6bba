--- The files of one recording as one run: for every measure the most exact source, what the others
-- say of it, the training loss that stands for the run.

local names = require "lossdbg.interop.recorded.metric_names"

local M = {}

-- Binary64 in full before binary32 before what was rounded to print.
local EXACT = { trainer_state = 1, keras_history = 1, csv = 2, jsonl = 2, tensorboard = 3,
  json_records = 2, trainer_console = 4, keras_console = 5, console = 5, printed_table = 5,
  bare_numbers = 6 }

-- A curve per epoch with fewer points than this gives way to one per step.
local FEW = 8

local function same_places(a, b)
  if #a.x ~= #b.x then return false end
  for i = 1, #a.x do
    if a.x[i] ~= b.x[i] then return false end
  end
  return true
end

local function consecutive(x)
  return #x > 1 and x[1] <= 1 and x[#x] - x[1] == #x - 1
end

-- Tags tell no level: as many points as another source has epochs, or counted by one with a
-- validation loss at each, are epochs.
local function settle_levels(all)
  for id, list in pairs(all) do
    local val = all[id:gsub("^train:", "val:")]
    for _, item in ipairs(list) do
      item.level = item.series.level
      for _, other in ipairs(list) do
        if not item.level and other.series.level == "epoch"
          and #other.series.y == #item.series.y then
          item.level = "epoch"
        end
      end
      local twin = val and val ~= list and val[1].series
      if not item.level and twin and consecutive(item.series.x)
        and same_places(item.series, twin) then
        item.level = "epoch"
      end
      item.level = item.level or "step"
    end
  end
end

local function ids_of(all)
  local ids = {}
  for id in pairs(all) do ids[#ids + 1] = id end
  table.sort(ids)
  return ids
end

-- Accuracies in percent as shares, like all others: no share is above 1.
local function as_share(source, series)
  local most = 0
  for _, y in ipairs(series.y) do most = math.max(most, y) end
  if series.key ~= "accuracy" or most <= 1 or most > 100 then return end
  for i, y in ipairs(series.y) do series.y[i] = y / 100 end
  source:note("%s is in percent", series.raw)
end

-- part .. key -> list of { source, series, level }
local function collect(sources)
  local all = {}
  for _, source in ipairs(sources) do
    for _, series in ipairs(source.series) do
      if #series.y > 0 then
        as_share(source, series)
        local id = series.part .. ":" .. series.key
        all[id] = all[id] or {}
        table.insert(all[id], { source = source, series = series })
      end
    end
  end
  for _, id in ipairs(ids_of(all)) do -- a test set watched in training is a validation set
    local as_val = id:gsub("^test:", "val:")
    if as_val ~= id and not all[as_val] then all[as_val] = all[id] end
  end
  settle_levels(all)
  return all
end

local function better(a, b)
  local x, y = EXACT[a.source.format], EXACT[b.source.format]
  if #a.series.y ~= #b.series.y then return #a.series.y > #b.series.y end
  if x ~= y then return x < y end
  return a.source.path < b.source.path
end

-- The best of a list at a level.
local function pick(list, level)
  local best
  for _, item in ipairs(list or {}) do
    if item.level == level and (not best or better(item, best)) then best = item end
  end
  return best
end

local function value_at(series, x)
  local low, high = 1, #series.x
  while low <= high do
    local middle = (low + high) // 2
    if series.x[middle] == x then return series.y[middle] end
    if series.x[middle] < x then low = middle + 1 else high = middle - 1 end
  end
end

local function differ(a, b, rounded)
  if a ~= a or b ~= b then return a == a or b == b end
  if a == b then return false end
  local scale = math.max(math.abs(a), math.abs(b))
  return math.abs(a - b) > (rounded and math.max(5e-3 * scale, 6e-5) or 1e-5 * scale)
end

-- Values that stand in both at the same place: how many, and the first that differs.
local function compare(a, b)
  local same, rounded = 0, a.source.digits or b.source.digits
  local aligned = #a.series.y == #b.series.y
  for i, y in ipairs(b.series.y) do
    local other
    if aligned then other = a.series.y[i] else other = value_at(a.series, b.series.x[i]) end
    if other then
      if differ(other, y, rounded) then return same, b.series.x[i], other, y end
      same = same + 1
    end
  end
  return same
end

local function agreement(list, chosen, what)
  local out = {}
  for _, item in ipairs(list) do
    if item.source ~= chosen.source and item.level == chosen.level then
      local same, x, a, b = compare(chosen, item)
      if x or same > 0 then
        out[#out + 1] = { what = what, kept = chosen.source.path, other = item.source.path,
          same = same, differs_at = x, a = a, b = b }
      end
    end
  end
  return out
end

-- Where nothing is called "loss": the measure that stands in, by name or because it alone is left.
local function stand_in(all)
  for _, key in ipairs(names.stand_ins) do
    if all["train:" .. key] or all["val:" .. key] then return key end
  end
  local found
  for id, list in pairs(all) do
    local key = id:match "^train:(.*loss.*)$"
    if key and (not found or #list[1].series.y > found.n
      or (#list[1].series.y == found.n and key < found.key)) then
      found = { key = key, n = #list[1].series.y }
    end
  end
  -- what TensorBoard saves as CSV names its only column so
  return found and found.key or all["train:value"] and "value" or nil
end

local function choose_loss(all, wanted)
  if wanted then
    local name = names.read(wanted)
    local key = name and name.key or wanted
    if not (all["train:" .. key] or all["val:" .. key]) then
      return nil, ("nothing is logged as '%s'"):format(wanted)
    end
    return key
  end
  if all["train:loss"] or all["val:loss"] then return "loss" end
  return stand_in(all)
end

local function main_of(list)
  local epoch, step = pick(list, "epoch"), pick(list, "step")
  if epoch and step and #epoch.series.y < FEW and #step.series.y > #epoch.series.y then
    return step
  end
  return epoch or step
end

-- The other losses that the chosen one plays against, as in GANs and of actors and critics.
local function rivals_of(all, key)
  if not names.is_rival(key) then return nil end
  for _, id in ipairs(ids_of(all)) do
    local other = id:match "^train:(.*)$"
    if other and other ~= key and names.is_rival(other) then return { key, other } end
  end
end

local function put(target, name, item)
  if item and not target[name] then target[name] = item.series.y end
end

-- Measures per epoch that have the main curve's length, and all of those per step.
local function histories(all, main, key)
  local history, steps, curves = {}, {}, {}
  local n = #main.series.y
  for _, id in ipairs(ids_of(all)) do
    local part, name = id:match "^(%a+):(.*)$"
    name = name == key and "loss" or name
    if part ~= "train" and name ~= "lr" then name = part .. "_" .. name end
    local own = pick(all[id], main.level) or main_of(all[id])
    if #own.series.y == n then put(history, name, own) end
    curves[name] = { x = own.series.x, y = own.series.y, axis = own.level,
      path = own.source.path }
    if part == "train" then put(steps, name, pick(all[id], "step")) end
  end
  return history, steps, curves
end

---@param sources lossdbg.RecordedFile[] with rising steps
---@param wanted? string name of the loss, where the log has several
---@return table|nil fields of the run
---@return string|nil message
function M.run(sources, wanted)
  local all = collect(sources)
  local key, why = choose_loss(all, wanted)
  if not key then return nil, why or "no loss is logged" end
  local list = all["train:" .. key] or all["val:" .. key]
  local main = main_of(list)
  local val = all["val:" .. key]
  local agree = agreement(list, main, "loss")
  if val and all["train:" .. key] then
    for _, item in ipairs(agreement(val, main_of(val), "val_loss")) do agree[#agree + 1] = item end
  end
  local history, steps, curves = histories(all, main, key)
  history.loss = main.series.y
  curves.loss = { x = main.series.x, y = main.series.y, axis = main.level,
    path = main.source.path }
  return { history = history, steps = steps, curves = curves, axis = main.level,
    rivals = rivals_of(all, key),
    loss_name = main.series.raw, loss_path = main.source.path, agree = agree,
    only_val = not all["train:" .. key] or nil, n_epochs = #main.series.y,
    n_steps = steps.loss and #steps.loss or 0 }
end

return M
