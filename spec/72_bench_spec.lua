-- The benchmark itself: that it runs, that its file is what its README says, and that it notices a
-- system that computes something else. No time is judged.
package.path = "./?.lua;" .. package.path
local catalogue = require "lossdbg.cli.bench.workload_list"
local cell = require "spec.bench.cell"
local json = require "lossdbg.support.json"
local ld = require "lossdbg"
local markdown = require "spec.bench.markdown"
local measure = require "lossdbg.cli.bench.measure"
local results = require "lossdbg.cli.bench.results"
local workload = require "lossdbg.cli.bench.workload"

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

-- Instrumented cores need more than a child process gets from its command line.
local plain = not (os.getenv "LD_PRELOAD" or ""):find("asan", 1, true)

describe("make bench", function()
  local sample
  before_each(function()
    sample = results.new { cpu = "a", system = "b", blas = "c", lossdbg = "d", lua = "e",
      compiler = "f", governor = "g", date = "h", command = "i", systems = {}, threads = { 1 } }
    sample.rows[1] = { workload = "W1", threads = 1, system = "lossdbg", median_us = 2, min_us = 1,
      max_us = 3, repeats = 5, date = "now" }
  end)

  if plain then
    it("runs one workload once and writes the file of its README", function()
      local folder = os.tmpname()
      os.remove(folder)
      assert.is_true((os.execute("mkdir -p " .. folder)))
      local out = folder .. "/bench.json"
      local lua = os.getenv "LUA" or "lua5.4"
      local ok = os.execute(("trap '' PIPE; %s spec/bench/run.lua workloads=W1 threads=1 repeats=1 "
        .. "seconds=0.01 peers=0 parts=steps floor=none lua=%s folder=%s out=%s >%s/log 2>&1")
        :format(lua, lua, folder, out, folder))
      assert(ok, read(folder .. "/log"))
      local t = assert(json.decode(read(out)))
      assert(results.validate(t))
      local eager
      for _, row in ipairs(t.rows) do
        if row.system == "lossdbg eager" then eager = row end
      end
      assert.equal("W1", eager.workload)
      assert.near(0.8185, eager.loss_first, 1e-3)
      assert.is_true(eager.loss_last < eager.loss_first)
      assert.matches("| W1 | 1 |", read(folder .. "/bench.md"), 1, true)
      os.execute("rm -r " .. folder)
    end)

    it("refuses what it does not know, with status 64", function()
      for _, word in ipairs { "workload=W1", "workloads=W99", "threads=x", "repeats=none" } do
        local _, _, status = os.execute(("%s spec/bench/run.lua %s >/dev/null 2>&1"):format(
          os.getenv "LUA" or "lua5.4", word))
        assert.equal(64, status)
      end
    end)
  end

  it("checks its file", function()
    assert(results.validate(sample))
    local function wrong(change, message)
      local t = json.decode(json.encode(sample))
      change(t)
      local ok, why = results.validate(t)
      assert.is_nil(ok)
      assert.matches(message, why, 1, true)
    end
    wrong(function(t) t.version = 99 end, "version")
    wrong(function(t) t.head.cpu = nil end, "head.cpu is missing")
    wrong(function(t) t.rows[1].median_us = nil end, "rows[1].median_us is missing")
    wrong(function(t) t.rows[1].median_us = "2" end, "rows[1].median_us is a string")
    wrong(function(t) t.rows[1].speed = 1 end, "rows[1].speed is unknown")
    wrong(function(t) t.rows[1].max_us = 1.5 end, "not in order")
    wrong(function(t) t.measures[1] = { part = "ops" } end, "measures[1]")
  end)

  it("replaces what was measured anew and keeps the rest", function()
    local function row(system, us)
      return { workload = "W1", threads = 1, system = system, median_us = us, min_us = us,
        max_us = us, repeats = 1, date = "later" }
    end
    results.put_cell(sample, { row("lossdbg", 7), row("JAX jit", 70) }, {})
    results.put_cell(sample, { row("lossdbg", 5) }, {})
    local seen = {}
    for _, r in ipairs(sample.rows) do
      assert.is_nil(seen[r.system])
      seen[r.system] = r.median_us
    end
    assert.same({ ["lossdbg"] = 5, ["JAX jit"] = 70 }, seen)
    sample.rows[1].date = "another run"
    local text = markdown.render(sample)
    assert.matches("JAX jit 70", text, 1, true)
    assert.matches("14.00 (met)~", text, 1, true) -- ten times the best peer was wanted
  end)

  it("notices a system that computes something else", function()
    local chosen = catalogue.get "W2"
    local rows = {}
    for i, system in ipairs { "a", "b", "c" } do
      rows[i] = { workload = "W2", threads = 1, system = system, loss_first = 2.5,
        loss_last = 0.5 + i * 1e-5 }
    end
    assert.same({}, cell.compare(rows, chosen))
    rows[3].loss_last = 0.51
    assert.matches("c computes something else", cell.compare(rows, chosen)[1], 1, true)
    rows[3].loss_last, rows[2].loss_first = 0.5, 2.6
    assert.matches("b computes something else", cell.compare(rows, chosen)[1], 1, true)
    rows[2].loss_first, rows[2].loss_last = 2.5, 0 / 0
    assert.equal(1, #cell.compare(rows, chosen))
  end)
end)

describe("the workloads of the benchmark", function()
  it("begin with the same numbers each time and name what they multiply", function()
    local seen = {}
    for _, chosen in ipairs(catalogue.all()) do
      assert.is_nil(seen[chosen.id])
      seen[chosen.id] = true
      assert.equal(chosen, catalogue.get(chosen.id))
      assert.is_true(#chosen.products > 0)
      for _, p in ipairs(chosen.products) do assert.equal(6, #p) end
      assert.is_number(workload.update_bytes[chosen.optimizer.kind])
    end
    for _, id in ipairs { "W1", "W10" } do
      local a = workload.prepare(ld, catalogue.get(id))
      local first = a.step():item()
      local b = workload.prepare(ld, catalogue.get(id))
      assert.equal(first, b.step():item())
      for _ = 1, 5 do b.step() end
      assert.is_true(b.step():item() < first)
    end
  end)

  it("are measured by medians", function()
    assert.same({ median = 2, min = 1, max = 9 }, measure.spread { 9, 1, 2 })
    assert.same({ median = 2.5, min = 1, max = 9 }, measure.spread { 9, 1, 3, 2 })
    local calls = 0
    local t = measure.interleaved({ function() calls = calls + 1 end }, 3, 1e-4)
    assert.equal(3, #t[1].list)
    assert.is_true(calls > 3)
  end)
end)
