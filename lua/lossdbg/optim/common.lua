--- Options that all optimisers have, and what they must fulfil together.
local options = require "lossdbg.support.options"
local settings = require "lossdbg.support.settings"

local M = {}

local remade = "is settled when the optimiser is made (optimizer:clone { ... } makes another one)"

local common = {
  { name = "model", positional = 1, doc = "a built model or a list of tensors",
    fixed = "parameters are set with :attach()" },
  { name = "lr", type = "number|callable|table", min = 0, alias = { "learning_rate" },
    doc = "learning rate: a number, a schedule or a function of the step",
    fixed = "is set as optimizer.lr" },
  { name = "weight_decay", type = "number", min = 0,
    doc = "share of the weights taken off, times the rate" },
  { name = "decoupled_weight_decay", type = "boolean", alias = { "decoupled" },
    doc = "taken off the weights (Keras), not part of the gradient" },
  { name = "groups", type = "table", fixed = remade,
    doc = "{ { parameters = \"dense_1\", lr = 1e-4 }, ... }" },
  { name = "gradient_accumulation_steps", type = "integer", min = 2, alias = { "accumulate" },
    fixed = remade, doc = "one update by the mean gradient of so many steps" },
  { name = "use_ema", type = "boolean", default = false, alias = { "ema" }, fixed = remade,
    doc = "a running average of the weights replaces them at the end" },
  { name = "ema_momentum", type = "number", min = 0, max = 1, default = 0.99,
    doc = "what is kept of that average" },
  { name = "ema_overwrite_frequency", type = "integer", min = 1, optional = true,
    doc = "updates after which it replaces the weights already" },
  { name = "clip_value", type = "number", open_min = 0, alias = { "clipvalue" }, optional = true,
    doc = "largest element of a gradient" },
  { name = "clip_norm", type = "number", open_min = 0, alias = { "clipnorm" }, optional = true,
    doc = "largest norm of each gradient" },
  { name = "global_clip_norm", type = "number", open_min = 0, alias = { "global_clipnorm" },
    optional = true, doc = "largest norm of all gradients together" },
  { name = "flavor", type = "string", choices = { "keras", "torch" }, fixed = remade,
    doc = "whose formulas and defaults" },
}
local clips = { "clip_value", "clip_norm", "global_clip_norm" }

---The whole schema of a kind of optimiser.
---@param kind table
---@return lossdbg.option[]
function M.schema(kind)
  if not kind.full then
    kind.full = {}
    for _, option in ipairs(common) do kind.full[#kind.full + 1] = option end
    for _, option in ipairs(kind.schema) do kind.full[#kind.full + 1] = option end
  end
  return kind.full
end

---Checks options that depend on each other and settles the flavour.
---@param kind table
---@param o table checked options
---@param where string
---@param level integer as for error() in the caller
function M.together(kind, o, where, level)
  level = level == 0 and 0 or level + 1
  local chosen
  for _, name in ipairs(clips) do
    if o[name] and chosen then
      error(("lossdbg: %s: %s and %s were both given: one clip at a time"):format(where, chosen,
        name), level)
    end
    chosen = o[name] and name or chosen
  end
  local only = kind.flavors and kind.flavors[1]
  if only and o.flavor and o.flavor ~= only then
    options.fail(where, "flavor", ("'%s'"):format(only), o.flavor,
      ("only %s has it"):format(only == "keras" and "Keras" or "PyTorch"), level)
  elseif kind.always_decoupled and o.decoupled_weight_decay == false then
    options.fail(where, "decoupled_weight_decay", "true", false, "its steps depend on the weights",
      level)
  elseif o.ema_overwrite_frequency and not o.use_ema then
    options.fail(where, "ema_overwrite_frequency", "use_ema = true", o.ema_overwrite_frequency, nil,
      level)
  end
  o.flavor = o.flavor or only or "keras"
end

---The options as a table that may be written later; what is written is checked alone and together.
---@param kind table
---@param o table checked options
---@param where string
---@param written fun(name: string, value: any)
---@return table
function M.settable(kind, o, where, written)
  return settings.new(o, { where = where, schema = M.schema(kind), written = written,
    noticed = true, check = function(changed, level)
      level = level == 0 and 0 or level + 1
      M.together(kind, changed, where, level)
      if kind.check then kind.check(changed, where, level) end
    end })
end

return M
