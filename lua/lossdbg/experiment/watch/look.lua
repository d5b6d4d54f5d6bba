--- What one step shows when it is looked at closely, computed after it is done: whether the loss is
-- the one that was named, on the targets of the data, and what became of the gradient.
local class_law = require "lossdbg.experiment.watch.class_law"
local contract = require "lossdbg.experiment.contract"
local core = require "lossdbg.core"
local modes = require "lossdbg.experiment.contract.modes"
local tensors = require "lossdbg.tensor"

local M = {}

local CLOSE = 1e-4 -- relative distance of losses that are the same in f32
local SAME_VALUES = 1e-5
local MOST_PAIRED = 256 -- rows whose pairs are compared

local function close(a, b) return math.abs(a - b) <= CLOSE * math.max(math.abs(a), math.abs(b)) end

local function value_of(loss, output, y)
  local values = loss:compute(output, y)
  if loss.scale and loss.scale ~= 1 then values = values:mul(loss.scale) end
  local value = loss:reduce(values)
  return (value.rank > 0 and value:mean() or value):item()
end

local function squashed(output, name)
  if name == "softmax" then return output:softmax(-1) end
  if name == "over_batch" then return output:softmax(1) end
  return output[name](output)
end

-- What may stand between the output of a model and its loss.
local function standing(output)
  local list = { "sigmoid", "relu", "tanh" }
  if output.rank == 2 and output.shape[1] > 1 and output.shape[2] > 1 then
    list[#list + 1] = "over_batch"
  end
  if output.shape[output.rank] > 1 then table.insert(list, 1, "softmax") end
  return list
end

local function candidates(output) return output.shape[output.rank] > 1 and { "softmax", "sigmoid" }
  or { "sigmoid" } end

local function same_values(a, b)
  return a.numel == b.numel and a.dtype == b.dtype
    and tensors.allclose(a:reshape { -1 }, b:reshape { -1 }, SAME_VALUES, 1e-6)
end

local function count(list, name) list[name] = (list[name] or 0) + 1 end

-- Whether rows are shares of one: some softmax made them, whatever of.
local function is_distribution(p)
  if p.rank < 2 or p.shape[p.rank] < 2 or p.dtype == "i32" then return false end
  if p:min():item() < 0 then return false end
  local off = p:sum(p.rank):sub(1):abs():max():item()
  return off <= SAME_VALUES
end

-- What lies between the model's output and the prediction that the loss got.
local function before_loss(seen, now)
  local prediction, output = now.prediction, now.output
  if not prediction or not core.tensor.is_tensor(prediction) then return end
  if rawequal(prediction, output) then return count(seen.between, "nothing") end
  prediction = prediction:detach()
  seen.takes_logits = seen.takes_logits or now.loss.from_logits == true
  if same_values(prediction, output) then return count(seen.between, "nothing") end
  for _, name in ipairs(standing(output)) do
    if same_values(prediction, squashed(output, name)) then return count(seen.between, name) end
  end
  count(seen.between, is_distribution(prediction) and "softmax" or "other")
end

-- The loss of every prediction against every target, as [n, 1] against [n] makes it.
local function of_all_pairs(loss, output, y)
  local n = output.shape[1]
  if n < 3 or n > MOST_PAIRED or output.numel ~= n or y.numel ~= n or y.dtype == "i32" then
    return nil
  end
  local flat = { n * n, 1 }
  local p = output:reshape({ n, 1 }):add(y:reshape({ 1, n }):mul(0)):reshape(flat)
  local t = y:reshape({ 1, n }):add(output:reshape({ n, 1 }):mul(0)):reshape(flat)
  return value_of(loss, p, t)
end

-- How the loss of the step is made of the named loss on the data's targets.
local function relate(seen, loss, output, y, value)
  local own = value_of(loss, output, y)
  seen.own = own
  if close(value, own) then return "same" end
  if close(value, -own) then return "negative" end
  for _, name in ipairs(candidates(output)) do
    if close(value, value_of(loss, squashed(output, name), y)) then return name end
  end
  local paired = of_all_pairs(loss, output, y)
  if paired and close(value, paired) then return "broadcast" end
  return value > own and "more" or "less"
end

local function plain_output(output)
  if not core.tensor.is_tensor(output) then return nil end
  return output:detach()
end

-- Norm of the gradient that the step used over that of the backward pass, without the factor that
-- the loss was multiplied by before it; nil when nobody touched the gradient in between.
local function altered(now, value)
  if not (now.changed and now.norm and now.step_norm and now.norm > 0) then return nil end
  local factor, root = 1, now.root and now.root.numel == 1 and now.root:detach():item()
  if root and value ~= 0 and root / value > 0 then factor = root / value end
  local a, b = now.chosen:reshape { -1 }, now.changed:reshape { -1 }
  local length = core.train.global_norm { a } * core.train.global_norm { b }
  local cosine = length > 0 and a:mul(b):sum():item() / length or nil
  return now.step_norm * factor / now.norm, cosine
end

---@return table seen what looks add up to
function M.new()
  return { looks = 0, between = {}, relation = {}, ratio = {}, altered = {}, clip = {},
    class_looks = {} }
end

-- Share of the gradient that the optimiser's own clipping left.
local function own_clip(optimizer)
  local before, after = 0, 0
  for _, row in pairs(optimizer.stats or {}) do
    before, after = before + row.grad_norm ^ 2, after + row.grad_sq
  end
  return before > 0 and math.sqrt(after / before) or nil
end

-- Whether the tensor that was differentiated is minus the loss of the step.
local function negated(now, value)
  local root = now.root
  if not root or root.numel ~= 1 or value == 0 or math.abs(value) == math.huge then return false end
  return math.abs(root:detach():item() + value) <= 1e-6 * math.abs(value)
end

-- What contracts of rows and gradients are asked about.
local function turn(self, value, cosine)
  local eyes, rows = self.eyes, self.batch_rows
  return { pair = self.pair, cosine = cosine, seen = self.seen, again = rows.again,
    negated = negated(eyes.now, value),
    rows = { n = self.data_rows, batch = #rows.last }, jump = rows.jump, step = eyes.at + 1 }
end

local function ask_contracts(self, value, cosine)
  local eyes = self.eyes
  contract.ask(eyes, "turn", turn(self, value, cosine))
  contract.ask_own(eyes, self.contracts, { step = eyes.at + 1, model = self.model,
    optimizer = self.optimizer, loss = value, x = eyes.now.x })
end

---Compares the gradients of the user's own ops of this step with differences; needs gradients.
---@param eyes lossdbg.Eyes
function M.ops(eyes)
  local list = eyes.ops
  eyes.ops = {}
  for _, own in ipairs(list) do contract.ask(eyes, "own_op", own) end
end

---Looks at the step that is just done.
---@param self lossdbg.Watch
---@param value number its loss
function M.step(self, value)
  local eyes, seen, now = self.eyes, self.seen, self.eyes.now
  seen.looks = seen.looks + 1
  local rows = now.x and self.batch_rows:look(now.x, eyes.at, now.carried, eyes.carried_part)
  local output = now.output and plain_output(now.output)
  now.output = output
  if output then before_loss(seen, now) end
  local y = rows and self.loss and not self.loss.parts and self.batch_rows:targets(rows)
  self.pair = y and now.target and now.calls == 1
    and self.batch_rows:compare(rows, now.target, self.loss, self.model.output_shape) or nil
  if y and output and now.passes == 1 and not now.weighed then
    count(seen.relation, relate(seen, self.loss, output, y, value))
    if y.dtype == "i32" then
      class_law.take(seen.class_looks, self.loss:compute(output, y), y, value)
    end
    if seen.own ~= 0 then seen.ratio[#seen.ratio + 1] = value / seen.own end
  end
  if y then self.batch_rows:count_classes(y) end
  local ratio, cosine = altered(now, value)
  if ratio then seen.altered[#seen.altered + 1] = ratio end
  if now.output_gradient then modes.silent_outputs(seen, now.output_gradient) end
  for _, optimizer in ipairs(now.stepped or {}) do
    local kept = own_clip(optimizer)
    if kept then seen.clip[#seen.clip + 1] = kept end
  end
  ask_contracts(self, value, cosine)
end

local PAIRS = { [16] = true, [32] = true, [64] = true, [256] = true }
local MOST = 1024 -- steps between two looks

---Whether step number n is looked at closely: the first eight, then ever rarer ones in twos, so
---that what happens between two steps is seen too.
---@param n integer
---@return boolean
function M.wanted(n)
  if n <= 8 then return true end
  if n >= MOST then return n % MOST <= 1 end
  return PAIRS[n - n % 2] or false
end

---Whether calls are taken down in step number n: in the first 32, then in every 64th.
---@param n integer
---@return boolean
function M.awake(n) return n <= 32 or n % 64 == 0 or M.wanted(n) end

---The first step after number n in which calls are taken down.
---@param n integer
---@return integer
function M.wakes(n)
  repeat n = n + 1 until M.awake(n)
  return n
end

return M
