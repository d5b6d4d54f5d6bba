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
  out.zero_share, out.nonfinite = s.zeros / s.count, s.count - s.finite
  if dying[name] then out.dead_share = diagnose.unit_activity(tensor).dead_share end
  local limits = saturation[name]
  if limits then
    out.saturated_share = diagnose.unit_activity(tensor, limits[1], limits[2]).saturated_share
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
    out.weight_nonfinite = s.count - s.finite
    out.symmetric = diagnose.units_equal(kernel)
  end
  return out
end

local function is_probability(loss)
  return loss.family == "probability" and not loss.from_logits
end

---What the model's output holds: range, row sums, spread over the samples, and for several outputs
---the share of the class named most often.
---@param output userdata
---@param loss lossdbg.Loss
---@return table
function M.output(output, loss)
  output = output:detach():contiguous()
  local s = diagnose.stats(output)
  local out = { min = s.min, max = s.max, mean = s.mean, std = s.std, finite = s.finite == s.count }
  local n, width = output.shape[1], output.shape[output.rank]
  if output.rank < 2 then return out end
  return tensors.no_grad(function()
    local sums = output:sum(-1)
    out.row_sum_min, out.row_sum_max = sums:min():item(), sums:max():item()
    out.std_over_samples = root(output:reshape({ n, output.numel // n }):var(1):mean():item())
    if width > 1 and loss.family ~= "regression" then
      local counts, most = {}, 0
      for _, id in ipairs(output:argmax(-1):reshape({ output.numel // width }):totable()) do
        counts[id] = (counts[id] or 0) + 1
        most = math.max(most, counts[id])
      end
      out.single_class_share = most * width / output.numel
      if is_probability(loss) then out.max_prob_mean = output:max(-1):mean():item() end
    elseif loss.family ~= "regression" then
      local threshold = (loss.from_logits or loss.family == "margin") and 0 or 0.5
      local share = output:gt(threshold):cast("f32"):mean():item()
      out.single_class_share = math.max(share, 1 - share)
    end
    return out
  end)
end

local limit = 2.326 -- one-sided 1 % of the standard normal
local least = 20

---@param ours userdata losses per sample, f64
---@param base userdata losses per sample of the best constant answer, f64
---@return table
function M.skill(ours, base)
  local n = ours.numel
  return tensors.no_grad(function()
    local loss, reference = ours:mean():item(), base:mean():item()
    local value = reference ~= 0 and 1 - loss / reference or 0 / 0
    local result = { value = value, n = n, loss = loss, baseline = reference }
    if loss ~= loss or math.abs(loss) == math.huge then
      result.verdict = "worse"
      return result
    end
    local paired = diagnose.paired_t(ours:reshape({ n }):contiguous(), base:reshape({ n }):contiguous())
    result.t = paired.t
    if paired.t ~= paired.t or n < least then
      result.verdict = "undetermined"
    elseif paired.t < -limit then
      result.verdict = "better"
    else
      result.verdict = paired.t > limit and "worse" or "at_baseline"
    end
    return result
  end)
end

return M
