-- busted's plain terminal output, closed by one line that a program can read: "N passed, N failed".
-- A spec that cannot be loaded counts as failed, and so does a run of no specs at all. With
-- LOSSDBG_CORE set, the core that the specs load must be that file.
return function(options)
  local busted = require "busted"
  local handler = require "busted.outputHandlers.plainTerminal"(options)

  busted.subscribe({ "exit" }, function()
    local passed = handler.successesCount
    local failed = handler.failuresCount + handler.errorsCount
    if passed + failed == 0 then
      print("no spec was run")
      failed = 1
    end
    local expected = os.getenv("LOSSDBG_CORE")
    local core = package.searchpath("lossdbg.core", package.cpath)
    if expected and (not core or core:gsub("^%./", "") ~= expected) then
      print(("the specs loaded %s instead of %s"):format(core or "no core", expected))
      failed = failed + 1
    end
    print(("%d passed, %d failed"):format(passed, failed))
    if failed > 0 then
      os.exit(1, true)
    end
    return nil, true
  end)

  return handler
end
