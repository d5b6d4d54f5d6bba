--- What a watch measures when it is asked for a diagnosis: the model on its data, the same rows in
-- both modes, the reference fit, and what the steps have shown, as signals.
local attempt = require "lossdbg.support.attempt"
local class_law = require "lossdbg.experiment.watch.class_law"
local contract = require "lossdbg.experiment.contract"
local core = require "lossdbg.core"
local evaluate = require "lossdbg.train.evaluate"
local inputs = require "lossdbg.data.inputs"
local label_use = require "lossdbg.train.label_use"
local loss_law = require "lossdbg.experiment.watch.loss_law"
local reference_fit = require "lossdbg.experiment.watch.reference_fit"
local shown = require "lossdbg.experiment.watch.shown"
local telemetry = require "lossdbg.train.telemetry"
local tensors = require "lossdbg.tensor"

local M = {}

local BUDGET = 20 -- seconds for the reference fit
local MUCH = 0.2 -- of the baseline: what a second fit is made for
local HEAD_LOOKS = 3 -- a single match may be chance
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

local function line(p, y)
  p, y = p:cast("f64"):reshape { -1 }, y:cast("f64"):reshape { -1 }
  local n, mp, my = p.numel, p:mean():item(), y:mean():item()
  local dp, dy = p:sub(mp), y:sub(my)
  local vp, vy = dp:square():sum():item() / n, dy:square():sum():item() / n
  local c = dp:mul(dy):sum():item() / n
  return { mean = my, std = math.sqrt(vy),
    correlation = vp * vy > 0 and c / math.sqrt(vp * vy) or 0 }
end

-- Real targets of the held-out rows, against those of the training rows: other units show as
-- another mean and scale with the same correlation.
local function units(self, output, val_output, rows)
  local y = self.probe.y
  if self.loss.parts or not core.tensor.is_tensor(output) or output.numel ~= y.numel
    or y.dtype == "i32" or val_output.numel ~= rows.y.numel then
    return nil
  end
  return { train = line(output, y), val = line(val_output, rows.y), n = rows.n }
end

local function final_signals(self, signals)
  local values, output, val_output, losses_of_val
  signals.final, values, output = telemetry.measure(self.model, self.probe, self.judge, false)
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
  local measured = not self.seen.relation.same and class_law.weights(self.seen.class_looks) or nil
  local ok, labels = attempt.call(label_use.of, self.loss, self.probe, output, measured)
  signals.labels = ok and labels or nil
  if rows then signals.val_units = tensors.no_grad(units, self, output, val_output, rows) end
end

-- ---- the reference fit --------------------------------------------------------------------------

local function steps_of(self) return math.max(self.eyes.backwards, self.recorder.step) end

local function reference(self, order, unfreeze)
  if not (self.start and self.baseline) or self.loss.parts then return nil end
  local model, why = reference_fit.train(self.start, self.rows, self.loss, {
    steps = steps_of(self), batch = self.batch or self.eyes.rows_of_batch, order = order,
    clock = clock, deadline = clock() + BUDGET, unfreeze = unfreeze })
  if not model then return { why = why } end
  local function skill(rows)
    return telemetry.skill(reference_fit.losses(model, rows, self.loss), rows, self.judge,
      self.baseline, self.loss) or {}
  end
  local own = skill(self.probe)
  return { skill = own.value, losses = { own.loss }, steps = steps_of(self),
    val_skill = self.val_rows and skill(telemetry.probe_rows(self.val_rows)).value or nil }
end

-- How much better the reference did. Where the loop feeds other rows than those of the data (made
-- anew, or changed), learning these by heart is no merit: then the held-out rows count too.
local function gain(signals, found)
  local own, val = signals.skill and signals.skill.value, signals.val_skill
  if not (own and found.skill) then return nil end
  local better = found.skill - own
  if (signals.loop.rows.found or 0) < 0.5 and val and found.val_skill then
    better = math.min(better, found.val_skill - val.value)
  end
  return better
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

