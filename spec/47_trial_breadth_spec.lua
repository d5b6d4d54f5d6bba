--- How many fixes are tried and combined, on trials that only count what they are asked.
local trial = require "lossdbg.experiment.trial"
local trials = require "lossdbg.diagnose.trials"

-- A bench that trains nothing: a patch says itself whether it is good, alone or in a pair.
local function is_good(patch)
  return patch.good or #patch == 2 and (patch[1].in_pair or patch[2].in_pair)
end

local function stub()
  local bench = { spent = 0, experiment = {}, arms = {}, finished = 0 }
  function bench.cost() return 0 end
  bench.base_cost = bench.cost
  function bench:arm(patch, part)
    local arm = { patch = patch, part = part, experiment = {}, seeds = {},
      verdict = { gain = patch.gain or 0.01, decided = false } }
    self.arms[#self.arms + 1] = arm
    return arm
  end
  function bench.screen() end
  function bench.expect() end
  function bench:finish(arm)
    arm.done, self.finished = true, self.finished + 1
    arm.verdict = { decided = true, verified = is_good(arm.patch),
      gain = arm.patch.gain or 0.01 }
  end
  function bench.result(_, arm)
    return arm.done and { verified = is_good(arm.patch) or false, gain = 0.01 } or nil
  end
  return bench
end

local function try(findings, recipe, status)
  local bench, make = stub(), trial.bench
  trial.bench = function() return bench end
  local t = trials.bench({ recipe = recipe or {} }, {},
    status or { learns = false, task = {}, skill = 0.2 },
    { budget = 1e9, seeds = 3, max_fixes = 100 })
  trial.bench = make
  t:try(findings)
  return bench
end

local function finding(i, patches)
  local fixes = {}
  for k, patch in ipairs(patches) do fixes[k] = { text = "fix", patch = patch } end
  return { rule = "rule_" .. i, cause = "cause_" .. i, severity = "error", class = "measured",
    role = "cause", fixes = fixes }
end

local function many(n, patch_of)
  local list = {}
  for i = 1, n do list[i] = finding(i, { patch_of(i) }) end
  return list
end

local function combined(bench)
  local n = 0
  for _, arm in ipairs(bench.arms) do
    if #arm.patch == 2 then n = n + 1 end
  end
  return n
end

describe("trials", function()
  it("are judged on the rows that the fault is about", function()
    local held_out = { val_rows = {} }
    local function part(f, recipe, status)
      return try({ f }, recipe, status).arms[1].part
    end
    local plain, about_val, overfit = finding(1, { {} }), finding(1, { {} }), finding(1, { {} })
    about_val.part, overfit.cause = "validation", "overfitting"
    local failed = { learns = false, task = { val = 0.1 } }
    assert.equal("train", part(plain, held_out, failed))
    assert.equal("val", part(about_val, held_out, failed))
    assert.equal("val", part(overfit, held_out, failed))
    assert.equal("val", part(plain, held_out, { learns = true, task = { val = 0.1, room = true } }))
    assert.equal("train", part(about_val, {}, failed)) -- there are none
    -- validation rows of one class have no skill, and a loss
    assert.equal("val", part(about_val, held_out, { learns = false, task = {} }))
    assert.equal("train", part(overfit, held_out, { learns = false, task = {} }))
  end)

  it("take the first two fixes of a finding", function()
    local patches = {}
    for i = 1, 5 do patches[i] = { ["k" .. i] = i } end
    assert.equal(2, #try({ finding(1, patches) }).arms)
  end)

  it("end when three causes have a fix that helps", function()
    assert.equal(3, try(many(6, function(i) return { ["k" .. i] = i, good = true } end)).finished)
  end)

  it("combine at most three pairs", function()
    assert.equal(3, combined(try(many(6, function(i) return { ["k" .. i] = i } end))))
  end)

  it("put a pair that helps at the finding ranked first, whichever came further alone", function()
    local first, second = finding(1, { { a = 1, in_pair = true } }),
      finding(2, { { b = 1, gain = 0.03 } })
    try { first, second }
    assert.equal("rule_2", first.fixes[1].with)
    assert.same({ { a = 1, in_pair = true }, { b = 1, gain = 0.03 } },
      first.fixes[1].patch)
    assert.equal(1, #second.fixes)
  end)

  it("combine only the four that came furthest", function()
    -- the first four change the same thing and cannot be combined
    local bench = try(many(5, function(i) return { [i <= 4 and "optimizer" or "loss"] = i } end))
    assert.equal(0, combined(bench))
    bench = try(many(4, function(i) return { [i <= 3 and "optimizer" or "loss"] = i } end))
    assert.equal(3, combined(bench))
  end)
end)
