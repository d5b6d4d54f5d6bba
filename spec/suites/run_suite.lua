--- The suites of our own: what a diagnosis says of sound programs, and of the same programs with
-- one fault each.
--
--   lua5.4 spec/suites/run_suite.lua specificity|sensitivity [SEED] [RUNS]
--
-- specificity: sound programs with seeds from SEED on, RUNS runs at least (0: every second program
-- once); an error or a warning is a false alarm. sensitivity: every operator on the sets it is for,
-- with SEED (RUNS 0: on the first of them); counted where training was really hurt: the lower of
-- the training and validation skill fell by 0.2. The answer are the causes of the errors, in order,
-- or those of the warnings where there is none. Statuses: 0; 1 where a program could not be run.
-- JOBS worker processes (environment; default 1) change nothing but the time.
package.path = "./?.lua;" .. package.path

local faults = require "spec.suites.suite_faults"
local programs = require "spec.suites.suite_programs"
local workers = require "lossdbg.support.workers"

local BUDGET, HURT = 5, 0.2
local SPREAD = 0.2 -- of skill that few validation rows may lack in a sound program
local kind, seed, wanted = arg[1], math.tointeger(tonumber(arg[2] or 1)),
  math.tointeger(tonumber(arg[3] or 516))
if not (kind == "specificity" or kind == "sensitivity") or not seed or not wanted then
  io.stderr:write("usage: lua5.4 ", arg[0], " specificity|sensitivity [SEED] [RUNS]\n")
  os.exit(64)
end

local failed = 0

-- The short form holds its counts against floors, a little below what they are with any seed.
local function floor(name, value, least, most)
  local bad = least and value < least or most and value > most
  failed = failed + (bad and 1 or 0)
  print(("%-12s %3d, at %s %d%s"):format(name, value, least and "least" or "most", least or most,
    bad and "  FAILED" or ""))
end

local function finish(n, text)
  if wanted == 0 then print(("%d passed, %d failed"):format(n - math.min(n, failed), failed)) end
  print(text)
end

local jobs = math.tointeger(tonumber(os.getenv "JOBS" or 1)) or 1

-- What fn makes of every item, in their order; `use` is called with what came out.
local function each(items, name_of, fn, use)
  local _, told = workers.map(#items, function(i) return fn(items[i]) end, { jobs = jobs,
    timeout = 600, name = function(i) return name_of(items[i]) end, done = function(i, result)
      if result.ok then
        use(result.value, items[i])
      else
        failed = failed + 1
        print(("FAILED   %-52s %s"):format(name_of(items[i]), tostring(result.value)))
      end
    end })
  for _, line in ipairs(told) do print("worker   " .. line) end
end

-- The lower of what was learnt on training and on validation rows; -1 where it ended in NaN.
local function skills(run)
  local t = run.signals.task_skill or {}
  local train = t.train or (run.signals.skill or {}).value
  local lower = t.val and train and math.min(train, t.val) or train
  if run.stopped == "nonfinite_loss" or not lower or lower ~= lower then return -1, -1 end
  return lower, train
end

