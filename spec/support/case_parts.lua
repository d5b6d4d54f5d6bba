--- What literal cases are made of: deep copies with changes, curves, parts of signals.
local M = {}

---Deep copy with changes; false as a change removes a field.
---@param base table
---@param changes table|nil
---@return table
function M.with(base, changes)
  local copy = {}
  for k, v in pairs(base) do copy[k] = type(v) == "table" and M.with(v) or v end
  for k, v in pairs(changes or {}) do
    if v == M.NONE then
      copy[k] = nil
    elseif type(v) == "table" and type(copy[k]) == "table" and not (#v > 0) then
      copy[k] = M.with(copy[k], v)
    else
      copy[k] = type(v) == "table" and M.with(v) or v
    end
  end
  return copy
end
M.NONE = setmetatable({}, { __name = "none" })

---A series of n values from a to b, falling exponentially, with a small alternating noise.
function M.curve(n, a, b, noise)
  local list = {}
  for i = 1, n do
    local t = n > 1 and (i - 1) / (n - 1) or 0
    local value = b + (a - b) * math.exp(-6 * t)
    list[i] = value * (1 + (noise or 0) * ((i * 7 % 5) - 2) / 2)
  end
  return list
end

function M.flat(n, value)
  local list = {}
  for i = 1, n do list[i] = value end
  return list
end

local function dense(index, units, fan_in, activation, source)
  return { index = index, path = "dense_" .. index, kind = "dense", activation = activation,
    options = { units = units }, source = source or "train.lua:" .. (4 + index),
    trainable = true, input_shape = { fan_in }, output_shape = { units }, fan_in = fan_in,
    n_parameters = (fan_in + 1) * units, init = "glorot_uniform" }
end
M.dense = dense

local function layer_stats(s)
  return { grad_norm = M.curve(30, 0.5, 0.05), weight_norm = M.flat(30, 5),
    update_norm = M.curve(30, 0.02, 0.002), ratio = M.curve(30, 4e-3, 4e-4), zero_grad = 0,
    unchanged = 0, ratio_median = 1e-3, grad_rms_median = s or 0.01 }
end
M.layer_stats = layer_stats

local function activity(dead, saturated)
  return { z_mean_sq = 1.1, act_mean = 0.4, act_std = 0.6, act_min = 0, act_max = 3,
    zero_share = 0.5, dead_share = dead, saturated_share = saturated, nonfinite = 0,
    weight_rms = 0.2, weight_std = 0.2, symmetric = false, grad_rms = 0.01 }
end
M.activity = activity

local function probabilities(k)
  return { min = 0.001, max = 0.99, row_sum_min = 1, row_sum_max = 1, finite = true,
    std_over_samples = 0.4, max_prob_mean = 0.95, single_class_share = 1 / k + 0.1 }
end
M.probabilities = probabilities

return M
