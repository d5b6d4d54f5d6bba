--- The signal catalogue: everything that is measured and may be read, once.
---
--- A name is a path into the tables of a case; `*` stands for a layer's path (or, under at_lr, for
--- a factor of the learning rate). What a rule `needs` is held against this list when it is
--- registered, and so are the literal cases of the specs and what the producers make.
local options = require "lossdbg.support.options"

local M = {}

-- prefix, producer (module), cost, { name = { unit, shape } }, who reads it besides rules
local GROUPS = {
  { "", "train.trainer", "free", {
    steps = { "steps", "integer" }, loss = { "loss", "list by step" },
    epoch_loss = { "loss", "list by epoch" }, grad_norm = { "gradient", "list by step" },
    lr = { "learning rate", "list by step" }, baseline = { "loss", "number" },
    baseline_name = { "words", "text" } },
    "diagnose.facts diagnose.verdict diagnose.movement view.html_sections" },
  { "", "train.trainer", "forward", {
    val_loss = { "loss", "list by epoch" }, accuracy = { "share", "number" },
    val_accuracy = { "share", "number" } },
    "view.html_sections" },
  { "", "diagnose.collect", "free", { majority = { "share", "number" } },
    "view.html_sections view.terminal" },
  { "trend", "diagnose.collect", "free", {
    verdict = { "words", "decreasing, increasing, plateau or undetermined" },
    z = { "standard deviations", "number" }, slope = { "share a block", "number" },
    blocks = { "blocks", "integer" },
    first = { "loss", "number" }, last = { "loss", "number" }, best = { "loss", "number" },
    level = { "loss", "number" }, se = { "loss", "number" },
    noise_cv = { "share", "number" }, more_steps = { "steps", "number" } },
    "diagnose.facts diagnose.movement" },
  { "skill|val_skill", "train.telemetry", "forward", {
    value = { "skill", "number" }, n = { "rows", "integer" }, loss = { "loss", "number" },
    verdict = { "words", "better, worse, at_baseline or undetermined" },
    t = { "standard deviations", "number" }, baseline = { "loss", "number" } },
    "diagnose.facts experiment.trial.trial_outcome" },
  { "init|final", "train.telemetry", "forward", {
    loss = { "loss", "number" }, logit_std = { "logits", "number" } },
    "diagnose.facts" },
  { "final", "train.telemetry", "forward", {
    train_mode_loss = { "loss", "number" }, batch_statistics_loss = { "loss", "number" } } },
  { "init.output|final.output", "train.telemetry", "forward", {
    min = { "output", "number" }, max = { "output", "number" }, mean = { "output", "number" },
    finite = { "flag", "boolean" },
    row_sum_min = { "output", "number" }, row_sum_max = { "output", "number" },
    std_over_samples = { "output", "number" }, max_prob_mean = { "share", "number" },
    single_class_share = { "share", "number" } },
    "diagnose.heads.head_read" },
  { "init.layers.*|final.layers.*", "train.telemetry", "backward", {
    z_mean_sq = { "signal squared", "number" }, act_std = { "signal", "number" },
    act_mean = { "signal", "number" }, act_min = { "signal", "number" },
    act_max = { "signal", "number" },
    zero_share = { "share of entries", "number" }, dead_share = { "share of units", "number" },
    saturated_share = { "share of entries", "number" },
    saturated_units = { "share of units", "number" }, nonfinite = { "entries", "integer" },
    weight_rms = { "weights", "number" }, weight_std = { "weights", "number" },
    weight_max = { "weights", "number" }, weight_nonfinite = { "entries", "integer" },
    symmetric = { "flag", "boolean" }, grad_rms = { "gradient", "number" } },
    "view.html_tables" },
  { "layers.*", "train.recorder", "free", {
    grad_norm = { "gradient", "list by sampled step" },
    weight_norm = { "weights", "list by sampled step" },
    update_norm = { "weights", "list by sampled step" },
    ratio = { "share of the weights", "list by sampled step" },
    ratio_median = { "share of the weights", "number" }, stride = { "steps", "integer" },
    zero_grad = { "share of steps", "number" }, unchanged = { "share of steps", "number" },
    underflow = { "share of entries", "number" }, first_nonfinite_step = { "step", "integer" },
    grad_rms_median = { "gradient", "number" } },
    "view.html_tables" },
  { "outputs.*", "train.recorder", "free", {
    mean = { "signal", "list by sampled step" }, std = { "signal", "list by sampled step" },
    zero_share = { "share of entries", "list by sampled step" }, stride = { "steps", "integer" },
    first_nonfinite_step = { "step", "integer" } },
    "view.html_tables" },
  { "nonfinite", "train.train_step", "free", {
    step = { "step", "integer" }, what = { "words", "loss, gradient or weight" },
    layer = { "path", "text" }, op = { "name", "text" }, line = { "file:line", "text" },
    rows = { "rows", "list" }, shape = { "sizes", "list" } },
    "diagnose.verdict view.html_tables" },
  { "penalty", "train.telemetry", "backward", {
    share = { "share of the loss", "number" }, ratio = { "gradient over gradient", "number" },
    norm = { "gradient", "number" }, data_norm = { "gradient", "number" } } },
  { "data", "diagnose.collect", "free", {
    n = { "rows", "integer" }, d = { "columns", "integer" }, names = { "words", "list" } },
    "view.html_tables" },
  { "data.x", "diagnose.collect", "free", {
    mean = { "input", "number" }, std = { "input", "number" }, rms = { "input", "number" },
    min = { "input", "number" }, max = { "input", "number" }, integral = { "flag", "boolean" },
    identical = { "flag", "boolean" }, disparity = { "ratio", "number" },
    kappa = { "ratio", "number" }, offset_share = { "share of columns", "number" } },
    "view.html_tables" },
  { "data.x.nonfinite|data.y.nonfinite", "diagnose.collect", "free", {
    count = { "entries", "integer" }, row = { "row", "integer" },
    col = { "column", "integer" }, value = { "input or target", "number" } } },
  { "data.y.out_of_range", "diagnose.collect", "free", {
    count = { "entries", "integer" }, row = { "row", "integer" },
    value = { "target", "number" } } },
  { "data.x.feature", "diagnose.collect", "free", {
    mean = { "input", "list by column" }, std = { "input", "list by column" },
    min = { "input", "list by column" }, max = { "input", "list by column" } },
    "view.html_tables" },
  { "data.x.constant", "diagnose.collect", "free", {
    count = { "columns", "integer" }, share = { "share of columns", "number" },
    columns = { "columns", "list" } } },
  { "data.x.largest", "diagnose.collect", "free", {
    column = { "column", "integer" }, name = { "words", "text" },
    max_abs = { "input", "number" } },
    "view.html_tables" },
  { "data.y", "diagnose.collect", "free", {
    kind = { "words", "index, one_hot, zero_one, plus_minus_one or real" },
    n = { "targets", "integer" }, width = { "targets a row", "integer" },
    min = { "target", "number" }, max = { "target", "number" }, mean = { "target", "number" },
    std = { "target", "number" }, var = { "target squared", "number" },
    mean_absolute = { "target", "number" },
    mean_square = { "target squared", "number" }, median = { "target", "number" },
    mad = { "target", "number" }, integral = { "flag", "boolean" },
    constant = { "flag", "boolean" }, classes = { "classes", "integer" },
    counts = { "rows", "table by class" }, prior = { "share", "list by class" },
    entropy = { "nats", "number" }, majority = { "share", "number" },
    runs_z = { "standard deviations", "number" }, row_sum_bad = { "rows", "integer" } },
    "diagnose.facts diagnose.heads.head_read view.html_tables" },
  { "data.duplicates", "diagnose.collect", "free", { share = { "share of rows", "number" } },
    "view.html_tables" },
  { "data.conflicts", "diagnose.collect", "free", {
    share = { "share of rows", "number" }, floor = { "loss", "number" } } },
  { "data.val", "diagnose.collect", "free", {
    n = { "rows", "integer" }, leak_share = { "share of rows", "number" },
    mean_shift = { "standard deviations", "number" },
    mean_shift_column = { "column", "integer" },
    sd_ratio_bad_share = { "share of columns", "number" } } },
  { "data.val.unseen", "diagnose.row_audit", "free", {
    share = { "share of rows", "number" }, classes = { "classes", "integer" } } },
  { "data.padding|data.target_padding", "diagnose.padding", "free", {
    value = { "input", "number" }, share = { "share of steps", "number" },
    rows = { "share of rows", "number" } } },
  { "data", "diagnose.row_audit", "free", { mirrored = { "flag", "boolean" } } },
  { "data.outlying", "diagnose.row_audit", "free", {
    share = { "share of rows", "number" }, rows = { "rows", "integer" },
    worst = { "ratio", "number" } } },
  { "tests.gradient_path", "diagnose.tests.gradient_path", "backward", {
    what = { "words", "zero, detached, infinite or passes" }, layer = { "path", "text" },
    op = { "name", "text" }, line = { "file:line", "text" } } },
  { "tests.row_leak", "diagnose.tests.row_leak", "forward", {
    leaks = { "flag", "boolean" }, change = { "share of the answer", "number" } } },
  { "tests.overfit_batch", "diagnose.tests.overfit_batch", "side_run", {
    skill = { "skill", "number" }, loss = { "loss", "number" }, start = { "loss", "number" },
    steps = { "steps", "integer" }, baseline = { "loss", "number" },
    passed = { "flag", "boolean" }, ["at_lr.*"] = { "skill", "number" } }, "view.html_tables" },
  { "tests.line", "diagnose.tests.line", "side_run", {
    losses = { "loss", "list of lists" },
    best = { "steps", "list" }, best_median = { "steps", "number" } },
    "view.html_tables" },
  { "tests.gradcheck", "diagnose.tests.gradcheck", "side_run", {
    max_error = { "share", "number" }, worst = { "words", "text" },
    checked = { "entries", "integer" }, skipped = { "entries", "integer" },
    passed = { "flag", "boolean" } },
    "view.html_tables" },
  { "tests.lr_range", "diagnose.tests.lr_range", "side_run", {
    lrs = { "learning rate", "list" }, losses = { "loss", "list" },
    suggestion = { "learning rate", "number" },
    fall_sd = { "standard deviations", "number" } },
    "view.html_tables" },
  { "tests.data_independence", "diagnose.tests.data_independence", "side_run", {
    real = { "skill", "number" }, shuffled = { "skill", "number" },
    independent = { "flag", "boolean" } } },
  { "reference", "diagnose.reference", "side_run", {
    name = { "words", "text" }, skill = { "skill", "number" }, network = { "skill", "number" },
    level = { "skill", "number" }, nearest = { "skill", "number" },
    linear = { "skill", "number" }, own = { "skill", "number" }, neck = { "units", "integer" },
    gap = { "skill", "number" }, held_out = { "flag", "boolean" } },
    "diagnose.facts diagnose.verdict diagnose.search" },
  { "task_skill", "train.telemetry", "forward", {
    train = { "skill", "number" }, val = { "skill", "number" },
    train_rows = { "rows", "integer" }, val_rows = { "rows", "integer" },
    measure = { "words", "accuracy or r2" }, accuracy = { "share", "number" },
    majority = { "share", "number" } },
    "diagnose.facts" },
  { "tests.zero_grad", "experiment.watch.shown", "backward", {
    accumulates = { "flag", "boolean" }, ratio = { "ratio", "number" } } },
}

