--- The planned steps of fit: a step is captured per number of rows and phase of the optimiser, and
-- then replayed, many steps in one call where nobody asks for each of them. What cannot be planned
-- runs eagerly, and session.plan.reason says why.
local captured = require "lossdbg.train.captured"
local core = require "lossdbg.core"
local evaluate = require "lossdbg.train.evaluate"
local inputs = require "lossdbg.data.inputs"
local rates = require "lossdbg.optim.rate"
local reads = require "lossdbg.tensor.reads"
local steps = require "lossdbg.train.step"
local tensors = require "lossdbg.tensor"

local plan, fit = core.plan, core.fit

local M = {}

-- Steps in one call.
local STEPS_AT_ONCE = 256

---@class lossdbg.PlannedSteps
---@field reason string|nil why steps run eagerly
---@field replayed integer steps that were replayed
local Planned = {}
Planned.__index = Planned

-- What a step of fit reads besides its rows.
local function roots_of(session)
  local roots = {}
  for i, layer in ipairs(session.model.list) do
    roots[i] = { name = ("layer '%s'"):format(layer.path), value = layer }
  end
  roots[#roots + 1] = { name = "the model", value = session.model }
  roots[#roots + 1] = { name = "the loss", value = session.judge.loss }
  roots[#roots + 1] = { name = "the optimiser", value = session.optimizer }
  return roots
end

-- A function that is not of the library may do something else in every step, and nobody has asked
-- for a plan.
local function foreign(walk)
  return walk.foreign and ("a function of Lua takes part: %s"):format(walk.foreign)
end

local function refusal(session)
  if session.eager then return "plan = false" end
  if not tensors.is_tensor(inputs.list(session.prepared.train.x)[1]) then return "no tensors" end
  return foreign(reads.collect(roots_of(session)))
end

---@param session lossdbg.Session
---@param fn fun(x: any, y: any, weight: any): ... one step
---@return lossdbg.PlannedSteps
function M.new(session, fn)
  local number = {}
  for i, name in ipairs(session.recorder.names) do number[name] = i end
  local reason = refusal(session)
  local step = steps.step(fn, {
    optimizers = { session.optimizer },
    roots = function() return roots_of(session) end,
    foreign = foreign,
    counts = function() return not session.broken end,
    on_plan = function(entry)
      local taped = session.optimizer.taped
      entry.due, entry.places = taped.due, {}
      for i, one in ipairs(taped.active) do entry.places[i] = number[one.name] end
    end,
  })
  return setmetatable({ session = session, step = step, replayed = 0, reason = reason,
    fixed = reason ~= nil }, Planned)
end

-- ---- batches ------------------------------------------------------------------------------------

local function sources(rows, ordered)
  local list, shuffled = {}, {}
  for _, part in ipairs { rows.x, rows.y, rows.weight } do
    for _, tensor in ipairs(inputs.list(part)) do
      list[#list + 1], shuffled[#list + 1] = tensor, ordered
    end
  end
  return list, shuffled
end

-- Batches that keep their place: what is shuffled is gathered into them.
local function batches_for(entry, list, shuffled, size)
  if entry.batches then return entry.batches end
  local made = {}
  for i, tensor in ipairs(list) do
    local shape = tensor.shape
    shape[1] = size
    made[i] = shuffled[i] and core.tensor.full(shape, 0, tensor.dtype) or false
  end
  entry.batches = made
  return made
end

-- ---- capturing ----------------------------------------------------------------------------------

---Runs one step eagerly; where it may become a plan, it is written down.
---@param size integer rows
---@return userdata total
---@return userdata data
function Planned:capture(size, x, y, weight)
  local step = self.step
  if self.fixed or plan.mode() then return step.fn(x, y, weight) end
  local entry = captured.entry(step, size .. " rows")
  if not entry or entry.plan or entry.reason then return step.fn(x, y, weight) end
  local given = inputs.list(x)
  table.move(inputs.list(y), 1, #inputs.list(y), #given + 1, given)
  if weight then given[#given + 1] = weight end
  for _, tensor in ipairs(given) do
    if tensor.requires_grad then return step.fn(x, y, weight) end
  end
  return captured.capture(step, entry, self.session.step, given, x, y, weight)
end

-- ---- replaying ----------------------------------------------------------------------------------

-- The scores that the loop counts with the rows of the targets, so that nobody must look at each
-- step for the metrics; nil: some metric cannot be counted so.
local function scores_for(session, entry, target)
  local judge, list = session.judge, {}
  if judge.scale or judge.crossed or session.output_keys or not tensors.is_tensor(target) then
    return nil
  end
  if #judge.metrics == 0 then return list end
  if not entry.output then entry.output = fit.result(entry.plan, 3) end -- for its shape
  local logits = judge.logits ~= nil or judge.loss.from_logits == true
  for i, metric in ipairs(judge.metrics) do
    local as_it_is = metric.takes_logits or judge.plain or not judge.logits
    list[i] = as_it_is and metric.tally
      and metric:tally(entry.output, target, metric.takes_logits and logits) or nil
    if not list[i] then return nil end
  end
  return list
end

-- How many steps may run before somebody wants to look.
local function steps_wanted(session, first, rows, counted)
  if session.on_step or not counted then return 1 end
  for _, item in ipairs(session.callbacks) do
    if item.on_step_end then return 1 end
  end
  local n = math.min((rows.n - first + 1) // session.recipe.batch, STEPS_AT_ONCE)
  if session.progress then n = math.min(n, 8) end
  if session.max_steps then n = math.min(n, session.max_steps - session.step + 1) end
  return n
end

local function learning_rates(optimizer, n)
  local rate = optimizer.rate
  local lr = rates.current(rate, optimizer.iterations)
  if not rate.schedule then return lr end
  local list = { lr }
  for i = 2, n do list[i] = rates.current(rate, optimizer.iterations + i - 1) end
  return lr, tensors.tensor(list, "f64"), list[n]
end

---Replays steps from row `first` on, as many as may run in one go.
---@param first integer
---@param last integer of the first batch
---@param order userdata|nil
---@return table|nil result { done, loss, nonfinite, bad_layer }; nil: run the next step eagerly
function Planned:run(first, last, order)
  local session = self.session
  if self.fixed or plan.mode() then return nil end
  local size = last - first + 1
  local entry = captured.entry(self.step, size .. " rows")
  self.reason = entry and entry.reason or self.replayed == 0 and self.step.reason or nil
  if not entry or not entry.plan or not plan.ready(entry.plan) then return nil end
  local rows, optimizer, totals = session.prepared.train, session.optimizer, session.totals
  local list, shuffled = sources(rows, order ~= nil)
  local batches, target = batches_for(entry, list, shuffled, size), #inputs.list(rows.x) + 1
  local scores = scores_for(session, entry, batches[target] or inputs.slice(rows.y, first, last))
  local n = size == session.recipe.batch and steps_wanted(session, first, rows, scores) or 1
  local o = optimizer.options
  if n > 1 and (optimizer:phase() ~= "" or not rates.is_pure(optimizer.rate)) then n = 1 end
  local lr, lrs, last_lr = learning_rates(optimizer, n)
  local given = { rows = list, batches = batches, order = order,
    first = first - 1, batch = size, n = n, step = session.step, lr = lr, lrs = lrs,
    places = entry.places, due = entry.due, total = totals.loss, data_total = totals.data,
    clipped = (o.clip_value or o.clip_norm or o.global_clip_norm) ~= nil,
    measured = session.telemetry ~= false, target = target,
    scores = scores and #scores > 0 and scores or nil }
  entry.given = given
  local done, loss, total, data, bad, stopped = fit.steps(entry.plan, session.recorder.core, given)
  totals.loss, totals.data = total, data
  totals.n = totals.n + size * (done + (stopped and 1 or 0))
  totals.has_penalty = session.penalised
  self.replayed = self.replayed + done
  session.lr = last_lr or lr
  return { done = done, loss = loss, bad = bad and session.recorder.order[bad], entry = entry,
    size = size, stopped = stopped, counted = scores ~= nil }
end

---Goes on with the step whose loss was not finite.
---@param result table
function Planned:resume(result)
  local given, totals = result.entry.given, self.session.totals
  given.resume, given.n, given.loss = true, 1, result.loss
  given.first, given.lr = given.first + result.done * given.batch, self.session.lr
  given.lrs, given.total, given.data_total = nil, totals.loss, totals.data
  local _, _, _, _, bad = fit.steps(result.entry.plan, self.session.recorder.core, given)
  return bad and self.session.recorder.order[bad]
end

---Leaves that step as it is: nothing was updated.
---@param result table
function Planned:abandon(result) fit.abandon(result.entry.plan) end

---The metrics of the step that was replayed last.
---@param result table
---@param first integer
---@param order userdata|nil
function Planned:metrics(result, first, order)
  local session = self.session
  if result.counted then return end
  local _, y = require("lossdbg.train.fit_data").batch(session.prepared.train, order, first,
    first + result.size - 1)
  local output, keys = {}, session.output_keys
  for i, key in ipairs(keys or {}) do output[key] = fit.result(result.entry.plan, 2 + i) end
  if not keys then output = fit.result(result.entry.plan, 3) end
  evaluate.update_metrics(session.judge, output, y)
end

return M
