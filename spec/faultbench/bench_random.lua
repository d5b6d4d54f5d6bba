--- The control of the doctor's fixes: as many random patches from the same patch space, judged by
-- the same trials. What fits no experiment or changes nothing is drawn again, so that only patches
-- that could be trained count: the control is rather too strong than too weak.
local core = require "lossdbg.core"
local trial = require "lossdbg.experiment.trial"

local M = {}

local draws = 20 -- for one patch that fits; programs of one layer have few

local function numbers(id, seed)
  local state = core.io.crc32(id) + seed * 2654435761
  return function(n) -- 1 .. n
    state = state * 6364136223846793005 + 1442695040888963407
    return (state >> 33) % n + 1
  end
end

local activations = { "linear", "relu", "leaky_relu", "elu", "selu", "gelu", "tanh", "sigmoid" }
local outputs = { "linear", "softmax", "sigmoid", "tanh", "relu" }
local initials = { "he_normal", "he_uniform", "glorot_uniform", "glorot_normal", "lecun_normal" }
local losses = { "mse", "mae", "huber", "binary_crossentropy", "categorical_crossentropy",
  "sparse_crossentropy", "hinge" }
local optimizers = { "sgd", "momentum", "rmsprop", "adam", "adagrad" }
local codes = { "index", "one_hot", "zero_one", "plus_minus_one" }
local data = { "drop_nonfinite", "drop_outlying", "fill_gaps", "match_val", "pad_front",
  "shuffle_split" }

local function hidden(options) return { layers = { kind = "dense", hidden = true,
  options = options } } end

-- Every kind of patch that a fix is made of, each as likely as the others.
local kinds = {
  function(d, draw) -- 1e-3 to 1e3 times the rate, by thirds of a decade
    local lr = d.optimizer.lr
    return { optimizer = { lr = (type(lr) == "number" and lr > 0 and lr or 1e-3)
      * 10 ^ ((draw(19) - 10) / 3) } }
  end,
  function(_, draw)
    local name = optimizers[draw(#optimizers)]
    local momentum = name == "momentum" and 0.9 or nil
    return { optimizer = { name = momentum and "sgd" or name, momentum = momentum,
      lr = 10 ^ -draw(4) } }
  end,
  function(_, draw) return { batch = 1 << draw(8) } end,
  function(d, draw) return { epochs = d.epochs << draw(3) } end,
  function(d) return { shuffle = d.shuffle == false } end,
  function(_, draw) return { init = initials[draw(#initials)] } end,
  function(_, draw) return hidden { activation = activations[draw(#activations)] } end,
  function(_, draw) return hidden { units = 4 << draw(6) } end,
  function(d, draw) -- one layer
    local layer = d.layers[draw(#d.layers)]
    return { layer = { path = layer.path,
      options = { activation = activations[draw(#activations)] } } }
  end,
  function(_, draw) return { output = { activation = outputs[draw(#outputs)] } } end,
  function(_, draw) return { output = { units = draw(10) } } end,
  function(_, draw) return { loss = losses[draw(#losses)] } end,
  function(_, draw)
    return { output = { activation = outputs[draw(#outputs)] }, loss = losses[draw(#losses)] }
  end,
  function() return { insert = { at = 1, layer = { kind = "normalization", adapt = true } } } end,
  function(d, draw) return { insert = { after = d.layers[draw(#d.layers)].path,
    layer = "batch_norm" } } end,
  function(d, draw) return { remove = { path = d.layers[draw(#d.layers)].path } } end,
  function() return { target = "standardize" } end,
  function(_, draw) return { dropout = ({ 0, 0.2, 0.5 })[draw(3)] } end,
  function(_, draw)
    return { regularizer = ({ "none", { l2 = 1e-4 }, { l2 = 1e-2 } })[draw(3)] }
  end,
  function(_, draw) return { clip_norm = ({ 0.1, 1, 10 })[draw(3)] } end,
  function() return { schedule = false } end,
  function() return { trainable = true } end,
  function(_, draw) return { labels = codes[draw(#codes)] } end,
  function(_, draw) return { data = data[draw(#data)] } end,
}

local function arm_of(bench, d, draw, part, known)
  for _ = 1, draws do
    local patch = kinds[draw(#kinds)](d, draw)
    local name = trial.name(patch)
    if not known[name] then
      known[name] = true
      local arm = bench:arm(patch, part)
      if not arm.reason then return arm end
    end
  end
end

---Tries as many random patches as a diagnosis tried fixes.
---@param experiment lossdbg.Experiment
---@param diagnosis lossdbg.Diagnosis
---@param o { id: string, seed: integer?, seeds: integer? }
---@return { arms: integer, tried: integer, first: boolean, any: boolean, patches: string[] }
function M.control(experiment, diagnosis, o)
  local n, part = 0, "train"
  for _, item in ipairs(diagnosis.trials) do
    if item.trial.seeds then n, part = n + 1, item.trial.part end
  end
  local d, draw = experiment:description(), numbers(o.id, o.seed or 0)
  local bench = trial.bench(experiment, { seeds = math.max(3, o.seeds or 3), run = diagnosis.run })
  local result, known = { arms = n, tried = 0, first = false, any = false, patches = {} }, {}
  for i = 1, n do
    local arm = arm_of(bench, d, draw, part, known)
    if not arm then break end
    local verified = bench:finish(arm).verified
    result.tried = i
    result.first = result.first or i == 1 and verified
    result.any = result.any or verified
    result.patches[i] = trial.name(arm.patch) .. (verified and " verified" or "")
  end
  return result
end

---What the doctor's own trials came to, in the same words.
---@param diagnosis lossdbg.Diagnosis
---@return { arms: integer, first: boolean, any: boolean }
function M.doctor(diagnosis)
  local n, any = 0, false
  for _, item in ipairs(diagnosis.trials) do
    if item.trial.seeds then n, any = n + 1, any or item.trial.verified end
  end
  local first = diagnosis[1] and (diagnosis[1].fixes or {})[1]
  return { arms = n, any = any, first = first and first.trial and first.trial.verified or false }
end

return M
