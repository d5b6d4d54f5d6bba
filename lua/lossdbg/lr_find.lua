--- The learning-rate range test: one short training whose rate grows from step to step.
-- lr_s = from * (to / from)^(s / (steps - 1)). The sweep is repeated with several seeds and the
-- median of the smoothed losses judged, since one sweep of a noisy loss suggests almost anything.
-- The suggestion is the "valley" of fastai: half-way along the longest falling run of the curve.
-- Sources: L. N. Smith, "Cyclical learning rates for training neural networks" (2017); fastai.

local options = require "lossdbg.options"
local schedule = require "lossdbg.schedule"

local M = {}

local schema = {
  { name = "from", type = "number", open_min = 0, default = 1e-7 },
  { name = "to", type = "number", open_min = 0, default = 10 },
  { name = "steps", type = "integer", min = 20, max = 10000, default = 100 },
  { name = "seeds", type = "integer", min = 1, max = 25, default = 3 },
}

local smoothing = 0.9
local give_up = 4 -- times the best smoothed loss

---@class lossdbg.LrFind
---@field lrs number[]
---@field losses number[] median over the seeds of the smoothed loss
---@field suggestion number? nil when the sweep shows no fall to speak of
---@field minimum number? rate at the lowest loss, divided by ten
---@field steepest number? rate where the loss falls fastest per decade
---@field reason string? why there is no suggestion
---@field fall_sd number total fall in units of the noise from step to step
local Result = { __name = "lossdbg.lr_find" }
Result.__index = Result

function Result:__tostring()
  local head = self.suggestion
    and ("learning-rate range test: %.2g suggested (steepest %.2g, minimum / 10 %.2g)")
      :format(self.suggestion, self.steepest, self.minimum)
    or "learning-rate range test: no suggestion, " .. self.reason
  return head .. "\n" .. self:plot()
end

--- The curve over the logarithm of the rate, in braille.
---@param o? table options of view.braille.plot
---@return string
function Result:plot(o)
  local x = {}
  for i, lr in ipairs(self.lrs) do x[i] = math.log(lr, 10) end
  o = o or {}
  o.xlabel = o.xlabel or "log10 of the learning rate"
  return require("lossdbg.view.braille").plot({ { name = "loss", x = x, y = self.losses } }, o)
end

local function finite(x) return x == x and x < math.huge and x > -math.huge end

-- Smoothed losses of one sweep, up to where it blows up, and the raw ones.
local function sweep(experiment, seed, o)
  local per_epoch = experiment:description().steps_per_epoch
  local smooth, raw, mean, best = {}, {}, 0, math.huge
  local rate = schedule.exponential { o.from, o.steps - 1, o.to / o.from }
  experiment:with({ { seed = seed, max_steps = false, early_stopping = false },
    { optimizer = { lr = rate } } }):fit {
    verbose = 0, epochs = math.ceil(o.steps / per_epoch), telemetry = false,
    on_step = function(ctx)
      local s = #raw + 1
      raw[s] = ctx.loss
      mean = smoothing * mean + (1 - smoothing) * ctx.loss
      smooth[s] = mean / (1 - smoothing ^ s)
      best = math.min(best, smooth[s])
      return s < o.steps and finite(ctx.loss) and smooth[s] <= give_up * math.max(best, 0)
    end,
  }
  if not finite(smooth[#smooth]) then smooth[#smooth], raw[#raw] = nil, nil end
  return smooth, raw
end

local function median(list)
  table.sort(list)
  local n = #list
  return n % 2 == 1 and list[n // 2 + 1] or (list[n // 2] + list[n // 2 + 1]) / 2
end

-- Point by point over the sweeps; a sweep that blew up counts as infinite from there on.
local function median_curve(sweeps, steps)
  local curve = {}
  for s = 1, steps do
    local values = {}
    for i, sw in ipairs(sweeps) do values[i] = sw[s] or math.huge end
    local m = median(values)
    if m == math.huge then break end
    curve[s] = m
  end
  return curve
end

-- Standard deviation of the noise from step to step over the first tenth, where the rate is too
-- small to move anything.
local function noise(raw_sweeps)
  local sum, n = 0, 0
  for _, raw in ipairs(raw_sweeps) do
    for s = 2, math.max(3, #raw // 10) do
      if raw[s] then sum, n = sum + (raw[s] - raw[s - 1]) ^ 2 / 2, n + 1 end
    end
  end
  return n > 0 and math.sqrt(sum / n) or 0
end

-- First index and length of the longest strictly falling subsequence.
local function longest_fall(y)
  local length, before, best = {}, {}, 1
  for i = 1, #y do
    length[i] = 1
    for j = 1, i - 1 do
      if y[j] > y[i] and length[j] + 1 > length[i] then length[i], before[i] = length[j] + 1, j end
    end
    if length[i] > length[best] then best = i end
  end
  local first = best
  while before[first] do first = before[first] end
  return first, best
end

local function steepest(lrs, y)
  local at, slope = 2, math.huge
  for i = 2, #y do
    local d = (y[i] - y[i - 1]) / (math.log(lrs[i]) - math.log(lrs[i - 1]))
    if d < slope then at, slope = i, d end
  end
  return lrs[at]
end

local function judge(result, raw)
  local y, lrs = result.losses, result.lrs
  if #y < 10 then
    result.reason = "the loss left the finite numbers almost at once"
    result.fall_sd = 0
    return result
  end
  local first, last = longest_fall(y)
  local lowest = 1
  for i = 1, #y do if y[i] < y[lowest] then lowest = i end end
  local scale = math.max(noise(raw) * math.sqrt((1 - smoothing) / (1 + smoothing)), 1e-12)
  result.fall_sd = (y[first] - y[last]) / scale
  local share = (y[first] - y[last]) / math.max(math.abs(y[first]), 1e-300)
  if result.fall_sd < 3 or share < 0.01 then
    result.reason = ("the loss falls by %.2g (%.1f sd of its noise) over the whole sweep"):format(
      y[first] - y[last], result.fall_sd)
    return result
  end
  result.suggestion = lrs[first + (last - first) // 2]
  result.minimum = lrs[lowest] / 10
  result.steepest = steepest(lrs, y)
  return result
end

--- Sweeps the learning rate of a copy of the experiment; the experiment itself is not touched.
---@param experiment table
---@param given? { from?: number, to?: number, steps?: integer, seeds?: integer }
---@return lossdbg.LrFind
function M.find(experiment, given)
  if type(experiment) ~= "table" or not experiment.with then
    error("lossdbg: lr_find: argument 'experiment': expected an experiment, got "
      .. type(experiment), 2)
  end
  local o = options.check("lr_find", given or {}, schema)
  if o.to <= o.from then error("lossdbg: lr_find: 'to' must be greater than 'from'", 2) end
  local lrs, sweeps, raw = {}, {}, {}
  for s = 0, o.steps - 1 do lrs[s + 1] = o.from * (o.to / o.from) ^ (s / (o.steps - 1)) end
  local seed = experiment:description().seed
  for i = 1, o.seeds do sweeps[i], raw[i] = sweep(experiment, seed + i - 1, o) end
  local losses = median_curve(sweeps, o.steps)
  local result = setmetatable({ lrs = table.move(lrs, 1, #losses, 1, {}), losses = losses,
    seeds = o.seeds }, Result)
  return judge(result, raw)
end

return M
