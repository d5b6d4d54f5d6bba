-- Every golden number of Keras, PyTorch and 500-digit arithmetic (spec/parity/*.py) against what is
-- computed here; no primitive without a case; the table in the documentation is that of this run.
package.path = "./spec/parity/?.lua;./spec/support/?.lua;" .. package.path
local comparison = require "comparison"
local ld = require "lossdbg"
local measure = require "measure"
local primitives = require "primitives"
local suites = require "suites"

local result = comparison.compare()

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

describe("parity", function()
  it("holds for every golden case, and no primitive is without one", function()
    assert.equal("", table.concat(result.failures, "\n"))
  end)

  it("is shown by 2000 cases or more", function() assert.is_true(result.count >= 2000) end)

  it("has a generator for every suite", function()
    for _, suite in ipairs(suites) do
      assert.is_true(exists("spec/parity/" .. suite.name .. ".py"), suite.name)
    end
  end)

  it("is told in PARITY.md as it was found (else: make parity-golden)", function()
    local file = assert(io.open("spec/parity/PARITY.md"))
    local written = file:read "a"
    file:close()
    assert.is_true(written == result.table, "spec/parity/PARITY.md is not of this state")
  end)
end)

-- The comparison itself must be able to fail.
describe("a comparison", function()
  local function failure_of(check, dtype)
    local _, failure = measure.run({ title = "it", peers = "both", covers = {}, check = check },
      dtype or "f64")
    return failure
  end

  it("fails beyond the limit and passes below it", function()
    local function off(by)
      return function(_, near) near("sum", { 4, 1 }, ld.tensor({ 4, 1 + by }, "f64")) end
    end
    assert.is_nil(failure_of(off(3.9e-10)))
    assert.matches("sum is off by 1e-10: element 2 is 1", failure_of(off(4.1e-10)), 1, true)
    assert.is_nil(failure_of(off(7.9e-5), "f32"))
    assert.is_truthy(failure_of(off(8.1e-5), "f32"))
  end)

  it("fails for NaN, for infinity and for another number of values", function()
    local nan, inf = 0 / 0, math.huge
    assert.equal(inf, (measure.distance({ 1 }, { nan })))
    assert.equal(inf, (measure.distance({ nan }, { 1 })))
    assert.equal(inf, (measure.distance({ inf }, { 1e308 })))
    assert.equal(inf, (measure.distance({ 1, 2 }, { 1 })))
    assert.equal(inf, (measure.distance({ 0 }, { 1e-300 })))
    assert.equal(0, (measure.distance({ nan, inf, { -inf } }, { nan, inf, { -inf } })))
  end)

  it("fails for cases that compare nothing, raise, or leave a primitive out", function()
    assert.matches("compared nothing", failure_of(function() end))
    assert.matches("unlucky", failure_of(function() error "unlucky" end))
    local failures = {}
    primitives.missing({ ["layer lambda"] = {} }, failures)
    local text = table.concat(failures, "\n")
    assert.matches("op matmul has no golden case", text, 1, true)
    assert.matches("layer lambda has golden cases: take it out", text, 1, true)
  end)
end)
