--- Telemetry: what a model does on a fixed set of rows (the probe), measured at the start and at
-- the end of a training. Used by fit, by watches and by the diagnosis.
local baselines = require "lossdbg.train.baseline"
local core = require "lossdbg.core"
local inputs = require "lossdbg.data.inputs"
local recorder = require "lossdbg.train.recorder"
local stats = require "lossdbg.train.probe_stats"
local task_skill = require "lossdbg.train.task_skill"
local tensors = require "lossdbg.tensor"

local M = {}

local probe_size = 512

---Up to 512 rows, the same for every seed, spread over the whole set (files may be sorted).
---@param rows { x: userdata, y: userdata, n: integer }
---@return { x: userdata, y: userdata, n: integer }
function M.probe_rows(rows)
  if rows.n <= probe_size then return { x = rows.x, y = rows.y, n = rows.n } end
  local ids = tensors.zeros(rows.n, "i32")
  core.random.permutation(ids, 0, core.random.stream("probe", 0, 0))
  ids = ids:slice(1, 1, probe_size):contiguous()
  return { x = inputs.take(rows.x, ids), y = inputs.take(rows.y, ids), n = probe_size }
end

-- One forward pass; `visit` sees every layer's input to the activation and output. `probe` tells
-- layers with moving statistics to leave them alone, even in training mode.
local function forward(model, rows, judge, visit, training, batch_statistics)
  local context = { training = training, logits = judge.logits, tap = visit, step = 0,
    probe = true, batch_statistics = batch_statistics }
  local output = model:forward(rows.x, context)
  local values = judge.loss:compute(output, rows.y)
  if judge.loss.scale ~= 1 then values = values:mul(judge.loss.scale) end
  return output, values
end

