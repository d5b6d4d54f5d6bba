-- The program `lossdbg`: what it says where, and with which status it ends.
package.path = "./spec/support/?.lua;" .. package.path
local json = require "lossdbg.support.json"
local ld = require "lossdbg"
local results = require "lossdbg.cli.bench.results"

local run = require("cli_run").run

describe("lossdbg on the command line", function()
  it("helps, and names its version", function()
    for _, word in ipairs { "--help", "-h", "help" } do
      local status, out, err = run(word)
      assert.equal(0, status)
      assert.matches("lossdbg bench", out, 1, true)
      assert.equal("", err)
    end
    local status, out = run "--version"
    assert.equal(0, status)
    assert.equal(ld._VERSION .. "\n", out)
    status, out = run("bench", "--help")
    assert.equal(0, status)
    assert.matches("--threads", out, 1, true)
  end)

  it("helps on names of the library, as wide as asked, and guesses what was meant", function()
    local status, out = run("help", "nn.dense", "--columns", "40")
    assert.equal(0, status)
    assert.matches("units: number of outputs", out, 1, true)
    for line in out:gmatch "[^\n]+" do assert.is_true(#line <= 40, line) end
    status, out = run("help", "api")
    assert.equal(0, status)
    assert.matches("optim: optimisers", out, 1, true)
    local err
    status, out, err = run("help", "nn.desne")
    assert.equal(64, status)
    assert.equal("", out)
    assert.matches("did you mean 'nn.dense'?", err, 1, true)
  end)

  it("ends with 64 on what it does not understand, and says nothing on stdout", function()
    for _, words in ipairs {
      {}, { "train" }, { "--quiet" }, { "bench", "--fast" }, { "bench", "W99" },
      { "bench", "--threads" }, { "bench", "--threads", "two" }, { "bench", "--threads", "0" },
      { "bench", "--threads=1.5" }, { "bench", "--seconds", "-1" }, { "bench", "--list=1" },
      { "bench", "--seconds", "nan" }, { "bench", "--repeats", "1e400" },
    } do
      local status, out, err = run(table.unpack(words))
      assert.equal(64, status, table.concat(words, " "))
      assert.equal("", out)
      assert.matches("^lossdbg: [^\n]+\n$", err)
    end
  end)

  it("ends with 66 on a file that cannot be read", function()
    local path = os.tmpname()
    for _, content in ipairs { "", "{}", "not JSON", '{"schema":"lossdbg-bench","version":1}' } do
      local file = assert(io.open(path, "w"))
      file:write(content)
      file:close()
      local status, _, err = run("bench", "--against", path, "W1")
      assert.equal(66, status)
      assert.matches(path, err, 1, true)
    end
    os.remove(path)
    assert.equal(66, (run("bench", "--against", path, "W1")))
  end)

  it("ends with 130 where a script was stopped, with 66 where it failed by itself", function()
    local path = os.tmpname()
    for message, wanted in pairs { ["interrupted!"] = 130, ["no such column"] = 66 } do
      local file = assert(io.open(path, "w"))
      file:write(("error(%q, 0)"):format(message))
      file:close()
      local status, out, err = run("lr-find", path)
      assert.equal(wanted, status, err)
      assert.equal("", out)
    end
    os.remove(path)
  end)

  it("ends with 70 on a fault of its own, with a trace", function()
    local command = require "lossdbg.cli.bench"
    local real = command.run
    command.run = function() error "broken" end
    local status, out, err = run "bench"
    command.run = real
    assert.equal(70, status)
    assert.equal("", out)
    assert.matches("fault of lossdbg", err, 1, true)
    assert.matches("broken", err, 1, true)
    assert.matches("traceback", err, 1, true)
  end)

  it("lists and measures workloads, and writes the file of make bench", function()
    local status, out = run("bench", "--list")
    assert.equal(0, status)
    assert.matches("W10 +ensemble", out)
    local path = os.tmpname()
    status, out = run("bench", "w1", "--repeats", "1", "--seconds=0.001", "--json", path)
    assert.equal(0, status)
    assert.matches("W1 +1 thr%. lossdbg eager", out)
    local file = assert(io.open(path))
    local t = json.decode(file:read "a")
    file:close()
    assert(results.validate(t))
    local eager
    for _, row in ipairs(t.rows) do
      if row.system == "lossdbg eager" then eager = row end
    end
    assert.is_true(eager.loss_last < eager.loss_first)
    status, out = run("bench", "W1", "--repeats=1", "--seconds=0.001", "--against", path)
    assert.equal(0, status)
    assert.matches("x before", out, 1, true)
    os.remove(path)
  end)

  it("cannot write where there is no folder", function()
    local status, _, err = run("bench", "W1", "--repeats=1", "--seconds=0.001", "--json",
      "no/such/folder/x.json")
    assert.equal(64, status)
    assert.matches("no/such/folder/x.json", err, 1, true)
  end)
end)
