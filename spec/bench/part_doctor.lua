--- A diagnosis of a run that does not learn: the run, the rules, the tests, and fixes tried a
-- second (a trial: the fix on every seed, beside the run as it is and a placebo).
local measure = require "lossdbg.cli.bench.measure"

local M = {}

local function tried(diagnosis)
  local n = 0
  for _, finding in ipairs(diagnosis) do
    for _, fix in ipairs(finding.fixes) do
      if fix.trial and not fix.trial.reason then n = n + 1 end
    end
  end
  return n
end

function M.run(options, say)
  local cases = require "spec.realdata.cases"
  local experiment = cases.experiment(cases.list[1], 1)
  local run = experiment:fit { verbose = 0 }
  local kinds = {
    { "fit, wine raw, 30 epochs", function() return experiment:fit { verbose = 0 } end },
    { "rules", function()
      return experiment:diagnose { run = run, tests = false, trials = false }
    end },
    { "rules and tests", function() return experiment:diagnose { run = run, trials = false } end },
    { "rules, tests and trials", function() return experiment:diagnose { run = run } end },
  }
  local out, fns = {}, {}
  for i, kind in ipairs(kinds) do fns[i] = kind[2] end
  for i, t in ipairs(measure.interleaved(fns, options.repeats, options.seconds / 2)) do
    out[i] = { name = kinds[i][1], value = t.median / 1e3, min = t.min / 1e3, max = t.max / 1e3,
      unit = "ms" }
    say("doctor: %-26s %10.2f ms", kinds[i][1], t.median / 1e3)
  end
  local n = tried(kinds[4][2]())
  local spent = (out[4].value - out[3].value) / 1e3
  if n > 0 and spent > 0 then
    out[#out + 1] = { name = "trials", value = n / spent, unit = "a second" }
    say("doctor: %d trials, %.1f a second", n, n / spent)
  end
  return out
end

return M
