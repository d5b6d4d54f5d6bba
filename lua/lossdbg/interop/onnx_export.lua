--- Built models as ONNX files: the same inputs, the same numbers. Ours are channels last; where an
-- operator wants them first, the axes are turned before and behind it.
local activations = require "lossdbg.nn.activation"
local attempt = require "lossdbg.support.attempt"
local encode = require "lossdbg.interop.onnx_encode"
local file = require "lossdbg.support.file"
local model_class = require "lossdbg.nn.model"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local M = {}

---@class lossdbg.OnnxWriter
---@field nodes string[]
---@field initializers string[]
local Writer = {}
Writer.__index = Writer

---Ends the export with the layer's name and place.
function Writer:refuse(layer, what, ...)
  local at = layer.source and " (written in " .. layer.source .. ")" or ""
  error({ export = ("layer '%s' (%s)%s: %s"):format(layer.path, layer.kind, at,
    what:format(...)) }, 0)
end

local function fresh(self, base)
  local n = (self.used[base] or 0) + 1
  self.used[base] = n
  return n == 1 and base or ("%s_%d"):format(base, n)
end

---Adds a node; returns its (first) output, or as many as there are.
---@param op string
---@param inputs string[]
---@param attributes? table<string, any>
---@param count? integer of outputs
---@return string ...
function Writer:node(op, inputs, attributes, count)
  local name = fresh(self, self.path .. "/" .. op)
  local outputs = {}
  for i = 1, count or 1 do outputs[i] = i == 1 and name .. ":0" or ("%s:%d"):format(name, i - 1) end
  self.nodes[#self.nodes + 1] = encode.node { name = name, op = op, inputs = inputs,
    outputs = outputs, attributes = attributes }
  return table.unpack(outputs)
end

