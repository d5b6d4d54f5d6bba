--- Groups of parameters with options of their own: `{ parameters = ..., lr = 1e-4 }`.
-- A group's lr keeps its ratio to the optimiser's, so that schedules act on every group.
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local M = {}

local own = {
  { name = "parameters", required = true,
    doc = "tensors, a layer, or names such as \"dense_1\", \"bias\"" },
  { name = "lr", type = "number", min = 0, alias = { "learning_rate" } },
  { name = "weight_decay", type = "number", min = 0 },
  { name = "decoupled_weight_decay", type = "boolean" },
}

-- The options that a group may set, without defaults: what is absent is the optimiser's.
local function schema_of(kind)
  if kind.group_schema then return kind.group_schema end
  local schema = table.move(own, 1, #own, 1, {})
  for _, option in ipairs(kind.schema) do
    local copy = {}
    for key, value in pairs(option) do copy[key] = value end
    copy.default, copy.positional = nil, nil
    schema[#schema + 1] = copy
  end
  kind.group_schema = schema
  return schema
end

---Whether a value is a list of groups.
---@param value any
---@return boolean
function M.is_list(value)
  if type(value) ~= "table" or type(value[1]) ~= "table" then return false end
  local first = value[1]
  local inner = first.parameters
  return inner ~= nil and type(inner) ~= "function" and first.path == nil
end

-- Whether a parameter's name is meant by a word: the name itself, the path of its layer or block,
-- or its last part.
local function meant(name, word)
  return name == word or name:sub(1, #word + 1) == word .. "/"
    or name:sub(-#word - 1) == "/" .. word
end

local function named(list, words, where)
  local found = {}
  for _, word in ipairs(words) do
    local before = #found
    for _, entry in ipairs(list) do
      if meant(entry.name, word) then found[#found + 1] = entry end
    end
    if #found == before then
      local names = {}
      for i, entry in ipairs(list) do names[i] = entry.name end
      error(("lossdbg: %s: argument 'groups': no parameter is called %s%s"):format(where,
        options.show(word), options.hint(word, names)), source.level())
    end
  end
  return found
end

-- The entries that a group means.
local function entries_of(list, given, where)
  local wanted = given.parameters
  if type(wanted) == "string" then return named(list, { wanted }, where) end
  if type(wanted) == "table" and type(wanted[1]) == "string" then
    return named(list, wanted, where)
  end
  local found = {}
  for _, entry in ipairs(list) do
    if entry.group == given then found[#found + 1] = entry end
  end
  if #found > 0 then return found end
  local mine = require("lossdbg.optim.parameters").read(wanted, where)
  for _, item in ipairs(mine) do
    for _, entry in ipairs(list) do
      if rawequal(entry.tensor, item.tensor) then found[#found + 1] = entry end
    end
  end
  return found
end

---Options of a group over those of the optimiser.
---@param kind table
---@param base table checked options of the optimiser
---@param given table
---@param where string
---@return table
function M.merge(kind, base, given, where)
  local checked = options.check(where .. ": groups", given, schema_of(kind), source.level())
  local merged = {}
  for key, value in pairs(base) do merged[key] = value end
  for key, value in pairs(checked) do
    if key ~= "parameters" then merged[key] = value end
  end
  merged.groups = nil
  if kind.check then kind.check(merged, where, source.level()) end
  return merged
end

---Gives every entry its options (and lr, when its group has one). The first group that means a
---parameter wins.
---@param self lossdbg.Optimizer
---@param list table[] entries of optim.parameters
---@param where string
function M.assign(self, list, where)
  local groups, seen = {}, {}
  for _, entry in ipairs(list) do
    entry.options = self.options
    if entry.group and not seen[entry.group] then
      seen[entry.group] = true
      groups[#groups + 1] = entry.group
    end
  end
  for _, given in ipairs(self.options.groups or {}) do groups[#groups + 1] = given end
  local taken = {}
  for _, given in ipairs(groups) do
    local merged = M.merge(self.kind, self.options, given, where)
    for _, entry in ipairs(entries_of(list, given, where)) do
      if not taken[entry] then
        taken[entry], entry.options, entry.lr = true, merged, merged.lr
      end
    end
  end
end

---What a step reads that parameters have of their own: options of their group, constraints.
---@param self lossdbg.Optimizer
---@return table[]
function M.own(self)
  local list = {}
  for _, entry in ipairs(rawget(self, "list") or {}) do
    list[#list + 1] = entry.options
    list[#list + 1] = entry.constraint
  end
  return list
end

---The groups as plain data.
---@param self lossdbg.Optimizer
---@return table[]|nil
function M.describe(self)
  if not self.options.groups then return nil end
  local list = {}
  for i, given in ipairs(self.options.groups) do
    local copy = {}
    for key, value in pairs(given) do
      if key ~= "parameters" then copy[key] = value end
    end
    local first = type(given.parameters) == "table" and given.parameters[1] or given.parameters
    copy.parameters = type(first) == "string" and given.parameters or nil
    list[i] = copy
  end
  return list
end

---The rate of one parameter.
---@param entry table
---@param lr number the optimiser's rate of this step
---@param base number the optimiser's rate without its schedule
---@return number
function M.rate(entry, lr, base)
  if not entry.lr then return lr end
  if lr == base or base <= 0 then return entry.lr end
  return entry.lr * (lr / base)
end

return M
