local cases = require "spec.support.cases"
local with = cases.with

local function sequence(options, layers)
  local case = with(cases.wine_raw(), { signals = { data = options } })
  case.description.layers = layers
  return case
end

local function layer(kind, options, path)
  return { path = path or kind .. "_1", kind = kind, options = options or {}, trainable = true,
    input_shape = { 40, 8 }, output_shape = { 8 }, n_parameters = 100 }
end

local function padded(share, rows)
  return { padding = { value = 0, share = share, rows = rows or 0.9 } }
end

local reader = { layer("embedding", { 50, 8 }), layer("lstm", { 8 }),
  cases.dense(3, 3, 8, "softmax") }

describe("rule padding_dominates", function()
  local id = "padding_dominates"

  it("fires: most steps before the answer are filled up", function()
    local state, f = cases.run(id, sequence(padded(0.7), reader))
    assert.same({ "fires", "padding_dominates", "measured" }, { state, f.cause, f.class })
    assert.same({ layers = { kind = "embedding", options = { mask_zero = true } } },
      f.fixes[1].patch)
    assert.same({ data = "pad_front" }, f.fixes[2].patch)
  end)

  it("fires just above and is silent just below its limits", function()
    assert.equal("fires", (cases.run(id, sequence(padded(0.51, 0.51), reader))))
    assert.equal("passes", (cases.run(id, sequence(padded(0.49, 0.51), reader))))
    assert.equal("passes", (cases.run(id, sequence(padded(0.51, 0.49), reader))))
  end)

  it("is silent: the steps are masked", function()
    local layers = { layer("embedding", { 50, 8, mask_zero = true }), reader[2], reader[3] }
    assert.equal("passes", (cases.run(id, sequence(padded(0.7), layers))))
  end)

  it("is silent: every step answers, pooling follows, or the sequence is read backwards", function()
    for _, layers in ipairs {
      { reader[1], layer("lstm", { 8, return_sequences = true }), reader[3] },
      { reader[1], layer("global_max_pool1d"), reader[3] },
      { reader[1], layer("lstm", { 8, go_backwards = true }), reader[3] },
    } do
      assert.equal("passes", (cases.run(id, sequence(padded(0.7), layers))))
    end
  end)

  it("fires: targets that are mostly filled up, counted", function()
    local case = sequence({ target_padding = { value = 0, share = 0.6, rows = 0.9 } },
      { reader[1], layer("lstm", { 8, return_sequences = true }), reader[3] })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.same({ loss = { ignore_class = 0 } }, f.fixes[1].patch)
    case.description.loss.ignore_class = 0
    assert.equal("passes", (cases.run(id, case)))
  end)

  local function watched(share, accuracy)
    return cases.run(id, with(cases.wine(), { signals = { labels = { padding = { class = 0,
      share = share, accuracy = accuracy, majority = 0.2 } } } }))
  end

  it("fires: half of the answers that a loop counts, and little skill elsewhere", function()
    local state, f = watched(0.51, 0.59)
    assert.same({ "fires", "measured", "lost", "padding_dominates" },
      { state, f.class, f.part, f.cause })
    assert.same({ loss = { ignore_class = 0 } }, f.fixes[1].patch)
  end)

  it("is silent: fewer of them, or the rest is learnt", function()
    assert.equal("passes", (watched(0.49, 0.2)))
    assert.equal("passes", (watched(0.9, 0.61)))
  end)

  it("cannot tell: no sequences", function()
    assert.equal("unjudged", (cases.run(id, cases.wine())))
  end)
end)
