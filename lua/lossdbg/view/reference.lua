--- Everything public as data, for help and pages: read from option schemas, the rows of the core
-- and the annotations above functions. Sources are installed as they are, so annotations are read
-- from the module's own file; in a host that hides files, schemas and rows are still told.
local common = require "lossdbg.optim.common"
local core = require "lossdbg.core"
local kinds = require "lossdbg.optim.kinds"
local layer = require "lossdbg.nn.layer"
local options = require "lossdbg.support.options"
local places = require "lossdbg.view.reference_places"
local upper = require "lossdbg.support.upper"
local words = require "lossdbg.view.reference_words"

local M = {}

---@class lossdbg.Topic
---@field name string         "nn.dense", as it is written behind `ld.`; "run:plot" for methods
---@field family string       "nn", "run", ...
---@field what string         what it is or does
---@field parameters { name: string, type: string, doc: string }[]
---@field returns string[]
---@field options lossdbg.option[]|nil
---@field inputs string|nil      of an op, in order
---@field attributes string|nil  of an op, behind the inputs

local root = debug and debug.getinfo
  and debug.getinfo(1, "S").source:match "^@(.*)view[/\\]reference%.lua$"

-- Source of a module; nil in a host that hides files.
local function source_of(module)
  local handle = root and io and io.open(root .. module:gsub("%.", "/") .. ".lua", "rb")
  if not handle then return nil end
  local text = handle:read "a"
  handle:close()
  return text
end

local function new(found)
  return found or { text = {}, parameters = {}, returns = {} }
end

