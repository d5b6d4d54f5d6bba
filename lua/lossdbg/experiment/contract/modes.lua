--- What contracts and the watch ask about models: which have two modes, which outputs learn.

local M = {}

-- Whether a layer does something else in training than in evaluation. Frozen statistics are in
-- evaluation on purpose.
local function has_two_modes(layer)
  local o = layer.options
  if layer.kind == "batch_norm" then return layer.trainable end
  if layer.kind:find "dropout" or layer.kind:find "noise" then
    return (o.rate or o.stddev or 1) ~= 0
  end
  return type(o.dropout) == "number" and o.dropout > 0
end

---@param model lossdbg.Model
---@return boolean
function M.has_two(model)
  for _, layer in ipairs(model.list) do
    if has_two_modes(layer) then return true end
  end
  return false
end

---Takes up which columns of the last layer's gradient are zero.
---@param seen table outputs, output_width, output_looks
---@param gradient userdata
function M.silent_outputs(seen, gradient)
  if gradient.rank < 1 then return end
  local width = gradient.shape[gradient.rank]
  local largest = gradient:reshape({ -1, width }):abs():max(1):reshape({ width }):totable()
  seen.outputs = seen.outputs or {}
  for i, value in ipairs(largest) do
    if value ~= 0 then seen.outputs[i] = true end
  end
  seen.output_width, seen.output_looks = width, (seen.output_looks or 0) + 1
end

return M
