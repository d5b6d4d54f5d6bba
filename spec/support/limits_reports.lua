--- Cases on either side of the limits of rules that public reports asked for. Form: see
--- spec/44_limits_spec.lua.
local cases = require "spec.support.cases"
local with = cases.with

local function raw(signals, description)
  return with(cases.wine_raw(), { signals = signals, description = description })
end

local function learnt(signals, description)
  return with(cases.wine(), { signals = signals, description = description })
end

local function layer(kind, options)
  return { path = kind .. "_1", kind = kind, options = options or {}, trainable = true,
    input_shape = { 40, 8 }, output_shape = { 8 }, n_parameters = 100 }
end

local function sequence(part, sequences)
  local case = raw { data = part }
  case.description.layers = { layer("embedding", { 50, 8 }),
    layer("lstm", { 8, return_sequences = sequences }), cases.dense(3, 3, 8, "softmax") }
  return case
end

local function padded(share, rows)
  return sequence { padding = { value = 0, share = share, rows = rows } }
end

-- Dropout of all of one unit: the share of rows that lose it is the rate.
local function narrow(rate)
  return cases.network(cases.wine_raw(), { cases.dense(1, 1, 13, "relu"),
    { path = "dropout_1", kind = "dropout", options = { rate = rate }, input_shape = { 1 },
      output_shape = { 1 }, n_parameters = 0 }, cases.dense(2, 3, 1, "softmax") })
end

local function bare(rms)
  local case = learnt { data = { x = { rms = rms } } }
  case.description.layers[1] = with(case.description.layers[1], { adapted = cases.NONE,
    options = { adapt = cases.NONE } })
  return case
end

local function batch(size, rows, steps)
  return raw({ steps = steps }, { batch = size, n_train = rows })
end

local function whole(high, n)
  return with(cases.regression(), { signals = { data = { n = n, y = { min = 0, max = high,
    integral = true } } } })
end

return {
  padding_dominates = {
    tail = { 0.5, "passes", "measured", function(v) return padded(v, 0.9) end },
    rows = { 0.5, "passes", "measured", function(v) return padded(0.9, v) end },
    targets = { 0.5, "passes", "measured", function(v)
      return sequence({ target_padding = { value = 0, share = v, rows = 0.9 } }, true)
    end },
  },
  dropout_on_narrow_layer = { all = { 0.05, "passes", "exact", narrow } },
  unseen_validation_classes = {
    share = { 0.1, "passes", "exact", function(v)
      return learnt { data = { val = { unseen = { share = v, classes = 1 } } } }
    end },
  },
  normalization_not_adapted = { rms = { 3, "suggestive", "exact", bare } },
  batch_size = {
    large = { 64, "passes", "suggestive", function(v) return batch(v, 500, 80) end,
      whole = true },
    epoch = { 16, "suggestive", "passes", function(v) return batch(128, 128 * v, 80) end },
    steps = { 500, "suggestive", "passes", function(v) return batch(128, 500, v) end },
    single = { 1, "suggestive", "passes", function(v) return batch(v, 500, 80) end,
      points = { 1, 2 } },
    rows = { 64, "passes", "suggestive", function(v) return batch(1, v, 80) end, whole = true },
  },
  rows_on_another_scale = {
    share = { 0.25, "measured", "passes", function(v)
      return learnt { data = { outlying = { rows = 30, share = v, worst = 50 } } }
    end },
  },
  integer_targets = {
    classes = { 12, "suggestive", "passes", function(v) return whole(v, 400) end,
      points = { 12, 13 } },
    rows = { 10, "passes", "suggestive", function(v) return whole(2, 3 * v) end },
  },
}
