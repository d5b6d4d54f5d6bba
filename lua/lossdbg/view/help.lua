--- Help in the terminal: a topic of the reference, a family, or the list of families.
local explain = require "lossdbg.diagnose.explain"
local options = require "lossdbg.support.options"
local places = require "lossdbg.view.reference_places"
local reference = require "lossdbg.view.reference"
local text = require "lossdbg.support.text"

local M = {}

local function put(out, s, columns, indent, hanging)
  for _, line in ipairs(text.wrap(s, columns, indent, hanging or indent)) do
    out[#out + 1] = line
  end
end

-- Numbers as people write them.
local function shown(value)
  if type(value) == "table" and next(value) == nil then return "{}" end
  if type(value) ~= "number" then return options.show(value) end
  return math.tointeger(value) and ("%d"):format(math.tointeger(value)) or ("%.6g"):format(value)
end

local function bounds(option)
  local low = option.open_min and "> " .. shown(option.open_min)
    or option.min and ">= " .. shown(option.min)
  local high = option.open_max and "< " .. shown(option.open_max)
    or option.max and "<= " .. shown(option.max)
  return low and high and low .. " and " .. high or low or high
end

local function choices(option)
  local list = {}
  for i, choice in ipairs(option.choices or {}) do list[i] = ("%q"):format(choice) end
  return #list > 0 and "one of " .. table.concat(list, ", ") or nil
end

---Type, range, default, place and other names of an option, in words.
---@param option lossdbg.option
---@return string
function M.facts(option)
  local list = { ((option.type or "any"):gsub("|", " or ")) }
  list[#list + 1] = bounds(option)
  list[#list + 1] = choices(option)
  if option.required then
    list[#list + 1] = "required"
  elseif option.default ~= nil then
    list[#list + 1] = "default " .. shown(option.default)
  end
  if option.positional then list[#list + 1] = ("place %d"):format(option.positional) end
  local alias = option.alias
  if type(alias) == "table" then alias = table.concat(alias, ", ") end
  if alias and alias ~= "" then list[#list + 1] = "also " .. alias end
  return table.concat(list, "; ")
end

local function topic_text(topic, columns)
  local out = {}
  put(out, topic.name .. (topic.inputs and " (" .. topic.inputs .. ")" or ""), columns, "")
  put(out, topic.what, columns, "  ")
  for _, parameter in ipairs(topic.parameters) do
    if not (topic.options and parameter.name:find "^given") then
      put(out, parameter.name .. ": " .. parameter.doc, columns, "  ", "      ")
    end
  end
  if topic.attributes then
    put(out, "attributes: " .. topic.attributes, columns, "  ", "      ")
  end
  if topic.options and #topic.options > 0 then out[#out + 1] = "  options" end
  for _, option in ipairs(topic.options or {}) do
    put(out, option.name .. ": " .. (option.doc or ""), columns, "    ", "        ")
    put(out, M.facts(option), columns, "        ")
  end
  for _, value in ipairs(topic.returns) do
    put(out, "returns " .. value, columns, "  ", "      ")
  end
  return table.concat(out, "\n")
end

-- Names of a family, each with the beginning of what it is.
local function family_text(name, title, all, columns)
  local out = { name .. (title and ": " .. title or "") }
  for _, topic in ipairs(all) do
    if topic.family == name then
      local line = "  " .. topic.name .. "  " .. topic.what
      out[#out + 1] = text.cut(line, columns)
    end
  end
  return #out > 1 and table.concat(out, "\n") or nil
end

---The families in their order, each with its title.
---@return { name: string, title: string }[]
function M.families()
  local list = { { name = "ld", title = "functions of the library itself" } }
  for _, family in ipairs(places.families) do list[#list + 1] = family end
  for _, class in ipairs(places.classes) do
    list[#list + 1] = { name = class.name, title = class.title }
  end
  return list
end

local function overview(all, columns)
  local out, counts = {}, {}
  for _, topic in ipairs(all) do counts[topic.family] = (counts[topic.family] or 0) + 1 end
  for _, family in ipairs(M.families()) do
    put(out, ("%s: %s (%d)"):format(family.name, family.title, counts[family.name] or 0), columns,
      "  ", "      ")
  end
  put(out, 'ld.help "nn" lists a family, ld.help "nn.dense" tells of one name, ' ..
    'ld.help "constant" of a rule, a cause or a state', columns, "")
  return table.concat(out, "\n")
end

-- The last part of a name, so that "dense" finds nn.dense and "predict" model:predict.
local function matches(all, name)
  local exact, ends = {}, {}
  for _, topic in ipairs(all) do
    if topic.name == name then exact[#exact + 1] = topic end
    if topic.name:match "[^.:]*$" == name then ends[#ends + 1] = topic end
  end
  return #exact > 0 and exact or ends
end

local function unknown(all, name)
  local names, short = explain.names(), {}
  for _, family in ipairs(M.families()) do names[#names + 1] = family.name end
  for _, topic in ipairs(all) do
    names[#names + 1] = topic.name
    short[#short + 1] = topic.name:match "[^.:]*$"
  end
  local near = options.suggest(name, names) or options.suggest(name, short)
  return ("nothing is called '%s'%s"):format(text.clean(name), near
    and (" (did you mean '" .. near .. "'?)") or "; ld.help() lists what there is")
end

---Help on a name ("nn.dense", "dense", "run:plot"), a family ("nn", "run"), a rule, a cause or a
---state; without a name, the families.
---@param name string|nil
---@param columns? integer width of the text; default 80
---@return string|nil text
---@return string|nil message when the name is unknown, with the nearest one
function M.text(name, columns)
  if name ~= nil and type(name) ~= "string" then
    options.fail("help", "name", "a name such as \"nn.dense\"", name,
      "names are given as strings")
  end
  columns = columns or 80
  if math.type(columns) ~= "integer" or columns < 20 then
    options.fail("help", "columns", "an integer >= 20", columns)
  end
  local all = reference.all()
  if name == nil then return overview(all, columns) end
  name = name:gsub("^ld%.", "")
  local parts = {}
  for _, family in ipairs(M.families()) do
    if family.name == name then
      parts[#parts + 1] = family_text(name, family.title, all, columns)
    end
  end
  for _, topic in ipairs(matches(all, name)) do parts[#parts + 1] = topic_text(topic, columns) end
  parts[#parts + 1] = (explain.text(name))
  if #parts == 0 then return nil, unknown(all, name) end
  return table.concat(parts, "\n\n")
end

return M
