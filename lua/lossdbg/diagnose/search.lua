--- The search for a cause that no rule named: where a plain recipe reaches clearly more than the
-- run, a dozen usual changes are tried against placebo. A cause is named where one family of them
-- alone helps, or one does by far; else the run is called behind what its data allow.
local facts = require "lossdbg.diagnose.facts"
local finding = require "lossdbg.diagnose.finding"
local heads = require "lossdbg.diagnose.heads"
local head_fix = require "lossdbg.diagnose.heads.head_fix"
local registry = require "lossdbg.diagnose.registry"

local M = {}

--- name = { limit, why }
M.limits = {
  apart = { 0.1, "of skill that the best family brings beyond the next: less names neither" },
  alarm = { 0.15, "of skill below the plain recipe: under that what helps is tuning, no repair" },
  batch = { 128, "rows a step, above which so few steps are made that smaller ones may do better" },
}

local saturating = { sigmoid = true, tanh = true, hard_sigmoid = true, softsign = true }

local function number(x) return require("lossdbg.support.number").short(x) end

local function hidden_of(layers)
  local list = {}
  for i, layer in ipairs(layers) do
    local inner = i < #layers and not layer.is_output
    if layer.kind == "dense" and inner then list[#list + 1] = layer end
  end
  return list
end

local function has_kind(layers, kind)
  for _, layer in ipairs(layers) do
    if layer.kind == kind then return true end
  end
  return false
end

local function step_arms(d, add)
  local lr = d.optimizer.lr
  if type(lr) == "number" and lr > 0 then
    add("pace", "lr_too_low", ("raise the learning rate to %s"):format(number(lr * 10)),
      { optimizer = { lr = lr * 10 } })
    add("calm", "lr_too_high", ("lower the learning rate to %s"):format(number(lr / 10)),
      { optimizer = { lr = lr / 10 } })
  end
  if d.optimizer.name ~= "adam" then
    add("pace", "wrong_optimizer", "use Adam at 0.001",
      { optimizer = { name = "adam", lr = 1e-3 } })
  end
  if d.batch > M.limits.batch[1] then
    add("pace", "bad_batch_size", "use batches of 32", { batch = 32 })
  elseif d.batch == 1 then
    add("calm", "bad_batch_size", "use batches of 16", { batch = 16 })
  end
  if d.shuffle == false then
    add("order", "unshuffled_data", "shuffle the rows", { shuffle = true })
  end
end

local function data_arms(d, case, add)
  local x = case.signals.data and case.signals.data.x
  if x and not has_kind(d.layers, "normalization") and not has_kind(d.layers, "embedding") then
    add("inputs", "unnormalised_inputs", "standardise the inputs",
      { insert = { at = 1, layer = { kind = "normalization", adapt = true } } })
  end
  if d.task and d.task.kind == "regression" and d.target ~= "standardize" then
    add("targets", "unscaled_targets", "standardise the targets", { target = "standardize" })
  end
  local r = heads.read { description = d, signals = case.signals, facts = facts.of(case) }
  local activation = r and r.head and r.head.activation
  for i, fix in ipairs(r and head_fix.of(r) or {}) do
    if i <= 2 and fix.patch then
      add("head", activation == "linear" and "missing_output_activation"
        or "wrong_output_activation", fix.text, fix.patch)
    end
  end
end

local function layer_arms(d, case, add)
  local hidden = hidden_of(d.layers)
  local squashed, rectified, narrow = false, false, #hidden > 0
  for _, layer in ipairs(hidden) do
    squashed = squashed or saturating[layer.activation] == true
    rectified = rectified or layer.activation == "relu"
    narrow = narrow and (layer.output_shape[#layer.output_shape] or 0) < 64
  end
  add("init", "bad_init_scale", "draw the weights anew: He's initialiser", { init = "he_normal" })
  if squashed then
    add("activation", "saturating_hidden_activation", "use relu in the hidden layers",
      { layers = { kind = "dense", hidden = true, options = { activation = "relu" } } })
  elseif rectified then
    add("activation", "dying_relu", "let negative inputs pass a little: leaky_relu",
      { layers = { kind = "dense", hidden = true, options = { activation = "leaky_relu" } } })
  end
  local reference = case.signals.reference
  if narrow and not (reference and reference.neck) then -- an autoencoder's is a choice
    add("capacity", "too_few_units", "use 64 units in the hidden layers",
      { layers = { kind = "dense", hidden = true, options = { units = 64 } } })
  end
  if has_kind(d.layers, "dropout") then
    add("regulariser", "dropout_misuse", "take the dropout out", { dropout = 0 })
  end
end

--- The arms of the search, likely ones first.
---@param case table
---@return { family: string, cause: string, text: string, patch: table }[]
function M.arms(case)
  local d, list = case.description, {}
  local function add(family, cause, text, patch)
    list[#list + 1] = { family = family, cause = cause, text = text, patch = patch }
  end
  step_arms(d, add)
  data_arms(d, case, add)
  layer_arms(d, case, add)
  if d.epochs then
    add("pace", "too_few_epochs", ("train for %d epochs"):format(4 * d.epochs),
      { epochs = 4 * d.epochs })
  end
  return list
end

--- Which arm names the cause: of the family that alone helps, or that helps most by far; inside a
--- family the first arm that brings about as much as its best one.
---@param results { family: string, gain: number }[] verified arms, likely ones first
---@return table? arm
function M.name(results)
  local best
  for _, r in ipairs(results) do
    if not best or r.gain > best.gain then best = r end
  end
  local named
  for _, r in ipairs(results) do
    local near = best.gain - r.gain < M.limits.apart[1]
    if near and r.family ~= best.family then return nil end
    if near and not named then named = r end
  end
  return named
end

--- The finding of a search.
---@param reference lossdbg.Reference
---@param arm table? that names the cause
---@param results table[] verified arms
---@return table
function M.finding(reference, arm, results)
  local rule, fixes = registry.get "behind_reference", {}
  local ordered = table.move(results, 1, #results, 1, {})
  table.sort(ordered, function(a, b)
    if (a == arm) ~= (b == arm) then return a == arm end
    return a.gain > b.gain
  end)
  for i = 1, math.min(3, #ordered) do fixes[i] = ordered[i].fix end
  local f = rule.describe(reference)
  return finding.new(rule, { class = arm and "measured" or nil,
    title = arm and f.title .. "; " .. arm.text .. " helps" or f.title,
    cause = arm and arm.cause, evidence = f.evidence, fixes = fixes })
end

return M
