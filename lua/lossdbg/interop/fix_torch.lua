--- Patches as code of PyTorch: lines on `model`, `optimizer`, `criterion`, the tensors `x`, `y`
-- and, where they belong into the loop, what to write between which lines. One row a kind of patch.
local fix_torch_layers = require "lossdbg.interop.fix_torch_layers"
local literal = require "lossdbg.interop.fix_literal"

local python = literal.python
local rows = {}

-- ---- optimiser ----------------------------------------------------------------------------------

local optimizers = { sgd = "SGD", adam = "Adam", adamw = "AdamW", rmsprop = "RMSprop",
  adagrad = "Adagrad", adadelta = "Adadelta", adamax = "Adamax", nadam = "NAdam", radam = "RAdam",
  adafactor = "Adafactor" }
local names = { lr = "lr", learning_rate = "lr", epsilon = "eps", momentum = "momentum",
  nesterov = "nesterov", weight_decay = "weight_decay", amsgrad = "amsgrad", centered = "centered" }
local no_eps = { sgd = true }

local function set_groups(key, value)
  return ("for group in optimizer.param_groups:\n    group[%s] = %s"):format(python(key), value)
end

function rows.optimizer(value, c)
  if type(value) == "string" then value = { name = value } end
  local name = value.name or value[1]
  if name then
    if not optimizers[name] then return "# PyTorch has no optimiser " .. name end
    local given = {}
    for key, one in pairs(value) do given[key] = one end
    if no_eps[name] then given.epsilon = nil end
    given.lr = given.lr or given.learning_rate or c.description.optimizer.lr
    given.learning_rate = nil
    local arguments = literal.arguments(given, names)
    if value.rho and name == "rmsprop" then arguments = arguments .. ", alpha=" .. value.rho end
    return ("optimizer = torch.optim.%s(model.parameters(), %s)"):format(optimizers[name],
      arguments)
  end
  local lines = {}
  for key, one in pairs(value) do
    if names[key] then lines[#lines + 1] = set_groups(names[key], python(one)) end
  end
  table.sort(lines)
  return table.concat(lines, "\n")
end

-- Clipping stands between backward and step; a hook puts it there without touching the loop.
local function before_step(code)
  return ("optimizer.register_step_pre_hook(lambda *_: %s)"):format(code)
end

function rows.clip_norm(value)
  if not value then return "# leave out what clips the gradients" end
  return before_step(("[torch.nn.utils.clip_grad_norm_(p, %s) for p in model.parameters()] " ..
    "and None"):format(python(value)))
end

function rows.global_clip_norm(value)
  return before_step(("[torch.nn.utils.clip_grad_norm_(model.parameters(), %s)] and None"):format(
    python(value)))
end

function rows.clip_value(value)
  return before_step(("torch.nn.utils.clip_grad_value_(model.parameters(), %s)"):format(
    python(value)))
end

local schedules = { exponential = "ExponentialLR(optimizer, %s)",
  cosine = "CosineAnnealingLR(optimizer, %s)" }

function rows.schedule(value, c)
  if value == false then
    return "# leave out scheduler.step()\n" .. set_groups("lr", python(c.description.optimizer.lr))
  end
  if type(value) == "number" then return set_groups("lr", python(value)) end
  local name = type(value) == "table" and (value.name or value[1])
  local form = schedules[name]
  if not form then return "# a schedule of Lua: use one of torch.optim.lr_scheduler" end
  local number = name == "cosine" and value.steps
    or (value.rate or 0.9) ^ (1 / (value.steps or 1))
  return ("scheduler = torch.optim.lr_scheduler.%s\n# behind optimizer.step(): scheduler.step()")
    :format(form:format(python(number)))
end

-- ---- loss ---------------------------------------------------------------------------------------

local losses = { mse = "MSELoss", mae = "L1Loss", huber = "HuberLoss", kl = "KLDivLoss",
  poisson = "PoissonNLLLoss", hinge = "HingeEmbeddingLoss" }

local function smoothing(given)
  local s = given.label_smoothing
  return s and s ~= 0 and "label_smoothing=" .. python(s) or ""
end

local function criterion(name, given)
  if name == "sparse_crossentropy" or name == "categorical_crossentropy" then
    if given.from_logits then return ("torch.nn.CrossEntropyLoss(%s)"):format(smoothing(given)) end
    return "lambda p, y: torch.nn.functional.nll_loss(p.clamp_min(1e-7).log(), y)"
  elseif name == "binary_crossentropy" then
    return given.from_logits and "torch.nn.BCEWithLogitsLoss()" or "torch.nn.BCELoss()"
  elseif name == "huber" and given.delta then
    return ("torch.nn.HuberLoss(delta=%s)"):format(python(given.delta))
  end
  return losses[name] and ("torch.nn.%s()"):format(losses[name])
end

function rows.loss(value, c)
  if type(value) == "table" and value.broadcast == false then
    return "y = y.reshape(len(y), -1)  # the shape of the prediction"
  end
  local given = {}
  if type(value) == "table" and not (value.name or value[1]) then
    for key, one in pairs(c.description.loss) do given[key] = one end
  end
  if type(value) ~= "table" then value = { name = value } end
  for key, one in pairs(value) do given[key] = one end
  local name = require("lossdbg.loss").resolve(given.name or given[1], "interop.fix_code").name
  local code = criterion(name, given)
  return code and "criterion = " .. code or "# PyTorch has no loss " .. tostring(name)
end

function rows.class_weight(value, c)
  if not value then return "criterion = torch.nn.CrossEntropyLoss()" end
  local list, last = {}, 1
  for id in pairs(value) do last = math.max(last, id) end
  for id = 0, last do list[id + 1] = value[id] or 1.0 end
  if c.description.loss.name == "binary_crossentropy" then
    return ("criterion = torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor(%s))"):format(
      python(list[2] / list[1]))
  end
  return ("criterion = torch.nn.CrossEntropyLoss(weight=torch.tensor(%s).float())"):format(
    python(list))
end

-- ---- the loop -----------------------------------------------------------------------------------

local function loader(c, changed)
  local batch, shuffle = changed.batch or c.description.batch, changed.shuffle
  if shuffle == nil then shuffle = true end
  return ("loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), " ..
    "batch_size=%s, shuffle=%s)"):format(python(batch), python(shuffle))
end

function rows.batch(value, c) return loader(c, { batch = value }) end
function rows.shuffle(value, c) return loader(c, { shuffle = value }) end
function rows.epochs(value) return "epochs = " .. python(value) end
function rows.max_steps(value) return "max_steps = " .. python(value or nil) end
function rows.seed(value) return ("torch.manual_seed(%s)"):format(python(value)) end

function rows.dtype(value)
  local to = value == "f64" and "double" or "float"
  return ("model.%s()\nx = x.%s()"):format(to, to)
end

local whole_loop = "for x_batch, y_batch in loader:\n    optimizer.zero_grad()\n" ..
  "    loss = criterion(model(x_batch), y_batch)\n    loss.backward()\n    optimizer.step()"

function rows.loop(value)
  if type(value) == "table" and value.reinitialise == false then
    return "# make the layers once, before the loop\n" .. whole_loop
  elseif type(value) == "table" and value.parameters == false then
    return "optimizer.add_param_group({\"params\": [p for p in model.parameters() if all(" ..
      "p is not q for g in optimizer.param_groups for q in g[\"params\"])]})"
  end
  return whole_loop
end

function rows.early_stopping(value)
  local given = type(value) == "table" and value or {}
  return ("# behind every epoch, with the loss on validation rows:\n" ..
    "# wait = 0 if val_loss < best - %s else wait + 1\n# best = min(best, val_loss)\n" ..
    "# if wait >= %s: break"):format(
    python(given.min_delta or 0), python(given.patience or 0))
end

function rows.terminate_on_nan()
  return "# in the loop: if not torch.isfinite(loss): break"
end

-- ---- data ---------------------------------------------------------------------------------------

function rows.target(value)
  if value == "as_is" then return "# the targets as they are" end
  return "mean, deviation = y.mean(0), y.std(0)\n" ..
    "y = (y - mean) / deviation  # predictions are then * deviation + mean"
end

local data = {
  drop_nonfinite = "keep = torch.isfinite(x.flatten(1)).all(1) & "
    .. "torch.isfinite(y.reshape(len(y), -1)).all(1)\nx, y = x[keep], y[keep]",
  drop_outlying = "size = x.flatten(1).square().mean(1)\n"
    .. "keep = size <= 100 * size.median()\nx, y = x[keep], y[keep]",
  fill_gaps = "x = torch.where(torch.isfinite(x), x, torch.nan)\n"
    .. "x = torch.where(x.isnan(), x.nanmean(0).nan_to_num(), x)",
  pad_front = "def front(row, pad=x[0][-1]):\n    real = (row != pad).nonzero()\n"
    .. "    n = int(real.max()) + 1 if len(real) else len(row)\n"
    .. "    return torch.cat([row[n:], row[:n]])\nx = torch.stack([front(row) for row in x])",
  match_val = "dim = 0 if x.dim() == 2 else None  # rather prepare both as x was prepared\n"
    .. "x_val = (x_val - x_val.mean(dim)) / (x_val.std(dim) + 1e-12) * x.std(dim) + x.mean(dim)",
  shuffle_split = "n, order = len(x), torch.randperm(len(x) + len(x_val), "
    .. "generator=torch.Generator().manual_seed(0))\n"
    .. "x_all, y_all = torch.cat([x, x_val])[order], torch.cat([y, y_val])[order]\n"
    .. "x, x_val, y, y_val = x_all[:n], x_all[n:], y_all[:n], y_all[n:]",
}

function rows.data(value) return data[value] end

local codes = {
  index = "y = y.argmax(-1) if y.ndim > 1 and y.shape[-1] > 1 else torch.unique(y, " ..
    "return_inverse=True)[1].reshape(len(y))",
  one_hot = "y = torch.nn.functional.one_hot(torch.unique(y, return_inverse=True)[1].reshape(" ..
    "len(y))).float()",
  zero_one = "y = (y == y.max()).float().reshape(len(y), 1)",
  plus_minus_one = "y = torch.where(y == y.max(), 1.0, -1.0).reshape(len(y), 1)",
}

function rows.labels(value) return codes[value] end

-- ---- what PyTorch has no word for ---------------------------------------------------------------

function rows.train() return "# other training data: x, y" end
function rows.val() return "# other validation data" end
function rows.model() return "# another model: build it, and an optimizer for its parameters" end
function rows.callbacks() return "# callbacks of Lua have no counterpart in PyTorch" end
function rows.task() return "# PyTorch has no task: the loss says it" end
function rows.metrics() return "# PyTorch measures nothing by itself" end
function rows.fuse() return "# CrossEntropyLoss and BCEWithLogitsLoss take logits" end
function rows.verbose() return "# PyTorch prints nothing by itself" end
function rows.name(value) return "# name of the run: " .. tostring(value) end
function rows.loss_weights(value) return "# losses of the outputs weigh " .. python(value) end

for kind, row in pairs(fix_torch_layers) do rows[kind] = row end

return rows
