-- Results do not depend on the number of threads: every op, layers, losses and optimisers give the
-- same bytes on 1, 2 and 3 threads; and what ld.threads says and refuses.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local core = require "lossdbg.core"
local large = require "op_large"

local before = ld.threads()

local function bytes(t) return core.io.npy_encode(t:contiguous()) end

local function draw(input, dtype)
  local shape = { table.unpack(input) }
  local t = ld.rand(shape, "f64")
  if input.ids then
    t = (t * input.ids):floor():clip(0, input.ids - 1) + (input.offset or 0)
    return t:cast "i32"
  end
  local lo, hi = input.lo or -2, input.hi or 2
  return (t * (hi - lo) + lo):cast(dtype)
end

-- Result and gradients of one case as one string of bytes.
local function outcome(name, case, dtype)
  ld.seed(11)
  local inputs, leaves = {}, {}
  for i, input in ipairs(case) do
    local leaf = draw(input, dtype)
    leaves[i] = leaf
    if not input.ids then leaf.requires_grad = true end
    inputs[i] = input.view and input.view(leaf) or leaf
  end
  if next(case.attrs) then inputs[#inputs + 1] = case.attrs end
  local out = name == "concat" and core.op.concat({ table.unpack(inputs, 1, #case) }, case.attrs)
    or core.op[name](table.unpack(inputs))
  local parts = { bytes(out) }
  if out.requires_grad then
    (out * ld.rand(out.shape, out.dtype)):sum():backward()
    for _, leaf in ipairs(leaves) do
      if leaf.grad then parts[#parts + 1] = bytes(leaf.grad) end
    end
  end
  return table.concat(parts)
end

-- fn() on 1 to `most` threads, on which even the least work is shared
local function same_bytes(what, fn, most)
  ld.threads(1)
  local expected = fn()
  for n = 2, most or 3 do
    assert.equal(n, core.threads(n, 0))
    assert(fn() == expected, ("%s: other bytes on %d threads"):format(what, n))
  end
  ld.threads(before)
end

describe("on 1, 2 and 3 threads", function()
  teardown(function() ld.threads(before) end)

  it("there are large inputs for every op, and for nothing else", function()
    local known = {}
    for _, row in ipairs(core.op_rows()) do
      known[row.name] = true
      assert(large[row.name], "spec/support/op_large.lua has no inputs for " .. row.name)
    end
    for name in pairs(large) do assert(known[name], "there is no op " .. name) end
  end)

  for _, row in ipairs(core.op_rows()) do
    it(row.name .. " gives the same bytes", function()
      for i, case in ipairs(large[row.name] or {}) do
        for _, dtype in ipairs { "f32", "f64" } do
          same_bytes(("%s, case %d, %s"):format(row.name, i, dtype), function()
            return outcome(row.name, case, dtype)
          end, dtype == "f64" and 2 or 3)
        end
      end
    end)
  end

  it("a large convolution is shared, a tiny sum is not", function()
    ld.threads(2)
    local x, w, runs = ld.ones { 32, 24, 24, 16 }, ld.ones { 3, 3, 16, 32 }, core.shared_runs()
    core.op.conv2d(x, w)
    assert(core.shared_runs() > runs, "the convolution stayed on one thread")
    runs = core.shared_runs()
    ld.ones { 3 }:sum()
    assert.equal(runs, core.shared_runs())
  end)

  for _, name in ipairs { "sgd", "adam", "adamw", "adamax", "nadam", "radam", "rmsprop", "adagrad",
    "adadelta", "adafactor", "lamb", "lion" } do
    it("a fit with " .. name .. " gives the same weights and losses", function()
      same_bytes(name, function()
        ld.seed(5)
        local nn = ld.nn
        local layers = nn.sequential { nn.conv2d { 6, 3, activation = "relu" }, nn.max_pool2d {},
          nn.flatten {}, nn.dense { 300, "relu" }, nn.batch_norm {}, nn.dropout { 0.2 },
          nn.dense { 10 } }
        local experiment = ld.experiment {
          train = ld.data.arrays { x = ld.rand { 96, 12, 12, 3 },
            y = (ld.rand { 96 } * 10):floor():cast "i32" },
          model = layers, loss = ld.loss.sparse_crossentropy { from_logits = true },
          optimizer = ld.optim[name] { lr = 0.01 }, batch = 32, epochs = 2, seed = 5,
        }
        local run = experiment:fit { verbose = 0 }
        local parts = { ("%a"):format(run:last "loss") }
        for _, parameter in run.model:parameters() do parts[#parts + 1] = bytes(parameter) end
        return table.concat(parts)
      end)
    end)
  end
end)

describe("ld.threads", function()
  teardown(function() ld.threads(before) end)

  it("begins with what LOSSDBG_THREADS says, 1 without it", function()
    local wanted = os.getenv "LOSSDBG_THREADS"
    assert.equal(wanted == "auto" and ld.config().processors or tonumber(wanted) or 1, before)
  end)

  it("computes with the OpenBLAS that is expected, which takes one thread", function()
    local config = ld.config()
    assert.equal(os.getenv "LOSSDBG_EXPECT_BLAS" or config.blas_parallel, config.blas_parallel)
    assert.equal(1, config.blas_threads)
  end)

  it("tells and sets the number", function()
    assert.equal(1, (ld.threads(1)))
    assert.equal(1, ld.config().threads)
    assert.equal(3, (ld.threads(3)))
    assert.equal(3, ld.threads())
    assert.equal(3, ld.config().threads)
    assert.equal(ld.config().processors, (ld.threads "auto"))
    assert.equal(1, (ld.threads(1)))
    assert.equal(0, core.shared_runs())
  end)

  it("refuses what is no number of threads, and keeps the one it had", function()
    ld.threads(2)
    for _, bad in ipairs { 0, -1, 65, 1.5, 0 / 0, "two", "2", {}, true } do
      local ok, message = pcall(ld.threads, bad)
      assert.is_false(ok)
      assert.truthy(message:find("lossdbg: threads: argument 'n': expected a number of threads " ..
        "from 1 to 64, or \"auto\"", 1, true), message)
      assert.equal(2, ld.threads())
    end
  end)

  it("takes its memory from the state and gives it back", function()
    ld.threads(1)
    collectgarbage()
    local one = collectgarbage "count"
    ld.threads(4)
    collectgarbage()
    local four = collectgarbage "count"
    assert(four - one > 3 * 1024 and four - one < 3.2 * 1024, four - one)
    ld.threads(1)
    collectgarbage()
    assert(collectgarbage "count" - one < 64)
  end)

  it("works in coroutines and after errors in the middle", function()
    ld.threads(2)
    local a = ld.rand { 400, 400 }
    local expected = bytes(a:matmul(a))
    for _ = 1, 20 do
      assert.is_false(pcall(a.matmul, a, ld.rand { 3, 3 }))
      assert.equal(expected, coroutine.wrap(function() return bytes(a:matmul(a)) end)())
    end
  end)
end)