---A constant of floats; its name.
function Writer:tensor(name, tensor)
  name = fresh(self, self.path .. "/" .. name)
  self.initializers[#self.initializers + 1] = encode.tensor(name, tensor)
  return name
end

---A constant of integers; its name.
function Writer:integers(name, list)
  name = fresh(self, self.path .. "/" .. name)
  self.initializers[#self.initializers + 1] = encode.integers(name, list)
  return name
end

---A single number; its name.
function Writer:number(name, x)
  return self:tensor(name, require("lossdbg.tensor").tensor({ x }, "f32"):reshape {})
end

---@param x string
---@param order integer[] axes from 0
function Writer:transpose(x, order) return self:node("Transpose", { x }, { perm = order }) end

local plain = { relu = "Relu", sigmoid = "Sigmoid", tanh = "Tanh", softplus = "Softplus",
  softsign = "Softsign", selu = "Selu", hard_silu = "HardSwish", mish = "Mish",
  exponential = "Exp" }

local formed = {
  linear = function(_, x) return x end,
  leaky_relu = function(self, x, slope)
    return self:node("LeakyRelu", { x }, { alpha = slope + 0.0 })
  end,
  elu = function(self, x, alpha) return self:node("Elu", { x }, { alpha = alpha + 0.0 }) end,
  celu = function(self, x, alpha) return self:node("Celu", { x }, { alpha = alpha + 0.0 }) end,
  gelu = function(self, x, approximate)
    return self:node("Gelu", { x }, { approximate = approximate and "tanh" or "none" })
  end,
  silu = function(self, x) return self:node("Mul", { x, self:node("Sigmoid", { x }) }) end,
  hard_sigmoid = function(self, x)
    return self:node("HardSigmoid", { x }, { alpha = 1 / 6, beta = 0.5 })
  end,
  relu6 = function(self, x)
    return self:node("Clip", { x, self:number("least", 0), self:number("most", 6) })
  end,
  log_sigmoid = function(self, x)
    local soft = self:node("Softplus", { self:node("Neg", { x }) })
    return self:node("Neg", { soft })
  end,
}

local function over_axis(op)
  return function(self, x, axis)
    return self:node(op, { x }, { axis = axis < 0 and axis or axis - 1 })
  end
end
formed.softmax, formed.log_softmax = over_axis "Softmax", over_axis "LogSoftmax"

---Applies an activation of ours.
---@param layer lossdbg.Layer for messages
---@param activation lossdbg.Activation|any as options give it
---@param x string
---@return string
function Writer:activate(layer, activation, x)
  if activation == nil or type(activation) ~= "table" or not activation.apply then
    activation = activations.resolve(activation, "nn." .. layer.kind)
  end
  local name = activation.name
  if plain[name] then return self:node(plain[name], { x }) end
  if not formed[name] then self:refuse(layer, "its activation has no form in ONNX: %s", name) end
  return formed[name](self, x, activation.parameter)
end

local rows = {}
for _, name in ipairs { "onnx_export_layers", "onnx_export_recurrent" } do
  for kind, row in pairs(require("lossdbg.interop." .. name)) do rows[kind] = row end
end

-- The inputs of a layer are names; so are its outputs.
local function apply(self, layer, inputs)
  self.path = layer.path
  local row = rows[layer.kind]
  if not row then self:refuse(layer, "there is no form in ONNX for this kind of layer") end
  return { row(self, layer, table.unpack(inputs)) }
end

local IDS = { embedding = true }

-- A chain as a plan.
local function plan_of(model)
  if model.plan then return model.plan end
  local plan = { inputs = { { name = "x", shape = model.input_shape } }, steps = {} }
  for i = 1, #model do plan.steps[i] = { layer = i, from = { i }, to = i + 1 } end
  plan.outputs = { #model + 1 }
  return plan
end

-- Integers where every reader takes ids.
local function kind_of(model, plan, slot)
  local readers, ids = 0, 0
  for _, step in ipairs(plan.steps) do
    for _, from in ipairs(step.from) do
      if from == slot then
        readers, ids = readers + 1, ids + (IDS[model[step.layer].kind] and 1 or 0)
      end
    end
  end
  return readers > 0 and readers == ids and "int64" or "float"
end

local function shape_of(model, plan, slot)
  for _, step in ipairs(plan.steps) do
    if step.to == slot then return model[step.layer].output_shape end
  end
  return plan.inputs[slot].shape
end

local function write(model)
  local plan = plan_of(model)
  local self = setmetatable({ nodes = {}, initializers = {}, used = {}, ids = {}, path = "" },
    Writer)
  local inputs, outputs, values = {}, {}, {}
  for i, input in ipairs(plan.inputs) do
    local kind = kind_of(model, plan, i)
    values[i], self.ids[input.name] = fresh(self, input.name), kind == "int64"
    inputs[i] = encode.value(values[i], input.shape, kind)
  end
  for _, step in ipairs(plan.steps) do
    local from = {}
    for i, slot in ipairs(step.from) do from[i] = values[slot] end
    local results = apply(self, model[step.layer], from)
    values[step.to] = results[1]
    for i, slot in ipairs(step.more or {}) do values[slot] = results[i + 1] end
  end
  for i, slot in ipairs(plan.outputs) do
    self.path = plan.output_names and plan.output_names[i] or i == 1 and "y" or "y" .. i
    local name = fresh(self, self.path)
    self.nodes[#self.nodes + 1] = encode.node { name = self.path .. "/Identity", op = "Identity",
      inputs = { values[slot] }, outputs = { name } }
    outputs[i] = encode.value(name, shape_of(model, plan, slot), "float")
  end
  return encode.model({ nodes = self.nodes, initializers = self.initializers, inputs = inputs,
    outputs = outputs }, require("lossdbg.core").version or "0")
end

---A built model as the bytes of an ONNX file, as it predicts: dropout and noise are left out,
---batch normalisation has its moving statistics, numbers are 32-bit floats.
---@param model lossdbg.Model
---@return string|nil bytes
---@return string|nil message with the layer that has no form in ONNX
function M.bytes(model)
  if not model_class.is_model(model) then
    options.fail("interop.onnx.bytes", "model", "a built model", model, nil, source.level())
  end
  local ok, result = attempt.call(write, model)
  if ok then return result end
  if type(result) == "table" and result.export then return nil, "ONNX: " .. result.export end
  error(result, 0)
end

---Writes a built model as an ONNX file.
---@param model lossdbg.Model
---@param path string
---@return true|nil
---@return string|nil message
function M.save(model, path)
  if type(path) ~= "string" then
    options.fail("interop.onnx.save", "path", "a file name", path, nil, source.level())
  end
  local bytes, why = M.bytes(model)
  if not bytes then return nil, why end
  return file.write(path, bytes)
end

return M
