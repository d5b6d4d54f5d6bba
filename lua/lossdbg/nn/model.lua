--- A built model: a list of layers that own their parameters, run one behind the other or, when it
-- has several inputs, outputs, branches or shared layers, by a plan (nn.graph_build).
local core = require "lossdbg.core"
local graph_run = require "lossdbg.nn.graph_run"
local layer = require "lossdbg.nn.layer"
local observers = require "lossdbg.support.observers"
local options = require "lossdbg.support.options"
local reads = require "lossdbg.tensor.reads"
local source = require "lossdbg.support.source"

local M = {}

local is_tensor, scope = core.tensor.is_tensor, core.autograd.scope

---@class lossdbg.Model
---@field input_shape integer[]  of one sample; of the first input where there are several
---@field output_shape integer[] of one sample; of the first output where there are several
---@field input_shapes integer[][]|nil  of every input, when the model has a plan
---@field output_shapes integer[][]|nil of every output, when the model has a plan
---@field plan table|false       order of evaluation of a graph; false: one layer behind the other
---@field dtype "f32"|"f64"
---@field seed integer           that made the initial weights
---@field description table      what it was built from
---@field serving lossdbg.Serving|nil of a model that was loaded: class names, scale of the targets
---@field [integer] lossdbg.Layer
---@operator call(userdata): userdata
---@operator len: integer

local Model = { __name = "lossdbg.model" }

function Model.__index(self, key)
  if math.type(key) == "integer" then return rawget(self, "list")[key] end
  return Model[key]
end

function Model.__len(self) return #self.list end

reads.kind(Model, { fields = { "list", "dtype", "plan" },
  unread = function(key) return key == "plan" end })

