package.path = "./spec/support/?.lua;" .. package.path
local json_schema = require "json_schema"
local schema = require "lossdbg.view.diagnosis_schema"
local json = require "lossdbg.support.json"
local record = require "lossdbg.view.record"
local samples = require "view_samples"

describe("view.record", function()
  it("gives a diagnosis as data: schema, findings as a list, exit code", function()
    local d = record.diagnosis(samples.diagnosis())
    assert.equal("lossdbg-diagnosis", d.schema)
    assert.equal(1, d.version)
    assert.equal(2, d.exit_code)
    assert.equal(2, #d.findings)
    assert.equal("unnormalised_inputs", d.findings[1].rule)
    assert.same({ insert = { at = 1, layer = "normalization" } }, d.findings[1].fixes[1].patch)
    assert.equal("run", d.run.kind)
    assert.equal(1.088, d.run.history.loss[30])
  end)

  it("reads back from its JSON, empty lists as lists", function()
    local text = record.diagnosis_json(samples.diagnosis())
    local d = assert(json.decode(text))
    assert.equal("exact", d.findings[2].class)
    assert.is_truthy(text:find("\"fixes\":[]", 1, true))
    assert.is_truthy(text:find("\"explains\":[]", 1, true))
    assert.same({ "dying_relu", "zero_gradient_layer", "loss_at_baseline" }, d.findings[1].explains)
    assert.equal(text, record.diagnosis_json(samples.diagnosis()))
    local healthy = record.diagnosis_json { verdict = "healthy", healthy = true }
    for _, name in ipairs { "checked", "findings", "trials", "unjudged" } do
      assert.is_truthy(healthy:find(("\"%s\":[]"):format(name), 1, true), name)
    end
  end)

  it("fits the published schema", function()
    local d = samples.diagnosis()
    d.state = "constant"
    local data = assert(json.decode(record.diagnosis_json(d)))
    assert.same({}, json_schema.problems(data, schema))
    data.findings[1].severity = "critical"
    assert.matches("critical is unknown", json_schema.problems(data, schema)[1])
  end)

  it("leaves out functions, userdata, methods and cycles, and changes nothing", function()
    local run = setmetatable(samples.run(), { __index = { fit = print } })
    run.signals.model, run.signals.hook, run.signals.self = io.stdout, print, run.signals
    run.experiment = { huge = true }
    local before = run.history.loss[1]
    local d = record.run(run)
    assert.is_nil(d.signals.model)
    assert.is_nil(d.signals.hook)
    assert.is_nil(d.signals.self)
    assert.is_nil(d.experiment)
    assert.is_string(record.run_json(run))
    assert.equal(before, run.history.loss[1])
    d.history.loss[1] = 7
    assert.equal(before, run.history.loss[1])
  end)

  it("writes NaN as null", function()
    local run = { history = { loss = { 1, 0 / 0, math.huge } } }
    assert.equal("{\"history\":{\"loss\":[1,null,null]},\"kind\":\"run\",\"schema\":1}",
      record.run_json(run))
  end)
end)
