--- Recorder: what every optimiser step did, layer by layer. Shared by fit and by watches.
-- Long trainings are thinned: when a series is full, every other entry is dropped and from then on
-- only every second step is kept, so that memory stays bounded and the whole run stays visible.
local M = {}

local capacity = 2048

---@class lossdbg.Recorder
local Recorder = {}
Recorder.__index = Recorder

---@param parameters { name: string, path: string, tensor: userdata }[]
---@return lossdbg.Recorder
function M.new(parameters)
  local self = setmetatable({ layers = {}, order = {}, names = {}, by_name = {}, step = 0,
    stride = 1, kept = 0, grad_norm = {}, loss = {}, lr = {}, update_ratio = {} }, Recorder)
  for _, parameter in ipairs(parameters) do
    local path = parameter.path
    if not self.layers[path] then
      self.layers[path] = { grad_norm = {}, weight_norm = {}, update_norm = {}, ratio = {},
        zero = 0, same = 0, lost = 0, count = 0, steps = 0, grad_sq = 0, update_sq = 0,
        weight_sq = 0 }
      self.order[#self.order + 1] = path
    end
    self.layers[path].count = self.layers[path].count + parameter.tensor.numel
    self.names[#self.names + 1] = parameter.name
    self.by_name[parameter.name] = self.layers[path]
  end
  return self
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

local function thin(list)
  local n = 0
  for i = 1, #list, 2 do
    n = n + 1
    list[n] = list[i]
  end
  for i = #list, n + 1, -1 do list[i] = nil end
end

function Recorder:thin_all()
  for _, path in ipairs(self.order) do
    local layer = self.layers[path]
    thin(layer.grad_norm)
    thin(layer.weight_norm)
    thin(layer.update_norm)
    thin(layer.ratio)
  end
  self.stride, self.kept = self.stride * 2, (self.kept + 1) // 2
end

-- Adds one parameter's numbers to its layer's sums of this step.
local function collect(layer, stats, step)
  if layer.last ~= step then
    layer.last, layer.grad_sq, layer.update_sq, layer.weight_sq = step, 0, 0, 0
    layer.unchanged, layer.bad = 0, 0
  end
  local norm = stats.grad_norm -- before clipping
  layer.grad_sq = layer.grad_sq + (norm and norm * norm or stats.grad_sq)
  layer.update_sq = layer.update_sq + stats.update_sq
  layer.weight_sq = layer.weight_sq + stats.weight_sq
  layer.waiting = stats.waiting == true -- gradients are accumulated: nothing moves in this step
  layer.unchanged = layer.unchanged + stats.unchanged
  layer.lost = layer.lost + (stats.underflow or 0)
  layer.bad = layer.bad + stats.nonfinite_grad + stats.nonfinite_weight
end

local function keep(layer)
  local n, root = #layer.ratio + 1, math.sqrt
  local update, weight = root(layer.update_sq), root(layer.weight_sq)
  layer.grad_norm[n], layer.update_norm[n] = root(layer.grad_sq), update
  layer.weight_norm[n] = weight
  layer.ratio[n] = weight > 0 and update / weight or update > 0 and 1 or 0
end

---Takes up one step.
---@param loss number
---@param stats table<string, table>|nil by parameter name: grad_sq, update_sq, weight_sq, ...; nil
---             when no update was made
---@param lr number|nil
---@return string|nil path of the first layer with a gradient or weight that is not finite
function Recorder:add(loss, stats, lr)
  local step = self.step + 1
  self.step = step
  self.loss[step], self.lr[step] = loss, lr
  if not stats then return nil end
  for _, name in ipairs(self.names) do -- in a fixed order: sums keep their bits
    local entry = stats[name]
    if entry then collect(self.by_name[name], entry, step) end
  end
  local sampled = (step - 1) % self.stride == 0
  local grad, update, weight, first_bad, waiting = 0, 0, 0, nil, false
  for _, path in ipairs(self.order) do
    local layer = self.layers[path]
    if layer.last == step then
      layer.steps = layer.steps + 1
      grad, update = grad + layer.grad_sq, update + layer.update_sq
      weight = weight + layer.weight_sq
      if layer.grad_sq == 0 then layer.zero = layer.zero + 1 end
      if layer.unchanged == layer.count then layer.same = layer.same + 1 end
      if layer.bad > 0 and not layer.first_nonfinite_step then
        layer.first_nonfinite_step = step
        first_bad = first_bad or path
      end
      if sampled and not layer.waiting then keep(layer) end
      waiting = waiting or layer.waiting
    end
  end
  self.grad_norm[step] = math.sqrt(grad)
  self.update_ratio[step] = waiting and self.update_ratio[step - 1]
    or weight > 0 and math.sqrt(update / weight) or 0
  if sampled then
    self.kept = self.kept + 1
    if self.kept >= capacity then self:thin_all() end
  end
  return first_bad
end

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
  local out = {}
  for _, path in ipairs(self.order) do
    local layer = self.layers[path]
    local gradient = median(layer.grad_norm)
    if layer.steps > 0 then
      out[path] = {
        grad_norm = layer.grad_norm, weight_norm = layer.weight_norm,
        update_norm = layer.update_norm, ratio = layer.ratio, stride = self.stride,
        zero_grad = layer.zero / layer.steps, unchanged = layer.same / layer.steps,
        underflow = layer.lost / (layer.count * layer.steps),
        ratio_median = median(layer.ratio), first_nonfinite_step = layer.first_nonfinite_step,
        grad_rms_median = gradient and gradient / math.sqrt(layer.count),
      }
    end
  end
  return out
end

return M
