--- One step of training: forward, loss, backward, update, and what the step did.
local attempt = require "lossdbg.support.attempt"
local core = require "lossdbg.core"
local evaluate = require "lossdbg.train.evaluate"
local fit_data = require "lossdbg.train.fit_data"
local optim = require "lossdbg.optim"
local planned = require "lossdbg.train.planned"
local recorder = require "lossdbg.train.recorder"

local M = {}

local scope = core.autograd.scope

-- The layers whose outputs are measured in every step: those that compute.
local function observed(session)
  local paths = {}
  if session.telemetry == false then return paths end
  for _, layer in ipairs(session.model.list) do
    if #layer.parameters > 0 or layer.activation then paths[#paths + 1] = layer.path end
  end
  return paths
end

---Makes the optimiser, the recorder and the context of a session.
---@param session lossdbg.Session
function M.prepare(session)
  local recipe, model = session.recipe, session.model
  session.held = recorder.parameters(model, true)
  session.optimizer = optim.bind(recipe.optimizer, session.held, {
    schedule = recipe.schedule, clip_norm = recipe.clip_norm, clip_value = recipe.clip_value,
    global_clip_norm = recipe.global_clip_norm,
  })
  session.context = { training = true, logits = session.judge.logits }
  local penalised = false
  for _, layer in ipairs(model.list) do
    penalised = penalised or layer.options.activity_regularizer ~= nil
    for _, parameter in ipairs(layer.parameters) do
      penalised = penalised or parameter.regularizer ~= nil
    end
  end
  session.penalised = penalised
  if penalised then
    session.context.activity = function(layer, output)
      local term = layer.options.activity_regularizer(output):mul(1 / output.shape[1])
      session.activity = session.activity and session.activity:add(term) or term
    end
  end
  session.recorder = recorder.new(recorder.parameters(model), observed(session))
  if session.telemetry ~= false then
    local number, core_record = {}, session.recorder.core
    for i, path in ipairs(session.recorder.outputs) do number[path] = i end
    session.context.see = function(layer, output)
      local i = number[layer.path]
      if i and core.tensor.is_tensor(output) then core_record:see(i, output) end
    end
  end
end

-- Forward pass: the loss to descend, the loss on the data alone, the outputs.
local function forward(session, x, y, weight)
  local judge, context = session.judge, session.context
  context.step, session.activity = session.step, nil
  local output = session.model:forward(x, context)
  scope "loss"
  local loss = judge.loss
  local values = loss:compute(output, y)
  if loss.scale ~= 1 then values = values:mul(loss.scale) end
  local data = loss:reduce(values, weight)
  if data.rank > 0 then data = data:mean() end
  if not session.penalised then return data, data, output end
  local total, penalty = data, session.model:penalty()
  if penalty then total = total:add(penalty) end
  if session.activity then total = total:add(session.activity) end
  return total, data, output
end

-- ---- the first value that is not a finite number ------------------------------------------------

local function rows_of_batch(session, positions)
  local order, rows = session.order, {}
  for i, position in ipairs(positions) do
    local place = session.first + position - 1
    rows[i] = order and order[place] + 1 or place
  end
  return rows
end

local function bad_weight(session)
  for _, parameter in ipairs(session.held) do
    if parameter.tensor:has_nonfinite() then return parameter end
  end
end

-- Repeats the forward pass with every op checked.
local function search(session, x, y, weight)
  local bad = fit_data.nonfinite_rows(x, 10)
  if #bad > 0 then return { what = "input", rows = rows_of_batch(session, bad) } end
  bad = fit_data.nonfinite_rows(y, 10)
  if #bad > 0 then return { what = "target", rows = rows_of_batch(session, bad) } end
  local parameter = bad_weight(session)
  if parameter then return { what = "weight", layer = parameter.path } end
  core.autograd.check_finite(true)
  session.context.probe = true -- statistics that layers keep must not move twice
  local ok, message = pcall(forward, session, x, y, weight)
  session.context.probe = nil
  local first = core.autograd.check_finite(false)
  if not ok and attempt.is_fatal(message) then error(message, 0) end
  if not first then return { what = "loss" } end
  return { what = "loss", op = first.op, layer = first.layer, line = first.line,
    shape = first.shape }
end

-- Whether ops in this layer are called by lines of the user's own: those are named then.
local function runs_lua_code(layer)
  local fn = layer.kind == "lambda" and layer.options.fn
  return type(fn) == "function" and debug ~= nil and debug.getinfo(fn, "S").what == "Lua"
end

