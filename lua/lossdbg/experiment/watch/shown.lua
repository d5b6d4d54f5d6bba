--- What the steps of a watched loop have shown, as signals: counts, what was fed, what the loss was
-- made of, what became of gradients and weights.
local attempt = require "lossdbg.support.attempt"
local core = require "lossdbg.core"
local optimizers_of = require "lossdbg.optim"
local recorder = require "lossdbg.train.recorder"
local scales = require "lossdbg.experiment.watch.fed_scale"
local tensors = require "lossdbg.tensor"

local M = {}

-- How far a model is on the way from where it started to where the training is.
local function travelled(self, tensors_of)
  local far, all = 0, 0
  if not self.start then return nil end
  local first = {}
  for name, tensor in self.start.model:parameters() do first[name] = tensor end
  for _, parameter in ipairs(recorder.parameters(self.model, true)) do
    local from, other, now = first[parameter.name], tensors_of(parameter)
    if from and other and now then
      far = far + other:sub(from):square():sum():item()
      all = all + now:sub(from):square():sum():item()
    end
  end
  return all > 0 and math.sqrt(far / all) or nil
end

local function averages(self)
  local kept = self.eyes.average
  if not kept then return self.eyes.twin_way end
  return travelled(self, function(parameter)
    local entry = kept[parameter.tensor]
    if entry then return entry.average, entry.weights end
  end)
end

-- Statistics of batch normalisation that never left their start although batches were seen.
local function still_statistics(self)
  if not self.start then return nil end
  local still, n = {}, 0
  for i, layer in ipairs(self.model.list) do
    local before = self.start.model.list[i]
    for j, parameter in ipairs(layer.kind == "batch_norm" and layer.trainable and layer.parameters
      or {}) do
      if parameter.trainable == false then
        n = n + 1
        if parameter.tensor:eq(before.parameters[j].tensor):min():item() == 1 then
          still[#still + 1] = layer.path
        end
      end
    end
  end
  return n > 0 and #still == n and still or nil
end

-- Weights that were drawn anew behind the optimiser's back, how often by layer.
local function drawn_outside(self)
  local list, drawn = self.eyes.touched, {}
  for _, entry in ipairs(list or {}) do
    local before, now = entry.before, entry.after
    local path = entry.parameter.path
    if before and now then
      local a, b = before:reshape { -1 }, now:reshape { -1 }
      local length = core.train.global_norm { a } * core.train.global_norm { b }
      local cosine = length > 0 and a:mul(b):sum():item() / length or 1
      if math.abs(cosine) < 0.5 then drawn[path] = (drawn[path] or 0) + 1 end
    end
  end
  return drawn
end

-- stateful: the rule has a memory; scale_free: it does not see the scale of a gradient.
local function optimizers(self)
  local stateful, scale_free = false, false
  for optimizer in pairs(self.eyes.optimizers) do
    stateful = stateful or optimizer.name ~= "sgd" or (optimizer.options.momentum or 0) ~= 0
    scale_free = scale_free or optimizer.name ~= "sgd"
  end
  return { n = self.eyes.n_optimizers, stateful = stateful, scale_free = scale_free,
    steps = self.eyes.steps }
end

-- The rate that was named: the peak of a schedule, else the one at the start of the watch.
local function named_lr(self)
  local ok, described = attempt.call(optimizers_of.describe, self.optimizer)
  local rate = ok and tonumber(described.lr) or nil
  local first = tonumber(self.first_lr)
  return rate and first and math.max(rate, first) or rate or first
end

local function median_of(list) return #list > 0 and recorder.median(list) or nil end

---signals.tests.zero_grad: nil when no gradient was seen.
---@param self lossdbg.Watch
---@return table|nil
function M.clearing(self)
  local own = self.eyes
  local found = own.book.broken.gradients_cleared
  if own.backwards < 2 then return nil end
  return { accumulates = found ~= nil and found.count >= 2, ratio = median_of(own.piles or {}) }
end

-- What rules ask of these counts; the rest is none of it.
local PASSES = { "training", "training_as_evaluation", "single_row" }
local BETWEEN = { "nothing", "softmax", "sigmoid", "relu", "tanh", "over_batch" }
local RELATION = { "same", "negative", "softmax", "sigmoid", "broadcast" }

local function only(counts, names)
  local list = {}
  for _, name in ipairs(names) do list[name] = counts[name] end
  return list
end

-- How far the inputs of evaluation passes are from those of the data.
local function evaluated(self)
  local inputs = self.eyes.evaluated_inputs
  if not (inputs and self.rows and core.tensor.is_tensor(self.rows.x)) then return nil end
  local moved, widened = scales.between(inputs, self.rows.x)
  return moved and { moved = moved, widened = widened, rows = inputs.rows } or nil
end

---signals.loop: what the steps have shown.
---@param self lossdbg.Watch
---@return table
function M.loop(self)
  local own, seen = self.eyes, self.seen
  if own.asleep then own:catch_up() end
  local silent
  if seen.output_looks and seen.output_looks >= 4 then
    silent = {}
    for i = 1, seen.output_width do
      if not seen.outputs[i] then silent[#silent + 1] = i end
    end
  end
  return { broken = own.book:list(), looks = seen.looks, backwards = own.backwards,
    steps = own.steps, passes = only(own.passes, PASSES), between = only(seen.between, BETWEEN),
    relation = only(seen.relation, RELATION),
    ratio = median_of(seen.ratio), altered = median_of(seen.altered),
    clip = median_of(seen.clip), silent_outputs = silent,
    evaluated = evaluated(self), output_width = seen.output_width, rows = self.batch_rows:signals(),
    takes_logits = seen.takes_logits, named_lr = named_lr(self),
    optimizers = optimizers(self), redrawn = own.redrawn,
    drawn = drawn_outside(self),
    put_back = own.put_back and own.put_back / math.max(own.awake_steps, 1) or nil,
    asked_again = own.asked_again, detached = own.detached, failures = own.failures }
end

---Adds what the weights tell, where the watch knows those of the start.
---@param self lossdbg.Watch
---@param loop table
function M.weights(self, loop)
  loop.travelled = tensors.no_grad(averages, self)
  loop.still_statistics = tensors.no_grad(still_statistics, self)
end

return M
