--- Optimisers. `ld.optim.adam { model, lr = 1e-3 }` updates the parameters of a model;
-- `ld.optim.adam { lr = 1e-3 }` is a description, for an experiment or a later :attach(model).
-- flavor = "keras" (default) or "torch" chooses defaults and formulas where the two differ.
local catalogue = require "lossdbg.optim.kinds"
local options = require "lossdbg.support.options"
local optimizer = require "lossdbg.optim.optimizer"
local rates = require "lossdbg.optim.rate"
local source = require "lossdbg.support.source"

local kinds, names = catalogue.by_name, catalogue.names
---@class lossdbg.Optim
local M = { names = names }

-- One function an optimiser: optim.NAME(given). Its options stand in optim/annotations.lua, which
-- `make annotations` writes from the rows of the core and from optim/common.lua. A list of groups
-- { parameters = ..., lr = ... } with tensors or layers may stand in place of the model.
for name, kind in pairs(kinds) do
  M[name] = function(given)
    local made = optimizer.new(kind, given)
    return made
  end
end

---An optimiser from a name, a table { name = "adam", lr = 1e-3 } or { "adam", lr = 1e-3 }, what
---describe() returned, or an optimiser, which is returned as it is.
---@param value any
---@param where? string function named in messages
---@return lossdbg.Optimizer
function M.resolve(value, where)
  if optimizer.is_optimizer(value) then return value end
  local given, name = {}, value
  if type(value) == "table" then
    name = value.name or value[1]
    for key, item in pairs(value) do
      if key ~= "name" and key ~= 1 and key ~= "schedule" then given[key] = item end
    end
    local schedule = value.schedule
    if type(schedule) == "table" and schedule.name ~= "constant" and schedule.name ~= "custom" then
      given.schedule = schedule
    end
  end
  if where ~= nil and type(where) ~= "string" then
    options.fail("optim.resolve", "where", "a string", where, nil, source.level())
  elseif type(name) ~= "string" then
    options.fail(where or "optim", "optimizer", "an optimiser or its name", value,
      "for example ld.optim.sgd { lr = 0.1 }", source.level())
  elseif not kinds[name] then
    error(("lossdbg: %s: unknown optimiser %s%s"):format(where or "optim", options.show(name),
      options.hint(name, names)), source.level())
  end
  local schedule = given.schedule
  given.schedule = nil
  local made = optimizer.new(kinds[name], given)
  return schedule and M.scheduled(made, schedule) or made
end

local function check_table(where, name, value)
  if type(value) ~= "table" then
    options.fail(where, name, "a table of options", value, nil, source.level())
  end
end

---A copy whose rate follows a schedule: a function of the step, a schedule object, its plain data
---{ name = "cosine", ... }, a number, or a reduce_on_plateau object.
---@param given any optimiser or its name
---@param schedule any
---@return lossdbg.Optimizer
function M.scheduled(given, schedule)
  local base = M.resolve(given, "optim.scheduled")
  local made = base:clone()
  rawset(made, "rate", rates.follow(base.rate, schedule, source.level()))
  return made
end

---A copy with other options: `with(optimizer, { lr = 0.01 })`; { name = "adam" }: another kind.
---@param given any optimiser or its name
---@param changes table
---@param where? string function named in messages
---@return lossdbg.Optimizer
function M.with(given, changes, where)
  local base = M.resolve(given, where)
  check_table(where or "optim.with", "changes", changes)
  if changes.name and changes.name ~= base.name then return M.resolve(changes, where) end
  local copy = {}
  for key, value in pairs(changes) do
    if key ~= "name" then copy[key] = value end
  end
  local made = base:clone(copy)
  if base.rate.plateau and copy.lr == nil and copy.learning_rate == nil then
    return M.scheduled(made, base.rate.plateau)
  end
  return made
end

---A fresh optimiser with the options of another, attached to parameters.
---@param given any optimiser or its name
---@param parameters any as :attach takes them
---@param overrides? table schedule, clip_norm, clip_value, global_clip_norm
---@return lossdbg.Optimizer
function M.bind(given, parameters, overrides)
  local base, changes, schedule = M.resolve(given, "optim.bind"), {}, nil
  check_table("optim.bind", "overrides", overrides or {})
  for key, value in pairs(overrides or {}) do
    if key == "schedule" then schedule = value else changes[key] = value end
  end
  local made = M.with(base, changes)
  if schedule then made = M.scheduled(made, schedule) end
  return made:attach(parameters)
end

---An optimiser as plain data, under a schedule when one is given.
---@param given any optimiser or its name
---@param schedule? any
---@return table { name, lr, flavor, ..., schedule = { name } }
function M.describe(given, schedule)
  local made = M.resolve(given, "optim.describe")
  if schedule then made = M.scheduled(made, schedule) end
  return made:describe()
end

return M
