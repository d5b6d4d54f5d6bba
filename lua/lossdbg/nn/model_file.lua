--- Models in files: architecture, weights, statistics and what predicting needs (target scale,
-- class names) in one sealed safetensors file. The architecture is JSON in its header, read by
-- nn.model_form: a file describes, it never runs.
local core = require "lossdbg.core"
local attempt = require "lossdbg.support.attempt"
local form = require "lossdbg.nn.model_form"
local json = require "lossdbg.support.json"
local options = require "lossdbg.support.options"
local safetensors = require "lossdbg.data.safetensors"
local source = require "lossdbg.support.source"
local tensors = require "lossdbg.tensor"

local M = {}

local format, version = "lossdbg.model", 1

---@class lossdbg.Serving what a model needs to answer in the words of its data
---@field classes string[]|nil   names of the classes, in the order of their ids
---@field from_logits boolean|nil the outputs are logits, not probabilities
---@field scale { mean: userdata, deviation: userdata }|nil of standardised targets

-- ---- writing ------------------------------------------------------------------------------------

local function weights_of(model, into)
  local frozen = json.array()
  for _, entry in ipairs(model:state()) do into["weight/" .. entry.name] = entry.tensor end
  for _, item in ipairs(model:layers()) do
    if not item.trainable then frozen[#frozen + 1] = item.path end
  end
  return frozen
end

-- What layers learnt besides tensors: the statistics of a normalization in f64.
local function states_of(model)
  local states = json.object {}
  for _, item in ipairs(model:layers()) do
    if item.state then states[item.path] = item.state end
  end
  return states
end

---Writes a model. Functions among its options cannot be written: the message names the layer.
---@param model lossdbg.Model
---@param path string
---@param serving? lossdbg.Serving
---@return true|nil
---@return string? message
function M.save(model, path, serving)
  serving = serving or model.serving or {}
  local own = {}
  local ok, described = attempt.call(form.write, model.description, own)
  if not ok then return nil, ("cannot save %s: %s"):format(path, described) end
  local header = {
    version = version, written_by = "lossdbg " .. core.config().version, dtype = model.dtype,
    seed = model.seed, description = described, frozen = weights_of(model, own),
    states = states_of(model), input_shape = json.array(model.input_shape),
    classes = serving.classes and json.array(serving.classes) or nil,
    from_logits = serving.from_logits,
  }
  if serving.scale then
    own["target/mean"], own["target/deviation"] = serving.scale.mean, serving.scale.deviation
  end
  return safetensors.save(path, own, { format = format, model = json.encode(header) }, true)
end

-- ---- reading ------------------------------------------------------------------------------------

local function build(header, own)
  require "lossdbg.nn" -- a script that only predicts has named no layer yet
  local block = form.read(header.description, own)
  local given = { seed = math.tointeger(header.seed) or 0, dtype = header.dtype }
  if block.kind == "graph" then return block:build(nil, given) end
  return block:build(header.input_shape, given)
end

local function restore(model, header, own)
  local state = {}
  for name, tensor in pairs(own) do
    local place = name:match "^weight/(.*)$"
    if place then state[#state + 1] = { name = place, tensor = tensor } end
  end
  table.sort(state, function(a, b) return a.name < b.name end)
  local wanted = #model:state()
  if #state ~= wanted then
    error(("%d tensors, the model has %d"):format(#state, wanted), 0)
  end
  if wanted > 0 then model:load_state(state) end
  for _, item in ipairs(model:layers()) do item.state = header.states[item.path] or item.state end
  for _, path in ipairs(header.frozen) do model:freeze(path) end
end

local function serving_of(header, own)
  local mean, deviation = own["target/mean"], own["target/deviation"]
  return { classes = header.classes, from_logits = header.from_logits,
    scale = mean and deviation and { mean = mean, deviation = deviation } or nil }
end

local function read(header, own)
  for _, key in ipairs { "description", "input_shape", "frozen", "states" } do
    if type(header[key]) ~= "table" then error("its header has no " .. key, 0) end
  end
  local model = build(header, own)
  restore(model, header, own)
  model.serving = serving_of(header, own)
  return model
end

---Reads a model that `model:save` or `run:save` wrote: it predicts the same bits as the one that
---was saved, on the same kind of processor.
---@param path string
---@return lossdbg.Model|nil
---@return string? message
function M.load(path)
  if type(path) ~= "string" then
    options.fail("load", "path", "the path of a model file", path, nil, source.level())
  end
  local own, metadata = safetensors.load_sealed(path, format, "a model of lossdbg")
  if not own then return nil, metadata end
  local header, why = json.decode(metadata.model or "")
  if type(header) ~= "table" then return nil, ("%s: its header: %s"):format(path, why or "no table")
  end
  if header.version ~= version then
    return nil, ("%s: a model of form %s, this version reads %d"):format(path,
      tostring(header.version), version)
  end
  local ok, model = attempt.call(read, header, own)
  if ok then return model end
  return nil, ("%s: %s"):format(path, (tostring(model):gsub("^.-lossdbg: ", "")))
end

-- ---- answering ----------------------------------------------------------------------------------

local function class_of(serving, id)
  return serving.classes and serving.classes[id + 1] or id
end

-- Where a single output says yes.
local function threshold_of(model, serving, given)
  if given then return given end
  if serving.from_logits then return 0 end
  local last = model:output_layer()
  local activation = last and last.options.activation
  if serving.from_logits == false or activation == "sigmoid"
    or (last and last.kind == "activation" and last.options.name == "sigmoid") then
    return 0.5
  end
  error("lossdbg: model:predict_classes: argument 'threshold': one output and no sigmoid: a " ..
    "logit says yes above 0, a probability above 0.5; give { threshold = 0 }", source.level())
end

local schema = options.declare "model:predict_classes" {
  { name = "batch", type = "integer", min = 1, default = 256,
    doc = "rows computed at a time" },
  { name = "threshold", type = "number", doc = "of a single output; default: as its loss says" },
}

---Class of every row: its name where the data had names, else its id, which counts from 0 as labels
---do. A single row, without the batch axis, gives one class.
---@param x any rows as for `predict`
---@param given? { batch: integer, threshold: number }
---@return (integer|string)[]|integer|string
function M.predict_classes(model, x, given)
  local o = options.check("model:predict_classes", given, schema, source.level())
  local serving = model.serving or {}
  local y = model:predict(x, { batch = o.batch })
  if not options.is_tensor(y) or y.rank > 2 then
    options.fail("model:predict_classes", "x", "a model with one row of outputs a sample",
      options.is_tensor(y) and ("outputs of rank %d"):format(y.rank) or "several outputs",
      "use predict", source.level())
  end
  local single = y.rank < 2 and #model.output_shape > 0
  if single then y = y:reshape { 1, y.numel } end
  local n, width = y.shape[1], y.rank == 2 and y.shape[2] or 1
  local out = {}
  if width == 1 then
    local threshold = threshold_of(model, serving, o.threshold)
    local values = y:reshape { n }:totable()
    for i = 1, n do out[i] = class_of(serving, values[i] > threshold and 1 or 0) end
  else
    local best = y:argmax(2):totable()
    for i = 1, n do out[i] = class_of(serving, best[i] - 1) end
  end
  return single and out[1] or out
end

---Outputs in the units of the targets.
---@param model lossdbg.Model
---@param y userdata
---@return userdata
function M.unscaled(model, y)
  local scale = model.serving and model.serving.scale
  if not scale or not options.is_tensor(y) then return y end
  return tensors.no_grad(function()
    return y:mul(scale.deviation:cast(y.dtype)):add(scale.mean:cast(y.dtype))
  end)
end

return M
