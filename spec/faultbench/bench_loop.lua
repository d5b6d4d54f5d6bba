--- Programs whose training loop is not the usual one, as loops of their own over the public
-- interface: what goes wrong in them is written here and nowhere else, and a watch has to see it.
local M = {}

local function is_up(case)
  local rate = (case.optimizer or {}).learning_rate
  return type(rate) == "number" and rate < 0
end

---Whether a program needs a loop of its own: shuffling or not is no reason.
---@param case table
---@return boolean
function M.wanted(case)
  for key, value in pairs(type(case.loop) == "table" and case.loop or {}) do
    if key ~= "shuffle" or value == "x_only" then return true end
  end
  return is_up(case)
end

-- The program without what its loop does; a rate below zero becomes its amount.
local function plain(case)
  local copy, optimizer = {}, {}
  for key, value in pairs(case) do copy[key] = value end
  for key, value in pairs(case.optimizer) do optimizer[key] = value end
  if is_up(case) then optimizer.learning_rate = -optimizer.learning_rate end
  local shuffle = (case.loop or {}).shuffle
  copy.optimizer, copy.loop = optimizer, type(shuffle) == "boolean" and { shuffle = shuffle } or nil
  return copy
end

local function layers_of(model, indices)
  local list = {}
  for i, index in ipairs(indices) do list[i] = model[index + 1] end
  return list
end

local function turn(model)
  for _, tensor in model:parameters() do
    if tensor.grad then tensor.grad:mul_(-1) end
  end
end

-- Batches of one epoch; with x_only the inputs are shuffled and the targets stay where they are.
local function batches(ld, set, o)
  local options = { o.batch, shuffle = o.shuffle, seed = o.seed, epoch = o.epoch }
  if not o.x_only then return set:batches(options) end
  local inputs = ld.data.arrays({ set.x, set.y }):batches(options)
  local targets = ld.data.arrays({ set.x, set.y }):batches { o.batch }
  return function()
    local x = inputs()
    local _, y = targets()
    return x, y
  end
end

---Trains a program as its loop says, under a watch.
---@param case table decoded JSON
---@param folder string where the data files are
---@param o? { seed: integer?, after: fun(epoch: integer, loss: number, rows: integer, model: table,
---  experiment: table)? }
---@return lossdbg.Watch
---@return lossdbg.Model
function M.train(case, folder, o)
  local after = o and o.after or function() end
  local ld = require "lossdbg"
  local loop, wrong_way = case.loop or {}, is_up(case)
  local e = ld.interop.keras.experiment(plain(case), folder, { seed = o and o.seed })
  local model, loss, set = e:build(), e:prepared().loss, ld.data.arrays { e.train.x, e.train.y }
  if loop.gradient_sign == -1 then wrong_way = not wrong_way end
  local held = loop.optimizer_parameters and layers_of(model, loop.optimizer_parameters) or model
  local opt = e.optimizer:clone():attach(held)
  local redrawn = layers_of(model, loop.reinitialise_layers or {})
  local watch = ld.watch(model, opt, { loss = loss, data = e.train, val = e.val, batch = e.batch })
  local step = 0
  for epoch = 1, e.epochs do
    for x, y in batches(ld, set, { batch = e.batch, shuffle = e.shuffle, seed = e.seed,
      epoch = epoch, x_only = loop.shuffle == "x_only" }) do
      step = step + 1
      for _, layer in ipairs(redrawn) do layer:reinitialise(e.seed, step) end
      local l, penalty = loss(model(x, { training = true }), y), model:penalty()
      if penalty then l = l:add(penalty) end
      if loop.zero_grad ~= false then opt:zero_grad() end
      l:backward()
      if wrong_way then turn(model) end
      opt:step()
      watch:step(l)
      local value = l:item()
      after(epoch, value, x.shape[1], model, e)
      if value ~= value or math.abs(value) == math.huge or step == e.max_steps then
        return watch, model
      end
    end
  end
  return watch, model
end

return M
