-- Instruction counts by callgrind against the committed ones in counts.txt: they do not depend on
-- what else the machine does, as times would.
--   lua spec/bench/counts.lua PROGRAM FOLDER [write=1]
-- What is compared is a ratio: instructions per element over those of adding two arrays, or per
-- call over those of calling a C function from Lua, both from the same run. Compilers differ; so
-- every line of counts.txt says how far its ratio may rise. A ratio that fell below its room is
-- told, not failed: `make counts WRITE=1` writes what was counted.
local program, folder, option = arg[1], arg[2], arg[3]
local committed_path = "spec/bench/counts.txt"
-- for a line that is new: compilers agree better on kernels than on what surrounds them
local function room(case) return case.per == "count_add" and 1.2 or 1.3 end

local function run(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local text = pipe:read "a"
  local ok = pipe:close()
  return ok, text
end

local function skip(why)
  print("skipped: " .. why .. ": no instruction was counted")
  os.exit(0)
end

if not run "command -v valgrind" then skip "valgrind is not installed" end
if not run "valgrind --version" then skip "valgrind does not start" end

local out = folder .. "/callgrind.out"
os.remove(out)
local ok, text = run(("valgrind --tool=callgrind --callgrind-out-file='%s' "
  .. "--toggle-collect='count_*' '%s'"):format(out, program))
if not ok then
  print(text)
  print "0 passed, 1 failed"
  os.exit(1)
end

-- name -> { per, units }, in order
local cases = {}
for name, per, units in text:gmatch "(count_[%w_]+) (count_[%w_]+) (%d+)" do
  cases[#cases + 1] = { name = name, per = per, units = tonumber(units) }
end

local _, annotated = run(("callgrind_annotate --inclusive=yes --threshold=100 '%s'"):format(out))
local total = {}
for count, name in annotated:gmatch "\n%s*([%d,]+) [^\n]-:(count_[%w_]+)[^%w_]" do
  total[name] = total[name] or tonumber((count:gsub(",", "")))
end

local committed = {}
for line in io.lines(committed_path) do
  local name, ratio, more = line:match "^(count_[%w_]+)%s+([%d.]+)%s+([%d.]+)"
  if name then committed[name] = { ratio = tonumber(ratio), room = tonumber(more) } end
end

local passed, failed, lines = 0, 0, {}
local function per_unit(name)
  for _, case in ipairs(cases) do
    -- both calls are counted
    if case.name == name then return total[name] and total[name] / 2 / case.units end
  end
end

-- A base is compared as such; where it differs, the compiler or the vector unit is another one than
-- that of the committed numbers, and what hangs on it is told but not judged.
local function verdict_of(case, value, want)
  if not want then return "new" end
  local most, least = want.ratio * want.room, want.ratio / want.room
  if case.per == case.name then
    case.alike = value <= most and value >= least
    return case.alike and "ok" or "other"
  end
  for _, base in ipairs(cases) do
    if base.name == case.per and base.alike == false then return "told" end
  end
  return value > most and "FAIL" or value < least and "less" or "ok"
end

for _, case in ipairs(cases) do
  local own, base = per_unit(case.name), per_unit(case.per)
  local want = committed[case.name]
  if not own or not base then
    print(("FAIL  %-22s callgrind does not show it"):format(case.name))
    failed = failed + 1
  else
    local value = case.per == case.name and own or own / base
    local verdict = verdict_of(case, value, want)
    print(("%-5s %-22s %10.2f instructions a unit, %9.3f, committed %s"):format(verdict, case.name,
      own, value,
      want and ("%.3f, at most %.3f"):format(want.ratio, want.ratio * want.room) or "-"))
    if verdict == "FAIL" then failed = failed + 1 else passed = passed + 1 end
    lines[#lines + 1] = ("%-22s %9.3f %5.2f"):format(case.name, value,
      want and want.room or room(case))
  end
end
if passed + failed == 0 then
  print(text)
  failed = 1
end
if option == "write=1" and failed == 0 then
  local file = assert(io.open(committed_path, "w"))
  file:write("# case, ratio to its base (of a base: instructions a unit), room; see counts.lua\n",
    table.concat(lines, "\n"), "\n")
  file:close()
  print("written: " .. committed_path)
end
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0)
