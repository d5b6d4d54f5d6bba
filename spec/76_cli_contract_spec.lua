-- What other programs may rely on: statuses, SARIF, JSON, the brief form, fixes as code.
package.path = "./spec/support/?.lua;" .. package.path
local json = require "lossdbg.support.json"
local json_schema = require "json_schema"
local sarif = require "lossdbg.view.sarif"
local sarif_schema = require "sarif_schema"
local schema = require "lossdbg.view.diagnosis_schema"

local run = require("cli_run").run

-- Raw columns, which no rate of plain descent bears: a fault with a fix that helps.
local SCRIPT = [[
local ld = require "lossdbg"
local nn = ld.nn
local train, val = assert(ld.data.csv("examples/data/wine.csv",
  { label = "label" })):split(0.8, { seed = 1 })
return ld.experiment {
  train = train, val = val, loss = "sparse_crossentropy",
  model = nn.sequential {
    nn.dense { 32, "relu" },
    nn.dense { 3, "softmax" } },
  optimizer = ld.optim.sgd { lr = 0.1 }, batch = 32, epochs = 20, seed = 7 }
]]

describe("lossdbg diagnose SCRIPT", function()
  local path
  setup(function()
    path = os.tmpname()
    os.remove(path)
    path = path .. " a.lua" -- a name with a blank
    local file <close> = assert(io.open(path, "wb"))
    file:write(SCRIPT)
  end)
  teardown(function() os.remove(path) end)

  it("writes SARIF with the file and line of the user's program", function()
    local status, out = run("diagnose", path, "--sarif", "-", "--budget", "2")
    assert.equal(1, status)
    local log = assert(json.decode(out))
    assert.same({}, json_schema.problems(log, sarif_schema))
    local place = log.runs[1].results[1].locations[1].physicalLocation
    assert.equal("file://" .. path:gsub(" ", "%%20"), place.artifactLocation.uri)
    assert.equal(8, place.region.startLine)
    for _, result in ipairs(log.runs[1].results) do
      assert.equal(result.kind == "fail", result.level ~= "none")
    end
  end)

  it("writes JSON of the published form, with a verified fix", function()
    local status, out = run("diagnose", path, "--json=-", "--budget=2")
    assert.equal(1, status)
    local value = assert(json.decode(out))
    assert.same({}, json_schema.problems(value, schema))
    assert.is_true(value.verdict.fault)
    local verified = 0
    for _, finding in ipairs(value.findings) do
      for _, fix in ipairs(finding.fixes) do
        if fix.applicability == "verified" then verified = verified + 1 end
      end
    end
    assert.is_true(verified > 0)
  end)

  it("says the same with worker processes, and refuses more than there may be", function()
    local function plain(text)
      return (text:gsub('"seconds": [%d%.e%-]+', ""):gsub('"jobs": %d+', ""))
    end
    local _, alone = run("diagnose", path, "--json=-", "--budget=2")
    local _, two = run("diagnose", path, "--json=-", "--budget=2", "--jobs", "2")
    assert.equal(plain(alone), plain(two))
    local status, _, err = run("diagnose", path, "--jobs", "100000")
    assert.equal(64, status)
    assert.matches("%-%-jobs: at most %d+", err)
    assert.equal(64, (run("diagnose", path, "--jobs", "0")))
    assert.equal(64, (run("diagnose", path, "--jobs", "1.5")))
  end)

  it("is brief in ten lines that hold cause and fix", function()
    local _, out = run("diagnose", path, "--brief", "--budget", "2")
    local _, lines = out:gsub("\n", "")
    assert.is_true(lines <= 10)
    assert.matches("fault: yes", out, 1, true)
    assert.matches("unnormalised_inputs", out, 1, true)
    assert.matches("fix: .* %(verified: [%d.]+ %-> [%d.]+%)", out)
    assert.matches("status: 1 (a fault was found)", out, 1, true)
  end)

  it("writes each fix once, in the framework that was asked for", function()
    for option, code in pairs { ["--lua"] = "normalization", ["--keras"] = "Normalization",
      ["--torch"] = "x.std(0)" } do
      local _, out = run("diagnose", path, option, "--budget", "2")
      local pasted = out:match "paste  .*"
      assert.matches(code, pasted, 1, true)
      local first = pasted:match "\n    ([^\n]+)"
      local _, times = pasted:gsub(first:gsub("%p", "%%%0"), "")
      assert.equal(1, times)
    end
  end)
end)

