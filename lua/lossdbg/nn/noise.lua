--- What the layers that draw random numbers share: their stream, a pure function of the seed, the
-- layer's path and the step.
local core = require "lossdbg.core"
local tensors = require "lossdbg.tensor"

local M = {}

local stream_of = core.random.stream

---@type lossdbg.option
M.seed_option = { name = "seed", type = "integer", min = 0, doc = "default: the seed of the run" }

---Keeps the seed; for `create`.
---@param self lossdbg.Layer
---@param context { seed: integer }
function M.create(self, context) self.seed = self.options.seed or context.seed end

---Seed and stream of this call; without a step in the context, calls are counted.
---@param self lossdbg.Layer
---@param context { step: integer|nil, call: integer|nil } call: which one of a shared layer
---@return integer seed
---@return integer stream
function M.stream(self, context)
  local step, owner = context.step, nil
  if not step then
    step, owner = (self.calls or 0) + 1, self
    self.calls = step
  end
  return self.seed, stream_of(self.kind .. "/" .. self.path, step, context.call or 0, owner)
end

---Normal numbers.
---@param self lossdbg.Layer
---@param context table
---@param x userdata whose shape and dtype they get
---@param mean number
---@param std number
---@return userdata
function M.normal(self, context, x, mean, std)
  local seed, stream = M.stream(self, context)
  return core.random.normal(tensors.zeros(x.shape, x.dtype), seed, stream, mean, std)
end

return M
