--- One way to read option tables: known names, types, ranges, defaults, a hint for a misspelling.
-- A misspelt key in a Lua table is silently nil, and a learning rate that was never set is a
-- classic cause of a loss that stays constant; so every public function checks its options here.
local M = {}

---@class lossdbg.option
---@field name string          key in the option table
---@field type? string         one or more of number, integer, boolean, string, function, callable,
---                            tensor, table, any, joined by "|"; default "any"
---@field default? any         used when the option is absent
---@field required? boolean    an absent option is an error
---@field min? number          smallest legal number
---@field max? number          largest legal number
---@field open_min? number     numbers must be greater than this
---@field open_max? number     numbers must be less than this
---@field infinite? boolean    accept math.huge (NaN never is)
---@field choices? string[]    legal strings
---@field alias? string|string[] other names of the same option
---@field positional? integer  also accepted at this place of the list part
---@field doc? string          one line for people

---Schemas of public functions by their names, as far as their modules are loaded; ld.help and
---the reference read them here.
---@type table<string, lossdbg.option[]>
M.schemas = {}

---Makes a schema known under the name that messages use: `declare "fit" { ... }`.
---@param where string
---@return fun(schema: lossdbg.option[]): lossdbg.option[] the same schema
function M.declare(where)
  return function(schema)
    M.schemas[where] = schema
    return schema
  end
end

