--- ONNX operators that are layers with weights.
local build = require "lossdbg.interop.onnx_build"
local nn = require "lossdbg.nn"

local refuse = build.refuse
local rows = {}

local function turned(tensor, order) return tensor:transpose(order):contiguous() end

-- A dense layer with a kernel [in, out]; a bias that is added right behind belongs to it.
local function dense(self, node, x, kernel, bias, module)
  if kernel.rank ~= 2 then refuse(node, "weights of %d axes, expected 2", kernel.rank) end
  local layer = self:once(node.inputs[2], function()
    local path = self:path(node, module)
    self:weight(path, "kernel", kernel)
    if bias then self:weight(path, "bias", bias:reshape { bias.numel }) end
    return nn.dense { kernel.shape[2], name = path, bias = bias ~= nil }
  end)
  return self:apply(self:logical(x), layer)
end

function rows.Gemm(self, node)
  local a = node.attributes
  local kernel, bias = self:constant(node, 2), self:constant(node, 3)
  if (a.alpha or 1) ~= 1 or (a.beta or 1) ~= 1 or (a.transA or 0) ~= 0 then
    refuse(node, "only alpha = beta = 1 without transA")
  end
  if a.transB == 1 then kernel = turned(kernel, { 2, 1 }) end
  return dense(self, node, self:symbol(node, 1), kernel, bias)
end

function rows.MatMul(self, node)
  local other = self:input(node, 2)
  local x = self:input(node, 1)
  if x.sym and other.tensor then
    local reader = self:only_reader(node.outputs[1])
    local bias, module
    if reader and reader.op == "Add" then
      local name = reader.inputs[1] == node.outputs[1] and reader.inputs[2] or reader.inputs[1]
      local constant = self.values[name]
      if constant and constant.tensor and constant.tensor.numel == other.tensor.shape[2] then
        bias, reader.passes, module = constant.tensor, node.outputs[1], name:match "^(.*)%.bias$"
      end
    end
    return dense(self, node, x, other.tensor, bias, module)
  elseif not (x.sym and other.sym) then
    refuse(node, "a constant times a value of the network")
  end
  return self:compute({ x, other }, function(a, b) return a:matmul(b) end)
end

-- Cells before and after each axis as our padding, or as a layer of zeros in front.
local function padding(self, node, x, n)
  local a = node.attributes
  local auto, pads = a.auto_pad, a.pads or {}
  if auto == "SAME_UPPER" then return "same", x end
  if auto and auto ~= "NOTSET" and auto ~= "VALID" then refuse(node, "auto_pad %s", auto) end
  local before, after, any, even = {}, {}, false, true
  for i = 1, n do
    before[i], after[i] = pads[i] or 0, pads[n + i] or 0
    any, even = any or before[i] + after[i] > 0, even and before[i] == after[i]
  end
  if not any then return "valid", x end
  if even then return n == 1 and before[1] or before, x end
  local list = {}
  for i = 1, n do list[i] = { before[i], after[i] } end
  local zeros = n == 1 and nn.zero_padding1d { list[1] } or nn.zero_padding2d { list }
  return "valid", self:apply(x, zeros)
end

local function sizes(list, n)
  return list and (n == 1 and list[1] or table.move(list, 1, n, 1, {}))
end

function rows.Conv(self, node)
  local a, kernel, bias = node.attributes, self:constant(node, 2), self:constant(node, 3)
  local n = kernel.rank - 2
  if n ~= 1 and n ~= 2 then refuse(node, "a convolution over %d axes, expected 1 or 2", n) end
  local x = self:channels_last(self:symbol(node, 1))
  local pads
  pads, x = padding(self, node, x, n)
  local layer = self:once(node.inputs[2], function()
    local path = self:path(node)
    self:weight(path, "kernel", turned(kernel, n == 1 and { 3, 2, 1 } or { 3, 4, 2, 1 }))
    if bias then self:weight(path, "bias", bias) end
    local window = sizes(table.move(kernel.shape, 3, 4, 1, {}), n)
    return nn["conv" .. n .. "d"] { kernel.shape[1], window,
      strides = sizes(a.strides, n) or 1, dilation = sizes(a.dilations, n) or 1, padding = pads,
      groups = a.group or 1, bias = bias ~= nil, name = path }
  end)
  return self:apply(x, layer)
