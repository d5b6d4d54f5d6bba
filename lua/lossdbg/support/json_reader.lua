--- JSON reader: RFC 8259 plus the bare tokens NaN, Infinity and -Infinity.
local M = {}

--- What JSON null becomes unless opts.null says otherwise: a value that can stand in a list.
M.null = setmetatable({}, { __tostring = function() return "null" end, __name = "json.null",
  __newindex = function() error("lossdbg: json.null cannot be changed", 2) end })
M.array_mark = { __name = "json.array" }
M.object_mark = { __name = "json.object" }

local find, sub, byte = string.find, string.sub, string.byte
local SPACE = "^[ \t\r\n]*"

local function position(s, at)
  local line, start = 1, 1
  for nl in s:gmatch("()\n") do
    if nl >= at then break end
    line, start = line + 1, nl + 1
  end
  local column = utf8.len(s, start, math.max(start, at) - 1, true)
  return line, (column or at - start) + 1
end

local function fail(r, at, message)
  local line, column = position(r.s, at)
  error({ json = ("line %d, column %d: %s"):format(line, column, message) }, 0)
end

local function shown(r, at)
  if at > #r.s then return "the end of the text" end
  local token = r.s:match("^[%w_%.%+%-]+", at)
  if not token then
    local last = (utf8.offset(r.s, 2, at) or at + 1) - 1
    token = sub(r.s, at, last)
    if token:find("%c") then return ("the control character 0x%02x"):format(token:byte()) end
  elseif #token > 20 then
    token = token:sub(1, 20) .. "…"
  end
  return "'" .. token .. "'"
end

local PLAIN = { ["\""] = "\"", ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n",
  r = "\r", t = "\t" }

-- One escape starting at the backslash; returns its text and the position after it.
local function read_escape(r, at)
  local c = sub(r.s, at + 1, at + 1)
  if PLAIN[c] then return PLAIN[c], at + 2 end
  if c ~= "u" then fail(r, at, "unknown escape " .. (c == "" and "at the end" or "\\" .. c)) end
  local hex = r.s:match("^%x%x%x%x", at + 2)
  if not hex then fail(r, at, "\\u needs four hexadecimal digits") end
  local code = tonumber(hex, 16)
  if code >= 0xDC00 and code <= 0xDFFF then fail(r, at, "low surrogate without a high one") end
  if code < 0xD800 or code > 0xDBFF then return utf8.char(code), at + 6 end
  local low = tonumber(r.s:match("^\\u(%x%x%x%x)", at + 6) or "0", 16)
  if low < 0xDC00 or low > 0xDFFF then fail(r, at, "high surrogate without a low one") end
  return utf8.char(0x10000 + (code - 0xD800) * 0x400 + (low - 0xDC00)), at + 12
end

