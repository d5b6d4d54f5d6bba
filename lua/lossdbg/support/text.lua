--- Text in terminal columns: width of UTF-8, padding, cutting, wrapping, safe names, colour.
local M = {}

-- Zero-width and double-width ranges that names and messages are likely to contain.
local ZERO = { { 0x300, 0x36F }, { 0x200B, 0x200F }, { 0x20D0, 0x20FF }, { 0xFE00, 0xFE0F },
  { 0x1AB0, 0x1AFF }, { 0x1DC0, 0x1DFF }, { 0xFE20, 0xFE2F }, { 0xFEFF, 0xFEFF } }
local WIDE = { { 0x1100, 0x115F }, { 0x2E80, 0x303E }, { 0x3041, 0x33FF }, { 0x3400, 0x4DBF },
  { 0x4E00, 0x9FFF }, { 0xA000, 0xA4CF }, { 0xAC00, 0xD7A3 }, { 0xF900, 0xFAFF },
  { 0xFE30, 0xFE6F }, { 0xFF00, 0xFF60 }, { 0xFFE0, 0xFFE6 }, { 0x1F300, 0x1F64F },
  { 0x1F680, 0x1F6FF }, { 0x1F900, 0x1FAFF }, { 0x20000, 0x3FFFD } }

local function within(ranges, code)
  for i = 1, #ranges do
    if code >= ranges[i][1] and code <= ranges[i][2] then return true end
  end
  return false
end

--- Order of two strings by their bytes. Lua's own < follows the C locale of the host program, so
--- that the same run would be written in another order there.
---@param a string
---@param b string
---@return boolean
function M.before(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

--- Columns that one code point takes: 0, 1 or 2.
---@param code integer
---@return integer
function M.columns(code)
  if code < 0x300 then return 1 end
  if within(ZERO, code) then return 0 end
  return within(WIDE, code) and 2 or 1
end

--- Valid UTF-8: every byte that is not part of a code point becomes U+FFFD.
---@param s string
---@return string
function M.utf8(s)
  if utf8.len(s) then return s end
  local out, from = {}, 1
  while from <= #s do
    local ok, bad = utf8.len(s, from)
    if ok then
      out[#out + 1] = s:sub(from)
      break
    end
    out[#out + 1] = s:sub(from, bad - 1) .. "\u{FFFD}"
    from = bad + 1
  end
  return table.concat(out)
end

--- One safe line: control characters (also ESC, C1 and bidirectional overrides) become spaces or
--- vanish, so that a column name cannot steer the terminal.
---@param s any
---@return string
function M.clean(s)
  s = M.utf8(tostring(s))
  s = s:gsub("[\0-\31\127]+", " ")
  s = s:gsub("\xC2[\x80-\x9F]", ""):gsub("\xE2\x80[\xAA-\xAE]", "")
  return (s:gsub("\xE2\x81[\xA6-\xA9]", ""))
end

--- Width in terminal columns; colour escapes count nothing.
---@param s string
---@return integer
function M.width(s)
  s = s:gsub("\27%[[%d;]*m", "")
  if not s:find("[\x80-\xFF]") then return #s end
  local n = 0
  for _, code in utf8.codes(M.utf8(s)) do n = n + M.columns(code) end
  return n
end
local width = M.width

--- First part of s that fits in `columns`, and the rest.
---@param s string
---@param columns integer
---@return string head
---@return string rest
function M.take(s, columns)
  local n = 0
  s = M.utf8(s)
  for at, code in utf8.codes(s) do
    n = n + M.columns(code)
    if n > columns then return s:sub(1, at - 1), s:sub(at) end
  end
  return s, ""
end

--- Cuts to `columns`, the last of them an ellipsis when something was cut.
---@param s string
---@param columns integer
---@return string
function M.cut(s, columns)
  if width(s) <= columns then return s end
  return (M.take(s, columns - 1)) .. "…"
end

--- Pads with spaces to `columns`.
---@param s string
---@param columns integer
---@param align "left"|"right"|"center"|nil default left
---@return string
function M.pad(s, columns, align)
  local room = columns - width(s)
  if room <= 0 then return s end
  if align == "right" then return (" "):rep(room) .. s end
  if align == "center" then
    return (" "):rep(room // 2) .. s .. (" "):rep(room - room // 2)
  end
  return s .. (" "):rep(room)
end

--- Left text and right text on one line of `columns`; nil when they do not fit with two spaces.
---@param left string
---@param right string
---@param columns integer
---@return string|nil
function M.ends(left, right, columns)
  if right == "" then return width(left) <= columns and left or nil end
  local room = columns - width(left) - width(right)
  if room < 2 then return nil end
  return left .. (" "):rep(room) .. right
end

--- Joins `pieces` into lines of at most `columns`; breaks between pieces where possible, inside a
--- piece at spaces where not, inside a word as the last resort.
---@param pieces string[]
---@param separator string put between two pieces on the same line
---@param columns integer
---@param first string indent of the first line
---@param indent string indent of the following lines
---@return string[] lines
function M.flow(pieces, separator, columns, first, indent)
  local lines, line, empty = {}, first, true
  local function flush()
    lines[#lines + 1] = line:gsub(" +$", "")
    line, empty = indent, true
  end
  local function put(word, glue)
    if not empty and width(line) + width(glue) + width(word) > columns then flush() end
    line = line .. (empty and "" or glue) .. word
    empty = false
    while width(line) > columns do
      local rest
      line, rest = M.take(line, columns)
      flush()
      line, empty = line .. rest, false
    end
  end
  for i = 1, #pieces do
    local piece = pieces[i]
    local glue = separator
    if width(indent) + width(piece) <= columns then
      if not empty and width(line) + width(glue) + width(piece) > columns then
        -- A comma stays at the end of the line; dots and spaces are no loss.
        if glue:byte() == 44 and width(line) < columns then line = line .. "," end
        flush()
      end
      put(piece, glue)
    else
      for word in piece:gmatch("[^ \t\n]+") do
        put(word, glue)
        glue = " "
      end
    end
  end
  if not empty then flush() end
  return lines
end

--- Wraps a sentence at spaces.
---@param s string
---@param columns integer
---@param first string|nil indent of the first line
---@param indent string|nil indent of the following lines
---@return string[] lines
function M.wrap(s, columns, first, indent)
  local words = {}
  for word in s:gmatch("[^ \t\n]+") do words[#words + 1] = word end
  return M.flow(words, " ", columns, first or "", indent or first or "")
end

local CODES = { bold = "1", dim = "2", red = "31", green = "32", yellow = "33", blue = "34",
  magenta = "35", cyan = "36" }

--- A painter: paint(s, "red") adds the escapes when colour is on, else returns s.
---@param on boolean|nil
---@return fun(s:string, style:string):string
function M.painter(on)
  if not on then
    return function(s) return s end
  end
  return function(s, style)
    local code = CODES[style]
    return code and ("\27[" .. code .. "m" .. s .. "\27[0m") or s
  end
end

return M
