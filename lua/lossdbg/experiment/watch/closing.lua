--- What a watch measures when it is asked for a diagnosis: the model on its data, the same rows in
-- both modes, the reference fit, and what the steps have shown, as signals.
local attempt = require "lossdbg.support.attempt"
local core = require "lossdbg.core"
local inputs = require "lossdbg.data.inputs"
local loss_law = require "lossdbg.experiment.watch.loss_law"
local recorder = require "lossdbg.train.recorder"
local reference_fit = require "lossdbg.experiment.watch.reference_fit"
local telemetry = require "lossdbg.train.telemetry"
local tensors = require "lossdbg.tensor"

local M = {}

local BUDGET = 20 -- seconds for the reference fit
local TAIL = 20 -- steps whose losses are compared with the loss on the data

local clock = os and os.clock or function() return 0 end

---A number that changes when a value of the data does.
---@param rows { x: any, y: any }
---@return integer
function M.digest(rows)
  local all = 0
  for _, part in ipairs { rows.x, rows.y } do
    for _, tensor in ipairs(inputs.list(part)) do
      local flat = tensor:detach():contiguous():reshape { 1, -1 }
      all = all * 31 ~ core.diagnose.row_hashes(flat)[1]
    end
  end
  return all
end

local function mean_of(values) return values.rank > 0 and values:mean():item() or values:item() end

-- Loss of the probe with dropout at work and statistics of the batch.
local function training_mode_loss(self)
  local context = { training = true, logits = self.judge.logits, step = 0, probe = true }
  local values = self.judge.loss:compute(self.model:forward(self.probe.x, context), self.probe.y)
  return mean_of(values) * (self.judge.loss.scale or 1)
end

-- Whether two evaluations of the same rows agree to the last bit.
local function passes_differ(self)
  local function pass() return self.model:forward(self.probe.x, { logits = self.judge.logits }) end
  local a, b = pass(), pass()
  if not core.tensor.is_tensor(a) then return nil end
  return a:eq(b):add(a:ne(a)):min():item() == 0
end

local function final_signals(self, signals)
  local values, output, val_output, losses_of_val
  signals.final, values, output = telemetry.measure(self.model, self.probe, self.judge, false)
  telemetry.mark_died(signals.init and signals.init.layers, signals.final.layers)
  signals.final.train_mode_loss = tensors.no_grad(training_mode_loss, self)
  signals.skill = telemetry.skill(values, self.probe, self.judge, self.baseline, self.loss)
  signals.floor = signals.skill and signals.skill.floor
  local rows = self.val_rows and telemetry.probe_rows(self.val_rows)
  if rows then
    local _
    _, losses_of_val, val_output = telemetry.measure(self.model, rows, self.judge, false)
    signals.val_skill = telemetry.skill(losses_of_val, rows, self.judge, self.baseline, self.loss)
  end
  telemetry.task(signals, self.loss, output, self.probe, val_output, rows)
end

-- ---- the reference fit --------------------------------------------------------------------------

local function steps_of(self) return math.max(self.eyes.backwards, self.recorder.step) end

local function reference(self, unfreeze)
  if not (self.start and self.baseline) or self.loss.parts then return nil end
  local model, why = reference_fit.train(self.start, self.rows, self.loss, {
    steps = steps_of(self), batch = self.batch or self.eyes.rows_of_batch,
    clock = clock, deadline = clock() + BUDGET, unfreeze = unfreeze })
  if not model then return { why = why } end
  local values = telemetry.skill(reference_fit.losses(model, self.probe, self.loss), self.probe,
    self.judge, self.baseline, self.loss)
  return { skill = values and values.value, steps = steps_of(self) }
end

-- The median of the last losses that the loop reported.
local function tail(losses)
  local n = #losses
  local sum, count = 0, math.min(TAIL, n)
  for i = n - count + 1, n do sum = sum + losses[i] end
  return count > 0 and sum / count or nil
end

local function has_frozen(model)
  for _, layer in ipairs(model.list) do
    if not layer.trainable and layer:count(true) > 0 then return true end
  end
  return false
end

local function outside(self, signals)
  local out, skill = {}, signals.skill and signals.skill.value
  local ok, found = attempt.call(reference, self)
  if ok and found then out.reference = found elseif not ok then self.eyes:failed(found) end
  if skill and ok and found and found.skill then out.gain = found.skill - skill end
  if has_frozen(self.model) and (skill or 1) < 0.5 then
    local done, free = attempt.call(reference, self, true)
    if done and free and free.skill then out.unfrozen_gain = free.skill - (skill or 0) end
  end
  local last = tail(self.recorder.loss)
  if last and self.baseline and self.baseline.loss > 0 and signals.final then
    out.gap = (signals.final.loss - last) / self.baseline.loss
  end
  return out
