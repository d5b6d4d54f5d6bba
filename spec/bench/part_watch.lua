--- What a watch costs in a loop of one's own, as written and planned: steps with it over steps
-- without, in turns, W2 to W7. Timed after the first steps, at which the watch looks closely.
local clock = require("lossdbg.core").clock
local ld = require "lossdbg"
local measure = require "lossdbg.cli.bench.measure"

local M = {}

local steps = { W2 = 1024, W3 = 48, W4 = 96, W5 = 48, W6 = 24, W7 = 512 }
local first_steps = 16

local function optimizer_of(chosen, model)
  local o = { model, flavor = "torch" }
  for key, value in pairs(chosen.optimizer) do
    if key ~= "kind" then o[key] = value end
  end
  return ld.optim[chosen.optimizer.kind](o)
end

-- Seconds a step.
local function loop(chosen, data, planned, watched)
  local x, y = data.x, data.y
  local layers, shape = chosen.model(ld.nn)
  local model = layers:build(shape or table.move(x.shape, 2, x.rank, 1, {}), { seed = 1 })
  local opt, loss = optimizer_of(chosen, model), ld.loss[chosen.loss.name](chosen.loss.options)
  local watch = watched and ld.watch(model, opt, { loss = loss, data = data })
  local function step(a, b)
    local l = loss(model(a, { training = true }), b)
    opt:zero_grad()
    l:backward()
    opt:step()
    return l
  end
  local run, started = planned and ld.plan(step) or step, nil
  local n = steps[chosen.id]
  for i = 1, n + first_steps do
    if i == first_steps + 1 then started = clock() end
    local l = run(x, y)
    if watch then watch:step(l) else l:item() end
  end
  local seconds = (clock() - started) / n
  if watch then watch:close() end
  return seconds
end

local function compare(chosen, planned, repeats)
  ld.seed(1)
  local x, y = chosen.inputs(ld)
  local data, ratios, plain = { x = x, y = y }, {}, {}
  for r = 0, repeats do -- the first pair warms up
    local first = r % 2 == 0
    local a = loop(chosen, data, planned, first)
    local b = loop(chosen, data, planned, not first)
    if not first then a, b = b, a end
    if r > 0 then ratios[r], plain[r] = a / b, b * 1e6 end
  end
  return measure.spread(ratios), measure.spread(plain)
end

function M.run(options, say)
  local out = {}
  if ld.threads then ld.threads(1) end
  for _, chosen in ipairs(options.workloads) do
    for _, planned in ipairs(steps[chosen.id] and { true, false } or {}) do
      local spread, step = compare(chosen, planned, options.repeats)
      local how = planned and "planned" or "eager"
      out[#out + 1] = { name = how .. " step watched over not", workload = chosen.id, threads = 1,
        value = spread.median, min = spread.min, max = spread.max, unit = "", limit = 1.03 }
      say("watch %s, %s: %.3f (%.3f .. %.3f) of %.0f us", chosen.id, how, spread.median,
        spread.min, spread.max, step.median)
    end
  end
  return out
end

return M
