--- Arrays with names: NumPy's .npz (a ZIP of .npy members that are stored, as np.savez writes them)
-- and safetensors (a JSON header, then the bytes).
local core = require "lossdbg.core"
local json = require "lossdbg.view.json"

local M = {}

local function bytes_of(bytes, member)
  if member.method ~= 0 then
    return nil, ("'%s' is compressed: write the archive without compression (np.savez, not " ..
      "np.savez_compressed)"):format(member.name)
  end
  return bytes:sub(member.offset, member.offset + member.size - 1)
end

--- One member of a ZIP archive.
---@param bytes string
---@param name string
---@return string|nil bytes
---@return string|nil message
function M.member(bytes, name)
  local list, why = core.io.zip(bytes)
  if not list then return nil, why end
  for _, member in ipairs(list) do
    if member.name == name then return bytes_of(bytes, member) end
  end
  return nil, ("the archive has no '%s'"):format(name)
end

local function npz(bytes)
  local list, why = core.io.zip(bytes)
  if not list then return nil, why end
  local out = {}
  for i, member in ipairs(list) do
    local content, tensor
    content, why = bytes_of(bytes, member)
    if not content then return nil, why end
    tensor, why = core.io.npy(content)
    if not tensor then return nil, member.name .. ": " .. why end
    local name = member.name:gsub("%.npy$", "")
    out[i] = { name = name, tensor = tensor }
  end
  return out
end

local types = { F32 = "<f4", F64 = "<f8", I8 = "|i1", I16 = "<i2", I32 = "<i4", I64 = "<i8",
  U8 = "|u1", U16 = "<u2", U32 = "<u4", BOOL = "|b1" }

-- A header of NPY before the bytes: one parser for all arrays.
local function as_npy(entry, content)
  local shape = {}
  for i, size in ipairs(entry.shape) do shape[i] = ("%d,"):format(size) end
  local header = ("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }\n"):format(
    types[entry.dtype], table.concat(shape, " "))
  return "\x93NUMPY\1\0" .. string.pack("<I2", #header) .. header .. content
end

local function check_entry(entry, size)
  local at = type(entry) == "table" and entry.data_offsets
  if type(at) ~= "table" or type(entry.shape) ~= "table" then return "no shape and data_offsets" end
  if not types[entry.dtype] then return "elements of type " .. tostring(entry.dtype) end
  local from, to = at[1], at[2]
  if math.type(from) ~= "integer" or math.type(to) ~= "integer" or from < 0 or to < from
    or to > size then
    return "data_offsets outside the file"
  end
  for _, n in ipairs(entry.shape) do
    if math.type(n) ~= "integer" or n < 0 then return "a shape with " .. tostring(n) end
  end
end

local function safetensors(bytes)
  local length = #bytes >= 8 and string.unpack("<I8", bytes) or -1
  if length < 2 or length > #bytes - 8 then
    return nil, "neither .npz nor safetensors: no header that fits the file"
  end
  local header, why = json.decode(bytes:sub(9, 8 + length))
  if type(header) ~= "table" then return nil, "the header of safetensors: " .. (why or "no object") end
  local names, out = {}, {}
  for name in pairs(header) do
    if name ~= "__metadata__" then names[#names + 1] = name end
  end
  table.sort(names)
  for i, name in ipairs(names) do
    local entry = header[name]
    local wrong = check_entry(entry, #bytes - 8 - length)
    if wrong then return nil, ("'%s': %s"):format(name, wrong) end
    local from, to = entry.data_offsets[1], entry.data_offsets[2]
    local tensor
    tensor, why = core.io.npy(as_npy(entry, bytes:sub(9 + length + from, 8 + length + to)))
    if not tensor then return nil, ("'%s': %s"):format(name, why) end
    out[i] = { name = name, tensor = tensor }
  end
  return out
end

--- The arrays of an .npz or safetensors file. Those of .npz keep their order.
---@param bytes string
---@return { name: string, tensor: userdata }[]|nil
---@return string|nil message
function M.arrays(bytes)
  if bytes:sub(1, 2) == "PK" then return npz(bytes) end
  return safetensors(bytes)
end

return M
