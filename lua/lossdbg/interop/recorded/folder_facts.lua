--- What lies beside a log and tells what its levels mean: the labels in y.npy, the output layer and
-- the loss in a model that Keras wrote. Nothing is trained; what cannot be read is left unknown.
local core = require "lossdbg.core"
local json = require "lossdbg.support.json"
local read_file = require "lossdbg.data.read_file"

local M = {}

local MOST_CLASSES = 1000

local function shares(counts, total)
  local prior = {}
  for i, n in ipairs(counts) do prior[i] = n / total end
  return prior
end

-- Whole numbers from 0 (or 1) on, each class met: labels. Else nil.
local function count_labels(values)
  local counts, lo, hi = {}, math.huge, -math.huge
  for _, v in ipairs(values) do
    if v ~= math.floor(v) or v < 0 or v > MOST_CLASSES then return nil end
    lo, hi = math.min(lo, v), math.max(hi, v)
    counts[v] = (counts[v] or 0) + 1
  end
  if lo > 1 or hi - lo < 1 then return nil end
  local list = {}
  for v = math.tointeger(lo), math.tointeger(hi) do list[#list + 1] = counts[v] or 0 end
  return list
end

local function moments(facts, values)
  local n, sum = #values, 0
  for _, v in ipairs(values) do sum = sum + v end
  local mean = sum / n
  local squares, raw, absolute = 0, 0, 0
  for _, v in ipairs(values) do
    squares, raw, absolute = squares + (v - mean) ^ 2, raw + v * v, absolute + math.abs(v)
  end
  local sorted = table.move(values, 1, n, 1, {})
  table.sort(sorted)
  local median, deviation = sorted[(n + 1) // 2], 0
  for _, v in ipairs(values) do deviation = deviation + math.abs(v - median) end
  facts.variance, facts.mean_square = squares / n, raw / n
  facts.mean_deviation, facts.mean_absolute = deviation / n, absolute / n
end

-- One-hot rows count their ones.
local function one_hot(rows)
  local counts = {}
  for k = 1, #rows[1] do counts[k] = 0 end
  for _, row in ipairs(rows) do
    local at
    for k, v in ipairs(row) do
      if v == 1 and not at then at = k elseif v ~= 0 then return nil end
    end
    if not at then return nil end
    counts[at] = counts[at] + 1
  end
  return counts
end

local function flat(rows)
  local values = {}
  for i, row in ipairs(rows) do
    values[i] = type(row) == "table" and row[1] or row
  end
  return values
end

local function finite(values)
  for _, v in ipairs(values) do
    if type(v) ~= "number" or v ~= v or v == math.huge or v == -math.huge then return false end
  end
  return true
end

---Facts of targets.
---@param facts lossdbg.CurveFacts
---@param bytes string of an NPY file
function M.targets(facts, bytes)
  local y = core.io.npy(bytes, "f64")
  if not y or y.rank == 0 or y.rank > 2 or #y < 2 then return end
  local rows = y:totable()
  local counts
  if y.rank == 2 and y.shape[2] > 1 then
    counts = one_hot(rows)
  else
    rows = flat(rows)
    if not finite(rows) then return end
    counts = facts.family ~= "squared" and facts.family ~= "absolute" and count_labels(rows)
    if not counts or facts.family == nil then moments(facts, rows) end
  end
  if counts then
    facts.prior = shares(counts, #y)
    facts.classes = facts.classes or #counts
    if #counts == 2 then facts.positive = facts.prior[2] end
  end
end

local function name_of(value)
  if type(value) == "string" then return value end
  if type(value) ~= "table" then return nil end
  local config = value.config
  return type(config) == "table" and config.name or type(config) == "string" and config
    or type(value.class_name) == "string" and value.class_name or nil
end

local function family_of(loss)
  if loss:find "binary" then return "binary" end
  if loss:find "cross" then return "cross_entropy" end
  if loss:find "squared_error" or loss == "mse" then return "squared" end
  if loss:find "absolute_error" or loss == "mae" then return "absolute" end
end

-- The last layer with units or an activation tells the output.
local function output_of(facts, config)
  local layers = type(config) == "table" and config.layers
  for i = type(layers) == "table" and #layers or 0, 1, -1 do
    local c = type(layers[i]) == "table" and layers[i].config
    if type(c) == "table" then
      local activation = name_of(c.activation)
      if not facts.activation and activation then facts.activation = activation end
      if math.type(c.units) == "integer" then
        facts.units = c.units
        return
      end
    end
  end
end

---Facts of a model that Keras wrote.
---@param facts lossdbg.CurveFacts
---@param text string JSON
function M.model(facts, text)
  local model = json.decode(text)
  if type(model) ~= "table" then return end
  output_of(facts, model.config)
  local compiled = model.compile_config
  local loss = type(compiled) == "table" and name_of(compiled.loss)
  if loss then
    facts.loss, facts.family = loss, family_of(loss)
  end
  if facts.family == "cross_entropy" and facts.units and facts.units > 1 then
    facts.classes = facts.units
  end
  local optimizer = type(compiled) == "table" and compiled.optimizer
  local config = type(optimizer) == "table" and optimizer.config
  if type(config) == "table" and type(config.learning_rate) == "number" then
    facts.lr = config.learning_rate
  end
end

local function config_in(bytes)
  for _, member in ipairs(core.io.zip(bytes) or {}) do
    if member.name == "config.json" and member.method == 0 then
      return bytes:sub(member.offset, member.offset + member.size - 1)
    end
  end
end

local function look_for_nan(facts, name, bytes)
  local t = core.io.npy(bytes, "f64")
  if t then facts.nonfinite_data = facts.nonfinite_data or (t:has_nonfinite() and name) end
end

---Facts from the files beside a log.
---@param paths string[]
---@return lossdbg.CurveFacts
function M.read(paths)
  local facts, by_name = {}, {}
  for _, path in ipairs(paths) do by_name[path:match "[^/]+$"] = path end
  local model = by_name["model.json"] or by_name["config.json"]
  local text = model and read_file(model)
  if not text and by_name["model.keras"] then
    local bytes = read_file(by_name["model.keras"])
    text = bytes and config_in(bytes)
  end
  if text then M.model(facts, text) end
  for _, name in ipairs { "x.npy", "x_train.npy", "y.npy", "y_train.npy" } do
    local bytes = by_name[name] and read_file(by_name[name])
    if bytes then
      look_for_nan(facts, name, bytes)
      if name:sub(1, 1) == "y" then M.targets(facts, bytes) end
    end
  end
  return facts
end

return M
