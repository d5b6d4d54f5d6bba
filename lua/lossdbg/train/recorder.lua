--- Recorder: what every optimiser step did, layer by layer. Shared by fit and by watches. The
-- arithmetic and the series are in the core (csrc/train/record.h): long trainings are thinned, so
-- that memory stays bounded and the whole run stays visible.
local core = require "lossdbg.core"

local M = {}

---@class lossdbg.Recorder
---@field core userdata the record itself
---@field order string[] paths of the layers with parameters
---@field names string[] of the parameters, in the order of the record's rows
---@field outputs string[] paths of the layers whose outputs are seen
---@field step integer steps so far
---@field loss number[] per step, made anew at each access, as the next three
---@field lr number[]
---@field grad_norm number[] absent where a step updated nothing
---@field update_ratio number[]
local Recorder = {}

local histories = { loss = true, lr = true, grad_norm = true, update_ratio = true }

function Recorder.__index(self, key)
  if histories[key] then return self.core:history(key) end
  if key == "step" then return (self.core:steps()) end
  return Recorder[key]
end

---@param parameters { name: string, path: string, tensor: userdata }[]
---@param outputs? string[] paths of the layers whose outputs will be seen
---@return lossdbg.Recorder
function M.new(parameters, outputs)
  local order, names, number, layer_of, sizes = {}, {}, {}, {}, {}
  for i, parameter in ipairs(parameters) do
    local path = parameter.path
    if not number[path] then
      order[#order + 1] = path
      number[path] = #order
      sizes[#order] = 0
    end
    local layer = number[path]
    layer_of[i], names[i] = layer, parameter.name
    sizes[layer] = sizes[layer] + parameter.tensor.numel
  end
  outputs = outputs or {}
  return setmetatable({ core = core.train.recorder(layer_of, sizes, #outputs), order = order,
    names = names, sizes = sizes, outputs = outputs }, Recorder)
end

---The parameters of a model as the recorder wants them: without statistics such as moving means.
---@param model lossdbg.Model
---@param trainable_only? boolean
---@return { name: string, path: string, tensor: userdata }[]
function M.parameters(model, trainable_only)
  local list = {}
  for _, layer in ipairs(model.list) do
    for _, parameter in ipairs(layer.parameters) do
      if parameter.trainable ~= false and (layer.trainable or not trainable_only) then
        list[#list + 1] = { name = layer.path .. "/" .. parameter.name, path = layer.path,
          tensor = parameter.tensor, layer = layer, constraint = parameter.constraint }
      end
    end
  end
  return list
end

---Takes up one step.
---@param loss number
---@param stats table<string, table>|nil by parameter name: grad_sq, update_sq, weight_sq, ...; nil
---             when no update was made
---@param lr number|nil
---@return string|nil path of the first layer with a gradient or weight that is not finite
function Recorder:add(loss, stats, lr)
  local record = self.core
  if stats then
    for i, name in ipairs(self.names) do
      local entry = stats[name]
      if entry then record:set(i, entry) end
    end
  end
  local bad = record:add(loss, lr, stats ~= nil)
  record:clear()
  return bad and self.order[bad]
end

---The last step's entry of a history.
---@param name "loss"|"lr"|"grad_norm"|"update_ratio"
---@return number|nil
function Recorder:last(name) return self.core:last(name) end

local function median(list)
  local sorted = {}
  for _, value in ipairs(list) do
    if value == value then sorted[#sorted + 1] = value end
  end
  if #sorted == 0 then return nil end
  table.sort(sorted)
  local n = #sorted
  return n % 2 == 1 and sorted[n // 2 + 1] or (sorted[n // 2] + sorted[n // 2 + 1]) / 2
end

M.median = median

---signals.layers of the run.
---@return table<string, table>
function Recorder:signals()
  local out, record = {}, self.core
  local _, stride = record:steps()
  for i, path in ipairs(self.order) do
    local steps, zero, same, lost, nonfinite = record:layer(i)
    if steps > 0 then
      local count, grad_norm = self.sizes[i], record:series(i, "grad_norm")
      local ratio, gradient = record:series(i, "ratio"), median(grad_norm)
      out[path] = {
        grad_norm = grad_norm, weight_norm = record:series(i, "weight_norm"),
        update_norm = record:series(i, "update_norm"), ratio = ratio, stride = stride,
        zero_grad = zero / steps, unchanged = same / steps, underflow = lost / (count * steps),
        ratio_median = median(ratio), first_nonfinite_step = nonfinite > 0 and nonfinite or nil,
        grad_rms_median = gradient and gradient / math.sqrt(count),
      }
    end
  end
  return out
end

---signals.outputs of the run: what the layers' outputs were in training.
---@return table<string, { mean: number[], std: number[], zero_share: number[], stride: integer,
---  first_nonfinite_step: integer|nil }>|nil
function Recorder:output_signals()
  local out, record = {}, self.core
  local _, stride = record:steps()
  for i, path in ipairs(self.outputs) do
    local steps, nonfinite = record:output(i)
    if steps > 0 then
      out[path] = { mean = record:output_series(i, "mean"), std = record:output_series(i, "std"),
        zero_share = record:output_series(i, "zero_share"), stride = stride,
        first_nonfinite_step = nonfinite > 0 and nonfinite or nil }
    end
  end
  return next(out) and out or nil
end

---Everything that the recorder knows, as tensors and plain data.
---@return table
function Recorder:state() return self.core:state() end

---Goes on from a state of a recorder with the same parameters.
---@param state table
function Recorder:load(state) self.core:load(state) end

return M
