-- Loops of one's own, watched: each faulty one is named, none of the repaired and sound ones is
-- accused. The programs are in spec/loops/kept, `make loops` prints their table.
describe("the loops that are kept", function()
  it("are named first, and their repaired forms are not accused", function()
    local pipe = assert(io.popen((os.getenv "LUA" or "lua5.4")
      .. " spec/loops/run_loops.lua spec/loops/kept 1 2>&1"))
    local text = pipe:read "a"
    pipe:close()
    local first, n, noticed, alarms, m = text:match(
      "loops: first (%d+)/(%d+), three %d+/%d+, noticed (%d+)/%d+, alarms (%d+)/(%d+)\n$")
    assert.is_truthy(first, text)
    assert.same({ "32", "32", "32", "0", "44" }, { first, n, noticed, alarms, m }, text)
  end)
end)
