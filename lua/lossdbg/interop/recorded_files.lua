--- What lies in the folder of a recorded training: model, data, weights, settings, curves.
local attempt = require "lossdbg.support.attempt"
local archive = require "lossdbg.interop.archive"
local core = require "lossdbg.core"
local json = require "lossdbg.support.json"
local read_file = require "lossdbg.data.read_file"

local M = {}

local function unreadable(form, ...) error({ unreadable = form:format(...) }, 0) end

---@class lossdbg.Recording
---@field program table        model, loss, optimizer
---@field framework string
---@field about table|nil      lossdbg.json
---@field history table<string, number[]>
---@field data { x: any, y: any, weight: userdata|nil }
---@field val { x: any, y: any }|nil
---@field console string|nil
---@field took string[]
---@field notices string[]
local Files = {}
Files.__index = Files

function Files:note(form, ...) self.notices[#self.notices + 1] = form:format(...) end

-- The bytes of a file of the folder; nil when it is not there.
function Files:bytes(name) return read_file(self.folder .. "/" .. name) end

function Files:json(name)
  local text = self:bytes(name)
  if not text then return nil end
  local value, why = json.decode(text)
  if value == nil then unreadable("%s: %s", name, why) end
  return value
end

local function tensor_of(bytes, name)
  local tensor, why = core.io.npy(bytes)
  if not tensor then unreadable("%s: %s", name, why) end
  return tensor
end

-- ---- model --------------------------------------------------------------------------------------

local function keras(files)
  local read = require("lossdbg.interop.keras_program").parse
  for _, name in ipairs { "model.json", "model.keras", "config.json" } do
    local bytes = files:bytes(name)
    if bytes then
      local program, why = read(bytes, { weights = false })
      if not program then unreadable("%s: %s", name, why) end
      files.took[#files.took + 1] = name .. ": the model"
      for _, text in ipairs(program.ignored) do files:note("%s is not computed here", text) end
      return program
    end
  end
end

local first_weights

-- The traced graph needs the shape of a sample and the weights of the state dict.
local function traced(files, o)
  local x = files:part("x", o.x)
  if not x then unreadable("no x.npy beside model.fx.json: --data x.npy y.npy") end
  local weights = first_weights(files)
  if not weights then unreadable("no weights_first.npz beside model.fx.json") end
  local trace = require "lossdbg.interop.torch_trace"
  local ok, graph = attempt.call(trace.graph, files:json "model.fx.json", weights,
    table.move(x.shape, 2, x.rank, 1, {}))
  if ok then return require("lossdbg.interop.onnx").of_graph(graph) end
  if type(graph) == "table" and graph.onnx then return nil, graph.onnx end
  error(graph, 0)
end

local function torch(files, o)
  local bytes = files:bytes "model.onnx"
  local name = bytes and "model.onnx" or "model.fx.json"
  local program, why
  if bytes then
    program, why = require("lossdbg.interop.onnx").parse(bytes)
  elseif files:bytes(name) then
    program, why = traced(files, o)
  else
    return nil
  end
  if not program then unreadable("%s: %s", name, (why:gsub("^ONNX: ", ""))) end
  files.took[#files.took + 1] = name .. ": the model"
  for _, text in ipairs(program.notices) do files:note("%s", text) end
  if not o.weights then program.initial = {} end
  return program
end

-- Loss and optimiser of a PyTorch loop, which its model does not know.
local function torch_settings(files)
  local settings, about = require "lossdbg.interop.torch_settings", files.about
  if not about then unreadable("no lossdbg.json: nothing says which loss and optimiser") end
  local loss, why = settings.loss(about, files.data.y)
  if not loss then unreadable("lossdbg.json: %s", why) end
  files.program.loss = require("lossdbg.loss").resolve(loss, "interop.recorded_program")
  files.program.optimizer, why = settings.optimizer(about)
  if not files.program.optimizer then unreadable("lossdbg.json: %s", why) end
end

function first_weights(files)
  for _, name in ipairs { "weights_first.npz", "weights_first.safetensors" } do
    local bytes = files:bytes(name)
    if bytes then
      local arrays, why = archive.arrays(bytes)
      if not arrays then unreadable("%s: %s", name, why) end
      files.took[#files.took + 1] = name .. ": the weights before the first step"
      return arrays
    end
  end
  files:note("no weights_first.npz: the weights are drawn anew, no step is the recorded one")
end

-- Options of a loss that Keras leaves out of model.json (Huber's delta).
local function complete_loss(files)
  local given = type(files.about) == "table" and files.about.loss
  local loss = files.program.loss
  if type(given) == "table" and loss and type(given.delta) == "number" then
    files.program.loss = loss:with { delta = given.delta }
  elseif loss and loss.name == "huber" then
    files:note("Keras does not write the delta of Huber: 1 is taken")
  end
end

-- ---- data ---------------------------------------------------------------------------------------

-- One array, or several by the names or numbers of the model's inputs.
function Files:part(name, path, inputs)
  local files = self
  local bytes, why
  if path then
    bytes, why = read_file(path)
    if not bytes then unreadable("%s", why) end
    return tensor_of(bytes, path)
  end
  bytes = files:bytes(name .. ".npy")
  if bytes then return tensor_of(bytes, name .. ".npy") end
  local list = {}
  for i, input in ipairs(inputs or {}) do
    local key = files:bytes(("%s_%s.npy"):format(name, input.name)) and input.name or i - 1
    bytes = files:bytes(("%s_%s.npy"):format(name, key))
    if not bytes then return nil end
    list[i] = tensor_of(bytes, ("%s_%s.npy"):format(name, key))
  end
  return #list > 0 and list or nil
end

local function data(files, o)
  local model = files.program.model
  local x, y = files:part("x", o.x, model.inputs), files:part("y", o.y, model.outputs)
  if not x or not y then
    unreadable("no %s.npy beside the model: give the data it was trained on (--data x.npy y.npy)",
      x and "y" or "x")
  end
  files.took[#files.took + 1] = "x.npy, y.npy: the training data"
  local weight = files:part "w"
  files.data = { x = x, y = y, weight = weight }
  local vx = files:part("x_val", nil, model.inputs)
  local vy = files:part("y_val", nil, model.outputs)
  files.val = vx and vy and { x = vx, y = vy } or nil
  if not files.val then files:note("no validation data: val_loss is not replayed") end
end

-- ---- curves -------------------------------------------------------------------------------------

-- The mean loss of every epoch from those of its steps (steps.csv of a loop of one's own).
local function mean_of_epochs(files)
  local fit = files.about and files.about.fit or {}
  local batch, x = math.tointeger(fit.batch_size), files.data.x
  local text = files:bytes "steps.csv"
  if not (batch and text and x.shape) then return nil end
  local n, out = x.shape[1], {}
  local steps, k = (n + batch - 1) // batch, 0
  local sum = 0
  for loss in text:gmatch "\n%d+,([^,\n]+)" do
    k = k + 1
    sum = sum + (tonumber(loss) or 0 / 0) * (k < steps and batch or n - (steps - 1) * batch)
    if k == steps then out[#out + 1], sum, k = sum / n, 0, 0 end
  end
  return #out > 0 and out or nil
end

local function history(files, o)
  local found = o.history or files:json "history.json"
  files.history = {}
  for name, list in pairs(type(found) == "table" and found or {}) do
    if type(name) == "string" and type(list) == "table" and type(list[1]) == "number" then
      files.history[name] = list
    end
  end
  if not files.history.loss then files.history.loss = mean_of_epochs(files) end
  if not files.history.loss then files:note("no recorded loss to compare with") end
end

---Reads what a folder holds; raises { unreadable = text } where that is not a program with data.
---@param folder string
---@param o table options of recorded_program
---@return lossdbg.Recording
function M.read(folder, o)
  local files = setmetatable({ folder = folder, took = {}, notices = {} }, Files)
  files.about = files:json "lossdbg.json"
  local about = files.about
  if about and (about.schema ~= "lossdbg-recording" or about.version ~= 1) then
    unreadable("lossdbg.json: expected schema lossdbg-recording, version 1, got %s, %s",
      tostring(about.schema), tostring(about.version))
  end
  files.program, files.framework = keras(files), "keras"
  if not files.program then files.program, files.framework = torch(files, o), "torch" end
  if not files.program then
    unreadable("no model: expected model.json, model.keras, model.onnx or model.fx.json")
  end
  for _, text in ipairs(about and about.missing or {}) do files:note("%s", text) end
  data(files, o)
  if files.framework == "torch" then torch_settings(files) else complete_loss(files) end
  history(files, o)
  files.console = files:bytes "console.txt"
  if o.weights and files.framework == "keras" then
    files.program.weights = first_weights(files)
  end
  return files
end

return M
