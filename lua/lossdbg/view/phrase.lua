--- The sentences that the terminal and the HTML report share: model, recipe, outcome, evidence,
--- trials. They put measured numbers into words and measure nothing themselves.
local number = require "lossdbg.support.number"
local text = require "lossdbg.support.text"

local M = {}

local format, short, clean = number.format, number.short, text.clean

M.severity_style = { error = "red", warning = "yellow", info = "cyan" }

--- {28, 28, 1} → "28×28×1".
---@param shape integer[]|nil
---@return string
function M.shape(shape)
  if type(shape) ~= "table" or #shape == 0 then return "?" end
  local out = {}
  for i, n in ipairs(shape) do out[i] = number.any(n) end
  return table.concat(out, "×")
end

local function layer_words(layer)
  local options = type(layer.options) == "table" and layer.options or {}
  local words = { clean(layer.kind or "layer") }
  local size = options.units or options.rate or options.filters or options.scale
  if type(size) == "boolean" then size = nil end
  local has_units = layer.kind == "dense" or options.units ~= nil
  if has_units and type(layer.output_shape) == "table" then
    size = layer.output_shape[#layer.output_shape]
  elseif size == nil and type(options[1]) == "number" then
    size = options[1]
  end
  if size ~= nil then words[#words + 1] = number.any(size) end
  local activation = layer.activation or options.activation
  if type(activation) == "string" and activation ~= "linear" then
    words[#words + 1] = clean(activation)
  end
  return table.concat(words, " ")
end

--- "13 → dense 32 relu → dense 3 softmax"; equal neighbours are counted ("6 × dense 16 sigmoid").
---@param description table
---@param arrow string|nil default " → "
---@return string|nil
function M.model(description, arrow)
  local layers = description and description.layers
  if type(layers) ~= "table" or #layers == 0 then return nil end
  local shapes = {}
  for i, shape in ipairs(description.input_shapes or { layers[1].input_shape }) do
    shapes[i] = M.shape(shape)
  end
  local parts, repeats = { table.concat(shapes, " + ") }, { 1 }
  for _, layer in ipairs(layers) do
    local words = layer_words(layer)
    if parts[#parts] == words then
      repeats[#parts] = repeats[#parts] + 1
    else
      parts[#parts + 1], repeats[#parts + 1] = words, 1
    end
  end
  for i, n in ipairs(repeats) do
    if n > 1 then parts[i] = n .. " × " .. parts[i] end
  end
  return table.concat(parts, arrow or " → ")
end

--- Recipe in pieces: {"sgd lr 0.1", "sparse_crossentropy", "batch 32", "seed 7"}.
---@param description table|nil
---@return string[]
function M.recipe(description)
  local d, out = description or {}, {}
  local o = d.optimizer
  if type(o) == "table" then
    local words = { clean(o.name or "optimizer") }
    if o.lr then words[#words + 1] = "lr " .. short(o.lr) end
    if o.momentum and o.momentum ~= 0 then words[#words + 1] = "momentum " .. short(o.momentum) end
    if type(o.schedule) == "table" and o.schedule.name and o.schedule.name ~= "constant" then
      words[#words + 1] = clean(o.schedule.name) .. " schedule"
    end
    out[#out + 1] = table.concat(words, " ")
  end
  if type(d.loss) == "table" then
    out[#out + 1] = clean(d.loss.name or "loss") .. (d.loss.from_logits and " on logits" or "")
  end
  if d.batch then out[#out + 1] = "batch " .. number.count(d.batch) end
  if d.n_train then
    out[#out + 1] = number.count(d.n_train) .. " rows"
      .. (d.n_val and ", " .. number.count(d.n_val) .. " to validate" or "")
  end
  if d.seed then out[#out + 1] = "seed " .. number.any(d.seed) end
  return out
end

--- "30 epochs, 1 410 steps, 3 min 12 s".
---@param run table
---@return string
function M.extent(run)
  local out = {}
  local epochs = run.n_epochs
  local steps = run.n_steps or run.signals and run.signals.steps
  if epochs == 0 and (run.n_steps or 0) > 0 then epochs = nil end -- a watch counts steps only
  if epochs then out[1] = number.count(epochs) .. (epochs == 1 and " epoch" or " epochs") end
  if steps then out[#out + 1] = number.count(steps) .. (steps == 1 and " step" or " steps") end
  if run.seconds then out[#out + 1] = number.duration(run.seconds) end
  return table.concat(out, ", ")
end

--- What became of the training: the state of the run in words, as the diagnosis has them.
---@param run table
---@return string|nil nil when nothing was measured
function M.outcome(run)
  if not run.signals then return nil end
  return require("lossdbg.diagnose.verdict").of_run(run)
end

--- Why the run ended; nil when it simply ran to its end.
---@param run table
---@return string|nil
function M.stop(run)
  local planned = run.description and run.description.epochs
  local at = run.n_epochs
  if run.stopped == "early_stopping" then
    return ("early stopping after epoch %s%s"):format(number.any(at),
      planned and " of " .. number.any(planned) or "")
  elseif run.stopped == "nonfinite_loss" then
    return "the loss was no longer finite"
      .. (planned and (", epoch %s of %s"):format(number.any(at), number.any(planned)) or "")
  elseif run.stopped == "callback" then
    return "a callback asked for it after epoch " .. number.any(at)
  elseif run.stopped == "max_steps" then
    return ("after the %s steps allowed"):format(number.count(run.n_steps or 0))
  elseif run.stopped and run.stopped ~= "completed" then
    return clean(run.stopped)
  end
  return nil
end

--- "largest feature 1680 (reference about 1; column proline)".
---@param e {name:string, value:any, reference:any, note:string|nil}
---@return string
function M.evidence(e)
  local notes = {}
  if e.reference ~= nil then notes[1] = "reference " .. clean(number.any(e.reference)) end
  if e.note and e.note ~= "" then notes[#notes + 1] = clean(e.note) end
  local s = clean(e.name or "")
  if e.value ~= nil then s = s .. (s ~= "" and " " or "") .. clean(number.any(e.value)) end
  if #notes > 0 then s = s .. " (" .. table.concat(notes, "; ") .. ")" end
  return s
end

--- "dense_1, step 12, wine.lua:8".
---@param where table|nil
---@return string|nil
function M.where(where)
  if type(where) ~= "table" then return nil end
  local out = {}
  if where.layer then out[#out + 1] = clean(where.layer) end
  if where.step then out[#out + 1] = "step " .. number.any(where.step) end
  if where.source then out[#out + 1] = clean(where.source) end
  return #out > 0 and table.concat(out, ", ") or nil
end

local function named(ids, most)
  local names = {}
  for i = 1, math.min(#ids, most) do names[i] = clean(ids[i]) end
  local rest = #ids > most and (" and %d more"):format(#ids - most) or ""
  return table.concat(names, ", ") .. rest
end

--- How a finding hangs together with others: {"explains dying_relu, …", "follows from …"}. What a
--- consequence explains in turn is shown with `all` only: its own cause explains that too.
---@param finding table
---@param all boolean|nil every name, instead of the first four
---@return string[]
function M.links(finding, all)
  local out, most = {}, all and math.huge or 4
  local explains, by = finding.explains, finding.explained_by
  local follows = type(by) == "table" and #by > 0
  if type(explains) == "table" and #explains > 0 and (all or not follows) then
    out[1] = "explains " .. named(explains, most)
  end
  if follows then out[#out + 1] = "follows from " .. named(by, most) end
  return out
end

--- What a trial changed: the loss, or the task skill where the loss does not show it.
---@param trial table
---@return string
function M.change(trial)
  local metric = trial.metric and trial.metric ~= "loss" and clean(trial.metric) .. " " or ""
  local loss = ("%s%s -> %s"):format(metric, format(trial.before), format(trial.after))
  local skill = trial.skill
  if trial.measure ~= "task" or not skill or not skill.before or not skill.after
    or (trial.after or 0) < 0.95 * (trial.before or 0) then
    return loss
  end
  return ("skill %s -> %s (%s)"):format(format(skill.before), format(skill.after), loss)
end

--- What the trial of a fix did: "verified: 1.088 -> 0.021 (placebo 1.088), 3 seeds: 0.020 0.021".
---@param trial table
---@return string
function M.trial(trial)
  local reason = trial.reason or trial.why
  if trial.before == nil and trial.after == nil then
    return "could not be tried" .. (reason and ": " .. clean(reason) or "")
  end
  local change = M.change(trial)
  local extra = {}
  if trial.steps then
    extra[1] = "in " .. number.count(trial.steps) .. " steps"
      .. (trial.by and " of " .. clean(trial.by) or "")
  elseif trial.epochs then
    extra[1] = ("in %s epoch%s"):format(number.count(trial.epochs), trial.epochs == 1 and "" or "s")
  end
  if trial.placebo ~= nil then
    extra[#extra + 1] = "(placebo " .. format(trial.placebo) .. ")"
  end
  change = change .. (#extra > 0 and " " .. table.concat(extra, " ") or "")
  if not trial.verified then
    return "tried: " .. (reason and clean(reason) or "no better than placebo") .. ", " .. change
  end
  local seeds = trial.seeds
  if type(seeds) == "table" and #seeds > 0 then
    change = ("%s, %d %s%s: %s"):format(change, #seeds, trial.by and "order" or "seed",
      #seeds == 1 and "" or "s", number.list(seeds))
  end
  return "verified: " .. change
end

--- The same in pieces that should not be torn apart at the end of a line.
---@param trial table
---@return string[]
function M.trial_pieces(trial)
  local s = M.trial(trial)
  local head, seeds = s:match("^(.*), (%d+ seeds?: .*)$")
  return head and { head, seeds } or { s }
end

local function lua_value(value)
  if type(value) == "table" then
    local out, keys = {}, {}
    for i, v in ipairs(value) do out[i] = lua_value(v) end
    for k in pairs(value) do
      if type(k) == "string" then keys[#keys + 1] = k end
    end
    table.sort(keys, text.before)
    for _, k in ipairs(keys) do
      local name = k:find("^[%a_][%w_]*$") and k or "[" .. ("%q"):format(clean(k)) .. "]"
      out[#out + 1] = name .. " = " .. lua_value(value[k])
    end
    return #out > 0 and "{ " .. table.concat(out, ", ") .. " }" or "{}"
  elseif type(value) == "string" then
    return (("%q"):format(clean(value)))
  elseif type(value) == "number" then
    return number.short(value, 6)
  end
  return tostring(value)
end

--- A patch as Lua source: { optimizer = { lr = 0.01 } }.
---@param patch table
---@return string
function M.patch(patch) return lua_value(patch) end

return M
