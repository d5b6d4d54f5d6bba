local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "layer_reinitialised", cause = "layer_reinitialised", family = "loop", class = "exact",
  needs = { "loop.redrawn" }, cost = "free",
  limits = { times = { 2, "once may be a new start" } },
  plain_loop = true,
  doc = {
    what = "A layer is created or drawn anew inside the training loop, so that what it learnt is"
      .. " lost at every step.",
    formula = "draws of a layer's initialiser while the watch looks on; or weights that changed"
      .. " between two steps and have no more to do with those before (cosine under 0.5)",
    source = "NeuraLint",
    false_alarms = "a single new start is silent",
  },
}

function M.check(case, limits)
  local loop, again, most = case.signals.loop, {}, 0
  for _, counts in ipairs { loop.redrawn, loop.drawn or {} } do
    for path, times in pairs(counts) do
      if times >= limits.times then
        again[path] = math.max(again[path] or 0, times)
        most = math.max(most, times)
      end
    end
  end
  local names = {}
  for path in pairs(again) do names[#names + 1] = path end
  if #names == 0 then return nil end
  table.sort(names)
  return finding.new(M, {
    title = ("%s is drawn anew while it is trained"):format(numfmt.list(names)), part = "lost",
    where = case.facts:where(names[1]),
    evidence = { finding.evidence("times drawn anew", most, finding.under(limits.times)) },
    fixes = { { text = "make the layers once, before the loop" } },
  })
end

return M
