-- The commands on recorded trainings: what they say, in which form, with which status.
package.path = "./spec/support/?.lua;" .. package.path
local command_list = require "lossdbg.cli.command_list"
local json = require "lossdbg.support.json"
local json_schema = require "json_schema"
local sarif_schema = require "sarif_schema"
local schema = require "lossdbg.view.diagnosis_schema"

local GOOD = "spec/recorded/keras"

local run = require("cli_run").run

local function file_of(text)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local CONSTANT = "epoch,loss\n" .. ("0,0.5\n1,0.5\n2,0.5\n3,0.5\n4,0.5\n5,0.5\n6,0.5\n7,0.5\n")
local SHORT = "epoch,loss\n0,2\n1,1.99\n2,1.97\n"

describe("lossdbg diagnose", function()
  it("ends with 0, 1, 2 and 66 for sound, faulty, undecided and unreadable", function()
    local status, out, err = run("diagnose", GOOD)
    assert.equal(0, status)
    assert.matches("SOUND  still_falling", out, 1, true)
    assert.matches("status: 0 (sound)", out, 1, true)
    assert.equal("", err)
    local path = file_of(CONSTANT)
    status, out = run("diagnose", path)
    assert.equal(1, status)
    assert.matches("FAULT  constant: not learning: the loss stays at 0.5", out, 1, true)
    os.remove(path)
    path = file_of(SHORT)
    status, out = run("diagnose", path)
    assert.equal(2, status)
    assert.matches("CANNOT JUDGE  cannot_tell", out, 1, true)
    os.remove(path)
    status, out, err = run("diagnose", "no/such/run")
    assert.equal(66, status)
    assert.equal("", out)
    assert.matches("^lossdbg: no/such/run", err)
  end)

  it("judges several, and tells the worst", function()
    local path = file_of(CONSTANT)
    local status, out = run("diagnose", GOOD, path)
    assert.equal(1, status)
    assert.matches("still_falling.*constant", out)
    status = run("diagnose", path, "no/such/run")
    assert.equal(66, status)
    os.remove(path)
  end)

  it("writes JSON of the published form", function()
    local path, target = file_of(CONSTANT), os.tmpname()
    for _, source in ipairs { GOOD, path, "spec/recorded/torch" } do
      local _, out = run("diagnose", source, "--json", "-")
      local value = assert(json.decode(out))
      assert.same({}, json_schema.problems(value, schema))
      assert.equal(source, value.read.path)
    end
    assert.equal(1, (run("diagnose", path, "--json=" .. target)))
    local value = assert(json.decode(read(target)))
    assert.is_true(value.verdict.fault)
    assert.equal("constant", value.verdict.state)
    assert.equal("error", value.findings[1].severity)
    assert.is_nil(value.findings[1].probability) -- none was measured for curves
    os.remove(path)
    path = file_of(SHORT)
    local _, out = run("diagnose", path, "--json", "-")
    assert.equal(json.null, assert(json.decode(out)).verdict.fault)
    os.remove(path)
    os.remove(target)
  end)

  it("writes SARIF 2.1.0 and HTML without network", function()
    local path, target = file_of(CONSTANT), os.tmpname()
    local _, out = run("diagnose", path, "--sarif", "-")
    local log = assert(json.decode(out))
    assert.same({}, json_schema.problems(log, sarif_schema))
    local results = log.runs[1].results
    assert.equal("curve_constant", results[1].ruleId)
    assert.equal("error", results[1].level)
    assert.equal("file://" .. path, results[1].locations[1].physicalLocation.artifactLocation.uri)
    run("diagnose", path, "--html", target)
    local page = read(target)
    assert.matches("default-src 'none'", page, 1, true)
    assert.matches("not learning: the loss stays at 0.5", page, 1, true)
    assert.is_nil(page:find("https?://[^w]"))
    os.remove(path)
    os.remove(target)
  end)

  it("is brief in ten lines", function()
    local _, out = run("diagnose", GOOD, "--brief")
    local _, lines = out:gsub("\n", "")
    assert.is_true(lines <= 10)
    for _, word in ipairs { "run: ", "fault: no", "state: still_falling", "next: " } do
      assert.matches(word, out, 1, true)
    end
  end)

  it("names levels from the counts that it is told", function()
    local text = { "epoch,loss" }
    for i = 1, 20 do text[i + 1] = ("%d,%.6f"):format(i, 1.0397208 + 1e-6 * (i % 3)) end
    local path = file_of(table.concat(text, "\n") .. "\n")
    local _, out = run("diagnose", path, "--counts", "50,25,25")
    assert.matches("entropy of the class frequencies", out, 1, true)
    assert.equal(64, (run("diagnose", path, "--counts", "50,x")))
    assert.equal(64, (run("diagnose", path, "--counts", "50")))
    assert.equal(64, (run("diagnose", path, "--classes", "1")))
    assert.equal(64, (run("diagnose", path, "--task", "sorting")))
    os.remove(path)
  end)

  it("trains and diagnoses the experiment of a script", function()
    local script = file_of([[
      local ld = require "lossdbg"
      return ld.experiment { train = ld.data.arrays { x = { { 0 }, { 1 }, { 2 }, { 3 } },
        y = { { 0 }, { 2 }, { 4 }, { 6 } } }, model = ld.nn.sequential { ld.nn.dense { 1 } },
        loss = "mse", optimizer = ld.optim.sgd { lr = 0.1 }, batch = 4, epochs = 60, seed = 1 }]])
    os.rename(script, script .. ".lua")
    local status, out, err = run("diagnose", script .. ".lua", "--budget", "5", "--json", "-")
    assert.equal("", err)
    assert.is_true(status == 0 or status == 2)
    local value = assert(json.decode(out))
    assert.same({}, json_schema.problems(value, schema))
    os.remove(script .. ".lua")
    local other = file_of("return 7")
    os.rename(other, other .. ".lua")
    assert.equal(64, (run("diagnose", other .. ".lua")))
    os.remove(other .. ".lua")
    assert.equal(66, (run("diagnose", "no_such_script.lua")))
  end)
end)

