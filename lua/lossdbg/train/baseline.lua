--- The best constant answer: what a model reaches that has learnt the targets and nothing of the
-- inputs. A loss that stays at this level is the commonest way of "staying constant".
local tensors = require "lossdbg.tensor"
local weighing = require "lossdbg.loss.weighing"

local M = {}

---@class lossdbg.Baseline
---@field name string      "entropy of the class frequencies", "variance of the target", ...
---@field loss number      mean loss of the constant answer on the rows it was made from
---@field answer userdata  one row [1, outputs] of outputs (probabilities, or logits)

-- Shares of the classes as the loss counts them: weighted, without an ignored one.
local function class_shares(loss, ids, classes)
  local counts, n = {}, 0
  for k = 1, classes do counts[k] = 0 end
  local weights = weighing.per_class(loss, classes, "f64")
  weights = weights and weights:totable()
  for _, id in ipairs(ids:reshape({ ids.numel }):totable()) do
    if counts[id + 1] and id ~= loss.ignore_class then
      local weight = weights and weights[id + 1] or 1
      counts[id + 1], n = counts[id + 1] + weight, n + weight
    end
  end
  for k = 1, classes do counts[k] = n > 0 and counts[k] / n or 0 end
  return tensors.tensor({ counts }, "f64")
end

-- ln p, bounded so that a class that never occurs has the least probability the loss can tell.
local function log_share(share) return share:clip(1e-7, 1):log() end

local function median_row(y)
  local n, width = y.shape[1], y.numel // y.shape[1]
  local columns, row = y:reshape { n, width }, {}
  for j = 1, width do
    local list = columns:slice(2, j, j):contiguous():reshape({ n }):totable()
    table.sort(list)
    row[j] = n % 2 == 1 and list[n // 2 + 1] or (list[n // 2] + list[n // 2 + 1]) / 2
  end
  return tensors.tensor({ row }, "f64")
end

local function mean_row(y)
  local n = y.shape[1]
  return y:reshape({ n, y.numel // n }):mean(1, true)
end

local answers = {}

function answers.sparse_crossentropy(loss, y, width)
  local share = class_shares(loss, y, width)
  return loss.from_logits and log_share(share) or share, "entropy of the class frequencies"
end

-- Log-probabilities are what nll takes.
function answers.nll(loss, y, width)
  return log_share(class_shares(loss, y, width)), "entropy of the class frequencies"
end

function answers.categorical_crossentropy(loss, y)
  local share = mean_row(y)
  local weights = weighing.per_class(loss, share.numel, "f64")
  if weights then
    share = share:mul(weights)
    share = share:div(share:sum(-1, true))
  end
  return loss.from_logits and log_share(share) or share, "entropy of the class frequencies"
end

function answers.binary_crossentropy(loss, y)
  local share, weight = mean_row(y), weighing.positive(loss, "f64")
  if weight then
    local positive = share:mul(weight)
    share = positive:div(positive:add(share:neg():add(1)))
  end
  if loss.from_logits then
    local p = share:clip(1e-7, 1 - 1e-7)
    return p:log():sub(p:neg():add(1):log()), "entropy of the label frequencies"
  end
  return share, "entropy of the label frequencies"
end

function answers.kl(_, y) return mean_row(y), "the mean distribution" end
function answers.mse(_, y) return mean_row(y), "variance of the target" end
function answers.poisson(_, y) return mean_row(y):maximum(1e-7), "rate of the target" end
function answers.mae(_, y) return median_row(y), "mean distance of the target from its median" end

local function margin(_, y)
  local sign = mean_row(y:gt(y:mean()):cast("f64")):gt(0.5):cast("f64"):mul(2):sub(1)
  return sign, "margin of the commoner class"
end
answers.hinge, answers.squared_hinge = margin, margin

-- No closed form: the better of mean and median.
local function robust(_, y) return { mean_row(y), median_row(y) }, "the best constant" end
answers.huber, answers.log_cosh, answers.smooth_l1 = robust, robust, robust

function answers.msle(_, y)
  local logs = mean_row(y:clip(1e-7, math.huge):log1p())
  return logs:exp():sub(1), "variance of the logarithm of the target"
end

-- Losses per row of a constant answer; every axis besides the batch is averaged.
local function row_losses(loss, answer, y)
  local shape = y.shape
  local wide = { shape[1] }
  local inner = loss.target == "index" and table.move(shape, 2, #shape, 2, {})
    or table.move(shape, 2, #shape - 1, 2, {})
  for i, n in pairs(inner) do wide[i] = n end
  wide[#wide + 1] = answer.numel
  local row
  if loss.target ~= "index" then
    row = answer:reshape { 1, table.unpack(shape, 2) }
    wide = shape
  else
    local ones = { 1 }
    for _ = 2, #shape do ones[#ones + 1] = 1 end
    ones[#ones + 1] = answer.numel
    row = answer:reshape(ones)
  end
  local values = loss:compute(tensors.zeros(wide, "f64"):add(row), y)
  if values.rank > 1 then values = values:reshape({ shape[1], -1 }):mean(2) end
  return values
end

local function prepare(loss, y)
  if loss.target == "index" then return y end
  y = y:cast "f64"
  return y.rank == 1 and y:reshape { y.numel, 1 } or y
end

-- Every output has a best constant answer of its own.
local function of_several(loss, y)
  local sum, parts = 0, {}
  for i, part in ipairs(loss.parts) do
    parts[i] = M.of(part.loss, y[part.key], part.shape[#part.shape])
    if not parts[i] then return nil end
    sum = sum + part.weight * parts[i].loss
  end
  return { name = "best constant answer of every output", loss = sum, parts = parts }
end

---@param loss lossdbg.Loss
---@param y userdata targets of the training rows, as the loss takes them
---@param outputs integer width of the model's last axis
---@return lossdbg.Baseline|nil baseline nil for losses that are functions of the user
function M.of(loss, y, outputs)
  if loss.parts then return of_several(loss, y) end
  local find = answers[loss.name]
  if not find then return nil end
  return tensors.no_grad(function()
    y = prepare(loss, y)
    local answer, name = find(loss, y, outputs)
    if type(answer) == "table" then
      local first, second = row_losses(loss, answer[1], y), row_losses(loss, answer[2], y)
      answer = first:mean():item() <= second:mean():item() and answer[1] or answer[2]
    end
    local scaled = row_losses(loss, answer, y):mean():item() * loss.scale
    return { name = name, loss = scaled, answer = answer }
  end)
end

---Losses per row of the constant answer on any rows.
---@param baseline lossdbg.Baseline
---@param loss lossdbg.Loss
---@param y userdata
---@return userdata [rows] f64
function M.per_sample(baseline, loss, y)
  return tensors.no_grad(function()
    if baseline.parts then
      local total
      for i, part in ipairs(loss.parts) do
        local values = M.per_sample(baseline.parts[i], part.loss, y[part.key]):mul(part.weight)
        total = total and total:add(values) or values
      end
      return total
    end
    return row_losses(loss, baseline.answer, prepare(loss, y)):mul(loss.scale)
  end)
end

return M
