--- Losses as they are written out by hand, without the protections that a library's own have: no
-- bound under the logarithm, no division by the sum of the probabilities, or a target that is
-- broadcast against the prediction. They exist so that programs which have them can be described,
-- run and diagnosed as they are.
local core = require "lossdbg.core"

local M = {}

local op = core.op
local protection = 1e-7

--- Options by which a loss leaves the library's own form, by family.
M.options = {
  clip = { name = "clip", type = "number", min = 0, max = 0.5,
    doc = "bound of the probabilities under the logarithm, written by hand; 0: none" },
  renormalise = { name = "renormalise", type = "boolean",
    doc = "false: without the division by the sum of the probabilities" },
  broadcast = { name = "broadcast", type = "boolean",
    doc = "true: prediction [N, 1] minus target [N] gives [N, N], as arrays do" },
}

local function bounded(p, clip)
  clip = clip or protection
  return clip > 0 and p:clip(clip, 1 - clip) or p
end

-- -(y ln p + (1 - y) ln (1 - p)), mean over the outputs
local function binary(loss, p, y)
  p = bounded(p, loss.clip)
  local no, absent = op.sub(1, p), op.sub(1, y)
  return y:mul(p:log()):add(absent:mul(no:log())):neg():mean(-1)
end

-- -sum y ln p
local function categorical(loss, p, y)
  if loss.renormalise ~= false then p = p:div(p:sum(-1, true)) end
  return y:mul(bounded(p, loss.clip):log()):sum(-1):neg()
end

local function sparse(loss, p, ids)
  return categorical(loss, p, op.one_hot(ids, p.shape[#p.shape]):cast(p.dtype))
end

-- Every prediction meets every target: mean over the targets.
local function broadcast(measure)
  return function(_, p, y) return measure(p:sub(y:reshape { y.numel })):mean(-1) end
end

local forms = {
  binary_crossentropy = binary, categorical_crossentropy = categorical,
  sparse_crossentropy = sparse,
  mse = broadcast(function(d) return d:square() end),
  mae = broadcast(function(d) return d:abs() end),
}

--- The names of the options that a loss has.
---@param name string canonical name of the loss
---@return string[]
function M.names(name)
  if name:find("crossentropy", 1, true) then return { "clip", "renormalise" } end
  return forms[name] and { "broadcast" } or {}
end

--- Whether options ask for the form by hand.
---@param o table
---@return boolean
function M.wanted(o)
  return o.clip ~= nil or o.renormalise == false or o.broadcast == true
end

--- The loss per sample.
---@param loss lossdbg.Loss
---@param prediction userdata
---@param target userdata
---@return userdata
function M.compute(loss, prediction, target) return forms[loss.name](loss, prediction, target) end

return M
