--- Sequential: layers one after another. Nested ones are flattened when the model is built; their
-- layers then carry the path "block/dense_1".
local tensors = require "lossdbg.tensor"
local layer = require "lossdbg.nn.layer"
local model = require "lossdbg.nn.model"
local options = require "lossdbg.options"
local source = require "lossdbg.source"

local M = {}

---@class lossdbg.Sequential
---@field kind "sequential"
---@field options { name: string|nil, trainable: boolean }
---@field source string|nil
---@field [integer] lossdbg.LayerDescription|lossdbg.Sequential

local Sequential = { __name = "lossdbg.sequential" }
Sequential.__index = Sequential

local schema = {
  { name = "name", type = "string", doc = "path of the block in its model" },
  { name = "trainable", type = "boolean", default = true },
}

function M.is_description(value)
  return type(value) == "table" and getmetatable(value) == Sequential
end

local function read_layer(value)
  if M.is_description(value) then return value end
  if type(value) == "table" and value.kind == "sequential" then return M.describe(value.layers) end
  return layer.from(value, "nn.sequential")
end

---`nn.sequential { nn.dense { 32, "relu" }, nn.dense(10) }`
---@param given table layers in order, and optionally name, trainable
---@return lossdbg.Sequential
function M.describe(given)
  if type(given) ~= "table" or layer.is_description(given) or M.is_description(given) then
    options.fail("nn.sequential", "layers", "a list of layers", given,
      "write nn.sequential { nn.dense(10) }", source.level())
  end
  local named, self, n = {}, {}, 0
  for key, value in pairs(given) do
    if math.type(key) == "integer" then n = math.max(n, key) else named[key] = value end
  end
  for i = 1, n do
    if given[i] == nil then
      options.fail("nn.sequential", "layers", "a layer at every place", nil,
        ("layer %d of %d is nil: a misspelt constructor?"):format(i, n), source.level())
    end
    self[i] = read_layer(given[i])
  end
  self.kind = "sequential"
  self.options = options.check("nn.sequential", named, schema, source.level())
  self.source = source.here()
  return setmetatable(self, Sequential)
end

-- Paths of the layers of a list: the name, or kind and a count.
local function paths_of(list, prefix)
  local counts, used, paths = {}, {}, {}
  for i, item in ipairs(list) do
    local name = item.options.name
    if not name then
      repeat
        counts[item.kind] = (counts[item.kind] or 0) + 1
        name = item.kind .. "_" .. counts[item.kind]
      until not used[name]
    end
    if used[name] then
      error(("lossdbg: nn.sequential: argument 'name': two layers are called '%s'"):format(name),
        source.level())
    end
    used[name] = true
    paths[i] = prefix .. name
  end
  return paths
end

---Calls visit(description, path, list, index) for every layer that is not itself a sequential.
---@param list table
---@param visit fun(description: lossdbg.LayerDescription, path: string, list: table, i: integer)
---@param prefix? string
function M.walk(list, visit, prefix)
  local paths = paths_of(list, prefix or "")
  for i, item in ipairs(list) do
    if item.kind == "sequential" then
      M.walk(item, visit, paths[i] .. "/")
    else
      visit(item, paths[i], list, i)
    end
  end
end

---A copy whose lists may be edited; the layer descriptions are shared.
---@return lossdbg.Sequential
function M.copy(description)
  local twin = {}
  for key, value in pairs(description) do twin[key] = value end
  for i, item in ipairs(description) do
    if item.kind == "sequential" then twin[i] = M.copy(item) end
  end
  return setmetatable(twin, Sequential)
end

local function flatten(list, trainable, out, prefix)
  local paths = paths_of(list, prefix)
  for i, item in ipairs(list) do
    if item.kind == "sequential" then
      flatten(item, trainable and item.options.trainable, out, paths[i] .. "/")
    else
      out[#out + 1] = { description = item, path = paths[i], trainable = trainable }
    end
  end
  return out
end

local build_schema = {
  { name = "seed", type = "integer", min = 0, default = 0, doc = "of the initial weights" },
  { name = "dtype", type = "string", choices = { "f32", "f64" }, default = "f32" },
  { name = "adapt", type = "tensor", doc = "rows for layers with adapt = true" },
}

local function check_shape(shape)
  if math.type(shape) == "integer" then shape = { shape } end
  if type(shape) ~= "table" then
    options.fail("build", "input_shape", "the shape of one sample, such as { 13 }", shape, nil,
      source.level())
  end
  for _, size in ipairs(shape) do
    if math.type(size) ~= "integer" or size < 1 then
      options.fail("build", "input_shape", "positive integers (the shape of one sample, without " ..
        "the batch)", size, nil, source.level())
    end
  end
  return table.move(shape, 1, #shape, 1, {})
end

-- The rows that reach layer i, for a layer that learns statistics.
local function adapt_source(rows, built)
  if not rows then return nil end
  return function()
    local list, context = table.move(built, 1, #built, 1, {}), { training = false }
    if #list == 0 then return rows end
    return tensors.no_grad(function()
      local x = rows
      for _, item in ipairs(list) do x = item:forward(x, context) end
      return x
    end)
  end
end

---Builds a model.
---@param list table layer descriptions
---@param input_shape integer[]|integer shape of one sample
---@param given? { seed: integer, dtype: "f32"|"f64", adapt: userdata }
---@return lossdbg.Model
function M.build(list, input_shape, given)
  local context = options.check("build", given, build_schema, source.level())
  local shape, built = check_shape(input_shape), {}
  local rows = context.adapt and context.adapt:cast(context.dtype)
  for i, item in ipairs(flatten(list, true, {}, "")) do
    context.adapt = adapt_source(rows, built)
    local made = layer.create(item.description, item.path, shape, context, item.trainable)
    made.index = i
    built[i], shape = made, made.output_shape
  end
  return model.new(built, check_shape(input_shape), context.dtype, context.seed, list)
end

---@param input_shape integer[]|integer shape of one sample
---@param given? { seed: integer, dtype: "f32"|"f64", adapt: userdata }
---@return lossdbg.Model
function Sequential:build(input_shape, given)
  if #self == 0 then
    options.fail("build", "layers", "at least one layer", nil, "the model is empty", source.level())
  end
  return M.build(self, input_shape, given)
end

function Sequential:__tostring()
  local lines = {}
  M.walk(self, function(item, path) lines[#lines + 1] = ("  %-16s %s"):format(path, item) end)
  return "sequential\n" .. table.concat(lines, "\n")
end

return M
