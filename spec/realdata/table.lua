--- The main job on real data, as a table: for every set and seed the first cause named, and
-- whether a sound training raises an alarm.
--
--   lua5.4 spec/realdata/table.lua [--seeds N] [--short] [--only NAME] [--all-findings]
--
-- Sets that licences keep out of the repository are read from $LOSSDBG_DATA, or left out.
package.path = "./?.lua;" .. package.path
local cases = require "spec.realdata.cases"

local o = { seeds = 5 }
for i, word in ipairs(arg or {}) do
  if word == "--seeds" then o.seeds = tonumber(arg[i + 1]) end
  if word == "--only" then o.only = arg[i + 1] end
  if word == "--short" then o.short = true end
  if word == "--all-findings" then o.all = true end
end

local function is_right(first, expected)
  for _, cause in ipairs(expected) do
    if cause == first then return true end
  end
  return false
end

local grave = { error = true }

-- A half fault that leaves the run half-way may be a warning, but it must stand first.
local function judge(case, diagnosis)
  local first = diagnosis[1]
  if #case.expected == 0 then
    for _, f in ipairs(diagnosis) do
      if grave[f.severity] then return false, f.cause or f.rule end
    end
    return true, "-"
  end
  local named = first and first.severity ~= "info" and (first.cause or first.rule) or "nothing"
  return is_right(named, case.expected), named
end

local function list(diagnosis)
  for i, f in ipairs(diagnosis) do
    print(("      %d %-7s %-10s %-28s %s"):format(i, f.severity, f.class, f.rule, f.title))
  end
end

local function run(case)
  local right, total, seconds, said = 0, 0, 0, {}
  for seed = 1, o.seeds do
    local experiment = cases.experiment(case, seed)
    if not experiment then return nil end
    local start = os.clock()
    local diagnosis = experiment:diagnose { trials = false }
    seconds = seconds + os.clock() - start
    local ok, named = judge(case, diagnosis)
    total, right = total + 1, right + (ok and 1 or 0)
    said[named] = (said[named] or 0) + 1
    if o.all then
      print(("    seed %d: %s"):format(seed, diagnosis.verdict))
      list(diagnosis)
    end
  end
  return right, total, seconds / total, said
end

local function words(said)
  local names = {}
  for name, n in pairs(said) do names[#names + 1] = ("%s %d"):format(name, n) end
  table.sort(names)
  return table.concat(names, ", ")
end

local sums = { faulty = { 0, 0 }, sound = { 0, 0 }, made = { 0, 0 } }

local function section(title, kind_of, from)
  print(("%-24s %7s %8s  %s"):format(title, "right", "seconds", "first cause named"))
  for _, case in ipairs(from) do
    if (not o.only or case.name:find(o.only, 1, true)) and (not o.short or case.short) then
      local right, total, seconds, said = run(case)
      if right then
        local sum = sums[kind_of(case)]
        sum[1], sum[2] = sum[1] + right, sum[2] + total
        print(("%-24s %3d/%-3d %8.2f  %s"):format(case.name, right, total, seconds, words(said)))
      else
        print(("%-24s %7s"):format(case.name, "no data"))
      end
    end
  end
end

section("real data", function(c) return #c.expected == 0 and "sound" or "faulty" end, cases.list)
print ""
section("faults made by hand", function() return "made" end, cases.made)
print(("\nrealdata: faulty %d/%d, sound without error %d/%d, made by hand %d/%d"):format(
  sums.faulty[1], sums.faulty[2], sums.sound[1], sums.sound[2], sums.made[1], sums.made[2]))
