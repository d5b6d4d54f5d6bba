--- JSON, written and read without the C library's locale.
-- Written: keys sorted, so that equal values give equal bytes; NaN and infinities as null or as the
-- bare tokens that Python's json reads and writes. Read: strict RFC 8259 plus those bare tokens,
-- errors with line and column. The reader is lossdbg.view.json_reader.
local number = require "lossdbg.support.number"
local reader = require "lossdbg.support.json_reader"
local text = require "lossdbg.support.text"

local M = { null = reader.null, decode = reader.decode, max_depth = 128 }

local ARRAY, OBJECT = reader.array_mark, reader.object_mark

--- Marks a table (also an empty one) to be written as an array.
---@param t table|nil
---@return table t
function M.array(t) return setmetatable(t or {}, ARRAY) end

--- Marks a table to be written as an object, whatever its keys.
---@param t table|nil
---@return table t
function M.object(t) return setmetatable(t or {}, OBJECT) end

local ESCAPES = { ["\""] = "\\\"", ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f",
  ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escape(c)
  return ESCAPES[c] or string.format("\\u%04x", c:byte())
end

local HTML = { ["<"] = "\\u003c", [">"] = "\\u003e", ["&"] = "\\u0026" }

local function quote(s, html)
  s = text.utf8(s):gsub("[\0-\31\127\"\\]", escape)
  if html then
    s = s:gsub("[<>&]", HTML):gsub("\u{2028}", "\\u2028"):gsub("\u{2029}", "\\u2029")
  end
  return "\"" .. s .. "\""
end

--- The shortest decimal text that reads back as the same double.
---@param x number finite
---@return string
function M.number(x)
  if math.type(x) == "integer" then return string.format("%d", x) end
  if x == 0 then return 1 / x < 0 and "-0.0" or "0" end
  for digits = 15, 17 do
    local s = number.raw("%." .. digits .. "g", x)
    if tonumber(s) == x then return s end
  end
  return number.raw("%.17g", x)
end

local function fail(w, message)
  local path = {}
  for i = 1, w.depth do
    local key = w.path[i]
    path[i] = type(key) == "number" and "[" .. key .. "]" or (i > 1 and "." or "") .. key
  end
  path = w.depth > 0 and table.concat(path) or "the value"
  error("lossdbg: json.encode: " .. path .. ": " .. message, 0)
end

-- Array length when the keys are exactly 1..n, n ≥ 1; else nil.
local function array_length(t)
  local n = #t
  if n == 0 then return nil end
  local count = 0
  for k in next, t do
    if math.type(k) ~= "integer" or k < 1 or k > n then return nil end
    count = count + 1
  end
  return count == n and n or nil
end

-- Keys as {text, key}, numbers first by value, then strings by bytes.
local function sorted_keys(w, t)
  local keys, seen = {}, {}
  for k in next, t do
    local kind, name = type(k), nil
    if kind == "string" then
      name = text.utf8(k)
    elseif kind == "number" and number.is_finite(k) then
      name = M.number(k)
    else
      fail(w, "a key is a " .. kind .. "; keys must be strings or finite numbers")
    end
    if seen[name] then fail(w, "two keys are both written " .. quote(name)) end
    seen[name] = true
    keys[#keys + 1] = { name, kind == "number" and k or nil, t[k] }
  end
  table.sort(keys, function(a, b)
    if a[2] and b[2] then return a[2] < b[2] end
    if a[2] or b[2] then return a[2] ~= nil end
    return text.before(a[1], b[1])
  end)
  return keys
end

local write

local function write_number(w, x)
  if number.is_finite(x) then return M.number(x) end
  if w.nonfinite == "null" then return "null" end
  if w.nonfinite == "error" then fail(w, "expected a finite number, got " .. number.format(x)) end
  return x ~= x and "NaN" or x > 0 and "Infinity" or "-Infinity"
end

local function line_break(w, depth)
  if w.indent then w.out[#w.out + 1] = "\n" .. w.indent:rep(depth) end
end

-- Arrays of plain numbers stay on one line even when indenting.
local function flat_array(t, n)
  for i = 1, n do
    if type(t[i]) == "table" or type(t[i]) == "string" then return false end
  end
  return true
end

local function write_array(w, t, n)
  local out, flat = w.out, flat_array(t, n)
  out[#out + 1] = "["
  for i = 1, n do
    if i > 1 then out[#out + 1] = (flat and w.indent) and ", " or "," end
    if not flat then line_break(w, w.depth + 1) end
    w.depth = w.depth + 1
    w.path[w.depth] = i
    write(w, t[i])
    w.depth = w.depth - 1
  end
  if n > 0 and not flat then line_break(w, w.depth) end
  out[#out + 1] = "]"
end

local function write_object(w, t)
  local out, keys = w.out, sorted_keys(w, t)
  out[#out + 1] = "{"
  for i = 1, #keys do
    if i > 1 then out[#out + 1] = "," end
    line_break(w, w.depth + 1)
    out[#out + 1] = quote(keys[i][1], w.html) .. (w.indent and ": " or ":")
    w.depth = w.depth + 1
    w.path[w.depth] = keys[i][1]
    write(w, keys[i][3])
    w.depth = w.depth - 1
  end
  if #keys > 0 then line_break(w, w.depth) end
  out[#out + 1] = "}"
end

local function write_table(w, t)
  if w.open[t] then fail(w, "the table contains itself") end
  if w.depth >= w.max_depth then fail(w, "nested deeper than " .. w.max_depth .. " levels") end
  w.open[t] = true
  local mark = getmetatable(t)
  if mark == ARRAY then
    write_array(w, t, #t)
  else
    local n = mark ~= OBJECT and array_length(t)
    if n then write_array(w, t, n) else write_object(w, t) end
  end
  w.open[t] = nil
end

function write(w, value)
  local kind = type(value)
  if value == nil or value == M.null then
    w.out[#w.out + 1] = "null"
  elseif kind == "number" then
    w.out[#w.out + 1] = write_number(w, value)
  elseif kind == "string" then
    w.out[#w.out + 1] = quote(value, w.html)
  elseif kind == "boolean" then
    w.out[#w.out + 1] = tostring(value)
  elseif kind == "table" then
    write_table(w, value)
  elseif w.default then
    local replaced = w.default(value)
    if type(replaced) == kind then fail(w, "opts.default returned a " .. kind .. " again") end
    write(w, replaced)
  else
    fail(w, "a " .. kind .. " has no JSON form")
  end
end

local OPTIONS = { indent = true, nonfinite = true, html = true, default = true, max_depth = true }

---@class lossdbg.json.encode_options
---@field indent string|integer|nil   text or number of spaces per level; default none, one line
---@field nonfinite "null"|"bare"|"error"|nil  NaN and infinities; default "null"
---@field html boolean|nil            escape < > & so that the text may stand inside <script>
---@field default fun(value:any):any|nil  replacement for functions, userdata and threads
---@field max_depth integer|nil       default 128

--- Writes a value as JSON. Tables with keys exactly 1..n are arrays; every other table is an object
--- whose numeric keys become text ({[0]=5} → {"0":5}); an empty table is {} unless M.array made it.
--- Raises on cycles, functions, depth above max_depth, two keys with the same text.
---@param value any
---@param opts lossdbg.json.encode_options|nil
---@return string
function M.encode(value, opts)
  opts = opts or {}
  for name in pairs(opts) do
    if not OPTIONS[name] then
      error("lossdbg: json.encode: unknown option '" .. tostring(name)
        .. "' (known: default, html, indent, max_depth, nonfinite)", 2)
    end
  end
  local nonfinite = opts.nonfinite or "null"
  if nonfinite ~= "null" and nonfinite ~= "bare" and nonfinite ~= "error" then
    error("lossdbg: json.encode: argument 'nonfinite': expected \"null\", \"bare\" or "
      .. "\"error\", got " .. tostring(nonfinite), 2)
  end
  local indent = opts.indent
  if math.type(indent) == "integer" then indent = (" "):rep(indent) end
  local w = { out = {}, path = {}, depth = 0, open = {}, indent = indent, nonfinite = nonfinite,
    html = opts.html, default = opts.default, max_depth = opts.max_depth or M.max_depth }
  write(w, value)
  return table.concat(w.out)
end

return M
