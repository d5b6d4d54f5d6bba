--- The arrays of an HDF5 file, as far as h5py writes it for weights: superblock 0, groups of symbol
-- tables, arrays of little-endian numbers in one piece. Everything else (chunks, compression, newer
-- headers) is refused with the reason. Every offset is checked before it is read.
--   superblock    "\x89HDF\r\n\x1a\n" 0 ... sizes 8, 8 ... entry of the root group at 56
--   entry         name offset (8), address of the object header (8), 24 more bytes
--   header        1 0 messages (2) references (4) size (4) pad (4), then messages
--   message       type (2) size (2) flags (1) reserved (3) data
--   group         message 17: address of a B-tree ("TREE"), of a heap of names ("HEAP")
--   leaves        "SNOD" 1 0 count (2), then entries
local attempt = require "lossdbg.support.attempt"
local npy_bytes = require "lossdbg.interop.npy_bytes"

local M = {}

local SIGNATURE = "\x89HDF\r\n\x1a\n"
local MAX_DEPTH, MAX_ITEMS = 32, 100000

-- Damage is raised inside and told as nil and a message outside.
local function refuse(form, ...)
  error({ hdf5 = form:format(...) }, 0)
end

local function read(self, form, at)
  local size = string.packsize(form)
  if at < 0 or at > #self.bytes - size then
    refuse("an address lies outside the file: cut short?")
  end
  return string.unpack(form, self.bytes, at + 1)
end

