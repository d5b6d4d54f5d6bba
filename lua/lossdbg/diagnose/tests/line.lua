--- The line probe: how does the loss of one batch change along the step that the optimiser took on
-- it? L(theta - a u) for a in {0, .25, .5, 1, 2, 4}, u the actual step, the same batch, evaluation
-- mode. The best a near 0 over many steps means the steps are too long, the best a at 4 too short.
-- The probes are spread over the first part of the training, where the rate decides.

local evaluate = require "lossdbg.train.evaluate"
local inputs = require "lossdbg.data.inputs"
local tensors = require "lossdbg.tensor"

local M = { id = "line", what = "loss along the optimiser's own step" }

local alphas = { 0, 0.25, 0.5, 1, 2, 4 }
local probes, last_step = 10, 200

local function copy_of(model)
  local list = {}
  for name, p in model:parameters() do list[name] = p:clone() end
  return list
end

-- theta = before + a * (after - before)
local function move(model, before, after, a)
  for name, p in model:parameters() do
    p:copy_(before[name] + (after[name] - before[name]) * a)
  end
end

local function losses_along(ctx, judge, before)
  local after, list, rows = copy_of(ctx.model), {}, { x = ctx.x, y = ctx.y }
  for i, a in ipairs(alphas) do
    tensors.no_grad(move, ctx.model, before, after, a)
    list[i] = evaluate.rows(ctx.model, rows, judge, inputs.count(ctx.x))
  end
  for name, p in ctx.model:parameters() do p:copy_(after[name]) end
  return list
end

local function best_alpha(losses)
  local best, at = math.huge, nil
  for i, value in ipairs(losses) do
    if value < best then best, at = value, alphas[i] end
  end
  return at
end

local function median(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  return sorted[(#sorted + 1) // 2]
end

---@param experiment lossdbg.Experiment
---@return { losses: number[][], best: number[], best_median: number }?
---@return string? reason
function M.run(experiment)
  local d = experiment:description()
  local total = math.min(last_step, d.epochs * d.steps_per_epoch)
  local every = math.max(2, total // probes)
  local losses, best, before, step, judge = {}, {}, nil, 0, nil
  experiment:fit {
    verbose = 0, telemetry = false, max_steps = total,
    on_step = function(ctx)
      step = step + 1
      if before then
        if not judge then
          judge = experiment:judge(ctx.model)
          judge.metrics = {}
        end
        local list = losses_along(ctx, judge, before)
        losses[#losses + 1], best[#best + 1] = list, best_alpha(list) or 0
      end
      before = step % every == every - 1 and copy_of(ctx.model) or nil
      if #best >= probes then return false end
    end,
  }
  if #best < 3 then return nil, ("only %d probes in %d steps"):format(#best, total) end
  return { losses = losses, best = best, best_median = median(best) }
end

return M