end

-- Statistics of the batch as PyTorch keeps them: momentum there is what comes, in ONNX what stays.
function rows.BatchNormalization(self, node)
  local x, a = self:symbol(node, 1), node.attributes
  if #x.shape > 1 then x = self:channels_last(x) end
  local layer = self:once(node.inputs[2], function()
    local path = self:path(node)
    for i, name in ipairs { "gamma", "beta", "moving_mean", "moving_variance" } do
      self:weight(path, name, self:constant(node, i + 1))
    end
    return nn.batch_norm { flavor = "torch", momentum = 1 - (a.momentum or 0.9),
      epsilon = a.epsilon or 1e-5, name = path }
  end)
  return self:apply(x, layer)
end

function rows.LayerNormalization(self, node)
  local x, scale, bias = self:logical(self:symbol(node, 1)), self:constant(node, 2),
    self:constant(node, 3)
  local axis = node.attributes.axis or -1
  local n = axis < 0 and -axis or #x.shape + 1 - axis
  local axes = {}
  for i = 1, n do axes[i] = i - n - 1 end
  local layer = self:once(node.inputs[2], function()
    local path = self:path(node)
    self:weight(path, "gamma", scale)
    if bias then self:weight(path, "beta", bias) end
    return nn.layer_norm { axis = axes, epsilon = node.attributes.epsilon or 1e-5,
      center = bias ~= nil, name = path }
  end)
  return self:apply(x, layer)
end