-- One line of an annotation into what was found so far.
local function read_line(found, line)
  local tag, rest = line:match "^@(%w+)%s*(.*)$"
  if not tag then
    found.text[#found.text + 1] = line
  elseif tag == "param" then
    local name, kind = rest:match "^(%S+)%s+(.*)$"
    found.parameters[#found.parameters + 1] = { name = name, doc = kind }
  elseif tag == "return" then
    found.returns[#found.returns + 1] = rest
  end
end

---The annotations of a file: name of a function, "Class.method" too, to what stands above it.
---@param source string
---@return table<string, { text: string[], parameters: table[], returns: string[] }>
function M.annotations(source)
  local all, found = {}, nil
  for line in (source .. "\n"):gmatch "(.-)\r?\n" do
    line = line:match "^%s*(.*)$" -- methods of a mixin stand inside a function
    local marked = line:match "^%-%-%-%s?(.*)$"
    local more = found and line:match "^%-%-%s?(.*)$"
    if marked then
      found = new(found)
      read_line(found, marked)
    elseif more then
      read_line(found, more)
    else
      local class, name = line:match "^function ([%w_]+)[.:]([%w_]+)"
      if not class then class, name = line:match "^([%w_]+)%.([%w_]+) = " end
      if line:find "^return function%(" then class, name = "M", "new" end -- a module that is one
      if class and found then all[class .. "." .. name] = found end
      found = nil
    end
  end
  return all
end

local function annotations_of(module)
  local text = source_of(module)
  return text and M.annotations(text) or {}
end

local function topic(family, name, found, what, schema)
  local text = found and table.concat(found.text, " "):gsub("%s+", " ") or ""
  return { name = name, family = family, what = what or text,
    parameters = found and found.parameters or {}, returns = found and found.returns or {},
    options = schema }
end

-- The module of a family, its annotations by the names of functions.
local function annotated(family)
  local all = {}
  for _, module in ipairs(family.modules) do
    for name, found in pairs(annotations_of(module)) do
      local own = name:match "^M%.(.*)$"
      if own then all[own] = all[own] or found end
    end
  end
  return all
end

local function member(family, name, found)
  local full = family.name .. "." .. name
  local class = family.name == "nn" and layer.kinds[name]
  local kind = family.name == "optim" and kinds.by_name[name]
  local what = (words[family.name] or {})[name] or kind and kind.doc
  local schema = class and class.schema or kind and common.schema(kind) or options.schemas[full]
  local at = places.elsewhere[full]
  found = found or at and annotations_of(at[1])["M." .. at[2]]
  return topic(family.name, full, found, what, schema)
end

-- "axis (axis, default -1), padding (enum)": numbers alone have a default that reads as one.
local function attributes_of(row)
  local list = {}
  for i, attr in ipairs(row.attrs) do
    local plain = attr.kind ~= "enum" and attr.kind ~= "list" and not attr.required
    list[i] = ("%s (%s%s)"):format(attr.name, attr.kind, attr.required and ", required"
      or plain and (", default %g"):format(attr.fallback) or "")
  end
  return #list > 0 and table.concat(list, ", ") or nil
end

local function add_ops(out)
  for _, row in ipairs(core.op_rows()) do
    local one = topic("ops", "ops." .. row.name, nil, row.doc)
    one.inputs, one.attributes = row.inputs, attributes_of(row)
    out[#out + 1] = one
  end
end

-- Names that mean the same, by the family's own list or because they are one function.
local function same_as(family, members, found)
  local aliases = family.aliases and require(family.aliases).aliases or {}
  local first, list = {}, {}
  for name in pairs(members) do list[#list + 1] = name end
  local own = words[family.name] or {}
  local function rank(name) -- the one that is documented first, then the short one
    return ((found[name] or own[name]) and "0" or "1") .. ("%3d"):format(#name) .. name
  end
  table.sort(list, function(a, b) return rank(a) < rank(b) end)
  for _, name in ipairs(list) do
    first[members[name]] = first[members[name]] or name
  end
  return function(name)
    local canonical = aliases[name] or first[members[name]]
    return canonical ~= name and canonical or nil
  end
end

local function is_callable(value)
  local meta = type(value) == "table" and getmetatable(value)
  return type(value) == "function" or meta and meta.__call ~= nil
end

local function add_family(out, family, module)
  local found, members = annotated(family), {}
  for name, value in pairs(module) do
    if is_callable(value) then members[name] = value end
  end
  local other = same_as(family, members, found)
  for name in pairs(members) do
    local canonical = other(name)
    local one = member(family, canonical or name, found[canonical or name])
    if canonical then
      one.name, one.what = family.name .. "." .. name, "another name of " .. one.name
    end
    out[#out + 1] = one
  end
end

local function add_families(out, library)
  for _, family in ipairs(places.families) do
    local module = library
    for part in family.name:gmatch "[^.]+" do module = module[part] end
    if family.name == "ops" then add_ops(out) else add_family(out, family, module) end
  end
end

local function add_functions(out, library)
  for name, at in pairs(places.functions) do
    local found = annotations_of(at[1])["M." .. at[2]]
    out[#out + 1] = topic("ld", name, found, nil, options.schemas[name])
  end
  local found = annotations_of "tensor.init"
  for name, value in pairs(require "lossdbg.tensor") do
    if type(value) == "function" and rawget(library, name) then
      out[#out + 1] = topic("ld", name, found["M." .. name])
    end
  end
end

local function add_methods(out)
  for _, class in ipairs(places.classes) do
    for name, what in pairs(words[class.name] or {}) do
      out[#out + 1] = topic(class.name, class.name .. ":" .. name, nil, what)
    end
    for _, part in ipairs(class.parts) do
      for name, found in pairs(annotations_of(part[1])) do
        local own = name:match("^" .. part[2] .. "%.(.*)$")
        if own and not own:find "^_" then
          local full = class.name .. ":" .. own
          out[#out + 1] = topic(class.name, full, found, nil,
            options.schemas[places.schemas[full] or full])
        end
      end
    end
  end
end

---All topics, in the order of their names.
---@return lossdbg.Topic[]
function M.all()
  local library, out = upper.library, {}
  for _, module in ipairs { "train.trainer", "train.evaluate", "diagnose" } do
    require("lossdbg." .. module) -- declare the options of methods
  end
  for name in pairs(places.functions) do
    if name ~= "help" then assert(library[name], name) end -- loads what declares its options
  end
  add_families(out, library)
  add_functions(out, library)
  add_methods(out)
  table.sort(out, function(a, b) return a.name < b.name end)
  return out
end

return M
