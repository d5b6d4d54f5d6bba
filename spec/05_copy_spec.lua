-- Copies between views and types, element by element, and the search for what is not finite.
local ld = require "lossdbg"

local types = { "f32", "f64", "i32" }

describe("copy_", function()
  for _, from in ipairs(types) do
    for _, to in ipairs(types) do
      it(("takes a transposed view from %s to %s"):format(from, to), function()
        local rows, columns, list = 70, 133, {}
        for i = 1, rows * columns do list[i] = (i * 7) % 1000 - 300 end
        local y = ld.zeros({ columns, rows }, to)
        y:copy_(ld.tensor(list, from):reshape({ rows, columns }):transpose())
        local got = y:totable()
        for i = 1, columns do
          for j = 1, rows do assert.equal(list[(j - 1) * columns + i], got[i][j]) end
        end
      end)
    end
  end
end)

describe("has_nonfinite", function()
  for _, dtype in ipairs { "f32", "f64" } do
    it("finds any at every place, " .. dtype, function()
      for _, n in ipairs { 1, 2, 15, 16, 17, 33, 70 } do
        local list = {}
        for i = 1, n do list[i] = -3e38 end
        assert.is_false(ld.tensor(list, dtype):has_nonfinite())
        for at = 1, n do
          for _, bad in ipairs { 0 / 0, 1 / 0, -1 / 0 } do
            list[at] = bad
            local t = ld.tensor(list, dtype)
            assert.is_true(t:has_nonfinite())
            assert.is_true(t:reshape({ 1, n }):transpose():has_nonfinite())
            list[at] = -3e38
          end
        end
      end
    end)
  end

  it("looks at a view's elements alone", function()
    local t = ld.tensor { { 1, 0 / 0 }, { 2, 3 } }
    assert.is_true(t:has_nonfinite())
    assert.is_false(t:transpose():select(1, 1):has_nonfinite())
    assert.is_true(t:transpose():select(1, 2):has_nonfinite())
  end)
end)
