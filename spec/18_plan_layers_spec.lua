-- A planned training has the bits of an eager one: every kind of layer. The oracle is the eager
-- step, which other specs hold to references.
local check = require "spec.support.plan_check"
local ld = require "lossdbg"
local samples = require "spec.support.plan_layers"

local nn = ld.nn

local function with_batch(shape, n) return { n, table.unpack(shape) } end

local function input_of(sample, rows, i)
  if sample.inputs then
    local given = {}
    for k, shape in ipairs(sample.inputs) do
      given[k] = check.noise(with_batch(shape, rows), 10 * i + k)
    end
    return given
  elseif sample.ids then
    return check.ids(with_batch(sample.shape, rows), sample.ids, i)
  end
  return check.noise(with_batch(sample.shape, rows), i)
end

local function build(sample, dtype)
  local described = sample.make()
  local given = { seed = 3, dtype = dtype }
  if sample.inputs then return described:build(given) end
  return described:build(sample.shape, given)
end

local function train_sample(sample, rows, options)
  options = options or {}
  check.same(function()
    local model = build(sample, options.dtype)
    local optimizer = ld.optim.adam { model, lr = 0.01 }
    return { model = model, optimizer = optimizer, step = check.training(model, optimizer),
      evaluate = function() return model(input_of(sample, 3, 99)) end }
  end, check.data(8, function(i)
    return { input_of(sample, rows, i), check.noise({ rows, 2 }, 1000 + i) }
  end), { what = sample.kind, reason = sample.reason })
end

describe("a planned step", function()
  it("is tried with every kind of layer", function()
    local tried = {}
    for _, sample in ipairs(samples) do tried[sample.kind] = true end
    local missing = {}
    for kind, value in pairs(nn) do
      if type(value) ~= "table" or getmetatable(value) then
        if not tried[kind] then missing[#missing + 1] = kind end
      end
    end
    assert.same({}, missing)
  end)

  for i, sample in ipairs(samples) do
    it(("has the eager bits: %s (%d)"):format(sample.kind, i), function()
      train_sample(sample, 6)
    end)
  end
end)