describe("SARIF", function()
  it("writes paths as references, and remarks without a level", function()
    local function of(severity, path)
      local log = sarif.log({ { verdict = { state = "constant" }, read = { path = path },
        findings = { { rule = "r", severity = severity, title = "t" } } } }, "lossdbg 0.1.0")
      assert.same({}, json_schema.problems(assert(json.decode(json.encode(log))), sarif_schema))
      return log.runs[1].results[1]
    end
    local uri = of("error", "a b/c#d%.csv").locations[1].physicalLocation.artifactLocation.uri
    assert.equal("a%20b/c%23d%25.csv", uri)
    for severity, level in pairs { error = "error", warning = "warning", info = "none" } do
      local result = of(severity, "x")
      assert.equal(level, result.level)
      assert.equal(level == "none" and "informational" or "fail", result.kind)
    end
  end)
end)

describe("the text of a recorded curve", function()
  it("keeps to its width, of 40 columns too", function()
    local curve = require "lossdbg.diagnose.curve"
    local text = require "lossdbg.support.text"
    local one = assert(require("lossdbg").open "spec/recorded/keras")
    local d = curve.judge(one, one.facts)
    for _, width in ipairs { 40, 80 } do
      local shown = require("lossdbg.view.curve_report").text(one, d, { width = width, all = true })
      for line in shown:gmatch "[^\n]+" do assert.is_true(text.width(line) <= width, line) end
    end
  end)

  it("has the width of the terminal, 80 columns elsewhere", function()
    local width = require("lossdbg.cli.report_options").width
    local pipe = assert(io.popen "true")
    assert.is_true(width(pipe) == 80 or os.getenv "COLUMNS" ~= nil)
    pipe:close()
    -- a terminal of 57 columns, by the utility that makes one
    local script = assert(io.popen "command -v script >/dev/null && echo yes")
    local has = script:read "l" == "yes"
    script:close()
    if not has then return end
    local lua = ("%s -e 'io.stderr:write(tostring(require([[lossdbg.core]]).io.terminal_width("
      .. "io.stdout)))'"):format(arg[-1] or "lua5.4")
    local seen = assert(io.popen(("script -qec \"stty cols 57; %s\" /dev/null 2>&1"):format(
      lua:gsub("\"", "\\\""))))
    assert.matches("57", seen:read "a")
    seen:close()
  end)
end)

describe("the page of a recorded curve", function()
  it("has the colour of its verdict, and severities by their names", function()
    local function page(rows)
      local path = os.tmpname()
      local file = assert(io.open(path, "wb"))
      file:write("epoch,loss\n", rows)
      file:close()
      local _, out = run("diagnose", path, "--html", "-")
      os.remove(path)
      return out
    end
    local flat = page(("0,0.5\n1,0.5\n2,0.5\n3,0.5\n4,0.5\n5,0.5\n6,0.5\n7,0.5\n"))
    assert.matches("card verdict bad", flat, 1, true)
    assert.matches(">error<", flat, 1, true)
    assert.matches("card verdict warn", page "0,2\n1,1.99\n2,1.97\n", 1, true)
    local falling = {}
    for i = 1, 20 do falling[i] = ("%d,%g\n"):format(i, 2 * 0.9 ^ i) end
    assert.matches("card verdict good", page(table.concat(falling)), 1, true)
  end)
end)

describe("statuses", function()
  it("are 64 for wrong usage, 66 for what cannot be read, with a word on stderr alone", function()
    for _, args in ipairs { { "diagnose" }, { "diagnose", "x", "--json" },
      { "diagnose", "x", "--js" }, { "diagnose", "x", "--budget", "0" },
      { "diagnose", "x", "--budget", "many" },
      { "diagnose", "x", "--brief=yes" }, { "compare", "x" }, { "dance" } } do
      local status, out, err = run(table.unpack(args))
      assert.equal(64, status, table.concat(args, " "))
      assert.equal("", out)
      assert.matches("^lossdbg: ", err)
    end
    for _, args in ipairs { { "diagnose", "no/such" }, { "inspect", "no/such" },
      { "lint", "no/such.keras" }, { "compare", "no/a", "no/b" }, { "equal", "no/a", "no/b" } } do
      local status, out, err = run(table.unpack(args))
      assert.equal(66, status, table.concat(args, " "))
      assert.equal("", out)
      assert.matches("^lossdbg: ", err)
    end
  end)
end)
