--- The text of logs as lines: UTF-16 and byte-order marks, colours, backspaces, line ends of all
-- three kinds, also mixed.

local M = {}

local function from_utf16(bytes, format)
  local out, n, at = {}, 0, 3
  while at + 1 <= #bytes do
    local code = string.unpack(format, bytes, at)
    at = at + 2
    if code >= 0xD800 and code < 0xDC00 and at + 1 <= #bytes then
      local low = string.unpack(format, bytes, at)
      if low >= 0xDC00 and low < 0xE000 then
        code, at = 0x10000 + (code - 0xD800) * 0x400 + (low - 0xDC00), at + 2
      end
    end
    if code >= 0xD800 and code < 0xE000 then code = 0xFFFD end
    n = n + 1
    out[n] = utf8.char(code)
  end
  return table.concat(out)
end

---Text without its byte-order mark; UTF-16 becomes UTF-8.
---@param bytes string
---@return string text
---@return string|nil note
function M.decode(bytes)
  local mark = bytes:sub(1, 3)
  if mark == "\xEF\xBB\xBF" then return bytes:sub(4) end
  if mark:sub(1, 2) == "\xFF\xFE" then return from_utf16(bytes, "<I2"), "UTF-16" end
  if mark:sub(1, 2) == "\xFE\xFF" then return from_utf16(bytes, ">I2"), "UTF-16" end
  return bytes
end

---Without colours and what moves the cursor.
---@param text string
---@return string
function M.plain(text)
  if text:find "[\27\8]" then
    text = text:gsub("\27%[[%d;?]*%a", ""):gsub("\27%][^\7]*\7", ""):gsub("\8+", "\r")
  end
  return text
end

-- A line of more bytes is nothing that a training prints; patterns over it would take minutes.
M.longest = 20000

---A line in which values that frameworks print as objects stand bare: tensor(0.5, grad_fn=<...>),
---np.float32(0.5), Array(0.5, dtype=float32), <tf.Tensor: shape=(), dtype=float32, numpy=0.5>.
---@param line string
---@return string
function M.bare_values(line)
  if not line:find "[%(=][%+%-]?[%d.ni]" then return line end
  if #line <= M.longest then line = line:gsub("<tf%.Tensor[^>]-numpy=([^,>%s]+)[^>]*>", "%1") end
  return (line:gsub("%f[%w_%.]([%a_][%w_%.]*)%(([%+%-]?[%d.ni][%w%.%+%-]*)[^()]*%)",
    function(name, value)
      local kind = name:match "[%w_]+$"
      if kind == "tensor" or kind == "array" or kind == "Array" or kind:find "^float%d+$" then
        return value
      end
    end))
end

---Iterates over lines: the line without its end, the byte at which it begins, and whether it is
---the end of one: false for what a carriage return overwrites, and for a last line without an end.
---@param text string
---@return fun(): string?, integer?, string?
function M.lines(text)
  local at, n = 1, #text
  return function()
    if at > n then return nil end
    local from = at
    local stop = text:find("[\r\n]", at)
    if not stop then
      at = n + 1
      return text:sub(from), from, "cut"
    end
    local kind = "whole"
    at = stop + 1
    if text:byte(stop) == 13 then
      if text:byte(at) == 10 then at = at + 1 else kind = "overwritten" end
    end
    return text:sub(from, stop - 1), from, kind
  end
end

---Looks like text: no NUL among its first bytes, or UTF-16.
---@param head string
---@return boolean
function M.is_text(head)
  local mark = head:sub(1, 2)
  return mark == "\xFF\xFE" or mark == "\xFE\xFF" or not head:find("\0", 1, true)
end

return M
