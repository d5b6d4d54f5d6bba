--- What specs of rules do with a case: other networks, one rule run, changes of scale.
local catalogue = require "lossdbg.diagnose.signals"
local registry = require "lossdbg.diagnose.registry"
local parts = require "spec.support.case_parts"

local M = {}

---The case with another network.
---@param case table
---@param layers table[] made by `layer` and `dense`; index and path are filled in
---@return table case
function M.network(case, layers)
  for i, layer in ipairs(layers) do
    layer.index = i
    layer.path = layer.path or layer.kind .. "_" .. i
  end
  case.description.layers = layers
  return case
end

---A layer of any kind.
function M.layer(kind, options)
  return { kind = kind, options = options or {}, source = "train.lua:5", trainable = true,
    n_parameters = 0 }
end

---Runs one rule.
---@return "fires"|"passes"|"unjudged"|"skipped" state
---@return table|string|nil the (first) finding, or why not
function M.run(id, case)
  assert(registry.get(id), "no rule " .. id)
  for _, name in ipairs(catalogue.names_in(case.signals)) do
    assert(catalogue.get(name), "no signal is called " .. name)
  end
  local findings, checked, unjudged, skipped = registry.evaluate {
    description = case.description, signals = case.signals,
    options = { only = { [id] = true }, strict = true },
  }
  if findings[1] then return "fires", findings[1] end
  if checked[1] then return "passes" end
  if unjudged[1] then return "unjudged", unjudged[1].why end
  return "skipped", skipped[1].why
end

---A case with every loss multiplied by k (gradients too; steps are the same at a rate of lr / k).
function M.scaled_loss(case, k)
  local function each(list)
    local copy = {}
    for i, v in ipairs(list or {}) do copy[i] = v * k end
    return copy
  end
  local copy = parts.with(case)
  local s = copy.signals
  s.loss, s.epoch_loss, s.val_loss = each(s.loss), each(s.epoch_loss),
    s.val_loss and each(s.val_loss) or nil
  s.baseline = s.baseline and s.baseline * k
  for _, name in ipairs { "skill", "val_skill" } do
    if s[name] then
      s[name].loss = s[name].loss and s[name].loss * k
      s[name].baseline = s[name].baseline and s[name].baseline * k
    end
  end
  for _, name in ipairs { "first", "last", "best" } do
    if s.trend and s.trend[name] then s.trend[name] = s.trend[name] * k end
  end
  if s.init then s.init.loss = s.init.loss and s.init.loss * k end
  for _, name in ipairs { "loss", "level", "se", "train_mode_loss" } do
    if s.final and s.final[name] then s.final[name] = s.final[name] * k end
  end
  s.grad_norm = s.grad_norm and each(s.grad_norm)
  if s.data and s.data.conflicts and s.data.conflicts.floor then
    s.data.conflicts.floor = s.data.conflicts.floor * k
  end
  for _, layer in pairs(s.layers or {}) do
    layer.grad_norm = each(layer.grad_norm)
    layer.grad_rms_median = layer.grad_rms_median and layer.grad_rms_median * k
  end
  local line = s.tests and s.tests.line
  for i, row in ipairs(line and line.losses or {}) do line.losses[i] = each(row) end
  return copy
end

---A case with all weights k times as large and gradients 1/k (the network the same).
function M.scaled_weights(case, k)
  local copy = parts.with(case)
  for _, layer in pairs(copy.signals.layers or {}) do
    for _, name in ipairs { "weight_norm", "update_norm" } do
      for i, v in ipairs(layer[name] or {}) do layer[name][i] = v * k end
    end
    layer.grad_rms_median = layer.grad_rms_median and layer.grad_rms_median / k
    for i, v in ipairs(layer.grad_norm or {}) do layer.grad_norm[i] = v / k end
  end
  local init = copy.signals.init and copy.signals.init.layers or {}
  for _, stat in pairs(init) do
    stat.weight_rms = stat.weight_rms and stat.weight_rms * k
  end
  for i, v in ipairs(copy.signals.grad_norm or {}) do copy.signals.grad_norm[i] = v / k end
  return copy
end

---Whether rule `id` gives the same state and severity when losses and weights are scaled.
---@return boolean same
---@return string|nil difference
function M.invariant(id, case)
  local state, f = M.run(id, case)
  for _, k in ipairs { 1e-3, 0.5, 7, 1e4 } do
    for name, scale in pairs { loss = M.scaled_loss, weights = M.scaled_weights } do
      local other, g = M.run(id, scale(case, k))
      if other ~= state then
        return false, string.format("%s x %g: %s instead of %s", name, k, other, state)
      end
      if state == "fires" and (g.severity ~= f.severity or g.cause ~= f.cause) then
        return false, string.format("%s x %g: %s instead of %s", name, k, g.severity, f.severity)
      end
    end
  end
  return true
end

return M
