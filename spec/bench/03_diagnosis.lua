-- What a diagnosis costs beside the run that it diagnoses.
package.path = "./?.lua;" .. package.path
local ld = require "lossdbg"
local timing = require "spec.bench.timing"
local cases = require "spec.realdata.cases"

local experiment = cases.experiment(cases.list[1], 1)
local run
local fit = timing.measure(function() run = experiment:fit { verbose = 0 } end, 5, 0.1)
timing.line("fit, wine raw, 30 epochs", fit)
for _, o in ipairs { { "rules only", { tests = false, trials = false } },
  { "rules and tests", { trials = false } }, { "rules, tests and trials", {} } } do
  o[2].run = run
  local t = timing.measure(function() experiment:diagnose(o[2]) end, 5, 0.1)
  timing.line("diagnose: " .. o[1], t, ("%.1f x fit"):format(t.median / fit.median))
end
print(ld._VERSION)
