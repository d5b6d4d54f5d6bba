--- A training program in the small JSON form of the fault benchmark, as an experiment: Keras' names
-- and defaults, data in NPY files, and the ways in which training loops go wrong.
local attempt = require "lossdbg.support.attempt"
local data = require "lossdbg.data"
local keras_layers = require "lossdbg.interop.keras_layers"
local losses = require "lossdbg.loss"
local options = require "lossdbg.support.options"
local tensors = require "lossdbg.tensor"

local M = {}

local function fail(key, expected, value)
  error(("lossdbg: interop.keras: '%s': expected %s, got %s"):format(key, expected,
    options.show(value)), 0)
end

local function names(text)
  local list = {}
  for name in text:gmatch "%S+" do list[#list + 1] = name end
  return list
end

local known = {
  [""] = names [[schema id task data input_shape model loss optimizer loop batch_size epochs
    max_steps metrics seed]],
  data = names "x y rows val_x val_y val_rows transform val_transform labels",
  optimizer = names [[name learning_rate momentum nesterov epsilon weight_decay clipnorm schedule
    rho beta_1 beta_2 centered amsgrad clipvalue global_clipnorm initial_accumulator_value]],
  loop = names "shuffle",
  loss = names "name from_logits reduction scale clip renormalise broadcast label_smoothing delta",
}

-- Unknown keys are refused: a program that was only half understood would be another program.
local function check_keys(object, part)
  if type(object) ~= "table" then fail(part, "an object", object) end
  local allowed = {}
  for _, name in ipairs(known[part]) do allowed[name] = true end
  for key in pairs(object) do
    if not allowed[key] then
      error(("lossdbg: interop.keras: unknown key '%s'%s"):format(
        part == "" and tostring(key) or part .. "." .. tostring(key),
        options.hint(tostring(key), known[part])), 0)
    end
  end
end

-- Without nulls, at every depth of objects.
local function present(value)
  if type(value) ~= "table" then return value end
  local null, out = require("lossdbg.support.json").null, {}
  for key, item in pairs(value) do
    if item ~= null then out[key] = present(item) end
  end
  return out
end

-- ---- data --------------------------------------------------------------------------------------

local function read_array(folder, name, key)
  if type(name) ~= "string" then fail(key, "the name of a file", name) end
  local tensor, why = data.read_npy(folder .. "/" .. name)
  if not tensor then error(("lossdbg: interop.keras: '%s': %s"):format(key, why), 0) end
  if tensor.rank == 0 then fail(key, "rows", "a scalar") end
  return tensor
end

local function rows_of(tensor, range, key)
  if not range then return tensor end
  local first, last, n = range[1], range[2], tensor.shape[1]
  if math.type(first) ~= "integer" or math.type(last) ~= "integer" or first < 0 or last <= first
    or last > n then
    error(("lossdbg: interop.keras: '%s': expected [first, last) within the %d rows, got [%s, %s)")
      :format(key, n, tostring(first), tostring(last)), 0)
  end
  return tensor:slice(1, first + 1, last):contiguous()
end

local function operand(step, x, key)
  local by = step.by
  if type(by) == "table" then
    if #by ~= x.shape[#x.shape] and #by ~= 1 then
      error(("lossdbg: interop.keras: '%s.by': expected %d numbers, one per entry of the last " ..
        "axis, got %d"):format(key, x.shape[#x.shape], #by), 0)
    end
    return tensors.tensor(by, x.dtype)
  end
  if type(by) ~= "number" then fail(key .. ".by", "a number or a list of numbers", by) end
  return by
end

local transforms = {
  divide = function(x, step, key) return x / operand(step, x, key) end,
  subtract = function(x, step, key) return x - operand(step, x, key) end,
  reshape = function(x, step, key)
    if type(step.shape) ~= "table" then fail(key .. ".shape", "a list of sizes", step.shape) end
    local shape = { x.shape[1] }
    for _, n in ipairs(step.shape) do shape[#shape + 1] = n end
    local ok, y = attempt.call(x.reshape, x, shape)
    if not ok then
      error(("lossdbg: interop.keras: '%s.shape': %d values a sample do not fit [%s]"):format(key,
        x.numel // x.shape[1], table.concat(step.shape, ", ")), 0)
    end
    return y
  end,
  flatten = function(x) return x:reshape { x.shape[1], -1 } end,
}

local function transformed(x, steps, key)
  x = x.dtype == "f32" and x or x:cast "f32"
  for i, step in ipairs(steps or {}) do
    local at = ("%s[%d]"):format(key, i)
    local apply = type(step) == "table" and transforms[step.op]
    if not apply then
      fail(at .. ".op", "divide, subtract, reshape or flatten", type(step) == "table" and step.op)
    end
    x = apply(x, step, at)
  end
  return x:contiguous()
end

-- Class ids stay integers where the loss reads them as ids; everything else is fed as numbers.
local function target(y, loss)
  if loss.target == "index" then
    local flat = y.numel == y.shape[1] and y:reshape { y.shape[1] } or y
    return flat.dtype == "f32" and not flat:has_nonfinite() and flat:cast "i32"
      or flat.dtype == "i32" and flat or flat:cast "f32"
  end
  return y.dtype == "f32" and y or y:cast "f32"
end

local function part(d, prefix, folder, loss, fallback)
  local key = "data." .. prefix
  local x = transformed(rows_of(read_array(folder, d[prefix .. "x"], key .. "x"),
    d[prefix .. "rows"], key .. "rows"), d[prefix .. "transform"] or fallback, key .. "transform")
  if d[prefix .. "y"] == nil then return { x = x, y = x } end
  local y = rows_of(read_array(folder, d[prefix .. "y"], key .. "y"), d[prefix .. "rows"],
    key .. "rows")
  return { x = x, y = target(y, loss) }
end

local function check_shape(train, shape)
  if type(shape) ~= "table" then fail("input_shape", "the shape of one sample", shape) end
  local got = table.concat(train.x.shape, ", ", 2)
  if got ~= table.concat(shape, ", ") then
    error(("lossdbg: interop.keras: 'input_shape': [%s], but the data has [%s] a sample"):format(
      table.concat(shape, ", "), got), 0)
  end
end

-- ---- optimiser and loop ------------------------------------------------------------------------

local function optimizer(o)
  check_keys(o, "optimizer")
  local rate = o.learning_rate
  if type(rate) == "number" and rate < 0 then
    fail("optimizer.learning_rate", "a number >= 0", rate)
  end
  local spec = { name = o.name, lr = rate, momentum = o.momentum,
    nesterov = o.nesterov, epsilon = o.epsilon, weight_decay = o.weight_decay, rho = o.rho,
    beta1 = o.beta_1, beta2 = o.beta_2, centered = o.centered, amsgrad = o.amsgrad,
    clip_norm = o.clipnorm, clip_value = o.clipvalue, global_clip_norm = o.global_clipnorm,
    initial_accumulator = o.initial_accumulator_value }
  local s = o.schedule
  if s then
    if type(s) ~= "table" or s.name ~= "linear" then
      fail("optimizer.schedule.name", "linear", type(s) == "table" and s.name or s)
    end
    spec.lr = require("lossdbg.optim.schedule").polynomial { s.from, s.steps, end_lr = s.to }
  end
  return require("lossdbg.optim").resolve(spec, "interop.keras")
end

-- Whether rows are shuffled. What else a loop does is no matter of an experiment: it is written out
-- as a loop and watched (ld.watch).
local function shuffled(case)
  if case.loop == nil then return true end
  check_keys(case.loop, "loop")
  local given = case.loop.shuffle
  if given ~= nil and type(given) ~= "boolean" then
    fail("loop.shuffle", "true or false", given)
  end
  return given ~= false
end

local function metrics(case)
  local out = {}
  for i, m in ipairs(case.metrics or {}) do
    out[i] = type(m) == "table" and { m.name, threshold = m.threshold } or m
  end
  return #out > 0 and out or nil
end

-- The losses of the format clip probabilities at 1e-7 and are not computed from logits instead.
local function loss_of(case)
  check_keys(case.loss, "loss")
  local given = {}
  for key, value in pairs(case.loss) do given[key] = value end
  given.from_logits = given.from_logits or nil
  return losses.resolve(given, "interop.keras")
end

local labelled = { binary = true, multiclass = true, multilabel = true }
local tasks = names "binary multiclass multilabel regression autoencoder sequence"

local function task_of(case)
  if labelled[case.task] then return case.task end
  for _, name in ipairs(tasks) do
    if case.task == name or case.task == nil then return "regression" end
  end
  fail("task", table.concat(tasks, ", "), case.task)
end

--- The experiment of a program.
---@param given table decoded JSON: data, input_shape, model, loss, optimizer, batch_size, epochs, …
---@param folder string where the data files are
---@param o? { seed?: integer }
---@return lossdbg.Experiment raises a message that names the key when something is not understood
function M.experiment(given, folder, o)
  local case = present(given)
  check_keys(case, "")
  if case.schema ~= nil and case.schema ~= 1 then fail("schema", "1", case.schema) end
  check_keys(case.data, "data")
  if type(case.model) ~= "table" or #case.model == 0 then
    fail("model", "a list of layers", case.model)
  end
  local loss, model = loss_of(case), keras_layers.all(case.model)
  local train, val = part(case.data, "", folder, loss), nil
  if case.input_shape then check_shape(train, case.input_shape) end
  if case.data.val_x then
    val = part(case.data, "val_", folder, loss, case.data.transform)
  end
  local rule = optimizer(case.optimizer)
  return require("lossdbg.experiment").new {
    train = train, val = val, model = model, loss = loss, optimizer = rule,
    batch = case.batch_size, epochs = case.epochs, max_steps = case.max_steps,
    seed = o and o.seed or case.seed, shuffle = shuffled(case), metrics = metrics(case),
    name = case.id, fuse = false, task = task_of(case),
  }
end

return M