-- Gather on a table of weights is an embedding; on a value it takes one place of an axis.
function rows.Gather(self, node)
  local data, axis = self:input(node, 1), node.attributes.axis or 0
  local ids = self:input(node, 2)
  if data.list and not data.sym then
    local out = {}
    for i, id in ipairs(ids.list or self:integers(node, 2)) do
      out[i] = data.list[id < 0 and #data.list + 1 + id or id + 1]
    end
    return { list = out }
  end
  if data.tensor and ids.sym and axis == 0 then
    local layer = self:once(node.inputs[1], function()
      local path = self:path(node, node.inputs[1]:match "^(.*)%.weight$")
      self:weight(path, "embeddings", data.tensor)
      return nn.embedding { data.tensor.shape[1], data.tensor.shape[2], name = path }
    end)
    return self:apply(ids, layer)
  end
  local list = self:integers(node, 2)
  if not data.sym or #list ~= 1 then
    refuse(node, "only a table by ids, or one place of an axis")
  end
  if data.swapped and axis == 0 then axis = 1 elseif data.swapped and axis == 1 then axis = 0 end
  if axis < 0 then axis = #data.shape + 1 + axis end
  if axis == 0 then refuse(node, "takes one row of the batch") end
  local scalar = (ids.tensor and ids.tensor.rank or 0) == 0
  local out = self:compute({ data }, function(x)
    local size = x.shape[axis + 1]
    local place = list[1] < 0 and size + 1 + list[1] or list[1] + 1
    x = x:slice(axis + 1, place, place)
    return scalar and x:squeeze(axis + 1) or x
  end)
  out.swapped = nil
  return out
end

-- ---- recurrent ----------------------------------------------------------------------------------

-- Rows of the gates in ONNX's order as columns in ours.
local orders = { LSTM = { 1, 3, 4, 2 }, GRU = { 1, 2, 3 }, RNN = { 1 } } -- ifco of iofc; zrn; h

local function gates(matrix, order)
  local units, parts = matrix.shape[1] // #order, {}
  for i, gate in ipairs(order) do
    parts[i] = matrix:slice(1, (gate - 1) * units + 1, gate * units)
  end
  local joined = #parts == 1 and parts[1] or require("lossdbg.core").op.concat(parts, 1)
  return joined:contiguous()
end

local function direction(self, node, path, prefix, index, kind)
  local order = orders[node.op]
  local function of(i) return self:constant(node, i):slice(1, index, index):squeeze(1) end
  self:weight(path, prefix .. "kernel", turned(gates(of(2), order), { 2, 1 }))
  self:weight(path, prefix .. "recurrent_kernel", turned(gates(of(3), order), { 2, 1 }))
  if node.inputs[4] and node.inputs[4] ~= "" then
    local both = of(4)
    local half = both.numel // 2
    local input = gates(both:slice(1, 1, half), order)
    local recurrent = gates(both:slice(1, half + 1, 2 * half), order)
    self:weight(path, prefix .. "bias", kind == "gru" and node.attributes.linear_before_reset == 1
      and require("lossdbg.core").op.concat({ input:unsqueeze(1), recurrent:unsqueeze(1) }, 1)
      or input:add(recurrent))
  end
end

-- Those of the steps: ONNX lists them for each direction.
local function inner_activations(node, kind, given)
  local list = node.attributes.activations
  if not list then return end
  local each = kind == "lstm" and 3 or kind == "gru" and 2 or 1
  for i = each + 1, #list do
    if list[i] ~= list[i - each] then refuse(node, "directions with other activations") end
  end
  if kind == "lstm" and list[2] ~= list[3] then refuse(node, "two activations of the state") end
  given.activation = list[kind == "simple_rnn" and 1 or 2]:lower()
  if kind ~= "simple_rnn" then given.recurrent_activation = list[1]:lower() end
end

local function recurrent(self, node)
  local a, x = node.attributes, self:symbol(node, 1)
  local units = self:constant(node, 3).shape[3]
  local kind = ({ LSTM = "lstm", GRU = "gru", RNN = "simple_rnn" })[node.op]
  if not x.swapped and (a.layout or 0) == 0 then refuse(node, "expected [steps, batch, ...]") end
  if a.clip or node.inputs[8] and node.inputs[8] ~= "" then refuse(node, "clip or peepholes") end
  local way, path = a.direction or "forward", self:path(node)
  local given = { units, return_sequences = true, name = way ~= "bidirectional" and path or nil,
    bias = node.inputs[4] ~= nil and node.inputs[4] ~= "", go_backwards = way == "reverse" or nil }
  if kind == "gru" then given.reset_after = a.linear_before_reset == 1 end
  inner_activations(node, kind, given)
  local layer = nn[kind](given)
  if way == "bidirectional" then
    layer = nn.bidirectional { layer, name = path }
    direction(self, node, path, "forward_", 1, kind)
    direction(self, node, path, "backward_", 2, kind)
  else
    direction(self, node, path, "", 1, kind)
  end
  local y = self:apply(x, layer)
  y.swapped, y.dirs = true, way == "bidirectional" and 2 or 1
  local steps = x.shape[1]
  local last = self:compute({ y }, function(all)
    return all:slice(2, steps, steps):squeeze(2)
  end)
  last.swapped, last.dirs = nil, nil
  last.shape = { 1, units } -- [directions, batch, units]; the last of both ways is not one step
  last.sym = nn.reshape { 1, units }(last.sym)
  last.swapped = true
  if way == "reverse" then -- a layer gives them in the order in which it went
    local flipped = self:compute({ y }, function(all) return all:flip(2) end)
    flipped.swapped, flipped.dirs, y = true, 1, flipped
  end
  return y, y.dirs == 1 and last or nil
end

rows.LSTM, rows.GRU, rows.RNN = recurrent, recurrent, recurrent

return rows
