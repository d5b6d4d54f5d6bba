--- Watch: the same measurements as fit, for training loops of one's own.
--   local watch <close> = ld.watch(model, opt, { loss = loss, data = { x, y } })
--   ... opt:step(); watch:step(l) ...
--   print(watch:diagnose())
local attempt = require "lossdbg.support.attempt"
local batch_rows = require "lossdbg.experiment.watch.batch_rows"
local contract = require "lossdbg.experiment.contract"
local closing = require "lossdbg.experiment.watch.closing"
local core = require "lossdbg.core"
local evaluate = require "lossdbg.train.evaluate"
local eyes = require "lossdbg.experiment.watch.eyes"
local fit_data = require "lossdbg.train.fit_data"
local losses = require "lossdbg.loss"
local graph_run = require "lossdbg.nn.graph_run"
local look = require "lossdbg.experiment.watch.look"
local loss_several = require "lossdbg.train.loss_set"
local models = require "lossdbg.nn.model"
local observers = require "lossdbg.support.observers"
local options = require "lossdbg.support.options"
local rates = require "lossdbg.optim.rate"
local recorder = require "lossdbg.train.recorder"
local reference_fit = require "lossdbg.experiment.watch.reference_fit"
local runs = require "lossdbg.experiment.run"
local source = require "lossdbg.support.source"
local tensors = require "lossdbg.tensor"
local upper = require "lossdbg.support.upper"

local M = {}

local schema = options.declare "watch" {
  { name = "loss", type = "string|table|function", doc = "the loss of the loop" },
  { name = "data", type = "table", doc = "training data: a data set or { x, y }" },
  { name = "val", type = "table", doc = "validation data" },
  { name = "batch", type = "integer", min = 1, doc = "rows per step, when they are not told" },
  { name = "name", type = "string",
    doc = "for reports" },
  { name = "contracts", type = "table", doc = "of one's own: { ld.contract { … }, … }" },
}

---@class lossdbg.Watch
---@field model lossdbg.Model
---@field optimizer table
---@field grad_norm number|nil of the last step that was seen
---@field recorder lossdbg.Recorder
local Watch = { __name = "lossdbg.watch" }
Watch.__index = Watch

-- The probes feed the rows of the data set itself, not what a loop makes of its batches.
local function check_rows(model, rows, name)
  if model.plan then return graph_run.check_input(model, rows.x, models.shape_cause) end
  local given, wanted = table.move(rows.x.shape, 2, rows.x.rank, 1, {}), model.input_shape
  local same = #given == #wanted
  for i = 1, #given do same = same and given[i] == wanted[i] end
  if same then return end
  error(("lossdbg: watch: argument '%s': expected rows of shape [%s], as the model takes them, got "
    .. "[%s] (if the loop changes its batches, give the data set with :map)"):format(name,
    table.concat(wanted, ", "), table.concat(given, ", ")), source.level())
end

