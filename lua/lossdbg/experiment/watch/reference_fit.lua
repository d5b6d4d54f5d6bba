--- The reference fit: a copy of the model and the optimiser as they were when the watch began,
-- trained on the data for as many steps. Where it ends far better than the loop did, the loop does
-- something else than train this model on this data; what, is for others to say.
local attempt = require "lossdbg.support.attempt"
local evaluate = require "lossdbg.train.evaluate"
local inputs = require "lossdbg.data.inputs"
local fit_data = require "lossdbg.train.fit_data"
local optimizers = require "lossdbg.optim.optimizer"
local tensors = require "lossdbg.tensor"

local M = {}

local DEFAULT_BATCH, MOST_STEPS = 32, 4000

---What the fit starts from: copies, so that the loop may go on.
---@param model lossdbg.Model
---@param optimizer table
---@return table|nil start nil when the optimiser cannot be copied
function M.start(model, optimizer)
  if not optimizers.is_optimizer(optimizer) then return nil end
  local made = optimizer:clone()
  made.lr = optimizer.lr
  local start = { model = model:clone(), optimizer = made, iterations = optimizer.iterations }
  if optimizer.list and optimizer.iterations > 0 then start.state = optimizer:state() end
  return start
end

local function attach(start, model)
  local optimizer = start.optimizer:clone()
  optimizer.lr = start.optimizer.lr
  optimizer:attach(model)
  if start.state then attempt.call(optimizer.load_state, optimizer, start.state) end
  return optimizer
end

-- One step like that of a plain loop.
local function make_step(model, optimizer, judge)
  local context = { training = true, logits = judge.logits }
  local keeping = {}
  for _, layer in ipairs(model.list) do
    if layer.options.stateful then keeping[#keeping + 1] = layer end
  end
  return function(x, y)
    for _, layer in ipairs(keeping) do layer.memory = nil end -- rows come in another order
    local values = judge.loss:compute(model:forward(x, context), y)
    if judge.loss.scale ~= 1 then values = values:mul(judge.loss.scale) end
    local loss = judge.loss:reduce(values)
    if loss.rank > 0 then loss = loss:mean() end
    optimizer:zero_grad()
    loss:backward()
    optimizer:step()
    return loss
  end
end

---Trains the copy.
---@param start table from M.start
---@param rows { x: any, y: any, n: integer }
---@param loss lossdbg.Loss
---@param o { steps: integer, batch: integer|nil, order: integer, clock: fun(): number,
---  deadline: number, unfreeze: boolean|nil } order: seed of the rows' order
---@return lossdbg.Model|nil model trained; nil when there was no time for all steps
---@return string|nil why
function M.train(start, rows, loss, o)
  local model = start.model:clone()
  if o.unfreeze then model:unfreeze() end
  if model:count(true) == 0 then return nil, "nothing is trainable" end
  local optimizer, judge = attach(start, model), evaluate.judge(model, loss, {}, true)
  local batch = math.min(o.batch or DEFAULT_BATCH, rows.n)
  if o.steps > MOST_STEPS then return nil, ("more than %d steps"):format(MOST_STEPS) end
  local step = require("lossdbg.train.step").new(make_step(model, optimizer, judge))
  local done, epoch = 0, 0
  while done < o.steps do
    local order = fit_data.order(rows.n, o.order, epoch)
    for first = 1, rows.n, batch do
      local last = math.min(first + batch - 1, rows.n)
      if done == o.steps or (last - first + 1 < batch and rows.n > batch) then break end
      local ids = order:slice(1, first, last)
      local value = step(inputs.take(rows.x, ids), inputs.take(rows.y, ids))
      done = done + 1
      if done % 64 == 0 then
        if o.clock() > o.deadline then return nil, "no time for all its steps" end
        if not (math.abs(value:item()) < math.huge) then return nil, "it diverged" end
      end
    end
    epoch = epoch + 1
  end
  return model
end

---Mean loss per sample of a model on rows in evaluation, as a tensor.
---@return userdata
function M.losses(model, rows, loss)
  local judge = evaluate.judge(model, loss, {}, true)
  return tensors.no_grad(function()
    local values = judge.loss:compute(model:forward(rows.x, { logits = judge.logits }), rows.y)
    return judge.loss.scale ~= 1 and values:mul(judge.loss.scale) or values
  end)
end

return M
