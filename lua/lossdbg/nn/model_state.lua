--- Weights, statistics and learnt buffers of a model: out as copies, in by name, from other models,
-- to and from files.
local core = require "lossdbg.core"
local layer = require "lossdbg.nn.layer"
local observers = require "lossdbg.support.observers"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"
local tensors = require "lossdbg.tensor"

local M = { methods = {} }

local methods = M.methods

local is_tensor = core.tensor.is_tensor

-- Name and tensor of everything that a model has learnt, in a fixed order: parameters and
-- statistics, then the buffers of each layer.
local function entries(model)
  local list = {}
  for name, tensor in model:parameters() do list[#list + 1] = { name = name, tensor = tensor } end
  for _, item in ipairs(model.list) do
    local names = {}
    for name in pairs(item.buffers or {}) do names[#names + 1] = name end
    table.sort(names)
    for _, name in ipairs(names) do
      list[#list + 1] = { name = item.path .. "/" .. name, tensor = item.buffers[name] }
    end
  end
  return list
end

---The values of all parameters, statistics and buffers, as copies.
---@return { name: string, tensor: userdata }[]
function methods:state()
  local state = {}
  for i, entry in ipairs(entries(self)) do
    state[i] = { name = entry.name, tensor = entry.tensor:clone() }
  end
  return state
end

local function check_entry(entry, targets)
  if type(entry) ~= "table" or type(entry.name) ~= "string" or not is_tensor(entry.tensor) then
    options.fail("model:load_state", "state", "entries { name = , tensor = }", entry, nil,
      source.level())
  end
  local target = targets[entry.name]
  if target and table.concat(target.shape, ",") == table.concat(entry.tensor.shape, ",") then
    return target
  end
  local why = "is not in this model"
  if target then
    why = ("has the shape [%s], this model's has [%s]"):format(
      table.concat(entry.tensor.shape, ", "), table.concat(target.shape, ", "))
  end
  error(("lossdbg: model:load_state: argument 'state': '%s' %s"):format(entry.name, why),
    source.level())
end

---Copies values back by name. Raises when a name or shape is unknown or nothing is given, before
---anything is changed.
---@param state { name: string, tensor: userdata }[]
---@return lossdbg.Model self
---@return integer taken tensors that were copied; fewer than #model:state() leaves the others
function methods:load_state(state)
  if type(state) ~= "table" then
    options.fail("model:load_state", "state", "what model:state returned", state, nil,
      source.level())
  end
  local targets, copies = {}, {}
  for _, entry in ipairs(entries(self)) do targets[entry.name] = entry.tensor end
  for i, entry in ipairs(state) do copies[i] = { check_entry(entry, targets), entry.tensor } end
  if #copies == 0 and next(targets) then
    options.fail("model:load_state", "state", "a list of { name = , tensor = }", state,
      next(state) == nil and "it is empty: nothing would be loaded"
      or "a table by name? make a list of it", source.level())
  end
  tensors.no_grad(function()
    for _, pair in ipairs(copies) do pair[1]:copy_(pair[2]) end
  end)
  if observers.any then observers.tell("loaded", self) end
  return self, #copies
end

---As take_over, for models that may have nothing in common.
---@param self lossdbg.Model
---@param other lossdbg.Model
---@return integer taken tensors that were taken over
function M.adopt(self, other)
  local theirs, taken = {}, 0
  for _, item in ipairs(other.list) do theirs[item.path] = item end
  for _, item in ipairs(self.list) do
    local from = theirs[item.path]
    if from and from.kind == item.kind and layer.same_shapes(from, item) then
      layer.take_over(item, from, self.dtype)
      taken = taken + #item.parameters
    end
  end
  return taken
end

---Takes over weights, statistics and frozen layers of another model, where path, kind and shapes
---agree. Raises when no layer with weights agrees.
---@param other lossdbg.Model
---@return lossdbg.Model self
---@return integer taken tensors that were taken over
function methods:take_over(other)
  if type(other) ~= "table" or getmetatable(other) ~= getmetatable(self) then
    options.fail("model:take_over", "other", "a built model", other, nil, source.level())
  end
  local own, taken = 0, M.adopt(self, other)
  for _, item in ipairs(self.list) do own = own + #item.parameters end
  if taken == 0 and own > 0 then
    error("lossdbg: model:take_over: argument 'other': no layer with weights has the path, kind " ..
      "and shapes of one here (other names? another input?)", source.level())
  end
  return self, taken
end

---Writes architecture, weights and statistics to one file, whole or not at all; `ld.load` reads it.
---@param path string
---@return true|nil
---@return string? message also when an option of a layer is a function
function methods:save(path)
  if type(path) ~= "string" then
    options.fail("model:save", "path", "where to write", path, nil, source.level())
  end
  return require("lossdbg.nn.model_file").save(self, path)
end

---Class of every row; see nn.model_file.
---@param x any
---@param given? { batch: integer, threshold: number }
---@return (integer|string)[]|integer|string names where the data had them, else ids from 0
function methods:predict_classes(x, given)
  return require("lossdbg.nn.model_file").predict_classes(self, x, given)
end

return M