-- Data in the form the probes compute with; nil when loss or data were not given.
local function prepare(self, given)
  if not given.loss then return end
  local keys = loss_several.keys(self.model.description)
  local loss = keys and loss_several.resolve(given.loss, nil, keys, "watch")
    or losses.resolve(given.loss, "watch")
  if given.data then
    local rows = fit_data.read(given.data, "data")
    local model = self.model
    check_rows(model, rows, "data")
    loss = fit_data.loss_for(loss, model, rows)
    self.rows = { x = fit_data.as(rows.x, model.dtype), n = rows.n, source = rows,
      y = fit_data.target(loss, rows.y, model.output_shape, model.dtype, "data") }
    if given.val then
      local val = fit_data.read(given.val, "val")
      check_rows(model, val, "val")
      self.val_rows = { x = fit_data.as(val.x, model.dtype), n = val.n,
        y = fit_data.target(loss, val.y, model.output_shape, model.dtype, "val") }
    end
    self.baseline = require("lossdbg.train.baseline").of(loss, self.rows.y,
      model.output_shape[#model.output_shape])
  end
  self.loss = loss
end

-- ---- the watch ---------------------------------------------------------------------------------

local function begin(self, checked)
  prepare(self, checked)
  self.first_lr = self.optimizer.lr
  self.batch_rows = batch_rows.new(self.rows, self.model.dtype)
  if not self.rows then return end
  local telemetry = require "lossdbg.train.telemetry"
  self.probe = telemetry.probe_rows(self.rows)
  self.judge = evaluate.judge(self.model, self.loss, {}, true)
  self.signals.init = telemetry.measure(self.model, self.probe, self.judge, false)
  if self.baseline then
    self.signals.baseline, self.signals.baseline_name = self.baseline.loss, self.baseline.name
  end
  self.start = reference_fit.start(self.model, self.optimizer)
  if self.start then
    local first = {}
    for name, tensor in self.start.model:parameters() do first[name] = tensor:detach() end
    self.eyes.first = first
  end
  self.data_digest = closing.digest(self.rows.source)
  self.data_rows, self.eyes.data, self.eyes.named_loss = self.rows.n, self.rows, self.loss
  contract.ask(self.eyes, "begin")
end

---Watches a training loop of one's own; `watch:diagnose()` tells what it saw.
---@param model lossdbg.Model
---@param optimizer table made by ld.optim for this model
---@param given? { loss: any, data: any, val: any, batch: integer, name: string }
---@return lossdbg.Watch
function M.new(model, optimizer, given)
  if not models.is_model(model) then
    options.fail("watch", "model", "a built model", model, "call :build { features } first",
      source.level())
  elseif type(optimizer) ~= "table" or type(optimizer.step) ~= "function" then
    options.fail("watch", "optimizer", "an optimiser of this model", optimizer,
      "ld.optim.sgd { model, lr = 0.1 }", source.level())
  end
  local checked = options.check("watch", given, schema, source.level())
  local self = setmetatable({ model = model, optimizer = optimizer, batch = checked.batch,
    name = checked.name, recorder = recorder.new(recorder.parameters(model)), signals = {},
    source = source.here(), eyes = eyes.new(model, optimizer), seen = look.new(),
    contracts = contract.check_list(checked.contracts, "watch") }, Watch)
  self.core = self.recorder.core
  observers.quietly(begin, self, checked)
  observers.add(self.eyes)
  core.plan.rate_changed()
  return self
end

local function loss_number(loss)
  if type(loss) == "number" then return loss end
  if options.is_tensor(loss) and loss.numel == 1 then return loss:item() end
  options.fail("watch:step", "loss", "the loss of this step: a scalar tensor or a number", loss,
    nil, source.level())
end

-- The rate of a number or a formula; a function of the user's is not asked by us.
local function rate_of(optimizer)
  local rate = rawget(optimizer, "rate")
  if not rate then return optimizer.lr end
  if rate.value then return rate.value end
  if not rates.is_pure(rate) then return rawget(optimizer, "last_lr") end
  return rates.current(rate, math.max(optimizer.iterations - 1, 0))
end

-- What the optimisers of this step did, by parameter: the one that was named, and any other that
-- moved weights of the model.
local function statistics(self)
  local stepped = self.eyes.now.stepped
  if not stepped then return self.optimizer.stats or {}, rate_of(self.optimizer) end
  if #stepped == 1 then return self.eyes:statistics(stepped[1]), rate_of(stepped[1]) end
  local all = {}
  for _, optimizer in ipairs(stepped) do
    for name, row in pairs(self.eyes:statistics(optimizer)) do all[name] = row end
  end
  return all, rate_of(stepped[1])
end

-- The loss of this step is in hand: what it shows is computed now, outside of any plan.
local function observe(self, value)
  local own = self.eyes
  local now = own.now
  if own.looking then
    look.step(self, value)
  elseif now.x then
    self.batch_rows:glance(now.x, own.at)
  end
end

local function end_step(self)
  local own = self.eyes
  own.at = own.at + 1
  local awake = look.awake(own.at + 1)
  own:next_step(look.wanted(own.at + 1), awake)
  own.wakes = awake and own.at + 1 or look.wakes(own.at + 1)
  if own.looking then core.plan.rate_changed() end -- plans ask before their next replay
end

-- What only a step that was seen can tell.
local function take_up(self, value)
  local ok, message = attempt.call(observers.quietly, tensors.no_grad, observe, self, value)
  if not ok then self.eyes:failed(tostring(message)) end
  if #self.eyes.ops > 0 then attempt.call(observers.quietly, look.ops, self.eyes) end
end

local function is_finite(value) return value == value and math.abs(value) < math.huge end

---Takes up one step; call it after `opt:step()`.
---@param loss userdata|number
---@return lossdbg.Watch self
function Watch:step(loss)
  if self.closed then error("lossdbg: watch:step: the watch is closed", source.level()) end
  local value, record, signals, bad = loss_number(loss), self.recorder, self.signals, nil
  local finite, own = is_finite(value), self.eyes
  if own.asleep and finite and own.at + 2 < own.wakes then -- nothing was seen, nothing will be
    self.core:add(value, rate_of(self.optimizer), false)
    self.loss_value, own.at = value, own.at + 1
    return self
  end
  if own.looking or own.now.x then take_up(self, value) end
  if not own.asleep or not finite then
    bad = record:add(value, statistics(self))
    self.grad_norm = record:last "grad_norm"
  else
    record:add(value, nil, rate_of(self.optimizer))
  end
  self.loss_value = value
  if not signals.nonfinite and not finite then
    signals.nonfinite = { step = record.step, what = "loss" }
  elseif not signals.nonfinite and bad then
    signals.nonfinite = { step = record.step, what = "gradient", layer = bad,
      line = self.model:layer(bad).source }
  end
  end_step(self)
  return self
end

---Ends the watch; it can still be diagnosed.
function Watch:close()
  observers.remove(self.eyes)
  self.eyes:close()
  self.closed = true
end

Watch.__close = Watch.close

local function description(self)
  local described = require("lossdbg.train.describe").model(self.model)
  described.loss = self.loss and self.loss:describe() or nil
  described.optimizer = require("lossdbg.optim").describe(self.optimizer)
  described.batch, described.name = self.batch, self.name
  described.n_train, described.n_val = self.rows and self.rows.n, self.val_rows and self.val_rows.n
  if self.rows then
    local infer = require("lossdbg.train.task").infer
    described.task = infer({ train_rows = self.rows.source }, self.loss, self.model, self.rows.y)
    if self.batch then described.steps_per_epoch = math.ceil(self.rows.n / self.batch) end
  end
  return described
end

---The run so far, in the form of what fit returns: steps, signals and a description; without
---history per epoch, which a watch does not know.
---@return lossdbg.Run
function Watch:run()
  local record, signals = self.recorder, {}
  for key, value in pairs(self.signals) do signals[key] = value end
  signals.layers, signals.grad_norm, signals.loss = record:signals(), record.grad_norm, record.loss
  signals.steps = record.step
  observers.quietly(closing.measure, self, signals)
  local described = description(self)
  local loop = signals.loop
  local paired = (loop.relation.broadcast or 0) >= 3 and not loop.relation.same
  if described.loss and (paired or (loop.law or {}).broadcast) then
    described.loss.broadcast = true
  end
  return runs.new {
    description = described, history = {}, n_epochs = 0, n_steps = record.step,
    steps = { loss = record.loss, grad_norm = record.grad_norm, lr = record.lr,
      update_ratio = record.update_ratio },
    signals = signals, stopped = "completed", model = self.model, seed = self.model.seed,
    name = self.name,
  }
end

---Looks for the cause of a loss that does not fall.
---@param given? table see lossdbg.diagnose
---@return table diagnosis
function Watch:diagnose(given)
  return upper.diagnose.watched(self, given)
end

function Watch:__tostring()
  local record = self.recorder
  return ("watch: %d steps, loss %s, gradient norm %s"):format(record.step,
    tostring(self.loss_value), tostring(self.grad_norm))
end

return M