-- A first fit that does much better is asked for a second, in another order of the rows: the worse
-- of the two counts.
local function better_fit(self, signals, unfreeze)
  local ok, found = attempt.call(reference, self, 0, unfreeze)
  if not ok then self.eyes:failed(tostring(found)) end
  local better = ok and found and gain(signals, found)
  if not better or better <= MUCH then return better or nil, ok and found or nil end
  local again, second = attempt.call(reference, self, 1, unfreeze)
  local other = again and second and gain(signals, second)
  if not other then return better, found end
  local losses = { found.losses[1], second.losses[1] }
  if other < better then better, found = other, second end
  found.losses = losses
  return better, found
end

-- By how much a twin that the loop evaluates (an average of the weights) is behind the model.
local function twin_behind(self, skill)
  local twin = self.eyes.evaluated and self.eyes.evaluated[1]
  if not (twin and skill) then return nil end
  local own = telemetry.skill(reference_fit.losses(twin, self.probe, self.loss), self.probe,
    self.judge, self.baseline, self.loss) or {}
  return own.value and skill - own.value or nil
end

local function outside(self, signals)
  local out, skill = {}, signals.skill and signals.skill.value
  out.gain, out.reference = better_fit(self, signals)
  if has_frozen(self.model) and (skill or 1) < 0.5 then
    out.unfrozen_gain = better_fit(self, signals, true)
  end
  local last = tail(self.recorder.loss)
  local ratio = signals.loop.ratio -- a loss that is scaled or has other terms says nothing here
  if last and self.baseline and self.baseline.loss > 0 and signals.final and ratio
    and ratio > 0.8 and ratio < 1.25 then
    out.gap = (signals.final.loss - last) / self.baseline.loss
  end
  return out
end

-- A loop that applies the softmax or sigmoid itself, before a loss on probabilities: the outputs of
-- the model are its logits, and are judged as such.
local function adopt_head(self)
  local loss, between, relation = self.loss, self.seen.between, self.seen.relation
  local name = loss and (loss.name == "binary_crossentropy" and "sigmoid" or "softmax")
  if not (loss and loss.from_logits == false and not between.nothing)
    or (between[name] or 0) < HEAD_LOOKS then
    return
  end
  self.loss = loss:with { from_logits = true }
  self.eyes.named_loss, self.judge = self.loss, evaluate.judge(self.model, self.loss, {}, true)
  relation.same, relation[name] = (relation.same or 0) + (relation[name] or 0), nil
  between.nothing, between[name] = between[name], nil
  if self.start then
    self.signals.init = telemetry.measure(self.start.model, self.probe, self.judge, false)
  end
end

---Fills the signals of a watch.
---@param self lossdbg.Watch
---@param signals table
function M.measure(self, signals)
  if self.probe then adopt_head(self) end
  signals.init = self.signals.init
  signals.loop = shown.loop(self)
  signals.tests = { zero_grad = shown.clearing(self) }
  signals.contracts = self.eyes.book:report(self.contracts)
  if not self.probe then return end
  final_signals(self, signals)
  local loop = signals.loop
  shown.weights(self, loop)
  contract.ask(self.eyes, "finish", { probe = self.probe, logits = self.judge.logits })
  loop.passes_differ = self.eyes.book.broken.evaluation_repeats ~= nil
  loop.data_changed = M.digest(self.rows.source) ~= self.data_digest or nil
  local ok, law = attempt.call(loss_law.ask, self.loss, { self.start and self.start.model
    or self.model, self.model }, self.rows)
  loop.law = ok and law or nil
  local told, behind = attempt.call(twin_behind, self, signals.skill and signals.skill.value)
  loop.twin_behind = told and behind or nil
  signals.outside = outside(self, signals)
  signals.contracts = self.eyes.book:report(self.contracts)
end

return M
