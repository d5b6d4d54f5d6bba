--- Sound programs of our own, with choices that people make: set of data, model, and what differs
-- from its base. Nothing here is wrong, some of it is odd.
local ld = require "lossdbg"
local data = require "spec.suites.suite_data"

local nn, optim = ld.nn, ld.optim
local dense = nn.dense

local M = {}

local function head(k) return dense { k, k == 1 and "sigmoid" or "softmax" } end

-- name = { set, loss, layers behind the hidden ones, epochs, task skill that is there }
local BASES = {
  groups = { "sparse_crossentropy", function() return head(3) end, 30, 0.9 },
  disc = { "binary_crossentropy", function() return head(1) end, 50, 0.75 },
  rare = { "binary_crossentropy", function() return head(1) end, 25, 0.5 },
  noisy = { "binary_crossentropy", function() return head(1) end, 25, 0.4 },
  surface = { "mse", function() return dense(1) end, 50, 0.85 },
  weak = { "mse", function() return dense(1) end, 30, 0.25 },
  questions = { "binary_crossentropy", function() return dense { 3, "sigmoid" } end, 40, 0.7 },
  counts = { "poisson", function() return dense { 1, "exponential" } end, 40, 0.2 },
  lowrank = { "mse", function() return dense(8) end, 60, 0.85 },
  bars = { "sparse_crossentropy", function() return head(2) end, 30, 0.8 },
  series = { "binary_crossentropy", function() return head(1) end, 25, 0.7 },
  words = { "binary_crossentropy", function() return head(1) end, 40, 0.7 },
}

local function relu(n, more)
  local o = more or {}
  o[1], o[2] = n, o[2] or "relu"
  return dense(o)
end

local hidden = {
  groups = function() return { relu(24) } end, disc = function() return { relu(24) } end,
  rare = function() return { relu(16) } end, noisy = function() return { relu(12) } end,
  surface = function() return { relu(32), relu(16) } end,
  weak = function() return {} end, questions = function() return { relu(32) } end,
  counts = function() return { relu(16) } end, lowrank = function() return { dense(4) } end,
  bars = function() return { nn.conv2d { 8, 3, "relu" }, nn.flatten() } end,
  series = function() return { nn.flatten(), relu(24) } end,
  words = function() return { nn.embedding { 20, 8 }, nn.global_avg_pool1d() } end,
}

-- { set, name, layers(), settings }; layers nil: those of the base.
local ROWS = {}
local function row(set, name, layers, settings)
  ROWS[#ROWS + 1] = { set = set, name = name, layers = layers, settings = settings or {} }
end

local function each(sets, name, layers, settings)
  for set in sets:gmatch "%S+" do
    row(set, name, layers, type(settings) == "function" and settings(set) or settings)
  end
end

local everything = "groups disc rare noisy surface weak questions counts lowrank bars series words"
each(everything, "as usual")
each("groups disc surface noisy", "momentum", nil, function()
  return { optimizer = optim.sgd { lr = 0.05, momentum = 0.9 } } end)
each("groups disc surface", "rmsprop", nil, function()
  return { optimizer = optim.rmsprop { lr = 5e-3 } } end)
each("groups disc surface questions", "tanh", function()
  return { relu(24, { nil, "tanh" }), relu(24, { nil, "tanh" }) } end)
each("groups disc surface", "elu", function() return { relu(24, { nil, "elu" }) } end)
each("disc groups", "sigmoid in the middle", function() return { relu(24, { nil, "sigmoid" }) } end,
  function() return { epochs = 100, optimizer = optim.adam { lr = 0.03 } } end)
each("groups disc surface", "no bias in the middle", function()
  return { relu(32, { bias = false }), relu(16) } end)
each("groups surface disc", "deep", function()
  return { relu(24), relu(24), relu(24), relu(24) } end)
each("groups disc surface", "dropout that works", function()
  return { relu(64), nn.dropout(0.4) } end, { epochs = 80 })
each("groups disc bars", "batch norm", function() return { relu(24), nn.batch_norm() } end)
each("groups surface", "layer norm", function() return { relu(24), nn.layer_norm() } end)
each("groups disc surface", "a little weight decay", function()
  return { relu(32, { kernel_regularizer = { l2 = 1e-4 } }) } end)
each("groups disc weak", "tiny batches", nil, function()
  return { batch = 4, epochs = 40, optimizer = optim.sgd { lr = 0.03 } } end)
each("groups disc surface weak", "the whole set a step", nil, function()
  return { batch = 400, epochs = 250 } end)
each("groups noisy", "smoothed labels", nil, function(set)
  return { loss = ld.loss[set == "groups" and "sparse_crossentropy" or "binary_crossentropy"] {
    label_smoothing = 0.1 } } end)
each("rare", "balanced weights", nil, { class_weight = { [0] = 0.56, [1] = 5 } })
each("groups disc surface weak", "warm-up and cosine", nil, function(set)
  return { optimizer = optim.adam { lr = ld.schedule.cosine { 1e-4, 300, warmup_steps = 60,
    warmup_target = 0.02 } }, epochs = set == "weak" and 30 or 50 } end)
each("groups disc surface", "stops early", nil, { epochs = 200,
  early_stopping = { monitor = "val_loss", patience = 10 } })
each("groups noisy rare weak", "no hidden layer", function() return {} end,
  function() return { optimizer = optim.adam { lr = 0.05 } } end)
each("disc groups", "frozen random features", function()
  return { relu(128, { trainable = false }) } end, { epochs = 200 })
each("surface weak", "absolute distances", nil, { loss = "mae" })
each("surface weak", "standardised targets", nil, { target = "standardize" })
each("disc noisy rare", "logits", function() return { relu(16), dense(1) } end,
  function() return { bare = true, loss = ld.loss.binary_crossentropy { from_logits = true } } end)
each("groups bars", "logits of classes", function()
  return { nn.flatten(), relu(24), dense(3) } end, function() return { bare = true,
    loss = ld.loss.sparse_crossentropy { from_logits = true } } end)
each("lowrank", "a wide code", function() return { relu(16), dense(6) } end)
each("series", "recurrent", function() return { nn.gru(12) } end, { epochs = 40 })
each("series", "convolution over time", function()
  return { nn.conv1d { 8, 3, "relu" }, nn.flatten(), relu(12) } end)
each("words", "dense behind the words", function()
  return { nn.embedding { 20, 8 }, nn.flatten(), relu(16) } end)
each("bars", "dense on pictures", function() return { nn.flatten(), relu(32) } end)
each("groups disc surface rare", "a big step in a small net", nil, function()
  return { optimizer = optim.adam { lr = 0.05 } } end)

--- The programs, in order.
---@return { set: string, name: string }[]
function M.list() return ROWS end

--- An experiment.
---@param one table of the list
---@param seed integer of data and training
---@return lossdbg.Experiment
---@return number skill that a sound run reaches on its training rows
function M.make(one, seed)
  local base = BASES[one.set]
  local train, val = data.draw(one.set, seed)
  local layers = (one.layers or hidden[one.set])()
  if one.set == "bars" and one.layers and not one.settings.bare then
    table.insert(layers, 1, nn.flatten())
  end
  if not one.settings.bare then layers[#layers + 1] = base[2]() end
  local given = { train = train, val = val, model = nn.sequential(layers), loss = base[1],
    epochs = base[3], batch = 32, seed = seed, optimizer = optim.adam { lr = 0.01 } }
  for key, value in pairs(one.settings) do
    if key ~= "bare" then given[key] = value end
  end
  return ld.experiment(given), base[4]
end

return M
