--- ONNX files as plain data: nodes with their attributes, constants as tensors, inputs, outputs.
-- The wire format is read in C (core.io.proto_fields), one message at a time.
--   ModelProto   7 graph, 8 opset_import { 1 domain, 2 version }
--   GraphProto   1 node, 5 initializer, 11 input, 12 output
--   NodeProto    1 input, 2 output, 3 name, 4 op_type, 5 attribute, 7 domain
--   Attribute    1 name, 2 f, 3 i, 4 s, 5 t, 7 floats, 8 ints
--   TensorProto  1 dims, 2 data_type, 4 float_data, 5 int32_data, 7 int64_data, 8 name, 9 raw_data,
--                10 double_data, 13 external_data
--   ValueInfo    1 name, 2 type { 1 tensor_type { 1 elem_type, 2 shape { 1 dim { 1 value } } } }
local attempt = require "lossdbg.support.attempt"
local core = require "lossdbg.core"
local npy_bytes = require "lossdbg.interop.npy_bytes"
local tensors = require "lossdbg.tensor"

local M = {}

local MAX_NODES = 100000

local function refuse(form, ...) error({ onnx = form:format(...) }, 0) end

-- Fields of the message in a range, by number: { [1] = { field, ... }, ... }.
local function open(self, field)
  local fields, why = core.io.proto_fields(self.bytes, field.first, field.size)
  if not fields then refuse("byte %d: %s", field.first - 1, why) end
  local by = {}
  for _, one in ipairs(fields) do
    by[one.number] = by[one.number] or {}
    table.insert(by[one.number], one)
  end
  return by
end

local function text(self, field)
  if not field or not field.first then return nil end
  return self.bytes:sub(field.first, field.first + field.size - 1)
end

local function texts(self, list)
  local out = {}
  for i, field in ipairs(list or {}) do out[i] = text(self, field) or "" end
  return out
end

