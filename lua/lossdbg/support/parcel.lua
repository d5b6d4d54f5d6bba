--- Plain data and tensors as bytes and back, bit for bit: kinds of numbers, NaN with its sign, what
-- is shared and what contains itself. For results that come from another process: with a version, a
-- length and a checksum, so that half a result is none.
local core = require "lossdbg.core"
local json = require "lossdbg.support.json"
local reader = require "lossdbg.support.json_reader"

local M = {}

local VERSION = 1
local HEAD = "<c4I1I8I4"
local MAGIC = "ldbp"

local pack, unpack = string.pack, string.unpack

local marks = { [reader.array_mark] = "a", [reader.object_mark] = "o" }
local element = { f32 = "F32", f64 = "F64", i32 = "I32" }

local function refuse(w, value)
  error(("lossdbg: a worker process cannot hand over a %s%s"):format(type(value),
    #w.path > 0 and " at " .. table.concat(w.path, ".") or ""), 0)
end

local write

local function write_table(w, t)
  local known = w.seen[t]
  if known then
    w[#w + 1] = pack("<c1I8", "r", known)
    return
  end
  local mark = getmetatable(t)
  if mark ~= nil and not marks[mark] then refuse(w, t) end
  w.count = w.count + 1
  w.seen[t] = w.count
  local n = 0
  for _ in next, t do n = n + 1 end
  w[#w + 1] = pack("<c1I8", marks[mark] or "m", n)
  for key, value in next, t do
    w.path[#w.path + 1] = tostring(key)
    write(w, key)
    write(w, value)
    w.path[#w.path] = nil
  end
end

local function write_tensor(w, t)
  t = t:detach():contiguous()
  local shape = t.shape
  w[#w + 1] = pack("<c1s1I1", "x", t.dtype, #shape)
  for _, n in ipairs(shape) do w[#w + 1] = pack("<I8", n) end
  w[#w + 1] = pack("<s8", core.io.raw(t))
end

function write(w, value)
  local kind = math.type(value) or type(value)
  if value == nil then
    w[#w + 1] = "z"
  elseif kind == "boolean" then
    w[#w + 1] = value and "t" or "f"
  elseif kind == "integer" then
    w[#w + 1] = pack("<c1i8", "i", value)
  elseif kind == "float" then
    w[#w + 1] = pack("<c1d", "d", value)
  elseif kind == "string" then
    w[#w + 1] = pack("<c1s8", "s", value)
  elseif value == json.null then
    w[#w + 1] = "n"
  elseif kind == "table" then
    write_table(w, value)
  elseif core.tensor.is_tensor(value) then
    write_tensor(w, value)
  else
    refuse(w, value)
  end
end

--- Raises for what is no data: a function, a userdata that is no tensor, an object.
---@param value any
---@return string bytes
function M.wrap(value)
  local w = { seen = {}, count = 0, path = {} }
  write(w, value)
  local body = table.concat(w)
  return pack(HEAD, MAGIC, VERSION, #body, core.io.crc32(body)) .. body
end

local read

local function read_table(r, kind)
  local t, n = {}
  n, r.at = unpack("<I8", r.body, r.at)
  if kind == "a" then json.array(t) elseif kind == "o" then json.object(t) end
  r.tables[#r.tables + 1] = t
  for _ = 1, n do
    local key = read(r)
    t[key] = read(r)
  end
  return t
end

local function read_tensor(r)
  local dtype, rank, bytes
  dtype, rank, r.at = unpack("<s1I1", r.body, r.at)
  local shape = {}
  for i = 1, rank do shape[i], r.at = unpack("<I8", r.body, r.at) end
  bytes, r.at = unpack("<s8", r.body, r.at)
  return assert(core.io.elements(bytes, 0, #bytes, element[dtype], shape))
end

local plain = { i = "<i8", d = "<d", s = "<s8" }
local constant = { t = true, f = false, n = json.null }

function read(r)
  local kind = r.body:sub(r.at, r.at)
  r.at = r.at + 1
  if plain[kind] then
    local value
    value, r.at = unpack(plain[kind], r.body, r.at)
    return value
  elseif constant[kind] ~= nil then
    return constant[kind]
  elseif kind == "r" then
    local known
    known, r.at = unpack("<I8", r.body, r.at)
    return r.tables[known]
  elseif kind == "x" then
    return read_tensor(r)
  elseif kind ~= "z" then
    return read_table(r, kind)
  end
end

--- What was wrapped.
---@param bytes string
---@return boolean ok
---@return any value, or why it cannot be read
function M.open(bytes)
  local size = string.packsize(HEAD)
  if #bytes < size then return false, "its result is not whole" end
  local magic, version, length, sum = unpack(HEAD, bytes)
  if magic ~= MAGIC or version ~= VERSION then return false, "its result is of another version" end
  local body = bytes:sub(size + 1)
  if #body ~= length then return false, "its result is not whole" end
  if core.io.crc32(body) ~= sum then return false, "its result was damaged" end
  return true, read { body = body, at = 1, tables = {} }
end

return M
