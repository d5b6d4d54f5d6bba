--- Fits the weights of diagnose/probability.lua to programs whose fault is known, and says how well
-- they do on sources that they were not fitted to.
--
--   lua5.4 spec/faultbench/fit_probability.lua [--write] RESULTS.json:FOLDER ...
--
-- RESULTS.json is what run.lua wrote with --json, FOLDER holds truth.json and causes.json. A
-- finding is right when its cause is one of the program's (equivalents count), wrong otherwise;
-- findings that the truth tolerates are left out. Programs of one source (`group` of the truth) are
-- fitted or judged together, never both. --write puts the weights into hit_rates.lua.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. package.path

local known = require "bench_samples"
local logistic = require "bench_logistic"

local target = "lua/lossdbg/diagnose/hit_rates.lua"

local write, sources = known.arguments("fit_probability", "--write")
local names = known.names

local function chosen(samples, severities)
  local list = {}
  for _, s in ipairs(samples) do
    if severities[s.severity] then list[#list + 1] = s end
  end
  return list
end

local function report(samples, title)
  local rate = logistic.rate(samples)
  print(("%-20s %4d findings, %4.1f %% right: Brier %.3f (%.3f for the rate alone), AUC %.3f")
    :format(title, #samples, 100 * rate, logistic.brier(samples), rate * (1 - rate),
      logistic.auc(samples)))
end

local function write_weights(weights, samples, n)
  local lines = {
    "--- Weights of diagnose/probability.lua, written by spec/faultbench/fit_probability.lua",
    ("-- from %d findings in programs of %d sources whose fault is known."):format(#samples,
      n), "return {", "  weights = {", ("    intercept = %.4f,"):format(weights.intercept) }
  for _, name in ipairs(names()) do
    lines[#lines + 1] = ("    %s = %.4f,"):format(name, weights[name])
  end
  lines[#lines + 1] = "  },\n}\n"
  local file = assert(io.open(target, "wb"))
  file:write(table.concat(lines, "\n"))
  file:close()
end

local samples = known.read(sources)
if #samples == 0 then known.stop("fit_probability", "no findings in the results") end
local groups = known.held_out(samples)
print(("leave one source out, %d sources"):format(groups))
report(samples, "all findings")
report(chosen(samples, { error = true, warning = true }), "errors and warnings")
report(chosen(samples, { error = true }), "errors")
print "\nprinted   findings   mean printed   right"
for _, row in ipairs(logistic.reliability(samples, { 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9 })) do
  print(("%.2f-%.2f %9d %13.2f %8.2f"):format(row.from, row.to, row.n, row.mean, row.right))
end
local weights = logistic.fit(samples, names())
print "\nfeature        weight"
print(("%-12s %8.2f"):format("intercept", weights.intercept))
for _, name in ipairs(names()) do print(("%-12s %8.2f"):format(name, weights[name])) end
if write then write_weights(weights, samples, groups) end