local function read_string(r, at)
  local from, parts = at + 1, nil
  while true do
    local stop = find(r.s, "[\"\\\0-\31]", from)
    if not stop then fail(r, at, "the string is not closed") end
    local c = byte(r.s, stop)
    if c == 34 then
      local tail = sub(r.s, from, stop - 1)
      if not parts then return tail, stop + 1 end
      parts[#parts + 1] = tail
      return table.concat(parts), stop + 1
    elseif c == 92 then
      parts = parts or {}
      parts[#parts + 1] = sub(r.s, from, stop - 1)
      parts[#parts + 1], from = read_escape(r, stop)
    else
      fail(r, stop, "control character in a string; write it as an escape")
    end
  end
end

local function read_number(r, at)
  local s = r.s
  local _, stop = find(s, "^%-?[1-9]%d*", at)
  if not stop then _, stop = find(s, "^%-?0", at) end
  if not stop then fail(r, at, "expected a value, got " .. shown(r, at)) end
  local whole = true
  local _, fraction = find(s, "^%.%d+", stop + 1)
  if fraction then whole, stop = false, fraction end
  local _, exponent = find(s, "^[eE][%+%-]?%d+", stop + 1)
  if exponent then whole, stop = false, exponent end
  if find(s, "^[%w%.]", stop + 1) then fail(r, at, "malformed number " .. shown(r, at)) end
  local token = sub(s, at, stop)
  if token == "-0" then return -0.0, stop + 1 end
  local value = whole and math.tointeger(tonumber(token)) or tonumber(token)
  if whole and math.type(tonumber(token)) == "float" then value = tonumber(token) end
  if not value then fail(r, at, "number with too many digits") end
  return value, stop + 1
end

local WORDS = { ["true"] = true, ["false"] = false, NaN = 0 / 0, Infinity = math.huge }

local function read_word(r, at)
  local word = r.s:match("^%-?%a+", at)
  if word == "null" then return r.null, at + 4 end
  if word == "-Infinity" and r.nonfinite then return -math.huge, at + 9 end
  local value = WORDS[word or ""]
  if value == nil or (type(value) == "number" and not r.nonfinite) then
    fail(r, at, "expected a value, got " .. shown(r, at))
  end
  return value, at + #word
end

local read_value

local function skip(r, at)
  local _, stop = find(r.s, SPACE, at)
  return stop + 1
end

local function read_array(r, at)
  local out, n = {}, 0
  local here = skip(r, at + 1)
  if byte(r.s, here) == 93 then return setmetatable(out, M.array_mark), here + 1 end
  while true do
    n = n + 1
    out[n], here = read_value(r, here)
    here = skip(r, here)
    local c = byte(r.s, here)
    if c == 93 then return out, here + 1 end
    if c ~= 44 then fail(r, here, "expected ',' or ']', got " .. shown(r, here)) end
    here = skip(r, here + 1)
  end
end

local function read_object(r, at)
  local out = {}
  local seen = r.unique and {} or nil
  local here = skip(r, at + 1)
  if byte(r.s, here) == 125 then return out, here + 1 end
  while true do
    if byte(r.s, here) ~= 34 then
      fail(r, here, "expected a key in double quotes, got " .. shown(r, here))
    end
    local start = here
    local key, after = read_string(r, here)
    if seen then
      if seen[key] then fail(r, start, "the key \"" .. key .. "\" stands twice") end
      seen[key] = true
    end
    here = skip(r, after)
    if byte(r.s, here) ~= 58 then fail(r, here, "expected ':', got " .. shown(r, here)) end
    out[key], here = read_value(r, skip(r, here + 1))
    here = skip(r, here)
    local c = byte(r.s, here)
    if c == 125 then return out, here + 1 end
    if c ~= 44 then fail(r, here, "expected ',' or '}', got " .. shown(r, here)) end
    here = skip(r, here + 1)
  end
end

function read_value(r, at)
  local c = byte(r.s, at)
  if c == 123 or c == 91 then
    r.depth = r.depth + 1
    if r.depth > r.max_depth then fail(r, at, "nested deeper than " .. r.max_depth .. " levels") end
    local value, after = (c == 123 and read_object or read_array)(r, at)
    r.depth = r.depth - 1
    return value, after
  end
  if c == 34 then return read_string(r, at) end
  if c and (c >= 48 and c <= 57 or c == 45 and find(r.s, "^%d", at + 1)) then
    return read_number(r, at)
  end
  return read_word(r, at)
end

---@class lossdbg.json.decode_options
---@field null any               value for null; default json.null, so that lists keep length
---@field nonfinite boolean|nil  accept NaN, Infinity, -Infinity; default true
---@field unique boolean|nil     refuse a key that stands twice; default false, the last one wins
---@field max_depth integer|nil  default 128

local OPTIONS = { null = true, nonfinite = true, unique = true, max_depth = true }

--- Reads one JSON text. Whole numbers that fit are 64-bit integers, all others doubles; objects and
--- arrays are tables, an empty array is marked so that it is written back as [].
---@param s string UTF-8
---@param opts lossdbg.json.decode_options|nil
---@return any|nil value nil when the text is wrong
---@return string|nil message with line and column
function M.decode(s, opts)
  if type(s) ~= "string" then
    error("lossdbg: json.decode: argument 'text': expected string, got " .. type(s), 2)
  end
  opts = opts or {}
  for name in pairs(opts) do
    if not OPTIONS[name] then
      error("lossdbg: json.decode: unknown option '" .. tostring(name)
        .. "' (known: max_depth, nonfinite, null, unique)", 2)
    end
  end
  local null = opts.null
  if null == nil then null = M.null end
  local r = { s = s, depth = 0, max_depth = opts.max_depth or 128, null = null,
    nonfinite = opts.nonfinite ~= false, unique = opts.unique }
  local ok, value = pcall(function()
    local _, bad = utf8.len(s)
    if bad then fail(r, bad, "invalid UTF-8") end
    local start = skip(r, sub(s, 1, 3) == "\xEF\xBB\xBF" and 4 or 1)
    local result, after = read_value(r, start)
    after = skip(r, after)
    if after <= #s then fail(r, after, "expected the end, got " .. shown(r, after)) end
    return result
  end)
  if ok then return value end
  if type(value) == "table" and value.json then return nil, "json: " .. value.json end
  error(value, 0)
end

return M
