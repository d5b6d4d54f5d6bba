--- What all workloads share: a description becomes data, a model and a training step.
-- A workload is a table
--   id, title   "W2", "MLP 784-128-10, batch 32"
--   batch       samples a step
--   optimizer   { kind = "adam", lr = 1e-3, ... }, always with PyTorch's formulas
--   loss        as in an experiment; class ids are targets of logits
--   tolerance   how far loss_last of two systems may be apart, relative
--   inputs(ld)  -> x, y                      the same numbers in every process: drawn from a seed
--   model(nn)   -> description, shape of a sample
--   build(ld)   -> parameters { { name, tensor } }, forward(x): where there is no model of layers
--   products    { transpose a, transpose b, m, n, k, count }, the matrix products of one step
-- In front of a step, the loss has seen nothing but the seed, so that loss_first and loss_last can
-- be compared between systems.
local M = {}

-- Bytes that an update must move per parameter: reads and writes of weight, gradient and slots.
M.update_bytes = { sgd = 12, adam = 28, adamw = 28 }
-- Bytes that stay in use: what decides which cache serves them.
M.update_space = { sgd = 8, adam = 16, adamw = 16 }

---Class ids 0..n-1 as i32.
function M.classes(ld, shape, n)
  return (ld.rand(shape) * n):floor():clip(0, n - 1):cast "i32"
end

local function optimizer(ld, workload, parameters)
  local given = { parameters, flavor = "torch" }
  for key, value in pairs(workload.optimizer) do
    if key ~= "kind" then given[key] = value end
  end
  return ld.optim[workload.optimizer.kind](given)
end

-- Layers as users write them.
local function model_of(ld, workload)
  local description, shape = workload.model(ld.nn)
  local model = description:build(shape, { seed = 1 })
  local parameters = {}
  for name, tensor in model:parameters() do
    parameters[#parameters + 1] = { name = name, tensor = tensor }
  end
  return parameters, function(x) return model(x, { training = true }) end, model
end

---Data, parameters and one step of training.
---@param ld table lossdbg
---@param workload table
---@return { step: fun(): userdata, x: any, y: userdata, parameters: table[], model: table|nil }
function M.prepare(ld, workload)
  ld.seed(1)
  local x, y = workload.inputs(ld)
  local make = workload.build or function() return model_of(ld, workload) end
  local parameters, forward, model = make(ld)
  local opt = optimizer(ld, workload, model or parameters)
  local loss = ld.loss[workload.loss.name](workload.loss.options)
  local function step()
    local value = loss(forward(x), y)
    opt:zero_grad()
    value:backward()
    opt:step()
    return value
  end
  return { step = step, x = x, y = y, parameters = parameters, model = model }
end

return M