describe("lossdbg watch", function()
  it("alarms once and ends with what it saw", function()
    local path = file_of(CONSTANT)
    local status, out = run("watch", path, "--every", "0.01", "--idle", "0.03")
    assert.equal(1, status)
    local _, alarms = out:gsub("ALARM", "")
    assert.equal(1, alarms)
    assert.equal(1, (run("watch", path, "--stop")))
    os.remove(path)
    status, out = run("watch", GOOD, "--every=0.01", "--idle=0.02")
    assert.equal(0, status)
    assert.is_nil(out:find "ALARM")
    assert.equal(66, (run("watch", "no/such/run", "--every=0.01", "--idle=0.02")))
  end)
end)

describe("lossdbg compare", function()
  it("shows runs beside each other", function()
    local path = file_of(CONSTANT)
    local status, out = run("compare", GOOD, path)
    assert.equal(0, status)
    assert.matches("still_falling", out, 1, true)
    assert.matches("constant", out, 1, true)
    assert.equal(64, (run("compare", GOOD)))
    os.remove(path)
  end)

  it("alarms outside the bands of good runs, whatever the length and scale", function()
    local function falling(n, scale, to)
      local text = { "epoch,loss" }
      for i = 1, n do
        text[i + 1] = ("%d,%.9g"):format(i, scale * (to + (1 - to) * math.exp(-5 * (i - 1) / n)))
      end
      return file_of(table.concat(text, "\n") .. "\n")
    end
    local a, b = falling(20, 1, 0.1), falling(30, 2, 0.12)
    local good = a .. "," .. b
    local same, near, far = falling(50, 1000, 0.11), falling(50, 1, 0.14), falling(50, 1, 0.3)
    assert.equal(0, (run("compare", same, "--baseline", good)))
    assert.equal(0, (run("compare", near, "--baseline", good)))
    local status, out = run("compare", far, "--baseline", good)
    assert.equal(1, status)
    assert.matches("leaves the band of 2 good runs", out, 1, true)
    for _, path in ipairs { a, b, same, near, far } do os.remove(path) end
  end)
end)