local function note_nonfinite(session, found)
  if session.run.signals.nonfinite then return end
  found.step = session.step
  if found.layer and found.layer ~= "loss" then
    local ok, layer = attempt.call(session.model.layer, session.model, found.layer)
    if ok and not (found.line and runs_lua_code(layer)) then
      found.line = layer.source or found.line
    end
  end
  session.run.signals.nonfinite = found
end

local function finite(x) return x == x and x ~= math.huge and x ~= -math.huge end

-- ---- the step -----------------------------------------------------------------------------------

local function update(session, total)
  local optimizer = session.optimizer
  optimizer:zero_grad()
  total:backward()
  optimizer:step()
  session.lr = optimizer.last_lr
end

-- Forward, backward and update. Its results are the loss with penalties, the loss on the data, and
-- what metrics look at.
local function make_step(session)
  local function results(total, data, output)
    if #session.judge.metrics == 0 then return total, data end
    if core.tensor.is_tensor(output) then return total, data, output end
    session.output_keys = session.output_keys or {}
    local keys, list = session.output_keys, {}
    if #keys == 0 then
      for key in pairs(output) do keys[#keys + 1] = key end
      table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
    end
    for i, key in ipairs(keys) do list[i] = output[key] end
    return total, data, table.unpack(list)
  end
  return function(x, y, weight)
    local total, data, output = forward(session, x, y, weight)
    local loss = core.fit.mark(total)
    session.output, session.broken = output, not finite(loss)
    if session.broken then
      note_nonfinite(session, search(session, x, y, weight))
      if session.recipe.terminate_on_nan then return total, data end
    end
    if total.requires_grad then update(session, total) end
    return results(total, data, output)
  end
end

---Makes the steps of a session.
---@param session lossdbg.Session
function M.plan(session) session.plan = planned.new(session, make_step(session)) end

local function add_totals(session, loss, data_loss, n)
  local totals = session.totals
  totals.loss, totals.data, totals.n = totals.loss + loss * n, totals.data + data_loss * n,
    totals.n + n
  totals.has_penalty = session.penalised
end

local function note_bad(session, path)
  if path then note_nonfinite(session, { what = "gradient", layer = path }) end
end

-- One step as it is written.
local function eager(session, first, last, order)
  local x, y, weight = fit_data.batch(session.prepared.train, order, first, last)
  session.lr = nil
  local total, data = session.plan:capture(last - first + 1, x, y, weight)
  session.lr = session.lr or session.optimizer.lr
  local loss = total:item()
  add_totals(session, loss, rawequal(total, data) and loss or data:item(), last - first + 1)
  evaluate.update_metrics(session.judge, session.output, y)
  session.output = nil
  local stopped = session.broken and session.recipe.terminate_on_nan
  local measured = not stopped and total.requires_grad and session.telemetry ~= false
  note_bad(session, session.recorder:add(loss, measured and session.optimizer.stats or nil,
    session.lr))
  return loss, x, y
end

-- The step whose loss was not finite stands before its update.
local function not_finite(session, result, first, order)
  local size = result.size
  local from = first + result.done * size
  session.first, session.last = from, from + size - 1
  session.step = session.step + result.done
  local x, y, weight = fit_data.batch(session.prepared.train, order, session.first, session.last)
  note_nonfinite(session, search(session, x, y, weight))
  if session.recipe.terminate_on_nan then
    session.plan:abandon(result)
    session.recorder:add(result.loss, nil, session.lr)
  else
    note_bad(session, session.plan:resume(result))
  end
  return result.done + 1
end

---Makes one step, or several where they are planned and nobody looks at each of them.
---@param session lossdbg.Session step and rows of the first; of the last when it returns
---@param order userdata|nil
---@return integer done
---@return number loss with penalties, of the last
---@return userdata|nil x of the last, where it was made
---@return userdata|nil y
function M.run(session, order)
  local first, last = session.first, session.last
  local result = session.plan:run(first, last, order)
  if not result then
    local loss, x, y = eager(session, first, last, order)
    return 1, loss, x, y
  end
  local done = result.done
  if result.stopped then
    done = not_finite(session, result, first, order)
  else
    session.step = session.step + done - 1
    note_bad(session, result.bad)
  end
  local size = result.size
  session.first, session.last = first + (done - 1) * size, first + done * size - 1
  session.plan:metrics(result, session.first, order)
  return done, result.loss
end

---Lets schedules that watch the epoch's result act.
---@param session lossdbg.Session
---@param logs table<string, number>
function M.end_of_epoch(session, logs)
  session.optimizer:epoch(logs)
end

return M