---@return lossdbg.Model
function M.new(list, input_shape, dtype, seed, description, plan)
  local last = list[#list]
  return setmetatable({ list = list, input_shape = input_shape, dtype = dtype, seed = seed,
    output_shape = last.output_shape, description = description, plan = plan or false }, Model)
end

function M.is_model(value)
  return type(value) == "table" and getmetatable(value) == Model
end

---The likely cause of a wrong input, in words.
---@param expected integer[] shape of one sample
---@param got table shape of one sample, batch = number of rows
---@return string
function M.shape_cause(expected, got)
  local size, have = 1, 1
  for _, n in ipairs(expected) do size = size * n end
  for _, n in ipairs(got) do have = have * n end
  local whole = have * (got.batch or 1)
  if size == have then
    return ("same number of values: put nn.reshape { %s } first, or reshape the data"):format(
      table.concat(expected, ", "))
  elseif whole == size then
    return "a single sample without the batch axis? reshape it to [1, ...]"
  elseif #expected == #got and #got == 1 then
    return ("the model was built for %d features, the data has %d"):format(expected[1], got[1])
  end
  return "the model was built for another shape: build { " .. table.concat(got, ", ") .. " }"
end

local function check_input(self, x)
  if self.plan then return graph_run.check_input(self, x, M.shape_cause) end
  if not is_tensor(x) then
    options.fail("model", "x", "a tensor", x, "ld.tensor makes one from a table", source.level())
  end
  local expected, shape = self.input_shape, x.shape
  local fits = #shape == #expected + 1
  for i = 1, #expected do fits = fits and shape[i + 1] == expected[i] end
  if not fits then
    local got = table.move(shape, 2, #shape, 1, {})
    got.batch = shape[1]
    layer.shape_error(self.list[1], layer.shape_text(expected), got, M.shape_cause(expected, got))
  end
end

---Applies the model. Options: training (default false; dropout works only then), step (names the
---dropout masks; default: a count). Several inputs come as a list or by name; several outputs are
---returned as the graph lists them.
---@param x userdata|userdata[]|table<string, userdata> [batch, ...]
---@param context? { training: boolean, step: integer }
---@return userdata|userdata[]|table<string, userdata>
function Model.__call(self, x, context)
  check_input(self, x)
  return self:forward(x, context or {})
end

-- One layer behind the other, or by the plan of a graph.
local function forward(self, x, context)
  if self.plan then return graph_run.forward(self, x, context) end
  if not is_tensor(x) or type(context) ~= "table" then
    options.fail("model:forward", is_tensor(x) and "context" or "x",
      is_tensor(x) and "a table" or "a tensor", is_tensor(x) and context or x, nil, source.level())
  end
  if x.dtype ~= self.dtype then x = x:cast(self.dtype) end
  local tap, see, activity, mask = context.tap, context.see, context.activity, context.mask
  local list = self.list
  for i = 1, #list do
    local item = list[i]
    scope(item.path)
    x = item:forward(x, context)
    if tap then tap(item, "after", x) end
    if see then see(item, x) end
    if activity and item.options.activity_regularizer then activity(item, x) end
  end
  context.mask = mask -- what an embedding left there is no mask of the next input
  return x
end

---Applies the layers without checking the shape. context.logits = the last layer leaves out its
---softmax or sigmoid; context.tap(layer, "before"|"after", tensor) sees every activation;
---context.see(layer, tensor) sees every output as it is computed anyway; context.activity(layer,
---tensor) sees the outputs that are penalised; context.mask (i32 [batch,
---steps], 0: does not count) goes with the input.
---@param x userdata
---@param context table
---@return userdata
function Model:forward(x, context)
  if not observers.any then return forward(self, x, context) end
  if observers.each then observers.tell("enter", self, x, context) end
  local output = forward(self, x, context)
  if observers.each or not (is_tensor(output) and output.requires_grad) then
    observers.tell("forward", self, x, context, output)
  end
  return output
end

---The layers in order.
---@return lossdbg.Layer[]
function Model:layers()
  return table.move(self.list, 1, #self.list, 1, {})
end

---The layer that makes the output, and nothing else with it: nil when there are several outputs, or
---when its values are used inside the model too.
---@return lossdbg.Layer|nil
function Model:output_layer()
  local plan = self.plan
  return self.list[plan and (plan.last or 0) or #self.list]
end

---The layer with this path.
---@param path string
---@return lossdbg.Layer
function Model:layer(path)
  local names = {}
  for _, item in ipairs(self.list) do
    if item.path == path then return item end
    names[#names + 1] = item.path
  end
  error(("lossdbg: model: unknown layer %s%s"):format(options.show(path),
    options.hint(path, names)), source.level())
end

---Iterates "dense_1/kernel", tensor in a fixed order.
---@return fun(): string|nil, userdata|nil
function Model:parameters()
  local names, list = {}, {}
  for _, item in ipairs(self.list) do
    for _, parameter in ipairs(item.parameters) do
      names[#names + 1] = item.path .. "/" .. parameter.name
      list[#list + 1] = parameter.tensor
    end
  end
  local i = 0
  return function()
    i = i + 1
    return names[i], list[i]
  end
end

---Number of values in the parameters.
---@param trainable_only? boolean
---@return integer number of values in the parameters
function Model:count(trainable_only)
  local n = 0
  for _, item in ipairs(self.list) do
    if item.trainable or not trainable_only then n = n + item:count(trainable_only) end
  end
  return n
end

local function set_trainable(self, path, trainable)
  if path ~= nil and type(path) ~= "string" then
    options.fail(trainable and "model:unfreeze" or "model:freeze", "path",
      "the path of a layer or block, or none for all", path, nil, source.level())
  end
  local found = false
  for _, item in ipairs(self.list) do
    if path == nil or item.path == path or item.path:sub(1, #path + 1) == path .. "/" then
      found, item.trainable = true, trainable
      for _, parameter in ipairs(item.parameters) do
        parameter.tensor.requires_grad = trainable and parameter.trainable ~= false
      end
    end
  end
  if not found then self:layer(path) end
  core.plan.changed()
  return self
end

---Excludes a layer or a block (without a path: everything) from training.
---@param path? string
---@return lossdbg.Model self
function Model:freeze(path) return set_trainable(self, path, false) end

---Lets the optimiser change a layer, or all, again.
---@param path? string
---@return lossdbg.Model self
function Model:unfreeze(path) return set_trainable(self, path, true) end

---A deep copy: weights, statistics and frozen layers, no shared tensor.
---@return lossdbg.Model
function Model:clone()
  local list = {}
  for i, item in ipairs(self.list) do list[i] = layer.copy(item) end
  local twin = M.new(list, self.input_shape, self.dtype, self.seed, self.description, self.plan)
  twin.output_shape = self.output_shape
  twin.input_shapes, twin.output_shapes = self.input_shapes, self.output_shapes
  return twin
end

---Converts the weights in place. Optimisers made before hold the old tensors.
---@param dtype "f32"|"f64"
---@return lossdbg.Model self
function Model:to(dtype)
  if dtype ~= "f32" and dtype ~= "f64" then
    options.fail("model:to", "dtype", "\"f32\" or \"f64\"", dtype, nil, source.level())
  end
  for _, item in ipairs(self.list) do
    layer.convert(item, function(tensor) return tensor:detach():cast(dtype):clone() end)
    item.dtype = dtype
  end
  self.dtype = dtype
  return self
end

for _, methods in ipairs { require "lossdbg.nn.model_use",
  require("lossdbg.nn.model_state").methods } do
  for name, method in pairs(methods) do Model[name] = method end
end

return M
