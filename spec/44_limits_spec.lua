--- Every limit of every rule, on both sides. Each line of spec/support/limits_*.lua is
---   limit = { value, just below, just above, case of a measured value, by =, whole =, points = }
--- The value is written down a second time on purpose: a limit that is changed has to be changed
--- here too, with the case that says what it means. What comes out is the class of the finding, or
--- "passes", "unjudged", "skipped"; `by` reads something else off the finding. `whole` limits are
--- counts, held from the value on; `points` are two values where the limit cannot be met exactly.
local cases = require "spec.support.cases"
local registry = require "lossdbg.diagnose.registry"

local tables = {}
for i, name in ipairs { "data", "network", "step", "loop", "reports" } do
  tables[i] = require("spec.support.limits_" .. name)
end

local LEAST = require "spec.support.limits_least"

local function entry_of(rule, limit)
  for _, list in ipairs(tables) do
    if list[rule] and list[rule][limit] then return list[rule][limit] end
  end
end

local function outcome(rule, entry, measured)
  local state, f = cases.run(rule, (entry[4](measured)))
  if state ~= "fires" then return state end
  if entry.by then return entry.by(f) end
  return f.class
end

local function sides(entry)
  if entry.points then return entry.points[1], entry.points[2] end
  if entry.whole then return entry[1] - 1, entry[1] end
  return entry[1] * 0.999, entry[1] * 1.001
end

local function same(a, b)
  if type(a) == "number" and type(b) == "number" then return math.abs(a - b) <= 1e-9 end
  return a == b
end

-- Cases of which some holds all that a rule needs: those of its limits, and a few runs.
local function bases(rule)
  local val = cases.with(cases.wine(), { signals = { final = { train_mode_loss = 1 } } })
  local side = cases.with(cases.wine_raw(), { signals = { tests = {
    line = {}, data_independence = {}, quick = {} }, loop = { still_statistics = { "norm" } } } })
  local list = { cases.wine(), cases.wine_raw(), cases.regression(), val, side }
  for _, limits in ipairs(tables) do
    for _, entry in pairs(limits[rule] or {}) do
      local _, high = sides(entry)
      list[#list + 1] = (entry[4](high))
    end
  end
  return list
end

local function sized(case, unit, n)
  local s = case.signals
  if unit == "n" then s.data.n = n end
  if unit == "steps" then s.steps = n end
  if unit == "epochs" then s.epoch_loss, s.val_loss = cases.flat(n, 1), cases.flat(n, 1) end
  return case
end

-- Whether a rule calls n rows, steps or epochs too few.
local function too_small(rule, unit, n)
  for _, case in ipairs(bases(rule)) do
    local state, why = cases.run(rule, sized(case, unit, n))
    if state ~= "unjudged" or not why:find "was not measured" then
      return state == "unjudged" and why:find "needs at least %d+ %w+, has" ~= nil
    end
  end
  return nil
end

describe("the limit", function()
  for _, rule in ipairs(registry.rules()) do
    for name, limit in pairs(rule.limits or {}) do
      it(rule.id .. "." .. name .. " holds on both sides", function()
        local entry = assert(entry_of(rule.id, name), "no case for this limit")
        assert.equal(entry[1], limit[1])
        local low, high = sides(entry)
        for i, at in ipairs { low, high } do
          local got = outcome(rule.id, entry, at)
          assert(same(got, entry[1 + i]), ("%s.%s = %.17g: at %.17g expected %s, got %s"):format(
            rule.id, name, limit[1], at, tostring(entry[1 + i]), tostring(got)))
        end
      end)
    end
  end

  for _, rule in ipairs(registry.rules()) do
    for unit in pairs(rule.least or {}) do
      it(rule.id .. " judges from its least sample on: " .. unit, function()
        local least = assert(LEAST[rule.id] and LEAST[rule.id][unit], "no number for this sample")
        assert.equal(least, rule.least[unit])
        assert.equal(true, too_small(rule.id, unit, least - 1))
        assert.equal(false, too_small(rule.id, unit, least))
      end)
    end
  end

  it("of every case is one that a rule has", function()
    for _, list in ipairs(tables) do
      for rule, limits in pairs(list) do
        for name in pairs(limits) do
          assert.is_table(registry.get(rule).limits[name], rule .. "." .. name)
        end
      end
    end
  end)
end)