--- What a description may say (train/describe.lua).
M.DESCRIPTION = { "layers", "loss", "optimizer", "batch", "epochs", "max_steps", "shuffle", "seed",
  "steps_per_epoch", "n_train", "n_val", "n_parameters", "n_trainable", "task", "input_shape",
  "output_shape", "input_shapes", "output_shapes", "target", "class_weight",
  "early_stopping", "metrics", "name", "fused", "dtype" }

---@class lossdbg.Signal
---@field name string
---@field unit string
---@field shape string
---@field producer string module that makes it
---@field cost "free"|"forward"|"backward"|"side_run"
---@field readers string[] modules that read it besides the rules that need it (registry.readers)

local list, by_name, prefixes, names = {}, {}, {}, {}

local function add(name, row, producer, cost, readers)
  local signal = { name = name, unit = row[1], shape = row[2], producer = producer, cost = cost,
    readers = readers }
  list[#list + 1], by_name[name] = signal, signal
  for at in name:gmatch "()%." do prefixes[name:sub(1, at - 1)] = true end
end

---Adds signals of a producer of one's own; rules may need them from then on.
---@param prefix string several separated by "|"; "" for the top
---@param producer string
---@param cost "free"|"forward"|"backward"|"side_run"
---@param rows table<string, { [1]: string, [2]: string }> name = { unit, shape }
---@param read_by? string modules that read them besides rules, with blanks between
function M.add(prefix, producer, cost, rows, read_by)
  local readers = {}
  for module in (read_by or ""):gmatch "%S+" do readers[#readers + 1] = module end
  for part in (prefix .. "|"):gmatch "([^|]*)|" do
    for name, row in pairs(rows) do
      add(part == "" and name or part .. "." .. name, row, producer, cost, readers)
    end
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  names = {}
  for name in pairs(by_name) do names[#names + 1] = name end
  for name in pairs(prefixes) do names[#names + 1] = name end
  for _, name in ipairs(M.DESCRIPTION) do names[#names + 1] = "description." .. name end
  table.sort(names)
end

for _, groups in ipairs { GROUPS, require "lossdbg.diagnose.signals_loop" } do
  for _, group in ipairs(groups) do M.add(table.unpack(group)) end
end

---@return lossdbg.Signal[] all signals, by name
function M.all() return list end

---@param name string
---@return lossdbg.Signal|nil
function M.get(name) return by_name[name] end

---Whether a path names a signal, a group of them, or a field of the description.
---@param path string
---@return boolean
function M.known(path)
  if by_name[path] or prefixes[path] then return true end
  local field = path:match "^description%.([^.]+)"
  if not field then return false end
  for _, name in ipairs(M.DESCRIPTION) do
    if name == field then return true end
  end
  return false
end

---Why a need cannot be met by anything that is measured, or nil.
---@param need string alternatives separated by "|"
---@return string|nil
function M.complaint(need)
  for path in need:gmatch "[^|]+" do
    if not M.known(path) then
      local near = options.suggest(path, names)
      return ("unknown signal '%s'%s"):format(path,
        near and (" (did you mean '" .. near .. "'?)") or "")
    end
  end
  return nil
end

---Names of a table of signals as the catalogue writes them, sorted; lists count as one value.
---@param signals table
---@return string[]
function M.names_in(signals)
  local found, out = {}, {}
  local function walk(value, path)
    if by_name[path] or type(value) ~= "table" or #value > 0 then
      found[by_name[path .. ".*"] and path .. ".*" or path] = true
      return
    end
    for key, inner in pairs(value) do
      local starred = path .. ".*"
      local deeper = path == "" and tostring(key)
        or (by_name[starred] or prefixes[starred]) and starred or path .. "." .. tostring(key)
      walk(inner, deeper)
    end
  end
  walk(signals, "")
  for name in pairs(found) do out[#out + 1] = name end
  table.sort(out)
  return out
end

return M