local function causes_of(d, severity)
  local list, seen = {}, {}
  for _, f in ipairs(d) do
    local id = f.cause or f.rule
    if f.severity == severity and not seen[id] then
      seen[id] = true
      list[#list + 1] = id
    end
  end
  return list
end

-- ---- sound programs ----------------------------------------------------------------------------

local function specificity()
  local runs, errors, warnings, weak = 0, 0, 0, 0
  local at = seed
  local function one(program)
    local e, need = programs.make(program, at)
    local run = e:fit { verbose = 0 }
    local lower, train = skills(run)
    if train < need or lower < need - SPREAD then return { lower = lower, train = train } end
    local d = e:diagnose { run = run, budget = BUDGET }
    return { wrong = causes_of(d, "error"), warned = causes_of(d, "warning") }
  end
  local function count(said, program)
    local wrong, warned = said.wrong, said.warned
    if not wrong then
      weak = weak + 1
      print(("left out %-10s %-28s seed %-3d skill %.2f, on validation rows %.2f"):format(
        program.set, program.name, at, said.train, said.lower))
      return
    end
    runs = runs + 1
    errors = errors + (#wrong > 0 and 1 or 0)
    warnings = warnings + (#warned > 0 and #wrong == 0 and 1 or 0)
    if #wrong + #warned > 0 then
      print(("%-8s %-10s %-28s seed %-3d %s"):format(#wrong > 0 and "error" or "warning",
        program.set, program.name, at, table.concat(#wrong > 0 and wrong or warned, " ")))
    end
  end
  local list = {}
  for i, program in ipairs(programs.list()) do
    if wanted > 0 or i % 2 == 1 then list[#list + 1] = program end
  end
  local function name_of(program) return program.set .. ", " .. program.name end
  repeat
    each(list, name_of, one, count)
    at = at + 1
  until runs >= wanted or at > seed + 20
  print(("left out: %d runs that did not reach what is there"):format(weak))
  if wanted == 0 then
    floor("runs", runs, 40)
    floor("errors", errors, nil, 2)
    floor("warnings", warnings, nil, 5)
  end
  finish(3, ("specificity: error %d/%d, warning %d/%d"):format(errors, runs, warnings, runs))
end

-- ---- faults ------------------------------------------------------------------------------------

local function rank_of(list, right)
  for i, id in ipairs(list) do
    for _, cause in ipairs(right) do
      if id == cause then return i end
    end
  end
end

local function confusion(pairs_)
  local rows, order = {}, {}
  for _, p in ipairs(pairs_) do
    if not rows[p[1]] then
      rows[p[1]] = {}
      order[#order + 1] = p[1]
    end
    rows[p[1]][p[2]] = (rows[p[1]][p[2]] or 0) + 1
  end
  print "\nfault made                      named first, times"
  for _, cause in ipairs(order) do
    local cells = {}
    for id, n in pairs(rows[cause]) do cells[#cells + 1] = { id, n } end
    table.sort(cells, function(a, b)
      if a[2] ~= b[2] then return a[2] > b[2] end
      return a[1] < b[1]
    end)
    for i, cell in ipairs(cells) do cells[i] = cell[1] .. " " .. cell[2] end
    print(("%-31s %s"):format(cause, table.concat(cells, ", ")))
  end
end

local function sensitivity()
  local base, sound, n, first, three, seen, operators = {}, {}, 0, 0, 0, {}, 0
  for _, program in ipairs(programs.list()) do
    base[program.set] = base[program.set] or program
  end
  local items, hurt = {}, {}
  for _, operator in ipairs(faults.list()) do
    for set in operator.sets:gmatch "%S+" do
      items[#items + 1] = { operator = operator, set = set }
      if wanted == 0 then break end
    end
  end
  local sets = {}
  for set in pairs(base) do sets[#sets + 1] = set end
  table.sort(sets)
  each(sets, tostring, function(set)
    return (skills(programs.make(base[set], seed):fit { verbose = 0 }))
  end, function(skill, set) sound[set] = skill end)
  local function one(item)
    local changed = item.operator.change(programs.make(base[item.set], seed))
    local run = changed:fit { verbose = 0 }
    if skills(run) > sound[item.set] - HURT then return false end
    local d = changed:diagnose { run = run, budget = BUDGET }
    local named = causes_of(d, "error")
    return #named > 0 and named or causes_of(d, "warning")
  end
  local function count(named, item)
    if not named then return end
    local operator, set = item.operator, item.set
    local rank = rank_of(named, operator.causes)
    hurt[operator] = true
    n = n + 1
    first = first + (rank == 1 and 1 or 0)
    three = three + ((rank or 9) <= 3 and 1 or 0)
    seen[#seen + 1] = { operator.causes[1], named[1] or "nothing" }
    if rank ~= 1 then
      print(("%-8s %-10s %-44s %s"):format(rank and rank <= 3 and "three" or "missed", set,
        operator.name, table.concat(named, " ", 1, math.min(3, #named))))
    end
  end
  each(items, function(item) return item.operator.name .. ", " .. item.set end, one, count)
  for _ in pairs(hurt) do operators = operators + 1 end
  confusion(seen)
  print ""
  if wanted == 0 then
    floor("operators", operators, 33)
    floor("first", first, n - 6)
    floor("three", three, n - 4)
  end
  finish(3, ("sensitivity: first %d/%d, three %d/%d, operators %d"):format(first, n, three, n,
    operators))
end

if kind == "specificity" then specificity() else sensitivity() end
os.exit(failed == 0)
