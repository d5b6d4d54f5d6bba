--- Safetensors: named tensors and a table of strings in one file that no reader has to trust.
-- u64 length n · n bytes of JSON { name: { dtype, shape, data_offsets }, __metadata__ } · data. The
-- reader accepts what the specification says and nothing else: offsets cover the data without holes
-- and without overlap. https://github.com/huggingface/safetensors
local core = require "lossdbg.core"
local file = require "lossdbg.support.file"
local json = require "lossdbg.support.json"
local options = require "lossdbg.support.options"
local tensors = require "lossdbg.tensor"

local M = {}

local header_limit = 100000000
local names_of = { f32 = "F32", f64 = "F64", i32 = "I32" }
local sizes = { F32 = 4, F64 = 8, I8 = 1, I16 = 2, I32 = 4, I64 = 8, U8 = 1, U16 = 2, U32 = 4,
  BOOL = 1 }

-- ---- writing ------------------------------------------------------------------------------------

local function check_tensors(where, given)
  if type(given) ~= "table" or tensors.is_tensor(given) then
    options.fail(where, "tensors", "a table from name to tensor", given, nil, 3)
  end
  local list = {}
  for name, tensor in pairs(given) do
    if type(name) ~= "string" or name == "" or name == "__metadata__" then
      options.fail(where, "tensors", "names that are strings", name, nil, 3)
    elseif not tensors.is_tensor(tensor) then
      options.fail(where, "tensors['" .. name .. "']", "a tensor", tensor, nil, 3)
    end
    list[#list + 1] = { name = name, tensor = tensor:detach():contiguous() }
  end
  table.sort(list, function(a, b) -- the widest elements first: then all stay aligned
    local wa, wb = sizes[names_of[a.tensor.dtype]], sizes[names_of[b.tensor.dtype]]
    if wa ~= wb then return wa > wb end
    return a.name < b.name
  end)
  return list
end

-- A file of ours carries the checksum of all its bytes, taken with zeros in the checksum's place.
local sealed_by, no_sum = "\"checksum\":\"crc32:", ("0"):rep(8)

local function seal(bytes)
  local _, last = bytes:find(sealed_by .. no_sum, 1, true)
  local sum = ("%08x"):format(core.io.crc32(bytes))
  return bytes:sub(1, last - #no_sum) .. sum .. bytes:sub(last + 1)
end

local function sum_of(metadata)
  return type(metadata.checksum) == "string"
    and metadata.checksum:match "^crc32:(%x%x%x%x%x%x%x%x)$"
end

-- Whether the bytes are those that were sealed.
local function is_whole(bytes, sum)
  local _, last = bytes:find(sealed_by .. sum, 1, true)
  if not last then return false end
  local before = core.io.crc32(bytes:sub(1, last - #sum) .. no_sum)
  return ("%08x"):format(core.io.crc32(bytes:sub(last + 1), before)) == sum
end

--- The bytes of a file.
---@param given table<string, lossdbg.Tensor>
---@param metadata? table<string, string>
---@param sealed? boolean with a checksum of everything, in the metadata
---@return string
function M.encode(given, metadata, sealed)
  local list, offset = check_tensors("safetensors.encode", given), 0
  local header, data = json.object {}, {}
  if sealed then
    local with = { checksum = "crc32:" .. no_sum }
    for key, value in pairs(metadata or {}) do with[key] = value end
    metadata = with
  end
  if metadata and next(metadata) then
    for key, value in pairs(metadata) do
      if type(key) ~= "string" or type(value) ~= "string" then
        options.fail("safetensors.encode", "metadata", "strings only", value, nil, 2)
      end
    end
    header.__metadata__ = json.object(metadata)
  end
  for i, item in ipairs(list) do
    data[i] = core.io.raw(item.tensor)
    header[item.name] = { dtype = names_of[item.tensor.dtype],
      shape = json.array(item.tensor.shape), data_offsets = { offset, offset + #data[i] } }
    offset = offset + #data[i]
  end
  local text = json.encode(header)
  text = text .. (" "):rep(-(8 + #text) % 8)
  local bytes = string.pack("<I8", #text) .. text .. table.concat(data)
  return sealed and seal(bytes) or bytes
end

--- Writes a file: beside the target first, synced, then renamed over it.
---@param path string
---@param given table<string, lossdbg.Tensor>
---@param metadata? table<string, string>
---@param sealed? boolean as for encode
---@return true|nil
---@return string? message
function M.save(path, given, metadata, sealed)
  return file.write(path, M.encode(given, metadata, sealed))
end

-- ---- reading ------------------------------------------------------------------------------------

local function read_header(bytes)
  if #bytes < 8 then return nil, ("%d bytes, too short for a header"):format(#bytes) end
  local n = string.unpack("<I8", bytes)
  if n < 0 or n > header_limit or n > #bytes - 8 then
    return nil, "the header's length does not fit the file (cut short, or not safetensors?)"
  end
  local text = bytes:sub(9, 8 + n)
  if text:byte(1) ~= 0x7b then return nil, "the header does not start with '{'" end
  local header, why = json.decode((text:gsub(" +$", "")), { unique = true, nonfinite = false })
  if type(header) ~= "table" then return nil, "the header is not JSON: " .. tostring(why) end
  return header, nil, 8 + n
end

local function integer(x) return math.type(x) == "integer" and x >= 0 end

-- Entries by place; nil and a message unless they cover `length` bytes exactly once.
local function placed(header, length)
  local list = {}
  for name, entry in pairs(header) do
    if name ~= "__metadata__" then
      local at = type(entry) == "table" and entry.data_offsets
      if type(at) ~= "table" or #at ~= 2 or not integer(at[1]) or not integer(at[2])
        or at[2] < at[1] or type(entry.shape) ~= "table" then
        return nil, ("tensor '%s': its entry is malformed"):format(name)
      end
      list[#list + 1] = { name = name, first = at[1], last = at[2], dtype = entry.dtype,
        shape = entry.shape }
    end
  end
  table.sort(list, function(a, b)
    if a.first ~= b.first then return a.first < b.first end
    return a.last < b.last
  end)
  local covered = 0
  for _, entry in ipairs(list) do
    if entry.first ~= covered then
      return nil, ("tensor '%s': its bytes leave a hole or overlap"):format(entry.name)
    end
    covered = entry.last
  end
  if covered ~= length then
    return nil, ("%d bytes of data, the header tells of %d"):format(length, covered)
  end
  return list
end

--- Tensors and metadata from the bytes of a file.
---@param bytes string
---@return table<string, lossdbg.Tensor>|nil
---@return table<string, string>|string metadata, or a message
function M.decode(bytes)
  if type(bytes) ~= "string" then
    options.fail("safetensors.decode", "bytes", "a string", bytes, nil, 2)
  end
  local header, why, start = read_header(bytes)
  if not header then return nil, "safetensors: " .. why end
  local metadata = header.__metadata__ or {}
  for key, value in pairs(type(metadata) == "table" and metadata or { metadata }) do
    if type(key) ~= "string" or type(value) ~= "string" then
      return nil, "safetensors: __metadata__ holds something else than strings"
    end
  end
  local sum = sum_of(metadata)
  if sum and not is_whole(bytes, sum) then
    return nil, "safetensors: the checksum is wrong: the file was damaged after it was written"
  end
  local list, problem = placed(header, #bytes - start)
  if not list then return nil, "safetensors: " .. problem end
  local out = {}
  for _, entry in ipairs(list) do
    local tensor, message = core.io.elements(bytes, start + entry.first, entry.last - entry.first,
      entry.dtype, entry.shape)
    if not tensor then
      return nil, ("safetensors: tensor '%s': %s"):format(entry.name, message)
    end
    out[entry.name] = tensor
  end
  return out, metadata
end

--- Reads a file that was written sealed, of one format.
---@param path string
---@param format string what `metadata.format` must say
---@param what string what such a file is, for messages: "a checkpoint of lossdbg"
---@return table<string, lossdbg.Tensor>|nil
---@return table<string, string>|string metadata, or a message
function M.load_sealed(path, format, what)
  local out, metadata = M.load(path)
  if not out then return nil, metadata end
  if metadata.format ~= format then return nil, ("%s: not %s"):format(path, what) end
  if not sum_of(metadata) then
    return nil, path .. ": without a checksum (damaged, or of an older version)"
  end
  return out, metadata
end

--- Reads a file.
---@param path string
---@return table<string, lossdbg.Tensor>|nil
---@return table<string, string>|string metadata, or a message
function M.load(path)
  local bytes, why = require("lossdbg.data.read_file")(path)
  if not bytes then return nil, why end
  local out, more = M.decode(bytes)
  if not out then return nil, path .. ": " .. more end
  return out, more
end

return M
