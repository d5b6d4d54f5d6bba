-- How the samples of torch_samples.safetensors are read, and what its adapters share: an adapter
-- gets the arguments of PyTorch's function and answers a list of results.
local core = require "lossdbg.core"
local ld = require "lossdbg"

local M = {}

--- Raised where lossdbg has no such option: the sample is counted under that reason.
---@param reason string
function M.leave_out(reason) error({ left_out = reason }, 0) end

---@param flag any truthy: the sample is left out
---@param reason string
function M.needs_not(flag, reason) if flag then M.leave_out(reason) end end

local pools = { i = "inputs", r = "results", n = "integers" }

--- A copy of the numbers that a reference [pool, offset, shape...] stands for.
---@param tensors table<string, lossdbg.Tensor> the pools
---@param ref table
---@return lossdbg.Tensor
function M.tensor(tensors, ref)
  local pool, shape, n = tensors[pools[ref[1]]], {}, 1
  for i = 3, #ref do
    shape[i - 2] = ref[i]
    n = n * ref[i]
  end
  if n == 0 then return ld.zeros(shape, pool.dtype) end
  return pool:slice(1, ref[2] + 1, ref[2] + n):clone():reshape(shape)
end

local function decode(value, tensors, dtype, leaves)
  if type(value) ~= "table" then return value end
  if value.none then return nil end
  if value.number then
    return value.number == "inf" and math.huge or value.number == "-inf" and -math.huge or 0 / 0
  end
  if value.list then
    local list = {}
    for i, item in ipairs(value.list) do list[i] = decode(item, tensors, dtype, leaves) end
    return list
  end
  local t = M.tensor(tensors, value.t)
  if t.dtype == "f32" then t = t:cast(dtype):clone() end
  if value.grad then
    t.requires_grad = true
    leaves[value.grad] = t
  end
  return t, value.bool
end

--- The arguments of a sample: by place, by name, and the tensors that want gradients.
---@param sample table
---@param tensors table<string, lossdbg.Tensor>
---@param dtype string
---@return table arguments with n, and `named`, `leaves`, `masks` (places of boolean tensors)
function M.arguments(sample, tensors, dtype)
  local a = { n = #sample.args, named = {}, leaves = {}, masks = {} }
  for i, value in ipairs(sample.args) do
    a[i], a.masks[i] = decode(value, tensors, dtype, a.leaves)
  end
  for name, value in pairs(sample.kwargs) do
    a.named[name], a.masks[name] = decode(value, tensors, dtype, a.leaves)
  end
  return setmetatable(a, { __index = M.methods })
end

M.methods = {}

--- An argument by place or name.
function M.methods:get(place, name, default)
  local value = self[place]
  if value == nil then value = self.named[name] end
  if value == nil then return default end
  return value
end

--- Axis from 1 of an axis from 0.
---@param x lossdbg.Tensor
---@param dim integer
function M.axis(x, dim)
  M.needs_not(x.rank == 0, "an axis of a scalar")
  return dim < 0 and dim or dim + 1
end

--- All axes of one or a list; nil for none.
function M.axes(x, dims)
  if dims == nil then return nil end
  if type(dims) ~= "table" then return M.axis(x, dims) end
  if #dims == 0 then return nil end
  local list = {}
  for i, dim in ipairs(dims) do list[i] = M.axis(x, dim) end
  return list
end

--- Moves an axis to the last place, or back with `back`.
function M.moved(x, axis, back)
  local perm, rank = {}, x.rank
  for i = 1, rank do if i ~= axis then perm[#perm + 1] = i end end
  perm[rank] = axis
  if back then
    local inverse = {}
    for i, p in ipairs(perm) do inverse[p] = i end
    perm = inverse
  end
  return core.op.transpose(x, perm)
end

--- mean, sum or none of losses that stand one by one.
function M.reduced(values, reduction, shape)
  if reduction == "sum" then return { values:sum() } end
  if reduction == "none" then return { values:reshape(shape) } end
  return { values:mean() }
end

return M