end

-- ---- what the steps have shown ------------------------------------------------------------------

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
  local kept, twin = self.eyes.average, self.eyes.twin
  if kept then
    return travelled(self, function(parameter)
      local entry = kept[parameter.tensor]
      if entry then return entry.average, entry.weights end
    end)
  elseif twin then
    local theirs = {}
    for name, tensor in twin:parameters() do theirs[name] = tensor:detach() end
    return travelled(self, function(parameter)
      return theirs[parameter.name], parameter.tensor:detach()
    end)
  end
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

-- Weights that were changed behind the optimiser's back: drawn anew, or a little?
local function touched(self)
  local list, drawn, some = self.eyes.touched, {}, {}
  for _, entry in ipairs(list or {}) do
    local before, now = entry.before, entry.after
    local path = entry.parameter.path
    if before and now then
      local a, b = before:reshape { -1 }, now:reshape { -1 }
      local length = core.train.global_norm { a } * core.train.global_norm { b }
      local cosine = length > 0 and a:mul(b):sum():item() / length or 1
      if math.abs(cosine) < 0.5 then drawn[path] = (drawn[path] or 0) + 1 end
    end
    some[path] = (some[path] or 0) + 1
  end
  return some, drawn
end

local function optimizers(self)
  local n, steps, stateful = 0, 0, false
  for optimizer, count in pairs(self.eyes.optimizers) do
    n, steps = n + 1, steps + count
    stateful = stateful or optimizer.name ~= "sgd" or (optimizer.options.momentum or 0) ~= 0
  end
  return { n = self.eyes.n_optimizers, stateful = stateful, steps = self.eyes.steps }
end

local function median_of(list) return #list > 0 and recorder.median(list) or nil end

-- signals.tests.zero_grad: nil when no gradient was seen.
local function clearing(self)
  local own = self.eyes
  local found = own.broken.gradients_cleared
  if own.backwards < 2 then return nil end
  return { accumulates = found ~= nil and found.count >= 2, ratio = median_of(own.piles or {}) }
end

---signals.loop: what the steps have shown.
---@param self lossdbg.Watch
---@return table
function M.loop(self)
  local own, seen = self.eyes, self.seen
  local broken = {}
  for _, found in pairs(own.broken) do broken[#broken + 1] = found end
  table.sort(broken, function(a, b)
    if a.step ~= b.step then return a.step < b.step end
    return a.id < b.id
  end)
  local silent
  if seen.output_looks and seen.output_looks >= 4 then
    silent = {}
    for i = 1, seen.output_width do
      if not seen.outputs[i] then silent[#silent + 1] = i end
    end
  end
  local some, drawn = touched(self)
  return { broken = broken, looks = seen.looks, backwards = own.backwards, steps = own.steps,
    clears = own.clears, passes = own.passes, between = seen.between, relation = seen.relation,
    ratio = median_of(seen.ratio), altered = median_of(seen.altered),
    cosine = median_of(seen.cosine), clip = median_of(seen.clip), silent_outputs = silent,
    output_width = seen.output_width, rows = self.batch_rows:signals(),
    least_rows = own.least_rows < math.huge and own.least_rows or nil,
    optimizers = optimizers(self), redrawn = own.redrawn, touched = some, drawn = drawn,
    asked_again = own.asked_again, two_modes = own.two_modes, failures = own.failures }
end

---Fills the signals of a watch.
---@param self lossdbg.Watch
---@param signals table
function M.measure(self, signals)
  signals.loop = M.loop(self)
  signals.tests = { zero_grad = clearing(self) }
  if not self.probe then return end
  final_signals(self, signals)
  local loop = signals.loop
  loop.travelled = tensors.no_grad(averages, self)
  loop.still_statistics = tensors.no_grad(still_statistics, self)
  loop.passes_differ = tensors.no_grad(passes_differ, self)
  loop.data_changed = M.digest(self.rows.source) ~= self.data_digest or nil
  local ok, law = attempt.call(loss_law.ask, self.loss, { self.start and self.start.model
    or self.model, self.model }, self.rows)
  loop.law = ok and law or nil
  signals.outside = outside(self, signals)
end

return M