-- Repeated numbers, packed or not.
local function integers(self, list)
  local out = {}
  for _, field in ipairs(list or {}) do
    if field.value then
      out[#out + 1] = field.value
    else
      local packed = core.io.proto_varints(self.bytes, field.first, field.size)
      if not packed then refuse("byte %d: packed numbers are damaged", field.first - 1) end
      table.move(packed, 1, #packed, #out + 1, out)
    end
  end
  return out
end

local function reals(self, list)
  local out = {}
  for _, field in ipairs(list or {}) do
    if field.real then
      out[#out + 1] = field.real
    else
      if field.size % 4 ~= 0 then refuse("byte %d: packed numbers are damaged", field.first - 1) end
      for at = field.first, field.first + field.size - 1, 4 do
        out[#out + 1] = string.unpack("<f", self.bytes, at)
      end
    end
  end
  return out
end

-- ---- tensors ------------------------------------------------------------------------------------

local types = { [1] = "<f4", [2] = "|u1", [3] = "|i1", [5] = "<i2", [6] = "<i4", [7] = "<i8",
  [9] = "|b1", [11] = "<f8" }
local sizes = { ["<f4"] = 4, ["|u1"] = 1, ["|i1"] = 1, ["<i2"] = 2, ["<i4"] = 4, ["<i8"] = 8,
  ["|b1"] = 1, ["<f8"] = 8 }

local function count_of(shape, name)
  local n = 1
  for _, size in ipairs(shape) do
    if size < 0 or (size > 0 and n > (1 << 40) // size) then
      refuse("'%s' has a bad shape", name)
    end
    n = n * size
  end
  return n
end

local function tensor(self, field)
  local t = open(self, field)
  local name = text(self, t[8] and t[8][1]) or ""
  local kind = t[2] and t[2][1].value or 0
  local descr = types[kind]
  if t[13] then refuse("'%s' lies in another file (export with external_data=False)", name) end
  if not descr then refuse("'%s' has elements of type %d", name, kind) end
  local shape = integers(self, t[1])
  local n = count_of(shape, name)
  local raw = text(self, t[9] and t[9][1])
  local list
  if not raw and kind == 1 then list = reals(self, t[4]) end
  if not raw and (kind == 7 or kind == 6 or kind == 9) then
    list = integers(self, t[kind == 7 and 7 or 5])
  end
  if not raw and kind == 11 and t[10] then raw = text(self, t[10][1]) end
  if list and #list == n and n > 0 then
    return name, tensors.tensor(list, kind == 1 and "f32" or "i32"):reshape(shape), list
  end
  raw = raw or ""
  if #raw ~= n * sizes[descr] then refuse("'%s' holds %d bytes, expected %d", name, #raw,
    n * sizes[descr]) end
  local wide = descr == "<i8" and n > 0 and {}
  for i = 1, wide and n or 0 do wide[i] = string.unpack("<i8", raw, 8 * i - 7) end
  if wide then -- indices such as 2^63-1 ("to the end") do not fit i32
    local clipped = {}
    for i, one in ipairs(wide) do clipped[i] = math.max(-2 ^ 31 // 1, math.min(one, 2 ^ 31 - 1)) end
    return name, tensors.tensor(clipped, "i32"):reshape(shape), wide
  end
  if n == 0 then return name, tensors.zeros({ 0 }, "f32"), {} end
  local made, why = npy_bytes(descr, shape, raw)
  if not made then refuse("'%s': %s", name, why) end
  return name, made
end

-- ---- nodes --------------------------------------------------------------------------------------

local function attribute(self, field, into, node)
  local a = open(self, field)
  local name = text(self, a[1] and a[1][1]) or "?"
  if a[6] or a[11] then refuse("%s: '%s' is a graph: loops are not read", node, name) end
  if a[9] then
    into[name] = {}
    for i, one in ipairs(a[9]) do into[name][i] = text(self, one) end
  elseif a[8] then into[name] = integers(self, a[8])
  elseif a[7] then into[name] = reals(self, a[7])
  elseif a[4] then into[name] = text(self, a[4][1])
  elseif a[5] then
    local _, value, list = tensor(self, a[5][1])
    into[name] = { tensor = value, list = list }
  elseif a[2] then into[name] = a[2][1].real
  else into[name] = a[3] and a[3][1].value or 0 end
end

local function node_of(self, field)
  local n = open(self, field)
  local node = { op = text(self, n[4] and n[4][1]) or "?", attributes = {},
    name = text(self, n[3] and n[3][1]) or "", inputs = texts(self, n[1]),
    outputs = texts(self, n[2]) }
  local label = ("node '%s' (%s)"):format(node.name, node.op)
  for _, one in ipairs(n[5] or {}) do attribute(self, one, node.attributes, label) end
  return node
end

local function value_info(self, field)
  local v = open(self, field)
  local info = { name = text(self, v[1] and v[1][1]) or "?" }
  local kind = v[2] and open(self, v[2][1])[1]
  local t = kind and open(self, kind[1]) or {}
  info.type = t[1] and t[1][1].value or 0
  if t[2] then
    info.shape = {}
    for i, dim in ipairs(open(self, t[2][1])[1] or {}) do
      local d = open(self, dim)
      info.shape[i] = d[1] and d[1][1].value or false
    end
  end
  return info
end

local function graph_of(self, field)
  local g = open(self, field)
  local out = { nodes = {}, constants = {}, lists = {}, inputs = {}, outputs = {} }
  if #(g[1] or {}) > MAX_NODES then refuse("more than %d nodes", MAX_NODES) end
  for i, one in ipairs(g[1] or {}) do out.nodes[i] = node_of(self, one) end
  for _, one in ipairs(g[5] or {}) do
    local name, value, list = tensor(self, one)
    out.constants[name], out.lists[name] = value, list
  end
  for _, one in ipairs(g[11] or {}) do
    local info = value_info(self, one)
    if not out.constants[info.name] then out.inputs[#out.inputs + 1] = info end
  end
  for i, one in ipairs(g[12] or {}) do out.outputs[i] = value_info(self, one) end
  return out
end

---The graph of a file.
---@param bytes string
---@return { nodes: table[], constants: table<string, userdata>, lists: table<string, integer[]>,
---  inputs: table[], outputs: table[] }|nil
---@return string|nil message
function M.read(bytes)
  local self = { bytes = bytes }
  local ok, result = attempt.call(function()
    local model = open(self, { first = 1, size = #bytes })
    if not model[7] or not model[7][1].first then refuse("no graph: not an ONNX model") end
    local graph = graph_of(self, model[7][1])
    if #graph.nodes == 0 then refuse("the graph has no nodes") end
    return graph
  end)
  if ok then return result end
  if type(result) == "table" and result.onnx then return nil, "ONNX: " .. result.onnx end
  error(result, 0)
end

return M
