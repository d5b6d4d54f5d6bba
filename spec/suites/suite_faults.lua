--- Mutation operators: each makes one fault in a sound program. Name, the sets it is for, causes
-- that are right (the fault itself first), and what it changes, through the interface that users
-- have.
local inputs = require "lossdbg.data.inputs"
local ld = require "lossdbg"

local nn, optim = ld.nn, ld.optim
local dense = nn.dense

local M = {}

local LIST = {}
local function fault(name, sets, causes, change)
  LIST[#LIST + 1] = { name = name, sets = sets, causes = causes, change = change }
end

local function with(patch)
  return function(e) return e:with(type(patch) == "function" and patch() or patch) end
end

-- Other rows of the same program: change(x, y) -> x, y for both parts.
local function rows(change, only)
  return function(e)
    local patch = {}
    for _, part in ipairs { "train", "val" } do
      local r = e.recipe[part .. "_rows"]
      local x, y = r.x, r.y
      if not only or only == part then x, y = change(x, y, r.n) end
      patch[part] = { x, y }
    end
    return e:with(patch)
  end
end

local function sgd(lr, momentum)
  return with(function() return { optimizer = optim.sgd { lr = lr, momentum = momentum } } end)
end

local function model(layers)
  return with(function() return { model = nn.sequential(layers()) } end)
end

local function both(first, second) return function(e) return second(first(e)) end end

local tables = "groups disc surface noisy weak"
local classes = "groups disc rare"
local real = "surface weak"

-- ---- the step ----------------------------------------------------------------------------------
fault("a rate a thousand times too high", "groups disc surface", { "lr_too_high",
  "exploding_gradient", "dying_relu" }, sgd(100))
fault("a rate of ten", "groups disc bars", { "lr_too_high", "dying_relu", "exploding_gradient" },
  with(function() return { optimizer = optim.adam { lr = 10 } } end))
fault("momentum 0.99 at a high rate", "surface disc weak", { "lr_too_high", "wrong_optimizer",
  "exploding_gradient" }, sgd(1, 0.99))
fault("a rate far too low", "groups disc surface noisy bars series", { "lr_too_low",
  "too_few_epochs" }, sgd(1e-5))
fault("Adam at 1e-6", "groups surface bars words", { "lr_too_low", "too_few_epochs" },
  with(function() return { optimizer = optim.adam { lr = 1e-6 } } end))
fault("a rate of zero", "groups surface", { "lr_too_low" }, sgd(0))
fault("a schedule that halves the rate every step", "groups disc surface", { "lr_too_low" },
  with(function()
    return { optimizer = optim.sgd { lr = ld.schedule.exponential { 0.1, 1, 0.5 } } }
  end))
fault("one epoch", "groups disc surface words", { "too_few_epochs", "lr_too_low" },
  with { epochs = 1 })
fault("clipping that leaves nothing", "groups surface", { "lr_too_low", "gradient_clipped_away",
  "vanishing_gradient" }, both(sgd(0.05), with { clip_norm = 1e-6 }))
fault("an epsilon of a thousand", "groups surface", { "adam_epsilon_too_small", "lr_too_low",
  "wrong_optimizer" }, with(function()
  return { optimizer = optim.adam { lr = 0.01, epsilon = 1000 } } end))
fault("the sum of the losses, at a rate for their mean", "surface weak", { "loss_sum_reduction",
  "lr_too_high", "exploding_gradient" }, both(sgd(0.1), with(function()
  return { loss = ld.loss.mse { reduction = "sum" } } end)))

-- ---- data --------------------------------------------------------------------------------------
fault("inputs in thousandths of their unit", tables, { "unnormalised_inputs", "lr_too_high",
  "dying_relu", "exploding_gradient" }, both(sgd(0.05), rows(function(x, y)
  return x:mul(1000), y end)))
fault("one column in another unit", tables, { "unnormalised_inputs", "lr_too_high" },
  both(sgd(0.05), rows(function(x, y)
    local factors = {}
    for j = 1, x.shape[2] do factors[j] = j == 1 and 1e5 or 1 end
    return x:mul(ld.tensor { factors }), y
  end)))
fault("inputs far from zero", "groups disc surface", { "unnormalised_inputs", "dying_relu",
  "lr_too_high" }, both(sgd(0.05), rows(function(x, y) return x:add(500), y end)))
fault("inputs that are all the same", classes .. " surface", { "constant_inputs" },
  rows(function(x, y) return x:mul(0), y end))
fault("a gap in the inputs", "groups surface bars", { "nan_in_data" }, rows(function(x, y)
  x = x:clone()
  if x.rank == 2 then x:set(0 / 0, 7, 1) else x:set(0 / 0, 7, 1, 1, 1) end
  return x, y
end, "train"))
fault("targets of other rows", "groups disc surface bars series", { "misaligned_labels",
  "uninformative_labels" }, rows(function(x, y, n)
  local ids = {}
  for i = 1, n do ids[i] = (i * 89 + 17) % n end
  return x, inputs.take(y:contiguous(), ld.tensor(ids, "i32"))
end))
fault("targets without inputs", "groups disc", { "uninformative_labels", "misaligned_labels" },
  rows(function(x, y, n)
    local ids = {}
    for i = 1, n do ids[i] = (i * i * 7 + 3 * i) % (y:max():item() + 1) // 1 | 0 end
    return x, ld.tensor(ids, "i32")
  end))
fault("targets that are all the same", "surface", { "constant_target" }, rows(function(x, y)
  return x, y:mul(0):add(3) end))
fault("targets in hundred thousands", "surface weak", { "unscaled_targets", "lr_too_high",
  "lr_too_low" }, both(sgd(0.05), rows(function(x, y) return x, y:mul(1e5) end)))
fault("targets far from zero", "surface weak", { "unscaled_targets", "lr_too_low",
  "too_few_epochs" }, rows(function(x, y) return x, y:add(1e4) end))
fault("validation rows in another unit", "groups disc surface noisy",
  { "inconsistent_test_preprocessing" }, rows(function(x, y) return x:mul(40), y end, "val"))

-- ---- head and loss -----------------------------------------------------------------------------
fault("one softmax unit", "disc noisy rare", { "softmax_single_unit" },
  with { output = { activation = "softmax" } })
fault("a rectified output for real targets", real, { "wrong_output_activation",
  "output_range_mismatch", "dying_relu" }, with { output = { activation = "relu" } })
fault("a sigmoid for real targets", real, { "output_range_mismatch", "wrong_output_activation" },
  with { output = { activation = "sigmoid" } })
fault("rectified scores of classes", "groups bars", { "wrong_output_activation", "dying_relu",
  "missing_output_activation" }, with { output = { activation = "relu" } })
fault("scores where probabilities are asked for", "groups bars", { "missing_output_activation",
  "wrong_loss" }, with { output = { activation = "linear" } })
fault("tanh where probabilities are asked for", "disc rare", { "wrong_output_activation",
  "output_range_mismatch" }, with { output = { activation = "tanh" } })
fault("softmax twice", "groups bars", { "double_softmax" }, with(function()
  return { loss = ld.loss.sparse_crossentropy { from_logits = true }, fuse = false } end))
fault("squared error of class numbers", "groups", { "wrong_loss", "wrong_output_units",
  "wrong_output_activation" }, function(e)
  return e:with { model = nn.sequential { dense { 24, "relu" }, dense { 1, "sigmoid" } },
    loss = "mse" } end)

-- ---- architecture, initialisation, regularisation ----------------------------------------------
fault("a softmax in the middle", "disc surface groups", { "softmax_hidden_activation",
  "saturating_hidden_activation", "lr_too_low" }, function(e)
  return e:with { layers = { kind = "dense", hidden = true,
    options = { activation = "softmax" } } } end)
fault("all weights zero", "groups disc surface", { "symmetric_init", "bad_init_scale" },
  with { init = "zeros" })
fault("weights fifty times too large", "groups disc surface", { "bad_init_scale", "lr_too_high",
  "dying_relu", "saturating_hidden_activation" }, both(sgd(0.01), with(function()
  return { init = { "random_normal", stddev = 20 } } end)))
fault("weights of a millionth", "disc surface groups", { "bad_init_scale", "symmetric_init",
  "lr_too_low" }, both(sgd(0.05), with(function()
  return { init = { "random_normal", stddev = 1e-6 } } end)))
fault("units that can only be dead", "groups disc surface", { "dying_relu", "bad_init_scale" },
  with { bias_init = -100 })
fault("a penalty that governs", "groups disc surface noisy", { "over_regularisation" },
  with { regularizer = { l2 = 5 } })
fault("a decay that governs", "groups surface", { "over_regularisation" }, with(function()
  return { optimizer = optim.sgd { lr = 0.05, weight_decay = 5 } } end))
fault("nearly all dropped", "groups disc surface", { "dropout_misuse" }, function(e)
  return e:with { insert = { at = 2, layer = { kind = "dropout", rate = 0.97 } } } end)
fault("the answers dropped", "groups disc", { "dropout_misuse" }, function(e)
  return e:with { insert = { at = 3, layer = { kind = "dropout", rate = 0.6 } } } end)
fault("one hidden unit", "disc surface", { "too_few_units", "missing_nonlinearity" }, function(e)
  return e:with { layers = { kind = "dense", hidden = true, options = { units = 1 } } } end)
fault("linear layers for a curved border", "disc", { "missing_nonlinearity", "too_few_units" },
  model(function() return { dense(24), dense(24), dense { 1, "sigmoid" } } end))
fault("twelve layers of sigmoids", "groups disc surface", { "saturating_hidden_activation",
  "vanishing_gradient" }, function(e)
  local layers = {}
  for i = 1, 12 do layers[i] = dense { 16, "sigmoid" } end
  local last = e:description().layers
  layers[13] = dense { last[#last].output_shape[1], last[#last].activation }
  return e:with { model = nn.sequential(layers) }
end)
fault("everything frozen", "groups surface", { "frozen_parameters",
  "parameters_not_in_optimizer" }, with { trainable = false })
fault("learnt by heart", "noisy", { "overfitting", "missing_regularisation", "too_few_epochs" },
  function(e)
    local r = e.recipe.train_rows
    return e:with { train = { r.x:slice(1, 1, 40), r.y:slice(1, 1, 40) }, epochs = 400,
      model = nn.sequential { dense { 256, "relu" }, dense { 256, "relu" },
        dense { 1, "sigmoid" } } }
  end)

--- All operators.
---@return { name: string, sets: string, causes: string[], change: fun(e): lossdbg.Experiment }[]
function M.list() return LIST end

return M
