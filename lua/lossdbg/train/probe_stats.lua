--- Statistics of activations, weights and outputs for telemetry; the counting is done in the core.
local core = require "lossdbg.core"
local tensors = require "lossdbg.tensor"

local M = {}

local diagnose = core.diagnose

local function root(x) return math.sqrt(x) end

---@return number standard deviation of the finite elements
function M.std(tensor) return diagnose.stats(tensor:contiguous()).std end

---@return number mean of the squares of the finite elements
function M.mean_square(tensor) return diagnose.stats(tensor:contiguous()).rms ^ 2 end

-- activation = { low, high }: at or beyond these the slope is nearly gone
local saturation = { sigmoid = { 0.01, 0.99 }, tanh = { -0.99, 0.99 }, hard_sigmoid = { 0, 1 },
  softsign = { -0.99, 0.99 } }
local dying = { relu = true, relu6 = true }

local function activation_of(layer)
  return layer.activation and layer.activation.name
end

---Adds what a layer's output holds.
---@param out table
---@param layer lossdbg.Layer
---@param tensor userdata
function M.activations(out, layer, tensor)
  tensor = tensor:contiguous()
  local s, name = diagnose.stats(tensor), activation_of(layer)
  out.act_mean, out.act_std, out.act_min, out.act_max = s.mean, s.std, s.min, s.max
  out.zero_share, out.nonfinite = s.zeros / s.count, s.nonfinite
  if dying[name] then
    local active = diagnose.unit_activity(tensor)
    out.dead_share = active.none / #active
  end
  local limits = saturation[name]
  if limits then
    local units, sum = diagnose.unit_saturation(tensor, limits[1], limits[2]), 0
    for _, rows in ipairs(units) do sum = sum + rows end
    out.saturated_share = sum / s.count
    out.saturated_units = units.all / #units
  end
end

---What a layer's weights hold.
---@param layer lossdbg.Layer
---@return table
function M.weights(layer)
  local out, kernel = {}, layer.weights.kernel
  if kernel then
    local s = diagnose.stats(kernel)
    out.weight_rms, out.weight_std, out.weight_max = s.rms, s.std, math.max(-s.min, s.max)
    out.weight_nonfinite = s.nonfinite
    out.symmetric = diagnose.symmetric(kernel)
  end
  return out
end

---What the model's output holds: range, row sums, spread over the samples, and for several outputs
---the share of the class named most often.
---@param output userdata
---@param loss lossdbg.Loss
---@param probabilities boolean the outputs are meant as probabilities
---@return table
function M.output(output, loss, probabilities)
  output = output:detach():contiguous()
  local s = diagnose.stats(output)
  local out = { min = s.min, max = s.max, mean = s.mean, finite = s.nonfinite == 0 }
  local n, width = output.shape[1], output.shape[output.rank]
  if output.rank < 2 then return out end
  return tensors.no_grad(function()
    out.row_sum_min, out.row_sum_max = diagnose.row_sums(output)
    out.std_over_samples = root(output:reshape({ n, output.numel // n }):var(1):mean():item())
    if width > 1 and loss.family ~= "regression" then
      local counts, most = {}, 0
      for _, id in ipairs(output:argmax(-1):reshape({ output.numel // width }):totable()) do
        counts[id] = (counts[id] or 0) + 1
        most = math.max(most, counts[id])
      end
      out.single_class_share = most * width / output.numel
      if probabilities then out.max_prob_mean = output:max(-1):mean():item() end
    elseif loss.family ~= "regression" then
      local threshold = probabilities and 0.5 or 0
      local share = output:gt(threshold):cast("f64"):mean():item()
      if probabilities then
        out.max_prob_mean = output:maximum(output:neg():add(1)):mean():item()
      end
      out.single_class_share = math.max(share, 1 - share)
    end
    return out
  end)
end

---P2: the model's losses against those of the best constant answer, paired by sample.
---@param ours userdata losses per sample
---@param base userdata losses per sample of the best constant answer
---@return { value: number, verdict: string, t: number, n: integer, loss: number, baseline: number }
function M.skill(ours, base)
  local n = ours.numel
  local result = diagnose.skill(ours:reshape { n }, base:reshape { n })
  if result.loss ~= result.loss or math.abs(result.loss) == math.huge then
    result.verdict = "worse"
  end
  return result
end

return M