---Edit distance with insertions, deletions, substitutions and swaps of neighbours.
---@param a string
---@param b string
---@return integer
function M.distance(a, b)
  local before, previous, current = {}, {}, {}
  for j = 0, #b do previous[j] = j end
  for i = 1, #a do
    current[0] = i
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      local replaced = previous[j - 1] + (same and 0 or 1)
      local best = math.min(previous[j] + 1, current[j - 1] + 1, replaced)
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        best = math.min(best, before[j - 2] + 1)
      end
      current[j] = best
    end
    before, previous, current = previous, current, before
  end
  return previous[#b]
end

---The known name that the user probably meant.
---@param name any
---@param list string[] known names
---@return string|nil nearest name within two edits (one for short names), or one that continues it
function M.suggest(name, list)
  if type(name) ~= "string" or #name == 0 or #name > 64 then return nil end
  local lower, best, best_score = name:lower(), nil, math.huge
  for _, known in ipairs(list) do
    local score = M.distance(lower, known:lower())
    local limit = math.min(#name, #known) <= 3 and 1 or 2
    if score > limit then
      local starts = #name >= 2
        and (known:sub(1, #name):lower() == lower
          or (#known >= 3 and lower:sub(1, #known) == known))
      score = starts and 2.5 or math.huge
    end
    if score < best_score then best, best_score = known, score end
  end
  return best
end

---"; did you mean 'x'? Known: a, b, c": the tail of a message about an unknown name.
---@param name any
---@param list string[] names to show
---@param wider? string[] names to guess among, when aliases count too
---@return string
function M.hint(name, list, wider)
  if #list == 0 then return "; there are none" end
  local near = M.suggest(name, wider or list)
  local text = near and ("; did you mean '" .. near .. "'?") or ";"
  return text .. " Known: " .. table.concat(list, ", ")
end

---True for tensors of the core.
---@param value any
---@return boolean
function M.is_tensor(value)
  if type(value) ~= "userdata" then return false end
  local meta = getmetatable(value)
  return meta == "lossdbg.tensor" or (type(meta) == "table" and meta.__name == "lossdbg.tensor")
end

local function is_callable(value)
  if type(value) == "function" then return true end
  local meta = getmetatable(value)
  return type(meta) == "table" and type(meta.__call) == "function"
end

local tests = {
  any = function() return true end,
  number = function(v) return type(v) == "number" end,
  integer = function(v) return math.type(v) == "integer" or (math.type(v) == "float"
    and math.tointeger(v) ~= nil) end,
  boolean = function(v) return type(v) == "boolean" end,
  string = function(v) return type(v) == "string" end,
  table = function(v) return type(v) == "table" end,
  ["function"] = function(v) return type(v) == "function" end,
  callable = is_callable,
  tensor = M.is_tensor,
}

---How a value is shown in messages: bounded, never an address.
---@param value any
---@return string
function M.show(value)
  local kind = type(value)
  if kind == "string" then
    local cut = #value > 40 and value:sub(1, 37) .. "..." or value
    return ("%q"):format(cut):gsub("\\\n", "\\n")
  elseif kind == "number" then
    if value ~= value then return "NaN" end
    return tostring(value)
  elseif kind == "boolean" or kind == "nil" then
    return tostring(value)
  elseif M.is_tensor(value) then
    return "a tensor"
  end
  return "a " .. kind
end

-- The level seen from n frames further in; 0 (no position) stays 0.
local function deeper(level, n) return level == 0 and 0 or level + n end

---Raises "lossdbg: where: argument 'name': expected X, got Y (cause)".
---@param where string function name
---@param name string argument name
---@param expected string
---@param value any what came
---@param cause? string likely cause
---@param level? integer as for error(), counted from the caller; default 2
function M.fail(where, name, expected, value, cause, level)
  error(("lossdbg: %s: argument '%s': expected %s, got %s%s"):format(
    where, name, expected, M.show(value), cause and (" (" .. cause .. ")") or ""),
    deeper(level or 2, 1))
end

local function names_of(option)
  local alias = option.alias
  if type(alias) == "string" then return { option.name, alias } end
  local list = { option.name }
  for _, other in ipairs(alias or {}) do list[#list + 1] = other end
  return list
end

local function range_text(option)
  local low = option.open_min and ("> " .. option.open_min) or option.min and (">= " .. option.min)
  local high = option.open_max and ("< " .. option.open_max) or option.max and ("<= " .. option.max)
  local noun = option.type == "integer" and "an integer " or "a number "
  return noun .. (low and high and low .. " and " .. high or low or high)
end

local function out_of_range(option, value)
  return (option.min and value < option.min) or (option.max and value > option.max)
    or (option.open_min and value <= option.open_min)
    or (option.open_max and value >= option.open_max)
end

-- In this file `level` is what error() called directly inside that function would need.
local function check_number(where, option, value, level)
  if value ~= value then
    M.fail(where, option.name, "a number", value, "0/0 or a failed computation before", level)
  elseif (value == math.huge or value == -math.huge) and not option.infinite then
    M.fail(where, option.name, "a finite number", value, nil, level)
  elseif out_of_range(option, value) then
    M.fail(where, option.name, range_text(option), value, nil, level)
  end
end

local nouns = {
  any = "a value", number = "a number", integer = "an integer", boolean = "true or false",
  string = "a string", table = "a table", ["function"] = "a function",
  callable = "a function or callable object", tensor = "a tensor",
}

local function type_text(kinds)
  local list = {}
  for kind in kinds:gmatch("[^|]+") do list[#list + 1] = nouns[kind] end
  return table.concat(list, " or ")
end

local function check_value(where, option, value, level)
  local kinds, fits = option.type or "any", nil
  for kind in kinds:gmatch("[^|]+") do
    if tests[kind](value) then
      fits = kind
      break
    end
  end
  if not fits then M.fail(where, option.name, type_text(kinds), value, nil, level) end
  if type(value) == "number" then
    check_number(where, option, value, deeper(level, 1))
    if fits == "integer" then value = math.tointeger(value) end
  elseif type(value) == "string" and option.choices then
    for _, choice in ipairs(option.choices) do
      if choice == value then return value end
    end
    error(("lossdbg: %s: argument '%s': unknown value %s%s"):format(
      where, option.name, M.show(value), M.hint(value, option.choices)), level)
  end
  return value
end

local function index_schema(schema)
  local by_key, names, wider = {}, {}, {}
  for _, option in ipairs(schema) do
    names[#names + 1] = option.name
    for _, name in ipairs(names_of(option)) do
      by_key[name] = option
      wider[#wider + 1] = name
    end
    if option.positional then by_key[option.positional] = option end
  end
  return by_key, names, wider
end

---Refuses arguments behind the option table, which would be dropped in silence.
---@param where string name of the public function
---@param given any what came first
---@param n integer how many came behind it
---@param extra any the first of them
---@param level? integer as for `check`
function M.alone(where, given, n, extra, level)
  if n == 0 then return end
  error(("lossdbg: %s: one argument too many, %s: all stand in one table, %s { %s, … }"):format(
    where, M.show(extra), where, type(given) == "table" and "…" or M.show(given)),
    deeper(level or 2, 1))
end

---Checks an option table against a schema.
---@param where string name of the public function, for messages
---@param given any option table; nil means none; another value stands for the first positional one
---@param schema lossdbg.option[]
---@param level? integer whose line the error names, as for error() in the function that calls
---  check; default 2: the line that called it; 0: none
---@return table checked new table with canonical names and defaults; the given table is not changed
function M.check(where, given, schema, level)
  level = deeper(level or 2, 1)
  local by_key, names, wider = index_schema(schema)
  if given == nil then given = {} end
  if type(given) ~= "table" then
    if not by_key[1] then M.fail(where, "options", "a table of options", given, nil, level) end
    given = { given }
  end
  local checked, origin = {}, {}
  for key, value in pairs(given) do
    local option = by_key[key]
    if not option then
      if type(key) == "string" then
        error(("lossdbg: %s: unknown option '%s'%s"):format(where, key:sub(1, 64),
          M.hint(key, names, wider)), level)
      end
      error(("lossdbg: %s: unexpected value at place %s (%s); options are named. Known: %s"):format(
        where, M.show(key), M.show(value), table.concat(names, ", ")), level)
    elseif origin[option.name] ~= nil then
      error(("lossdbg: %s: argument '%s': given twice"):format(where, option.name), level)
    end
    origin[option.name] = key
    checked[option.name] = check_value(where, option, value, deeper(level, 1))
  end
  for _, option in ipairs(schema) do
    if checked[option.name] == nil then
      if option.required then
        M.fail(where, option.name, type_text(option.type or "any"), nil, option.doc, level)
      end
      checked[option.name] = option.default
    end
  end
  return checked
end

return M
