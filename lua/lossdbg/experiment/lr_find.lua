--- The learning-rate range test: one short training whose rate grows from step to step.
-- lr_s = from * (to / from)^(s / (steps - 1)). The sweep is repeated with several seeds and the
-- median of the smoothed losses judged, since one sweep of a noisy loss suggests almost anything.
-- The suggestion lies half-way, in log lr, between the rate where a tenth of the fall is done and
-- the rate of the lowest loss: the middle of the valley. (The longest falling run that fastai
-- takes also counts the first, almost level part of a quiet curve, and then suggests far too
-- little.) Source of the test: L. N. Smith, "Cyclical learning rates for training neural networks"
-- (2017).

local options = require "lossdbg.support.options"
local schedule = require "lossdbg.optim.schedule"
local source = require "lossdbg.support.source"
local upper = require "lossdbg.support.upper"

local M = {}

local schema = options.declare "lr_find" {
  { name = "from", type = "number", open_min = 0, default = 1e-7,
    doc = "first learning rate" },
  { name = "to", type = "number", open_min = 0, default = 10,
    doc = "last learning rate" },
  { name = "steps", type = "integer", min = 20, max = 10000, default = 100,
    doc = "steps of one sweep" },
  { name = "seeds", type = "integer", min = 1, max = 25, default = 3,
    doc = "sweeps; their median is judged" },
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
  local all = { log_x = true, xlabel = "learning rate",
    marks = self.suggestion and { { x = self.suggestion, label = "suggested" } } or nil }
  for key, value in pairs(o or {}) do all[key] = value end
  local curve = { name = "loss", x = self.lrs, y = self.losses }
  return upper.braille.plot({ curve }, all)
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
      if s >= o.steps or not finite(ctx.loss) or smooth[s] > give_up * math.max(best, 0) then
        return false
      end
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

-- The level before the rate moves anything (median of the first fifth), the place of the lowest
-- loss after that, and the last place before it where less than a tenth of the fall was done. (The
-- first points are means of few steps: the lowest of them is noise.)
local function fall_of(y)
  local level = median(table.move(y, 1, math.max(3, #y // 5), 1, {}))
  local lowest = math.max(3, #y // 5) + 1
  for i = lowest, #y do if y[i] < y[lowest] then lowest = i end end
  local start = 1
  for i = 1, lowest do
    if y[i] > level - 0.1 * (level - y[lowest]) then start = i end
  end
  return level, start, lowest
end

-- Within the fall alone: what the noise does before it is steeper at times.
local function steepest(lrs, y, first, last)
  local at, slope = last, math.huge
  for i = math.max(2, first), last do
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
  local level, start, lowest = fall_of(y)
  local scale = math.max(noise(raw) * math.sqrt((1 - smoothing) / (1 + smoothing)), 1e-12)
  local fall = level - y[lowest]
  result.fall_sd = fall / scale
  local share = fall / math.max(math.abs(level), 1e-300)
  if result.fall_sd < 3 or share < 0.01 then
    result.reason = ("the loss falls by %.2g (%.1f sd of its noise) over the whole sweep"):format(
      fall, result.fall_sd)
    return result
  end
  result.suggestion = math.sqrt(lrs[start] * lrs[lowest])
  result.minimum = lrs[lowest] / 10
  result.steepest = steepest(lrs, y, start, lowest)
  return result
end

--- Sweeps the learning rate of a copy of the experiment; the experiment itself is not touched.
---@param experiment table
---@param given? { from?: number, to?: number, steps?: integer, seeds?: integer }
---@return lossdbg.LrFind
function M.find(experiment, given)
  if type(experiment) ~= "table" or not experiment.with then
    error("lossdbg: lr_find: argument 'experiment': expected an experiment, got "
      .. type(experiment), source.level())
  end
  local o = options.check("lr_find", given or {}, schema, source.level())
  if o.to <= o.from then
    options.fail("lr_find", "to", ("a rate greater than from = %g"):format(o.from), o.to, nil,
      source.level())
  end
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
