--- TensorBoard event files, read in pieces, so that a long file needs no more room than its points.

local core = require "lossdbg.core"
local source_file = require "lossdbg.interop.recorded.source_file"

local M = { id = "tensorboard", title = "TensorBoard events" }

local PIECE = 4 * 1024 * 1024

---Whether bytes begin an event file: a first record that says so.
---@param head string
---@return boolean
function M.fits(head)
  return #head >= 24 and head:find("brain.Event:", 1, true) ~= nil
    and string.unpack("<I4", head, 9) == core.io.masked_crc(head:sub(1, 8))
end

-- From the byte after `reader.offset` on; the reader remembers how far it came, so that a growing
-- file is read on.
local function read_on(reader, handle)
  local left, piece = "", PIECE
  handle:seek("set", reader.offset)
  while true do
    local more = handle:read(piece)
    if not more then break end
    local bytes = left == "" and more or left .. more
    local next_at, state = core.io.event_scan(bytes, 1, reader.sink)
    reader.offset = reader.offset + next_at - 1
    reader.state = state
    if state == "unreadable" then return end
    left = next_at > #bytes and "" or bytes:sub(next_at)
    piece = next_at == 1 and piece * 2 or PIECE
  end
  reader.left = #left
end

local function damage_of(reader)
  if reader.state == "unreadable" then
    return ("byte %d: the length of a record does not have its checksum"):format(reader.offset)
  end
end

-- Summed over its rows: enough to see a layer move, without keeping every bucket.
local function take_histograms(source, sink)
  source.histograms = sink.histograms
  for tag, list in pairs(sink.histograms or {}) do
    source:note("%d histograms of %s", #list.step, tag)
  end
end

local function to_source(reader, path, part)
  local sink = reader.sink
  local source = source_file.new(path, M.id)
  local tags = {}
  for tag in pairs(sink.scalars or {}) do tags[#tags + 1] = tag end
  table.sort(tags)
  for _, tag in ipairs(tags) do
    local list = sink.scalars[tag]
    local series = source:find(tag, part)
    if series then series.x, series.y = list.step, list.value end
  end
  for tag in pairs(sink.others or {}) do source:leave_out(tag) end
  for tag in pairs(sink.texts or {}) do source:leave_out(tag .. " (text)") end
  table.sort(source.left_out)
  take_histograms(source, sink)
  if reader.left and reader.left > 0 then
    source:note("the last record is cut after %d bytes: it may still be being written", reader.left)
  end
  if sink.damaged then source:note("%d records with a wrong checksum left out", sink.damaged) end
  if sink.unread then source:note("%d damaged messages left out", sink.unread) end
  source.damage = damage_of(reader)
  source.starts, source.first_wall, source.last_wall = sink.starts, sink.first_wall, sink.last_wall
  return source
end

---Opens a file to be read on as it grows.
---@param path string
function M.reader(path) return { path = path, offset = 0, sink = {} } end

---@param reader table of `reader`
---@param part? "train"|"val"|"test" that its folder is named after
---@return lossdbg.RecordedFile|nil
---@return string|nil message
function M.read_on(reader, part)
  local handle, why = io.open(reader.path, "rb")
  if not handle then return nil, why end
  read_on(reader, handle)
  handle:close()
  return to_source(reader, reader.path, part)
end

---@param file { path: string, part: string|nil, reader: table|nil }
---@return lossdbg.RecordedFile|nil
---@return string|nil message
function M.read(file)
  return M.read_on(file.reader or M.reader(file.path), file.part)
end

return M
