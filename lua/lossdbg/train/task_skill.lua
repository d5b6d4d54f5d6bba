--- Task skill: how much of the task is learnt, from predictions, whatever head and loss. Accuracy
-- over that of the commonest answer, (a - m) / (1 - m), where the targets are classes; R2 where
-- they are numbers. 0 is a constant answer, 1 is perfect.
local core = require "lossdbg.core"
local tensors = require "lossdbg.tensor"

local M = {}

---@class lossdbg.TaskSkill
---@field value number
---@field measure "accuracy"|"r2"
---@field accuracy number?
---@field majority number? accuracy of the commonest answer
---@field rows integer

local function width(t) return t.rank > 1 and t.shape[t.rank] or 1 end

local function over_majority(accuracy, majority, rows)
  if majority >= 1 then return nil end -- one class: nothing to learn
  return { value = (accuracy - majority) / (1 - majority), measure = "accuracy",
    accuracy = accuracy, majority = majority, rows = rows }
end

-- Share of the commonest value of a flat list of ids, without the ignored one.
local function majority_of(ids, ignored)
  local counts, most, n = {}, 0, 0
  for _, id in ipairs(ids) do
    if id ~= ignored then
      counts[id], n = (counts[id] or 0) + 1, n + 1
      most = math.max(most, counts[id])
    end
  end
  return n > 0 and most / n or 1
end

local function by_class(output, ids, loss, rows)
  local named = output:argmax(-1):reshape({ ids.numel }):totable()
  local want, hits, n = ids:reshape({ ids.numel }):totable(), 0, 0
  for i, id in ipairs(want) do
    if id ~= loss.ignore_class then
      n = n + 1
      if named[i] - 1 == id then hits = hits + 1 end
    end
  end
  if n == 0 then return nil end
  return over_majority(hits / n, majority_of(want, loss.ignore_class), rows)
end

local function is_one_hot(y)
  return width(y) > 1 and y:eq(0):add(y:eq(1)):min():item() == 1
    and y:sum(-1):eq(1):min():item() == 1
end

-- Outputs of a loss on logits lie on both sides of 0, unless something has squashed them.
local function threshold_of(output, loss, low, high)
  if loss.family == "margin" then return 0 end
  local squashed = output:min():item() >= 0 and output:max():item() <= 1
  if loss.from_logits and not squashed then return 0 end
  return (low + high) / 2
end

local function by_side(output, y, loss, low, high, rows)
  local columns = y.numel // y.shape[1]
  local right = y:gt((low + high) / 2):cast "f64"
  local named = output:gt(threshold_of(output, loss, low, high)):cast "f64"
  local accuracy = named:eq(right):cast("f64"):mean():item()
  local share = right:reshape({ y.shape[1], columns }):mean(1)
  return over_majority(accuracy, share:maximum(share:neg():add(1)):mean():item(), rows)
end

local function by_distance(output, y, loss, rows)
  if loss.from_logits then
    output = loss.name == "binary_crossentropy" and output:sigmoid() or output:softmax(-1)
  end
  local n, columns = y.shape[1], y.numel // y.shape[1]
  local target, shown = y:reshape { n, columns }, output:reshape { n, columns }
  local all = target:sub(target:mean(1, true)):square():sum():item()
  if all <= 0 then return nil end
  return { value = 1 - target:sub(shown):square():sum():item() / all, measure = "r2",
    rows = rows }
end

local function judge(output, y, loss)
  -- Where only the direction counts, distances say nothing.
  if loss.name == "cosine_similarity" then return nil end
  local rows = y.shape[1]
  output = output:cast "f64"
  if output:has_nonfinite() then return nil end
  if width(output) > 1 and output.numel ~= y.numel then
    if output.numel // width(output) ~= y.numel then return nil end
    return by_class(output, y, loss, rows)
  elseif output.numel ~= y.numel then
    return nil
  end
  y = y:cast("f64"):reshape(output.shape)
  if y:has_nonfinite() then return nil end
  if is_one_hot(y) then return by_class(output, y:argmax(-1):sub(1), loss, rows) end
  local low, high = y:min():item(), y:max():item()
  if low < high and y:eq(low):add(y:eq(high)):min():item() == 1 then
    return by_side(output, y, loss, low, high, rows)
  end
  return by_distance(output, y, loss, rows)
end

---Skill of outputs on rows; nil where it is not defined (one class, shapes that do not fit). Of
---several outputs the worst one counts.
---@param output userdata|table as the model shows it: probabilities where it ends in a softmax
---@param y userdata|lossdbg.Inputs prepared targets
---@param loss lossdbg.Loss|lossdbg.LossSet
---@return lossdbg.TaskSkill?
function M.of(output, y, loss)
  return tensors.no_grad(function()
    if not loss.parts then return judge(output, y, loss) end
    local worst
    for _, part in ipairs(loss.parts) do
      local skill = judge(output[part.key], y[part.key], part.loss)
      if skill and (not worst or skill.value < worst.value) then worst = skill end
    end
    return worst
  end)
end

-- -sum p ln p, 0 ln 0 = 0
local function entropy_terms(p) return p:mul(p:maximum(1e-300):log()):neg() end

local floors = {}

function floors.categorical_crossentropy(loss, y)
  local s = loss.label_smoothing or 0
  if s > 0 then y = y:mul(1 - s):add(s / width(y)) end
  return entropy_terms(y):sum(-1)
end

function floors.binary_crossentropy(loss, y)
  local s = loss.label_smoothing or 0
  if s > 0 then y = y:mul(1 - s):add(0.5 * s) end
  return entropy_terms(y):add(entropy_terms(y:neg():add(1))):mean(-1)
end

-- The rate that fits a count best is the count.
function floors.poisson(_, y) return y:add(entropy_terms(y)):mean(-1) end

function floors.cosine_similarity(_, y) return y:mean(-1):mul(0):sub(1) end

local function smoothed_ids(loss, y, classes)
  local s = loss.label_smoothing or 0
  if s <= 0 or classes < 2 then return nil end
  local other = s / classes
  local own = 1 - s + other
  local value = -(own * math.log(own) + (classes - 1) * other * math.log(other))
  return y:cast("f64"):mul(0):add(value)
end

local function has_weights(loss) return loss.class_weight ~= nil or loss.pos_weight ~= nil end

---The least that a loss can be on each row, whatever is predicted: the entropy of soft or smoothed
---targets, the saturated model of counts. nil where it is 0, or not known.
---@param loss lossdbg.Loss|lossdbg.LossSet
---@param y userdata|lossdbg.Inputs prepared targets
---@param classes integer
---@return userdata? [rows] f64
function M.floor(loss, y, classes)
  if loss.parts or has_weights(loss) then return nil end
  return tensors.no_grad(function()
    local values
    if loss.target == "index" then
      values = smoothed_ids(loss, y, classes)
    elseif floors[loss.name] then
      local wide = y:cast "f64"
      if wide.rank == 1 then wide = wide:reshape { wide.numel, 1 } end
      if wide:has_nonfinite() or loss.name ~= "cosine_similarity" and wide:min():item() < 0 then
        return nil
      end
      if loss.family == "probability" and wide:max():item() > 1 then return nil end
      values = floors[loss.name](loss, wide)
    end
    if not values then return nil end
    if values.rank > 1 then values = values:reshape({ values.shape[1], -1 }):mean(2) end
    values = values:mul(loss.scale or 1)
    if core.diagnose.stats(values:contiguous()).rms < 1e-9 then return nil end
    return values
  end)
end

return M
