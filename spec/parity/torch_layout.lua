-- PyTorch's functions that move elements, and its matrix products, by our ops.
local core = require "lossdbg.core"
local ld = require "lossdbg"
local torch = require "torch_arguments"

local op = core.op
local axis, needs_not = torch.axis, torch.needs_not

local M = {}

-- ---- shapes ------------------------------------------------------------------------------------

local function shape_of(a)
  if type(a[2]) == "table" then return a[2] end
  return a.named.shape or { table.unpack(a, 2, a.n) }
end
local function positive(x, dim) return dim < 0 and x.rank + dim + 1 or dim + 1 end
local function swap(x, i, j)
  local perm = {}
  for k = 1, x.rank do perm[k] = k end
  perm[i], perm[j] = j, i
  return op.transpose(x, perm)
end

M.reshape = { "reshape", function(a) return { op.reshape(a[1], shape_of(a)) } end }
M.view = M.reshape
M.flatten = { "reshape", function(a)
  local x = a[1]
  if x.rank == 0 then return { op.reshape(x, { 1 }) } end
  local first, last = positive(x, a:get(2, "start_dim", 0)), positive(x, a:get(3, "end_dim", -1))
  local shape, n = { table.unpack(x.shape, 1, first - 1) }, 1
  for i = first, last do n = n * x.shape[i] end
  shape[#shape + 1] = n
  return { op.reshape(x, table.move(x.shape, last + 1, x.rank, #shape + 1, shape)) }
end }
M.unflatten = { "reshape", function(a)
  local x = a[1]
  local at, sizes = positive(x, a[2]), a[3]
  local shape = { table.unpack(x.shape, 1, at - 1) }
  table.move(sizes, 1, #sizes, #shape + 1, shape)
  return { op.reshape(x, table.move(x.shape, at + 1, x.rank, #shape + 1, shape)) }
end }
M.transpose = { "transpose", function(a)
  local x = a[1]
  if x.rank == 0 then return { op.linear(x) } end
  return { swap(x, positive(x, a[2]), positive(x, a[3])) }
end }
M.permute = { "transpose", function(a)
  local x, perm = a[1], {}
  if x.rank == 0 then return { op.transpose(x) } end
  for i, dim in ipairs(shape_of(a)) do perm[i] = positive(x, dim) end
  return { op.transpose(x, perm) }
end }
M.T = { "transpose", function(a) return { op.transpose(a[1]) } end }
M.t = M.T
M.mT = { "transpose", function(a) return { swap(a[1], a[1].rank - 1, a[1].rank) } end }
M.movedim = { "transpose", function(a)
  local x, from, to = a[1], a[2], a[3]
  if x.rank == 0 then return { op.linear(x) } end
  if type(from) ~= "table" then from, to = { from }, { to } end
  local perm, used, at = {}, {}, 1
  for i, dim in ipairs(from) do
    perm[positive(x, to[i])] = positive(x, dim)
    used[positive(x, dim)] = true
  end
  for i = 1, x.rank do
    if not used[i] then
      while perm[at] do at = at + 1 end
      perm[at] = i
    end
  end
  return { op.transpose(x, perm) }
end }
M.expand = { "expand", function(a) return { op.expand(a[1], shape_of(a)) } end }
M.broadcast_to = M.expand
M.expand_as = { "expand", function(a) return { op.expand(a[1], a[2].shape) } end }

local function squeezed(a)
  local x, dims, drop = a[1], a:get(2, "dim"), {}
  if dims == nil then
    for i = 0, x.rank - 1 do drop[#drop + 1] = i end
  else
    drop = type(dims) == "table" and dims or { dims }
  end
  local places = {}
  for _, dim in ipairs(x.rank > 0 and drop or {}) do
    local at = positive(x, dim)
    if x.shape[at] == 1 then places[#places + 1] = at end
  end
  table.sort(places, function(p, q) return p > q end)
  local y = op.linear(x)
  for _, at in ipairs(places) do y = op.squeeze(y, at) end
  return { y }
end
M.squeeze, M["squeeze|multiple"] = { "squeeze", squeezed }, { "squeeze", squeezed }
M.unsqueeze = { "unsqueeze", function(a)
  return { op.unsqueeze(a[1], a[2] < 0 and a[2] or a[2] + 1) }
end }

-- ---- parts and wholes --------------------------------------------------------------------------

M.flip = { "flip", function(a)
  local y = op.linear(a[1])
  for _, dim in ipairs(a:get(2, "dims")) do y = op.flip(y, axis(a[1], dim)) end
  return { y }
end }
M.fliplr = { "flip", function(a) return { op.flip(a[1], 2) } end }
M.flipud = { "flip", function(a) return { op.flip(a[1], 1) } end }
M.narrow = { "slice", function(a)
  local x, first, n = a[1], a[3], a[4]
  local at = positive(x, a[2])
  if ld.is_tensor(first) then first = first:item() end
  if first < 0 then first = x.shape[at] + first end
  needs_not(n == 0, "slices without elements")
  return { op.slice(x, at, first + 1, first + n) }
end }
M.select = { "select", function(a)
  return { op.select(a[1], axis(a[1], a[2]), a[3] < 0 and a[3] or a[3] + 1) }
end }
M.unbind = { "select", function(a)
  local x, list = a[1], {}
  local at = positive(x, a:get(2, "dim", 0))
  for i = 1, x.shape[at] do list[i] = op.select(x, at, i) end
  return list
end }
local function cut(x, at, size)
  local list = {}
  for first = 1, x.shape[at], size do
    list[#list + 1] = op.slice(x, at, first, math.min(first + size - 1, x.shape[at]))
  end
  return list
end
M.split = { "slice", function(a) return cut(a[1], positive(a[1], a:get(3, "dim", 0)), a[2]) end }
M.chunk = { "slice", function(a)
  local at = positive(a[1], a:get(3, "dim", 0))
  return cut(a[1], at, math.ceil(a[1].shape[at] / a[2]))
end }
M.cat = { "concat", function(a)
  local list = {}
  for i, t in ipairs(a[1]) do
    needs_not(t.rank ~= a[1][#a[1]].rank, "empty vectors among matrices")
    list[i] = t
  end
  return { op.concat(list, axis(list[1], a:get(2, "dim", 0))) }
end }
M.stack = { "concat", function(a)
  local list, dim = {}, a:get(2, "dim", 0)
  local at = dim < 0 and dim or dim + 1
  for i, t in ipairs(a[1]) do list[i] = op.unsqueeze(t, at) end
  return { op.concat(list, at) }
end }
local function padded(a)
  local x, theirs, pads = a[1], a:get(2, "pad"), {}
  local mode = a:get(3, "mode")
  local value = type(mode) == "number" and mode or a:get(4, "value", 0)
  for i = 1, 2 * x.rank do pads[i] = 0 end
  for i = 1, #theirs, 2 do
    local at = 2 * (x.rank - (i - 1) // 2) - 1
    pads[at], pads[at + 1] = theirs[i], theirs[i + 1]
    needs_not(theirs[i] < 0 or theirs[i + 1] < 0, "negative padding")
  end
  return { op.pad(x, { pads = pads, value = value }) }
end
M.constant_pad_nd, M["nn.functional.pad|constant"] = { "pad", padded }, { "pad", padded }
M.index_select = { "gather", function(a)
  local ids = a[3].rank == 0 and a[3]:reshape { 1 } or a[3]
  return { op.gather(a[1], ids + 1, axis(a[1], a[2])) }
end }
M["nn.functional.embedding"] = { "embedding", function(a)
  needs_not(a.named.max_norm, "tables whose rows are cut to a norm")
  local padding = a.named.padding_idx
  if padding and padding < 0 then padding = a[1].shape[1] + padding end
  return { op.embedding(a[1], a[2], padding and { padding = padding } or nil) }
end }
M["nn.functional.one_hot"] = { "one_hot", function(a)
  local classes = a:get(2, "num_classes", -1)
  if classes < 0 then classes = op.max(a[1]):item() + 1 end
  return { op.one_hot(a[1], math.tointeger(classes)) }
end }

-- ---- matrices ----------------------------------------------------------------------------------

local function product(x, y)
  local left, right = x.rank == 1, y.rank == 1
  if left then x = op.unsqueeze(x, 1) end
  if right then y = op.unsqueeze(y, 2) end
  local z = op.matmul(x, y)
  if right then z = op.squeeze(z, -1) end
  return left and op.squeeze(z, right and -1 or -2) or z
end
local function multiplied(a) return { product(a[1], a[2]) } end
for _, name in ipairs { "matmul", "mm", "bmm", "mv", "dot" } do M[name] = { "matmul", multiplied } end
M.__rmatmul__ = { "matmul", function(a) return { product(a[2], a[1]) } end }
M.addmm = { "matmul", function(a)
  local beta, alpha = a.named.beta or 1, a.named.alpha or 1
  return { a[1] * beta + op.matmul(a[2], a[3]) * alpha }
end }
M["nn.functional.linear"] = { "dense", function(a)
  local x, w, b = a[1], a[2], a:get(3, "bias")
  needs_not(w.rank < 2, "a dense layer of one unit without an axis for it")
  if x.rank == 1 then return { op.squeeze(op.dense(op.unsqueeze(x, 1), w:transpose(), b), 1) } end
  return { op.dense(x, w:transpose(), b) }
end }

return M
