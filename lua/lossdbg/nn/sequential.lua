--- Sequential: layers one after another. Nested ones are flattened when the model is built; their
-- layers then carry the path "block/dense_1". A list that holds other blocks (residual, graph)
-- becomes a graph. Blocks share four methods: build, copy, walk, children.
local tensors = require "lossdbg.tensor"
local layer = require "lossdbg.nn.layer"
local model = require "lossdbg.nn.model"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local M = {}

---@class lossdbg.Sequential
---@field kind "sequential"
---@field options { name: string|nil, trainable: boolean }
---@field source string|nil
---@field [integer] lossdbg.LayerDescription|lossdbg.Sequential

local Sequential = { __name = "lossdbg.sequential", block = true }
Sequential.__index = Sequential

local schema = options.declare "nn.sequential" {
  { name = "name", type = "string", doc = "path of the block in its model" },
  { name = "trainable", type = "boolean", default = true,
    doc = "false: the optimiser skips it" },
}

function M.is_description(value)
  return type(value) == "table" and getmetatable(value) == Sequential
end

---True for sequential, residual and graph: descriptions that hold layers.
function M.is_block(value)
  local meta = type(value) == "table" and getmetatable(value)
  return type(meta) == "table" and meta.block == true
end

local function read_layer(value, where)
  if M.is_block(value) then return value end
  if type(value) == "table" and value.kind == "sequential" then return M.describe(value.layers) end
  return layer.from(value, where)
end

---Reads the layers of a block and its options.
---@param kind string
---@param given table
---@param known lossdbg.option[]
---@return table block without a metatable
function M.read_list(kind, given, known)
  local where = "nn." .. kind
  if type(given) ~= "table" or layer.is_description(given) or M.is_block(given) then
    options.fail(where, "layers", "a list of layers", given,
      ("write %s { nn.dense(10) }"):format(where), source.level())
  end
  local named, self, n = {}, {}, 0
  for key, value in pairs(given) do
    if math.type(key) == "integer" then n = math.max(n, key) else named[key] = value end
  end
  for i = 1, n do
    if given[i] == nil then
      options.fail(where, "layers", "a layer at every place", nil,
        ("layer %d of %d is nil: a misspelt constructor?"):format(i, n), source.level())
    end
    self[i] = read_layer(given[i], where)
  end
  self.kind = kind
  self.options = options.check(where, named, known, source.level())
  self.source = source.here()
  return self
end

---`nn.sequential { nn.dense { 32, "relu" }, nn.dense(10) }`
---@param given table layers in order, and optionally name, trainable
---@return lossdbg.Sequential
function M.describe(given)
  return setmetatable(M.read_list("sequential", given, schema), Sequential)
end

---Paths of the layers of a list: the name, or kind and a count.
---@param list table
---@param prefix string
---@param where? string for messages
---@return string[]
function M.paths_of(list, prefix, where)
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
      error(("lossdbg: %s: argument 'name': two layers are called '%s'"):format(
        where or "nn.sequential", name), source.level())
    end
    used[name] = true
    paths[i] = prefix .. name
  end
  return paths
end

---Calls visit(description, path, list, index, block) for every layer that is not itself a block;
---the layer is list[index], and block holds the list.
---@param list table
---@param visit function
---@param prefix? string
function M.walk(list, visit, prefix)
  local paths = M.paths_of(list, prefix or "")
  for i, item in ipairs(list) do
    if M.is_block(item) then
      item:walk(visit, paths[i] .. "/")
    else
      visit(item, paths[i], list, i, list)
    end
  end
end

---As M.walk.
function Sequential:walk(visit, prefix) M.walk(self, visit, prefix) end

---The layers and blocks directly inside.
---@return table[]
function Sequential:children() return table.move(self, 1, #self, 1, {}) end

---A copy whose lists may be edited; the layer descriptions are shared.
---@return lossdbg.Sequential
function Sequential:copy()
  local twin = {}
  for key, value in pairs(self) do twin[key] = value end
  for i, item in ipairs(self) do
    if M.is_block(item) then twin[i] = item:copy() end
  end
  return setmetatable(twin, getmetatable(self))
end

---Applied to symbolic inputs: see nn.graph.
function Sequential:__call(...)
  return require("lossdbg.nn.symbolic").call(self, ...)
end

M.class = Sequential

local function is_flat(list)
  for _, item in ipairs(list) do
    if M.is_block(item) and (item.kind ~= "sequential" or not is_flat(item)) then return false end
  end
  return true
end

local function flatten(list, trainable, out, prefix)
  local paths = M.paths_of(list, prefix)
  for i, item in ipairs(list) do
    if item.kind == "sequential" then
      flatten(item, trainable and item.options.trainable, out, paths[i] .. "/")
    else
      out[#out + 1] = { description = item, path = paths[i], trainable = trainable }
    end
  end
  return out
end

M.build_schema = options.declare "build" {
  { name = "seed", type = "integer", min = 0, default = 0, doc = "of the initial weights" },
  { name = "dtype", type = "string", choices = { "f32", "f64" }, default = "f32",
    doc = "of weights and results" },
  { name = "adapt", type = "tensor|table", doc = "rows for layers with adapt = true" },
}

---Checks the shape of one sample and returns a copy.
---@param shape any
---@return integer[]
function M.check_shape(shape)
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
  local context = options.check("build", given, M.build_schema, source.level())
  local shape, built = M.check_shape(input_shape), {}
  if not is_flat(list) then
    return require("lossdbg.nn.graph_build").sequential(list, shape, context)
  end
  local rows = context.adapt and context.adapt:cast(context.dtype)
  for i, item in ipairs(flatten(list, true, {}, "")) do
    context.adapt = adapt_source(rows, built)
    local made = layer.create(item.description, item.path, shape, context, item.trainable)
    made.index = i
    built[i], shape = made, made.output_shape
  end
  return model.new(built, M.check_shape(input_shape), context.dtype, context.seed, list)
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
