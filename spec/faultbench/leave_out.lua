--- Scores with one source left out at a time: do the fitted parts know their programs by heart?
--
--   lua5.4 spec/faultbench/leave_out.lua RESULTS.json:FOLDER ...
--
-- RESULTS.json is what run.lua wrote with --json, FOLDER holds truth.json and causes.json. The one
-- fitted part is the probability of a finding. So the findings of every program are answered anew
-- by it: a program has a fault where a finding has a probability of a half, and the causes come in
-- the order of their probabilities. With weights fitted to all programs, and with weights that
-- saw none of the program's own source; beside it what the doctor answers, which reads no weight.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. package.path

local grid = require "lossdbg.view.table"
local known = require "bench_samples"
local score = require "bench_score"

local least = 0.5

-- Causes by case, best first, as `before` orders samples, of those that `counts`.
local function answers(samples, before, counts)
  local by_case = {}
  for i, s in ipairs(samples) do
    by_case[s.case] = by_case[s.case] or {}
    s.at = i
    if counts(s) then table.insert(by_case[s.case], s) end
  end
  for id, list in pairs(by_case) do
    table.sort(list, before)
    local causes, seen = {}, {}
    for _, s in ipairs(list) do
      if not seen[s.cause] then
        seen[s.cause], causes[#causes + 1] = true, s.cause
      end
    end
    by_case[id] = causes
  end
  return by_case
end

local function by_probability(samples)
  return answers(samples, function(a, b)
    if a.p ~= b.p then return a.p > b.p end
    return a.at < b.at
  end, function(s) return s.p >= least end)
end

local _, sources = known.arguments("leave_out")
local samples, truth, causes = known.read(sources)
if #samples == 0 then known.stop("leave_out", "no findings in the results") end
known.fitted(samples)
local plain = score.score(truth, causes, by_probability(samples)).all
local n = known.held_out(samples)
local left_out = score.score(truth, causes, by_probability(samples)).all
local doctor = score.score(truth, causes, answers(samples, function(a, b) return a.at < b.at end,
  function(s) return s.severity == "error" end)).all

local rows, worst = {}, 0
local function row(name, read)
  local cells, shares = { name }, {}
  for i, s in ipairs { doctor, plain, left_out } do
    local pair = read(s)
    shares[i] = pair[2] > 0 and 100 * pair[1] / pair[2] or 0
    cells[i + 1] = ("%d/%d  %.0f %%"):format(pair[1], pair[2], shares[i])
  end
  local points = shares[3] - shares[2]
  worst = math.max(worst, math.abs(points))
  cells[5] = ("%+.1f"):format(points)
  rows[#rows + 1] = cells
end
row("detected", function(s) return s.detected end)
row("first cause, with equivalents", function(s) return s[2][1] end)
row("first three, with equivalents", function(s) return s[2][3] end)
row("false alarms", function(s) return s.false_alarms end)
print(grid.render(rows, { width = 110, header = { ("%d findings, %d sources"):format(#samples, n),
  "the doctor's errors", "by probability, all", "its source left out", "points" } }))
print(("leave one source out: at most %.1f points from the plain scores"):format(worst))