local function gradients(model, rows, judge, layers)
  if model:count(true) == 0 then return end
  for _, parameter in ipairs(recorder.parameters(model)) do parameter.tensor.grad = nil end
  local _, values = forward(model, rows, judge)
  local loss = values.rank > 0 and values:mean() or values
  if not loss.requires_grad then return end
  loss:backward()
  for _, layer in ipairs(model.list) do
    local list, n = {}, 0
    for _, parameter in ipairs(layer.parameters) do
      if parameter.tensor.grad then
        list[#list + 1], n = parameter.tensor.grad, n + parameter.tensor.numel
      end
      parameter.tensor.grad = nil
    end
    if n > 0 then layers[layer.path].grad_rms = core.train.global_norm(list) / math.sqrt(n) end
  end
end

---Measures a model on rows: loss, outputs, activations and weights of every layer.
---@param model lossdbg.Model
---@param rows { x: userdata, y: userdata }
---@param judge lossdbg.Judge
---@param with_gradients? boolean also the gradient of the loss (one backward pass)
---@return table signals { loss, logit_std, output, layers }
---@return userdata losses per sample
---@return userdata|table output
function M.measure(model, rows, judge, with_gradients)
  local layers, last_z = {}, nil
  for _, layer in ipairs(model.list) do layers[layer.path] = stats.weights(layer) end
  local output, values = tensors.no_grad(forward, model, rows, judge, function(layer, when, tensor)
    if when == "before" then
      last_z = tensor
      layers[layer.path].z_mean_sq = stats.mean_square(tensor)
    else
      local shown = tensor
      if layer == judge.logits then
        shown = tensors.no_grad(layer.activation.apply, tensor)
      end
      stats.activations(layers[layer.path], layer, shown)
    end
  end)
  if judge.logits then output = tensors.no_grad(judge.logits.activation.apply, output) end
  if with_gradients then gradients(model, rows, judge, layers) end
  local loss = values.rank > 0 and tensors.no_grad(values.mean, values):item() or values:item()
  local probabilities = judge.logits ~= nil
    or (judge.loss.family == "probability" and not judge.loss.from_logits)
  local one = type(output) == "userdata"
  return { loss = loss, logit_std = one and stats.std(last_z or output) or nil,
    output = one and stats.output(output, judge.loss, probabilities) or nil,
    layers = layers }, values, output
end

---P2, predict the mean: losses per sample against those of the best constant answer, paired. What
---no answer could be rid of (the entropy of soft targets) is taken off both.
---@param values userdata losses per sample
---@param rows { y: userdata, n: integer }
---@param judge lossdbg.Judge
---@param baseline lossdbg.Baseline|nil
---@param plain_loss lossdbg.Loss the loss that the baseline was made for
---@return table|nil skill { value, verdict, t, n, loss, baseline }
function M.skill(values, rows, judge, baseline, plain_loss)
  if not baseline or values.rank == 0 then return nil end
  local ours = values
  if ours.rank > 1 then
    ours = tensors.no_grad(function() return ours:reshape({ ours.shape[1], -1 }):mean(2) end)
  end
  local base = baselines.per_sample(baseline, plain_loss, rows.y)
  local classes = baseline.answer and baseline.answer.numel or 1
  local least = task_skill.floor(plain_loss, rows.y, classes)
  ours = ours:detach():cast "f64"
  if not least or least.numel ~= ours.numel then return stats.skill(ours, base) end
  local skill = tensors.no_grad(function()
    return stats.skill(ours:reshape({ ours.numel }):sub(least), base:sub(least))
  end)
  skill.floor = tensors.no_grad(least.mean, least):item()
  skill.loss, skill.baseline = skill.loss + skill.floor, skill.baseline + skill.floor
  return skill
end

---Fills signals.task_skill from predictions on training and, where there are, validation rows.
---@param signals table
---@param loss lossdbg.Loss
---@param output userdata|table of the training rows
---@param rows { y: userdata }
---@param val_output? userdata|table
---@param val_rows? { y: userdata }
function M.task(signals, loss, output, rows, val_output, val_rows)
  local train = task_skill.of(output, rows.y, loss)
  local val = val_output and task_skill.of(val_output, val_rows.y, loss)
  if not (train or val) then return end
  local shown = train or val
  signals.task_skill = { train = train and train.value, val = val and val.value,
    train_rows = train and train.rows, val_rows = val and val.rows, measure = shown.measure,
    accuracy = train and train.accuracy, majority = train and train.majority }
end

-- How much of the loss is penalty, and how hard it pulls.
local function penalty_signals(session, rows)
  if not session.penalised then return nil end
  local history = session.run.history
  local loss, data = history.loss[#history.loss], (history.data_loss or {})[#history.loss]
  local result = { share = loss and data and loss ~= 0 and (loss - data) / loss or nil }
  local model, list = session.model, {}
  local function norm(make)
    for _, parameter in ipairs(session.held) do parameter.tensor.grad = nil end
    local value = make()
    if not (value and value.requires_grad) then return 0 end
    value:backward()
    list = {}
    for _, parameter in ipairs(session.held) do
      if parameter.tensor.grad then list[#list + 1] = parameter.tensor.grad end
      parameter.tensor.grad = nil
    end
    return core.train.global_norm(list)
  end
  local ours = norm(function() return model:penalty() end)
  local data_norm = norm(function()
    local _, values = forward(model, rows, session.judge)
    return values.rank > 0 and values:mean() or values
  end)
  result.ratio = data_norm > 0 and ours / data_norm or nil
  result.norm, result.data_norm = ours, data_norm
  return result
end

---Fills run.signals before the first step.
---@param session lossdbg.Session
function M.at_start(session)
  local prepared, signals = session.prepared, session.run.signals
  session.probe = M.probe_rows(prepared.train)
  signals.init = M.measure(session.model, session.probe, session.judge, true)
  if prepared.baseline then
    signals.baseline, signals.baseline_name = prepared.baseline.loss, prepared.baseline.name
  end
end

-- Loss of the probe with dropout at work: what the training loss would be on the same rows.
local function training_loss(session)
  local _, values = tensors.no_grad(forward, session.model, session.probe, session.judge, nil, true)
  return tensors.no_grad(values.mean, values):item()
end

-- Loss of the probe in evaluation, but for the statistics of the batch instead of the moving ones:
-- what lies between the two is their lag. nil without batch normalisation.
local function batch_statistics_loss(session)
  local lags = false
  for _, layer in ipairs(session.model.list) do lags = lags or layer.kind == "batch_norm" end
  if not lags then return nil end
  local _, values = tensors.no_grad(forward, session.model, session.probe, session.judge, nil,
    false, true)
  return tensors.no_grad(values.mean, values):item()
end

---Fills run.signals after the last step.
---@param session lossdbg.Session
function M.at_end(session)
  local prepared, signals, judge = session.prepared, session.run.signals, session.judge
  local values, output
  signals.final, values, output = M.measure(session.model, session.probe, judge, true)
  signals.final.train_mode_loss = training_loss(session)
  signals.final.batch_statistics_loss = batch_statistics_loss(session)
  signals.skill = M.skill(values, session.probe, judge, prepared.baseline, prepared.loss)
  signals.floor = signals.skill and signals.skill.floor
  local rows = prepared.val and M.probe_rows(prepared.val)
  local val_output, losses
  if rows then
    val_output, losses = tensors.no_grad(forward, session.model, rows, judge)
    signals.val_skill = M.skill(losses, rows, judge, prepared.baseline, prepared.loss)
    if judge.logits then
      val_output = tensors.no_grad(judge.logits.activation.apply, val_output)
    end
  end
  M.task(signals, prepared.loss, output, session.probe, val_output, rows)
  signals.penalty = penalty_signals(session, session.probe)
end

return M
