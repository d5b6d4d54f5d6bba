--- What a logged name means: which measure, of which part of the data, per epoch or per step.
-- "train_loss_epoch", "Loss/train", "epoch_loss" and "Training Loss" are all the training loss.

local M = {}

local function set(words)
  local s = {}
  for word in words:gmatch "%S+" do s[word] = true end
  return s
end

local PART = {}
for word in ("val va valid validation eval evaluation dev"):gmatch "%S+" do PART[word] = "val" end
for word in ("train training trn tr"):gmatch "%S+" do PART[word] = "train" end
for word in ("test testing"):gmatch "%S+" do PART[word] = "test" end

local LEVEL = { epoch = "epoch", step = "step", batch = "step", iter = "step", iteration = "step",
  iterations = "step", minibatch = "step" }

-- Words that say how a loss was summed up, not which.
local FILLER = set "avg average mean running total cur current metrics metric set overall vs all"

local CLOCK = set [[time runtime second seconds sec secs eta elapsed timestamp wall mfu speed
  throughput flos memory mem gpu cpu hp created id pid version duration loader rank worker
  info debug warning error]]

local SAME = {
  acc = "accuracy", accuracy = "accuracy", binary_accuracy = "accuracy", top1 = "accuracy",
  categorical_accuracy = "accuracy", sparse_categorical_accuracy = "accuracy",
  accuracy_score = "accuracy", mean_squared_error = "mse", mean_absolute_error = "mae",
  r2 = "r2", r2_score = "r2", r2score = "r2", r_squared = "r2", r_2 = "r2",
  perplexity = "perplexity", ppl = "perplexity", log_loss = "logloss",
}

-- Taken for the loss where nothing is called so, best first.
M.stand_ins = { "nll", "nll_loss", "logloss", "cross_entropy", "crossentropy", "ce", "ce_loss",
  "binary_crossentropy", "binary_logloss", "multi_logloss", "objective", "cost", "mse", "mlogloss",
  "rmse", "mae", "bpc", "bpd", "error" }

local INDEX = { epoch = "epoch", epochs = "epoch", ep = "epoch", step = "step", steps = "step",
  global_step = "step", iter = "step", iteration = "step", iterations = "step", it = "step",
  batch = "step", batches = "step", current_step = "step", trainer_global_step = "step" }

-- Words of sentences about a measure: "val_loss did not improve from 0.45", "best accuracy so far".
local TELLING = set [[improve improved improves improving from than best better lowest saving saved
  patience early stopping target threshold limit scale]]

---"valLoss (avg)" -> { "val", "loss", "avg" }; "Acc@1" is the accuracy, "Acc@5" is another measure
local function words_of(raw)
  local list = {}
  local spaced = raw:gsub("@1%f[%D]", ""):gsub("@(%d+)", " at%1")
  spaced = spaced:gsub("(%l)(%u)", "%1 %2"):lower()
  for word in spaced:gmatch "[%w]+" do list[#list + 1] = word end
  return list
end

---Whether a name counts epochs or steps.
---@param raw string
---@return "epoch"|"step"|nil
function M.index(raw)
  local rest = {}
  for _, word in ipairs(words_of(raw)) do
    if not PART[word] then rest[#rest + 1] = word end
  end
  return INDEX[table.concat(rest, "_")]
end

---The part of the data that words name, such as those of a heading or of a folder.
---@param text string
---@return "train"|"val"|"test"|nil
function M.part(text)
  for _, word in ipairs(words_of(text)) do
    if PART[word] then return PART[word] end
  end
end

---Whether a name is nothing but a part of the data.
---@param raw string
---@return boolean
function M.is_part(raw)
  local words = words_of(raw)
  return #words == 1 and PART[words[1]] ~= nil
end

local RIVALS = set "d g disc discriminator gen generator actor critic policy value"

---Whether a loss is one of two that play against each other: "loss_d", "gen_loss", "policy_loss".
---@param key string
---@return boolean
function M.is_rival(key)
  local rest = {}
  for word in key:gmatch "[^_]+" do
    if word ~= "loss" then rest[#rest + 1] = word end
  end
  return #rest == 1 and RIVALS[rest[1]] ~= nil and key:find("loss", 1, true) ~= nil
end

local function is_rate(words)
  for i, word in ipairs(words) do
    if word == "lr" or (word == "learning" and words[i + 1] == "rate") then return true end
  end
  return false
end

-- The words left when part, level and filler are taken off; filler only around a bare loss.
local function split(words)
  local found, rest = {}, {}
  for _, word in ipairs(words) do
    if PART[word] and not found.part then
      found.part = PART[word]
    elseif LEVEL[word] then
      found.level = found.level or LEVEL[word]
    elseif word ~= "vs" and (word:find "%a" or #words == 1) then
      -- "evaluation_mae_vs_iterations"; "validation_0-logloss" counts its sets
      rest[#rest + 1] = word
    end
  end
  return found, rest
end

local function without_filler(words)
  local rest = {}
  for _, word in ipairs(words) do
    if not FILLER[word] then rest[#rest + 1] = word end
  end
  return rest
end

---@class lossdbg.MetricName
---@field key string "loss", "accuracy", "lr", "grad_norm" or the logged words joined by "_"
---@field part "train"|"val"|"test"
---@field level "epoch"|"step"|nil where the name tells it

---Reads a logged name; nil for clocks and counters.
---@param raw string
---@param part? "train"|"val"|"test" where the place in the log says so
---@return lossdbg.MetricName|nil
function M.read(raw, part)
  local words = words_of(raw)
  if #words == 0 or M.index(raw) then return nil end
  local found, rest = split(words)
  found.part = found.part or part or "train"
  if is_rate(words) then
    found.key = "lr"
    return found
  end
  for _, word in ipairs(rest) do
    if CLOCK[word] and not raw:lower():find "err" then return nil end
    if word == "per" then return nil end -- samples per second
  end
  local bare = without_filler(rest)
  local joined, plain = table.concat(rest, "_"), table.concat(bare, "_")
  if plain == "loss" then joined = "loss" elseif SAME[plain] then joined = plain end
  if joined:find "grad" and joined:find "norm" and not joined:find "layer" then
    joined = "grad_norm"
  end
  if joined == "" then return nil end
  found.key = SAME[joined] or joined
  return found
end

---Whether a name is worth keeping from free text, where every number has words before it.
---@param key string
---@return boolean
function M.known(key)
  for word in key:gmatch "[^_]+" do
    if TELLING[word] then return false end
  end
  return key == "loss" or key == "lr" or key == "grad_norm" or key == "accuracy"
    or key:find("loss", 1, true) ~= nil or key:find("acc", 1, true) ~= nil
    or key == "mse" or key == "mae" or key == "rmse" or key == "perplexity" or key == "f1"
    or key == "auc" or key == "r2" or key == "nll" or key == "cost" or key == "bpc" or key == "bpd"
end

return M
