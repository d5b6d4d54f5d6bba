-- Weights from another model: how many were taken is said, none at all raises.
local ld = require "lossdbg"
local nn = ld.nn

describe("taking over", function()
  it("says how many tensors it took, and raises at none", function()
    local a = nn.sequential { nn.dense(3), nn.dense(1) }:build { 2 }
    local b = nn.sequential { nn.dense(3), nn.dense(4) }:build({ 2 }, { seed = 5 })
    local _, taken = b:take_over(a)
    assert.equal(2, taken)
    _, taken = a:load_state(a:state())
    assert.equal(4, taken)
    local c = nn.sequential { nn.dense { 9, name = "other" } }:build { 2 }
    local ok, why = pcall(c.take_over, c, a)
    assert.is_false(ok)
    assert.matches("no layer with weights has the path, kind and shapes", why, 1, true)
    ok, why = pcall(a.load_state, a, {})
    assert.is_false(ok)
    assert.matches("it is empty: nothing would be loaded", why, 1, true)
    ok, why = pcall(a.load_state, a, { kernel = ld.zeros { 2 } })
    assert.is_false(ok)
    assert.matches("a table by name? make a list of it", why, 1, true)
  end)
end)
