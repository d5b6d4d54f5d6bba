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

local files = require "bench_files"
local logistic = require "bench_logistic"
local probability = require "lossdbg.diagnose.probability"
local score = require "bench_score"

local target = "lua/lossdbg/diagnose/hit_rates.lua"

local function stop(message)
  io.stderr:write("fit_probability: ", message, "\n")
  os.exit(2)
end

local function read_arguments()
  local write, sources = false, {}
  for _, word in ipairs(arg) do
    local results, folder = word:match "^(.+):(.+)$"
    if word == "--write" then
      write = true
    elseif results then
      sources[#sources + 1] = { results = results, folder = folder }
    else
      stop("expected RESULTS.json:FOLDER, got '" .. word .. "'")
    end
  end
  if #sources == 0 then stop "expected RESULTS.json:FOLDER" end
  return write, sources
end

local function tolerated(truth, cause)
  for _, one in ipairs(truth.tolerated or {}) do
    if one == cause then return true end
  end
  return false
end

-- One sample a finding: its features, whether it was right, where it comes from.
local function samples_of(source, list)
  local truth = files.need_json(source.folder .. "/truth.json")
  local causes = files.json(source.folder .. "/causes.json") or {}
  for _, case in ipairs(files.need_json(source.results).cases) do
    local t = truth[case.id]
    for _, f in ipairs(t and t.scored and case.findings or {}) do
      local right = not t.healthy and score.right(t, causes, f.cause, 2)
      if right or not tolerated(t, f.cause) then
        list[#list + 1] = { x = f.features, y = right and 1 or 0, group = t.group or case.id,
          severity = f.severity }
      end
    end
  end
end

local function names()
  local list = {}
  for i, row in ipairs(probability.FEATURES) do list[i] = row[1] end
  return list
end

-- Every sample judged by weights that saw nothing of its source.
local function held_out(samples)
  local groups, order = {}, {}
  for _, s in ipairs(samples) do
    if not groups[s.group] then
      groups[s.group], order[#order + 1] = {}, s.group
    end
  end
  for _, group in ipairs(order) do
    local rest = {}
    for _, s in ipairs(samples) do
      if s.group ~= group then rest[#rest + 1] = s end
    end
    local weights = logistic.fit(rest, names())
    for _, s in ipairs(samples) do
      if s.group == group then s.p = probability.of(s.x, weights) end
    end
  end
  return #order
end

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

local function write_weights(weights, samples, sources)
  local lines = {
    "--- Weights of diagnose/probability.lua, written by spec/faultbench/fit_probability.lua",
    ("-- from %d findings in programs of %d sources whose fault is known."):format(#samples,
      sources), "return {", "  weights = {", ("    intercept = %.4f,"):format(weights.intercept) }
  for _, name in ipairs(names()) do
    lines[#lines + 1] = ("    %s = %.4f,"):format(name, weights[name])
  end
  lines[#lines + 1] = "  },\n}\n"
  local file = assert(io.open(target, "wb"))
  file:write(table.concat(lines, "\n"))
  file:close()
end

local write, sources = read_arguments()
local samples = {}
for _, source in ipairs(sources) do samples_of(source, samples) end
if #samples == 0 then stop "no findings in the results" end
local groups = held_out(samples)
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
