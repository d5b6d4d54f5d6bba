--- Cases on either side of the limits of rules about loops of somebody's own. Form: see
--- spec/44_limits_spec.lua.
local cases = require "spec.support.cases"
local with = cases.with

local function saw(signals) return with(cases.wine(), { signals = signals }) end

local function loop(part, signals)
  signals = signals or {}
  signals.loop = part
  return saw(signals)
end

-- What a finding is about instead of its class: "lost" or nothing.
local function part_of(f) return f.part or "plain" end

local function broken(id, count, rest)
  rest = rest or {}
  rest.broken = { { id = id, step = 3, last = 9, count = count } }
  return loop(rest)
end

local function rows(drawn, seen, expected)
  return loop { rows = { drawn = drawn, seen = seen, expected = expected, of = 300 } }
end

local function targets(equal, how)
  return loop { rows = { targets_equal = equal, targets = how } }
end

local function updates(batches, epochs)
  return loop { backwards = batches * 1000, steps = 1000, rows = { of = batches * 100,
    batch = 100 * epochs } }
end

local function optimisers(n, steps)
  return loop { optimizers = { n = n, steps = math.floor(steps * n), stateful = true } }
end

local function rates(last, falls)
  local list = {}
  for i = 1, 1001 do list[i] = last * i / 1001 end
  for i = 2, falls + 1 do list[i] = list[1] - i * 1e-9 end
  return loop({ named_lr = 1 }, { lr = list })
end

local function law(away) return loop { law = { away = away, below_perfect = 1 } } end

local function ignored(inputs, count, recall)
  return saw { labels = { ignored = { class = 0, share = 0.3, inputs = inputs, count = count },
    recall = { [0] = recall } } }
end

local function weights(times, agree, imbalance, recall)
  return saw { labels = { weights = { often = 0, rare = 1, of_often = times, of_rare = 1,
    agree = agree, imbalance = imbalance }, recall = { [1] = recall } } }
end

local function padding(share, skill)
  return saw { labels = { padding = { class = 0, share = share, accuracy = skill,
    majority = 0 } } }
end

local function units(n, mean, std, correlation)
  return saw { val_units = { n = n, train = { mean = 0, std = 1, correlation = 0.9 },
    val = { mean = mean, std = std, correlation = correlation } } }
end

local function modes(apart)
  return loop({ broken = { { id = "evaluation_mode", step = 1, count = 1 } } },
    { final = { loss = 1, train_mode_loss = 1 + 2 * apart }, baseline = 2 })
end

local function frozen(gain)
  local case = saw { outside = { unfrozen_gain = gain } }
  case.description.layers[2].trainable = false
  return case
end

local function single(share)
  local normal = cases.layer "batch_norm"
  normal.input_shape = { 8 }
  local case = cases.network(cases.wine(), { cases.dense(1, 8, 13), normal,
    cases.dense(3, 3, 8) })
  case.signals.loop = { passes = { training = 1000, single_row = 1000 * share } }
  return case
end

local function one_class(share, looks, majority)
  return loop({ rows = { one_class = share, class_looks = looks, batch = 16 } },
    { majority = majority })
end

local function evaluated(moved, widened, n, found)
  return loop { evaluated = { moved = moved, widened = widened, rows = n },
    rows = { found = found } }
end