local function expect(self, at, mark)
  if self.bytes:sub(at + 1, at + #mark) ~= mark then
    refuse("expected %s at byte %d (an HDF5 of another form?)", mark, at)
  end
end

local function count(self)
  self.items = self.items + 1
  if self.items > MAX_ITEMS then refuse("more than %d objects", MAX_ITEMS) end
end

-- ---- headers ------------------------------------------------------------------------------------

-- Messages of an object header by type; the first of a kind counts.
local function messages(self, at)
  if self.bytes:sub(at + 1, at + 4) == "OHDR" then
    refuse("object headers of version 2 (written with libver='latest')")
  end
  local version, left = read(self, "<BxI2", at)
  if version ~= 1 then refuse("object header of version %d at byte %d", version, at) end
  local size = read(self, "<I4", at + 8)
  local found, blocks, i = {}, { { at + 16, size } }, 1
  while blocks[i] and left > 0 do
    local place, stop = blocks[i][1], blocks[i][1] + blocks[i][2]
    while place + 8 <= stop and left > 0 do
      count(self)
      local kind, length = read(self, "<I2I2", place)
      if length > stop - place - 8 then refuse("a message is longer than its header") end
      if kind == 0x10 then
        local address, bytes = read(self, "<i8i8", place + 8)
        blocks[#blocks + 1] = { address, bytes }
      elseif not found[kind] then
        found[kind] = { at = place + 8, size = length }
      end
      place, left = place + 8 + length, left - 1
    end
    i = i + 1
  end
  return found
end

-- ---- groups -------------------------------------------------------------------------------------

local function name_of(self, heap, offset)
  expect(self, heap, "HEAP")
  local size, _, data = read(self, "<i8i8i8", heap + 8)
  if offset < 0 or offset >= size then refuse("a name lies outside its heap") end
  local stop = self.bytes:find("\0", data + offset + 1, true)
  if not stop or stop > data + size then refuse("a name without an end") end
  return self.bytes:sub(data + offset + 1, stop - 1)
end

local function entries(self, node, heap, visit, depth)
  if depth > MAX_DEPTH then refuse("groups nested more than %d deep", MAX_DEPTH) end
  count(self)
  if self.bytes:sub(node + 1, node + 4) == "SNOD" then
    for i = 0, read(self, "<I2", node + 6) - 1 do
      local offset, header = read(self, "<i8i8", node + 8 + 40 * i)
      visit(name_of(self, heap, offset), header)
    end
    return
  end
  expect(self, node, "TREE")
  local kind, _, used = read(self, "<BBI2", node + 4)
  if kind ~= 0 then refuse("a B-tree of chunks where a group should be") end
  for i = 0, used - 1 do
    entries(self, read(self, "<i8", node + 32 + 16 * i), heap, visit, depth + 1)
  end
end

-- ---- arrays -------------------------------------------------------------------------------------

local function shape_of(self, message)
  local version, rank = read(self, "<BB", message.at)
  if version ~= 1 and version ~= 2 then refuse("a dataspace of version %d", version) end
  if rank > 8 then refuse("an array of %d axes", rank) end
  local shape, first = {}, message.at + (version == 1 and 8 or 4)
  for i = 1, rank do shape[i] = read(self, "<i8", first + 8 * (i - 1)) end
  return shape
end

local letters = { [0] = "i", [1] = "f" }

local function type_of(self, message, path)
  local kind, flags, size = read(self, "<BBxxI4", message.at)
  local letter = letters[kind & 15]
  if not letter then return nil end -- texts and the like are no weights
  if flags & 1 ~= 0 then refuse("'%s': big-endian numbers", path) end
  return "<" .. (letter == "i" and flags & 8 == 0 and "u" or letter) .. size, size
end

local function bytes_of(self, message, size, path)
  local version, class = read(self, "<BB", message.at)
  if (version ~= 3 and version ~= 4) or class > 1 then
    refuse("'%s' is stored in chunks or by an old layout", path)
  end
  local at, length = message.at + 4
  if class == 0 then
    length = read(self, "<I2", message.at + 2)
  else
    at, length = read(self, "<i8i8", message.at + 2)
  end
  if length ~= size then refuse("'%s' holds %d bytes, expected %d", path, length, size) end
  if size > 0 and (at < 0 or at > #self.bytes - size) then refuse("'%s' is cut short", path) end
  return self.bytes:sub(at + 1, at + size)
end

local function array(self, found, path, into)
  local shape = shape_of(self, found[1])
  local descr, size = type_of(self, found[3], path)
  if not descr then return end
  for _, n in ipairs(shape) do
    if n < 0 or (n > 0 and size > #self.bytes // n) then refuse("'%s' is cut short", path) end
    size = size * n
  end
  local tensor, why = npy_bytes(descr, shape, bytes_of(self, found[8], size, path))
  if not tensor then refuse("'%s': %s", path, why) end
  into[#into + 1] = { name = path, tensor = tensor }
end

local function walk(self, header, path, into, depth)
  if depth > MAX_DEPTH then refuse("groups nested more than %d deep", MAX_DEPTH) end
  count(self)
  local found = messages(self, header)
  if found[0x11] then
    local tree, heap = read(self, "<i8i8", found[0x11].at)
    entries(self, tree, heap, function(name, child)
      walk(self, child, path == "" and name or path .. "/" .. name, into, depth + 1)
    end, 1)
  elseif found[1] and found[3] and found[8] then
    array(self, found, path, into)
  elseif found[2] or found[6] then
    refuse("'%s': a group of links (written with libver='latest')", path)
  end
end

---The arrays of a file, with their paths "layers/dense/vars/0", in the order of the groups.
---@param bytes string
---@return { name: string, tensor: userdata }[]|nil
---@return string|nil message
function M.arrays(bytes)
  local self = { bytes = bytes, items = 0 }
  local ok, result = attempt.call(function()
    if bytes:sub(1, 8) ~= SIGNATURE then refuse("not an HDF5 file: no signature") end
    local version, offsets, lengths = read(self, "<BxxxxBB", 8)
    if version ~= 0 then refuse("a superblock of version %d (written with libver)", version) end
    if offsets ~= 8 or lengths ~= 8 then refuse("addresses of %d bytes", offsets) end
    local into = {}
    walk(self, read(self, "<i8", 64), "", into, 1)
    return into
  end)
  if ok then return result end
  if type(result) == "table" and result.hdf5 then return nil, "HDF5: " .. result.hdf5 end
  error(result, 0)
end

return M
