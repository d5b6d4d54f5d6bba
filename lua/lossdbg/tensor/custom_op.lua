--- Ops written in Lua, differentiable like those of the table.

local core = require "lossdbg.core"
local observers = require "lossdbg.support.observers"
local options = require "lossdbg.support.options"
local tensor = require "lossdbg.tensor"

local M = {}

-- The gradients that backward returned, as tensors of their own: an optimiser may change them in
-- place, and a user may well return the same tensor twice or the incoming gradient itself.
local function own_copies(n, ...)
  local out = table.pack(...)
  for i = 1, n do
    if core.tensor.is_tensor(out[i]) then out[i] = out[i]:clone() end
  end
  return table.unpack(out, 1, n)
end

---@class lossdbg.OpContext a table that lives from forward to backward
---@field inputs lossdbg.Tensor[] the inputs without history
---@field output lossdbg.Tensor the result without history

local schema = options.declare "op" {
  { name = "forward", type = "function", required = true,
    doc = "forward(ctx, ...) returns the result, one tensor" },
  { name = "backward", type = "function", required = true,
    doc = "backward(ctx, gradient) returns a gradient for each input" },
  { name = "name", type = "string", default = "custom op", doc = "for messages" },
}

--- A new op. `forward(ctx, ...)` gets the inputs without history and returns one tensor; what it
-- puts into ctx is there in `backward(ctx, gradient)`, which returns one gradient per input, each
-- of its input's shape.
---@param given { forward: function, backward: function, name?: string }
---@return fun(...: lossdbg.Tensor): lossdbg.Tensor
function M.new(given)
  local o = options.check("op", given, schema)
  local op
  op = function(...)
    local inputs, n = table.pack(...), select("#", ...)
    local ctx = { inputs = {} }
    for i = 1, n do
      if not core.tensor.is_tensor(inputs[i]) then
        error(("lossdbg: %s: input %d: expected a tensor, got %s")
          :format(o.name, i, type(inputs[i])), 2)
      end
      ctx.inputs[i] = inputs[i]:detach()
    end
    local out = tensor.no_grad(o.forward, ctx, table.unpack(ctx.inputs, 1, n))
    if not core.tensor.is_tensor(out) then
      error(("lossdbg: %s: forward: expected a tensor as result, got %s")
        :format(o.name, type(out)), 2)
    end
    out = out:detach() -- forward may hand an input through
    ctx.output = out:detach()
    function ctx.backward(_, gradient)
      return own_copies(n, tensor.no_grad(o.backward, ctx, gradient))
    end
    if observers.each then observers.tell("own_op", op, o.name, n, ...) end
    return core.autograd.attach(out, ctx, ...)
  end
  return op
end

return M
