--- Symbolic values: what `nn.input` returns, and what a layer returns that is called on one.
-- They hold no numbers, only who makes them from what; `nn.graph` turns them into a description.
--   local x = nn.input { 28, 28, 1 }
--   local h = nn.dense { 4, "relu" }(x)
--   local y = nn.add { h, nn.dense(4)(x) }        -- or h + nn.dense(4)(x)
local layer = require "lossdbg.nn.layer"
local options = require "lossdbg.support.options"
local sequential = require "lossdbg.nn.sequential"
local source = require "lossdbg.support.source"

local M = {}

---@class lossdbg.SymbolicCall  one use of a layer or block
---@field layer lossdbg.LayerDescription|lossdbg.Sequential|lossdbg.Residual|lossdbg.Graph
---@field inputs lossdbg.Symbolic[]
---@field source string|nil

---@class lossdbg.Symbolic
---@field call lossdbg.SymbolicCall|nil nil for inputs
---@field output integer              which output of the call
---@field shape integer[]|nil         of one sample; inputs only
---@field name string|nil             inputs only
---@field source string|nil
---@operator add(lossdbg.Symbolic): lossdbg.Symbolic
---@operator sub(lossdbg.Symbolic): lossdbg.Symbolic
---@operator mul(lossdbg.Symbolic): lossdbg.Symbolic

local Symbolic = { __name = "lossdbg.symbolic" }
Symbolic.__index = Symbolic

function M.is_symbolic(value)
  return type(value) == "table" and getmetatable(value) == Symbolic
end

function Symbolic:__tostring()
  local at = self.source and ("  -- " .. self.source) or ""
  if not self.call then
    return ("input { %s }%s"):format(table.concat(self.shape, ", "), at)
  end
  return ("output of %s%s"):format(self.call.layer.options.name or self.call.layer.kind, at)
end

local input_schema = options.declare "nn.input" {
  { name = "name", type = "string", doc = "name in tables of inputs" },
}

---An input of a graph: `nn.input { 28, 28, 1 }`, `nn.input(13)`, `nn.input { 13, name = "left" }`.
---@param given integer|table shape of one sample, without the batch; optionally name
---@return lossdbg.Symbolic
function M.input(given)
  if math.type(given) == "integer" then given = { given } end
  if type(given) ~= "table" or options.is_tensor(given) or M.is_symbolic(given) then
    options.fail("nn.input", "shape", "the shape of one sample, such as { 13 }", given,
      "the batch axis is not part of it", source.level())
  end
  local shape, named = {}, {}
  for key, value in pairs(given) do
    if math.type(key) == "integer" then shape[key] = value else named[key] = value end
  end
  local n = 0
  for _ in pairs(shape) do n = n + 1 end
  for i = 1, math.max(n, 1) do
    if math.type(shape[i]) ~= "integer" or shape[i] < 1 then
      options.fail("nn.input", "shape", "positive integers, such as { 13 }", shape[i],
        "the batch axis is not part of it", source.level())
    end
  end
  local checked = options.check("nn.input", named, input_schema, source.level())
  return setmetatable({ shape = shape, name = checked.name, output = 1, source = source.here() },
    Symbolic)
end

-- "nn.dense" or "nn.dense 'head'" in messages.
local function name_of(item)
  local name = item.options.name
  return "nn." .. item.kind .. (name and (" '%s'"):format(name) or "")
end

---How many inputs a layer or block takes.
---@param item table
---@return integer least
---@return integer most
function M.arity(item)
  if item.kind == "graph" then return #item.inputs, #item.inputs end
  if sequential.is_block(item) then return 1, 1 end
  local range = layer.kinds[item.kind].inputs
  if range then return range[1], range[2] end
  return 1, 1
end

---How many values a layer or block returns.
---@param item table
---@return integer
function M.count_outputs(item)
  if item.kind == "graph" then return #item.outputs end
  local class = not sequential.is_block(item) and layer.kinds[item.kind]
  return class and class.outputs and class.outputs(item.options) or 1
end

local function fail_argument(item, value)
  local cause
  if options.is_tensor(value) then
    cause = "a description computes nothing: build a model and call that on tensors"
  elseif layer.is_description(value) or sequential.is_block(value) then
    cause = "call it first, as in nn.dense(4)(x)"
  elseif value == nil then
    cause = "a misspelt variable?"
  end
  options.fail(name_of(item), "input", "a symbolic value (nn.input, or a layer called on one)",
    value, cause, source.level())
end

-- Arguments of a call as a list: f(a, b), f { a, b }, and by name for graphs.
local function arguments(item, ...)
  local given, n = { ... }, select("#", ...)
  local first = given[1]
  if n == 1 and type(first) == "table" and getmetatable(first) == nil then
    if item.kind == "graph" and item.named_inputs and first[1] == nil then
      given, n = {}, #item.inputs
      for i, input in ipairs(item.inputs) do given[i] = first[input.name] end
    else
      given, n = first, 0
      for key in pairs(first) do
        if math.type(key) == "integer" then n = math.max(n, key) end
      end
    end
  end
  local list = {}
  for i = 1, math.max(n, 1) do
    if not M.is_symbolic(given[i]) then fail_argument(item, given[i]) end
    list[i] = given[i]
  end
  return list
end

---Uses a layer or block. Every call of the same description shares its weights.
---@param item lossdbg.LayerDescription|lossdbg.Sequential|lossdbg.Residual|lossdbg.Graph
---@param ... lossdbg.Symbolic|lossdbg.Symbolic[]
---@return lossdbg.Symbolic|table value, or the table of values of a graph with several outputs
---@return lossdbg.Symbolic ... further values of a layer, such as the states of an lstm
function M.call(item, ...)
  local inputs = arguments(item, ...)
  local least, most = M.arity(item)
  if #inputs < least or #inputs > most then
    local wanted = least == most and tostring(least)
      or most == math.huge and ("%d or more"):format(least) or ("%d to %d"):format(least, most)
    error(("lossdbg: %s: argument 'input': expected %s input%s, got %d%s"):format(name_of(item),
      wanted, wanted == "1" and "" or "s", #inputs,
      most == 1 and " (join them first, as with nn.concat { a, b })" or ""), source.level())
  end
  local call = { layer = item, inputs = inputs, source = source.here() }
  local function value(i)
    return setmetatable({ call = call, output = i, source = call.source }, Symbolic)
  end
  local n = M.count_outputs(item)
  if item.kind ~= "graph" or (n == 1 and not item.named_outputs) then
    local values = {}
    for i = 1, n do values[i] = value(i) end
    return table.unpack(values)
  end
  local result = {}
  for i, output in ipairs(item.outputs) do result[output.name or i] = value(i) end
  return result
end

local function operator(kind)
  return function(a, b)
    if not (M.is_symbolic(a) and M.is_symbolic(b)) then
      options.fail("nn." .. kind, "input", "two symbolic values", M.is_symbolic(a) and b or a,
        "for numbers use nn.rescale or nn.lambda", source.level())
    end
    return M.call(layer.describe(kind), a, b)
  end
end

Symbolic.__add, Symbolic.__sub = operator "add", operator "subtract"
Symbolic.__mul = operator "multiply"

return M
