--- Options that all optimisers have, and what they must fulfil together.
local options = require "lossdbg.support.options"

local M = {}

local common = {
  { name = "model", positional = 1, doc = "a built model or a list of tensors" },
  { name = "lr", type = "number|callable|table", min = 0, alias = { "learning_rate" } },
  { name = "weight_decay", type = "number", min = 0 },
  { name = "decoupled_weight_decay", type = "boolean", alias = { "decoupled" } },
  { name = "groups", type = "table" },
  { name = "gradient_accumulation_steps", type = "integer", min = 2, alias = { "accumulate" } },
  { name = "use_ema", type = "boolean", default = false, alias = { "ema" } },
  { name = "ema_momentum", type = "number", min = 0, max = 1, default = 0.99 },
  { name = "ema_overwrite_frequency", type = "integer", min = 1 },
  { name = "clip_value", type = "number", open_min = 0, alias = { "clipvalue" } },
  { name = "clip_norm", type = "number", open_min = 0, alias = { "clipnorm" } },
  { name = "global_clip_norm", type = "number", open_min = 0, alias = { "global_clipnorm" } },
  { name = "flavor", type = "string", choices = { "keras", "torch" } },
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

return M
