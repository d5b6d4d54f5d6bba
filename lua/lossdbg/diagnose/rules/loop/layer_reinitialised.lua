local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "layer_reinitialised", cause = "layer_reinitialised", family = "loop", class = "exact",
  needs = { "loop.redrawn" }, cost = "free",
  limits = {
    times = { 2, "once may be a new start" },
    put_back = { 0.25, "of the steps: best weights come back now and then" },
  },
  plain_loop = true,
  doc = {
    what = "A layer is created or drawn anew inside the training loop, so that what it learnt is"
      .. " lost at every step.",
    formula = "draws of a layer's initialiser while the watch looks on; weights that changed"
      .. " between two steps and have no more to do with those before (cosine under 0.5); or one"
      .. " and the same state loaded again and again although steps were made since",
    source = "NeuraLint",
    false_alarms = "a single new start is silent",
  },
}

-- The same weights are loaded again and again: every time, what was learnt since is lost.
local function put_back(loop, limits)
  local share = loop.put_back or 0
  if share <= limits.put_back then return nil end
  return finding.new(M, {
    title = ("the same weights are loaded again and again, %.3g times a step: what is learnt in"
      .. " between is lost"):format(share), part = "lost",
    evidence = { finding.evidence("loads of the same weights a step", share,
      finding.under(limits.put_back)) },
    fixes = { { text = "load weights once, before the loop" } },
  })
end

function M.check(case, limits)
  local again_loaded = put_back(case.signals.loop, limits)
  if again_loaded then return again_loaded end
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