return {
  gradient_sign_flipped = {
    looks = { 3, "unjudged", "exact", function(v)
      return loop { relation = { negative = v } }
    end, whole = true },
  },
  layer_reinitialised = {
    times = { 2, "passes", "exact", function(v) return loop { redrawn = { dense_2 = v } } end,
      whole = true },
    put_back = { 0.25, "passes", "exact", function(v)
      return loop { redrawn = {}, put_back = v } end },
  },
  activation_in_loop = { looks = { 3, "passes", "exact", function(v)
    return loop { between = { over_batch = v } } end, whole = true } },
  batches_of_one_class = {
    share = { 0.75, "passes", "measured", function(v) return one_class(v, 8, 0.4) end },
    looks = { 4, "unjudged", "measured", function(v) return one_class(1, v, 0.4) end,
      whole = true },
    chance = { 0.01, "measured", "passes", function(v) return one_class(1, 8, v ^ (1 / 16)) end },
  },
  evaluated_on_another_scale = {
    moved = { 3, "passes", "measured", function(v) return evaluated(v, 1, 99, 1) end },
    widened = { 3, "passes", "measured", function(v) return evaluated(0, v, 99, 1) end },
    rows = { 30, "unjudged", "measured", function(v) return evaluated(9, 9, v, 1) end,
      whole = true },
    found = { 0.5, "unjudged", "measured", function(v) return evaluated(9, 9, 99, v) end },
  },
  frozen_parameters = { gain = { 0.2, "plain", "lost", frozen, by = part_of } },
  misaligned_labels = {
    equal = { 0.95, "exact", "passes", function(v) return targets(v, "mixed") end },
  },
  targets_recoded = {
    equal = { 0.95, "measured", "passes", function(v) return targets(v, "map") end },
  },
  repeated_batch = {
    share = { 0.5, "measured", "passes", function(v) return rows(1000, 1e6 * v, 1e6) end },
    drawn = { 64, "unjudged", "measured", function(v) return rows(v, 1, 64) end, whole = true },
  },
  data_exhausted = {
    again = { 2, "passes", "exact", function(v) return loop { asked_again = v } end, whole = true },
  },
  step_seldom_called = {
    epochs = { 0.5, "passes", "measured", function(v) return updates(10, v) end },
    batches = { 8, "passes", "measured", function(v) return updates(v, 1) end },
  },
  several_backwards = {
    times = { 2, "passes", "exact", function(v) return broken("one_backward", v) end,
      whole = true },
  },
  optimizer_recreated = {
    made = { 4, "passes", "exact", function(v) return optimisers(v, 5) end, whole = true },
    steps = { 10, "exact", "passes", function(v) return optimisers(10000, v) end },
  },
  gradient_clipped_away = {
    left = { 0.05, "measured", "passes", function(v)
      return loop { looks = 9, altered = v, optimizers = { scale_free = false } }
    end },
  },
  warmup_too_long = {
    reached = { 0.5, "measured", "passes", function(v) return rates(v, 0) end },
    rising = { 0.9, "passes", "measured", function(v)
      return rates(0.4, 1000 - math.floor(1000 * v + 0.5))
    end, points = { 0.899, 0.901 } },
  },
  weights_changed_outside = {
    times = { 2, "passes", "suggestive", function(v)
      return broken("only_step_moves_weights", v, { drawn = {} })
    end, whole = true },
  },
  train_mode_in_evaluation = { share = { 0.1, "suggestive", "exact", modes } },
  evaluation_mode_in_training = {
    share = { 0.5, "passes", "measured", function(v)
      return broken("training_mode", 1, { passes = { training = 1000,
        training_as_evaluation = 1000 * v // 1 } })
    end, points = { 0.499, 0.501 } },
  },
  loss_ignores_prediction = {
    steps = { 3, "passes", "measured", function(v)
      return loop({ detached = v }, { outside = { gain = 0.3 } })
    end, whole = true },
  },
  inputs_on_another_scale = {
    moved = { 0.5, "passes", "measured", function(v)
      return loop({ rows = { moved = v, widened = 1 } }, { outside = { gain = 0.3 } })
    end },
    widened = { 2, "passes", "measured", function(v)
      return loop({ rows = { moved = 0, widened = v } }, { outside = { gain = 0.3 } })
    end },
  },
  state_over_shuffled_rows = {
    jumps = { 0.5, "passes", "exact", function(v) return loop { rows = { jumps = v } } end },
  },
  average_lags = {
    way = { 0.5, "measured", "passes", function(v) return loop { travelled = v } end },
    behind = { 0.2, "plain", "lost", function(v)
      return loop { travelled = 0.1, twin_behind = v }
    end, by = part_of },
  },
  batch_of_one = { share = { 0.5, "passes", "exact", single } },
  softmax_in_loop = {
    looks = { 3, "passes", "exact", function(v) return loop { relation = { softmax = v } } end,
      whole = true },
  },
  loss_points_away = { away = { 0.05, "passes", "exact", law } },
  class_ignored_by_loss = {
    inputs = { 0.5, "passes", "exact", function(v) return ignored(v, 9, 0) end },
    count = { 8, "passes", "exact", function(v) return ignored(1, v, 0) end, whole = true },
    recall = { 0.5, "exact", "passes", function(v) return ignored(1, 9, v) end },
  },
  class_weights_inverted = {
    agree = { 0.75, "passes", "measured", function(v) return weights(2, v, 3, 0) end },
    imbalance = { 2, "passes", "measured", function(v) return weights(2, 1, v, 0) end },
    times = { 1.5, "passes", "measured", function(v) return weights(v, 1, 3, 0) end },
    recall = { 0.5, "lost", "plain", function(v) return weights(2, 1, 3, v) end, by = part_of },
  },
  padding_dominates = {
    skill = { 0.5, "measured", "passes", function(v) return padding(0.9, v) end },
  },
  val_in_other_units = {
    mean = { 3, "passes", "measured", function(v) return units(30, v, 1, 0.9) end },
    scale = { 3, "passes", "measured", function(v) return units(30, 0, v, 0.9) end },
    correlation = { 0.3, "passes", "measured", function(v) return units(30, 9, 1, v) end },
    rows = { 20, "unjudged", "measured", function(v) return units(v, 9, 1, 0.9) end,
      whole = true },
  },
}
