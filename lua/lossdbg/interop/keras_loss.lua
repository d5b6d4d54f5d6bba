--- Losses as programs of Keras have them: by name with options, or written out by hand.
local losses = require "lossdbg.loss"
local options = require "lossdbg.options"

local M = {}

local known = { "name", "from_logits", "reduction", "scale", "clip", "renormalise", "broadcast",
  "label_smoothing", "delta" }

--- A loss from { name =, from_logits =, reduction =, scale =, clip =, renormalise =, broadcast = }.
---@param o table|string
---@return lossdbg.Loss
function M.loss(o)
  if type(o) == "string" then o = { name = o } end
  if type(o) ~= "table" then
    error(("lossdbg: interop.keras: 'loss': expected a name or an object, got %s"):format(
      options.show(o)), 0)
  end
  local given, allowed = {}, {}
  for _, key in ipairs(known) do allowed[key] = true end
  for key, value in pairs(o) do
    if not allowed[key] then
      error(("lossdbg: interop.keras: 'loss': unknown key '%s'%s"):format(tostring(key),
        options.hint(tostring(key), known)), 0)
    end
    given[key] = value
  end
  if given.from_logits == false then given.from_logits = nil end
  return losses.resolve(given, "interop.keras")
end

return M