describe("lossdbg equal", function()
  local ld = require "lossdbg"
  local function checkpoint(values)
    local path = os.tmpname()
    os.remove(path)
    path = path .. ".safetensors"
    assert(ld.safetensors.save(path, { a = ld.tensor { 1, 2 }, b = ld.tensor { values } }))
    return path
  end

  it("names the first tensor, place and values that differ beyond rounding", function()
    local a, b, c = checkpoint { 1, 2, 3 }, checkpoint { 1, 2 + 1e-6, 3 }, checkpoint { 1, 2.5, 4 }
    local status, out = run("equal", a, b)
    assert.equal(0, status)
    assert.equal("equal: 2 tensors\n", out)
    status, out = run("equal", a, c)
    assert.equal(1, status)
    assert.equal("differ: b: 2 against 2.5 at [0, 1]; 2 of 3 differ\n", out)
    assert.equal(1, (run("equal", a, b, "--tolerance", "1e-8")))
    for _, path in ipairs { a, b, c } do os.remove(path) end
  end)

  it("names the first step of two runs", function()
    local a = file_of "epoch,loss\n0,1\n1,0.5\n2,0.25\n"
    local b = file_of "epoch,loss\n0,1\n1,0.5\n2,0.26\n"
    local c = file_of "epoch,loss\n0,1\n1,0.5\n"
    assert.equal(0, (run("equal", a, a)))
    local status, out = run("equal", a, b)
    assert.equal(1, status)
    assert.equal("differ: loss at epoch 2: 0.25 against 0.26\n", out)
    status, out = run("equal", a, c)
    assert.equal(1, status)
    assert.matches("3 against 2 points", out, 1, true)
    for _, path in ipairs { a, b, c } do os.remove(path) end
  end)
end)

describe("lossdbg inspect", function()
  it("tells what is in logs and arrays", function()
    local status, out = run("inspect", GOOD)
    assert.equal(0, status)
    assert.matches("epoch_loss +train loss +4 points, one per epoch", out)
    local ld = require "lossdbg"
    local path = file_of(require("lossdbg.core").io.npy_encode(ld.tensor { { 1, 2, 0 / 0 } }))
    status, out = run("inspect", path)
    assert.equal(0, status)
    assert.matches("f32 [1 x 3]  1 .. 2, 1 NaN or infinite", out, 1, true)
    os.remove(path)
    assert.equal(66, (run("inspect", "no/such/file")))
  end)
end)

describe("the texts on the commands", function()
  it("name every command and option", function()
    local _, all = run "help"
    local _, man = run("help", "--man")
    local _, bash = run("help", "--bash")
    local _, zsh = run("help", "--zsh")
    for _, row in ipairs(command_list.rows) do
      local command = command_list.load(row.name)
      local status, own = run(row.name, "--help")
      assert.equal(0, status)
      local _, again = run("help", row.name)
      assert.equal(own, again)
      assert.matches("lossdbg " .. row.name, all, 1, true)
      for _, option in ipairs(command.options) do
        assert.is_string(option.doc, row.name .. " --" .. option.name)
        assert.matches("--" .. option.name, own, 1, true)
        assert.matches("--" .. option.name, bash, 1, true)
        assert.matches("--" .. option.name, zsh, 1, true)
        assert.matches(("--" .. option.name):gsub("%-", "\\-"), man, 1, true)
      end
      for line in own:gmatch "[^\n]+" do assert.is_true(#line <= 80, line) end
    end
  end)

  it("are valid for bash", function()
    local _, bash = run("help", "--bash")
    local path = file_of(bash)
    assert.is_true(os.execute(("bash -n '%s'"):format(path)))
    local pipe = assert(io.popen(("bash -c '. %s; COMP_WORDS=(lossdbg diagnose --js); COMP_CWORD=2;"
      .. " _lossdbg; echo ${COMPREPLY[@]}'"):format(path)))
    assert.equal("--json\n", pipe:read "a")
    pipe:close()
    os.remove(path)
  end)

  it("hold the schema, and what explains a cause", function()
    local _, text = run("help", "--schema")
    assert.equal("lossdbg-diagnosis", assert(json.decode(text)).title)
    assert.matches("from_logits", select(2, run("explain", "double_softmax")), 1, true)
    assert.equal(64, (run("explain", "double_softmacks")))
    assert.equal(64, (run("help", "dance")))
  end)
end)
