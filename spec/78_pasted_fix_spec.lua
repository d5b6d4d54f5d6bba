-- Fixes as code in what the command prints.
local cli = require "lossdbg.cli"
local ld = require "lossdbg"
local pasted = require "lossdbg.cli.diagnose.pasted"

local experiment = ld.experiment { train = { ld.zeros { 8, 2 }, ld.zeros(8, "i32") },
  model = { ld.nn.dense { 2, "softmax", name = "out" } }, loss = "sparse_crossentropy",
  optimizer = { "sgd", lr = 0.1 }, batch = 4 }

local function finding(rule, fixes, explained)
  return { rule = rule, fixes = fixes, explained_by = explained }
end

local slow = { text = "raise the rate", patch = { optimizer = { lr = 1 } } }
local adam = { text = "use Adam", patch = { optimizer = "adam" }, verified = true }

describe("fixes to paste", function()
  it("are in the framework of the program, or the one that was asked for", function()
    local d, program = { finding("a", { slow }) }, { framework = "torch", names = {} }
    assert.equal("", pasted.text(d, experiment, {}))
    assert.matches('group%["lr"%] = 1', pasted.text(d, experiment, {}, program))
    assert.matches("learning_rate = 1", pasted.text(d, experiment, { keras = true }, program))
    assert.matches("experiment:with", pasted.text(d, experiment, { lua = true }))
  end)

  it("take the fix that helped, and no finding that follows from another", function()
    local text = pasted.text({ finding("a", { slow, adam }), finding("b", { slow }, { "a" }) },
      experiment, { keras = true })
    assert.matches("paste  use Adam %(a, keras%)", text)
    assert.is_nil(text:find("raise the rate", 1, true))
  end)

  it("are none where no fix is a patch, and three at most", function()
    local advice = { text = "look at the data" }
    assert.equal("", pasted.text({ finding("a", { advice }) }, experiment, { keras = true }))
    local many = {}
    for i = 1, 5 do
      many[i] = finding("rule" .. i, { { text = "rate", patch = { optimizer = { lr = i } } } })
    end
    local function count(list)
      local _, n = pasted.text(list, experiment, { keras = true }):gsub("paste  ", "")
      return n
    end
    assert.equal(3, count(many))
    assert.equal(1, count { finding("a", { slow }), finding("b", { slow }) }) -- each code once
  end)

  it("stand behind the diagnosis of a recorded Keras program", function()
    local kept = {}
    local out = { write = function(self, ...)
      for _, part in ipairs { ... } do kept[#kept + 1] = part end
      return self
    end }
    local folder = "spec/support/recorded/softmax_unit"
    assert.equal(1, cli.main({ "diagnose", folder, "--budget", "1" }, out, out))
    assert.matches('config%["activation"%] = "sigmoid"', table.concat(kept))
  end)
end)
