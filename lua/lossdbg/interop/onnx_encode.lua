--- The bytes of an ONNX file, as messages of protocol buffers (onnx.proto, IR 9, operators 20).
local core = require "lossdbg.core"

local M = {}

M.OPSET = 20
local IR_VERSION = 9

local function varint(n)
  local out = {}
  repeat
    local low = n & 0x7f
    n = n >> 7 -- a logical shift: negative numbers take ten bytes, as they must
    out[#out + 1] = string.char(n ~= 0 and low | 0x80 or low)
  until n == 0
  return table.concat(out)
end

local function integer(field, n) return varint(field << 3) .. varint(n) end

local function bytes(field, text) return varint(field << 3 | 2) .. varint(#text) .. text end

local function float(field, x) return varint(field << 3 | 5) .. string.pack("<f", x) end

-- A string, an integer, a float or a list of integers. Floats are written as such by math.type.
local function attribute(name, value)
  local out = bytes(1, name)
  if type(value) == "string" then return out .. bytes(4, value) .. integer(20, 3) end
  if type(value) == "table" then
    local parts = {}
    for i, item in ipairs(value) do
      parts[i] = type(item) == "string" and bytes(9, item) or integer(8, item)
    end
    return out .. table.concat(parts) .. integer(20, type(value[1]) == "string" and 8 or 7)
  end
  if math.type(value) == "integer" then return out .. integer(3, value) .. integer(20, 2) end
  return out .. float(2, value) .. integer(20, 1)
end

---@param node { name: string, op: string, inputs: string[], outputs: string[], attributes: table }
---@return string
function M.node(node)
  local parts = {}
  for _, name in ipairs(node.inputs) do parts[#parts + 1] = bytes(1, name) end
  for _, name in ipairs(node.outputs) do parts[#parts + 1] = bytes(2, name) end
  parts[#parts + 1] = bytes(3, node.name) .. bytes(4, node.op)
  local names = {}
  for name in pairs(node.attributes or {}) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    parts[#parts + 1] = bytes(5, attribute(name, node.attributes[name]))
  end
  return table.concat(parts)
end

-- dims, data_type, name, raw_data
local function initializer(name, shape, kind, raw)
  local parts = {}
  for i, size in ipairs(shape) do parts[i] = integer(1, size) end
  return table.concat(parts) .. integer(2, kind) .. bytes(8, name) .. bytes(9, raw)
end

---A tensor as 32-bit floats.
function M.tensor(name, tensor)
  local plain = tensor:detach():cast("f32"):contiguous()
  return initializer(name, plain.shape, 1, core.io.raw(plain))
end

---A list of 64-bit integers.
function M.integers(name, list)
  local parts = {}
  for i, n in ipairs(list) do parts[i] = string.pack("<i8", n) end
  return initializer(name, { #list }, 7, table.concat(parts))
end

---A value at the border of a graph: its batch is open.
---@param name string
---@param shape integer[] of one sample
---@param kind "float"|"int64"
function M.value(name, shape, kind)
  local dims = { bytes(1, bytes(2, "batch")) }
  for i, size in ipairs(shape) do dims[i + 1] = bytes(1, integer(1, size)) end
  local tensor = integer(1, kind == "int64" and 7 or 1) .. bytes(2, table.concat(dims))
  return bytes(1, name) .. bytes(2, bytes(1, tensor))
end

---@param graph { nodes: string[], initializers: string[], inputs: string[], outputs: string[] }
---@param version string of lossdbg
---@return string
function M.model(graph, version)
  local parts = {}
  local function add(field, list)
    for _, text in ipairs(list) do parts[#parts + 1] = bytes(field, text) end
  end
  add(1, graph.nodes)
  parts[#parts + 1] = bytes(2, "lossdbg")
  add(5, graph.initializers)
  add(11, graph.inputs)
  add(12, graph.outputs)
  return integer(1, IR_VERSION) .. bytes(2, "lossdbg") .. bytes(3, version)
    .. bytes(7, table.concat(parts)) .. bytes(8, bytes(1, "") .. integer(2, M.OPSET))
end

return M
