--- Runs a folder of watched loops, each faulty and repaired, and scores what the watch says.
--
--   lua5.4 spec/loops/run_loops.lua DIR [SEED]
--
-- A program takes [fixed] [seed] and ends with a line
--   ANSWER cause cause cause | healthy=true|false | loss=…
-- Its first line is `-- causes: a b | also: c | source: …`; "causes: none" is a sound program
-- without a faulty form; READING ONLY in the second line: only a reported number misleads, which is
-- not counted.
local folder, seed = arg[1], arg[2] or "1"
if not folder then
  io.stderr:write("usage: lua5.4 ", arg[0], " DIR [SEED]\n")
  os.exit(2)
end

local lua = os.getenv "LUA" or "lua5.4"

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function lines_of(command)
  local pipe, list = assert(io.popen(command)), {}
  for line in pipe:lines() do list[#list + 1] = line end
  pipe:close()
  return list
end

local function words(text)
  local set = {}
  for word in (text or ""):gmatch "%S+" do set[word] = true end
  return set
end

local function head(path)
  local file = assert(io.open(path))
  local first, second = file:read(), file:read() or ""
  file:close()
  local function field(name) return first:match(name .. ": ([^|]*)") end
  return { causes = words(field "causes"), also = words(field "also"), text = field "causes",
    reading = second:find("READING ONLY", 1, true) ~= nil }
end

local function run(path, fixed)
  local list = lines_of(("timeout 60 %s %s %s%s 2>&1"):format(lua, quoted(path),
    fixed and "fixed " or "", seed))
  for _, line in ipairs(list) do
    local given, healthy = line:match "^ANSWER (.-) | healthy=(%a+)"
    if given then
      local causes = {}
      for cause in given:gmatch "[%w_]+" do causes[#causes + 1] = cause end
      return { causes = causes, healthy = healthy == "true" }
    end
  end
  return { causes = {}, error = list[#list] or "no answer" }
end

local function mark_of(answer, truth)
  if answer.error then return "error" end
  for i, cause in ipairs(answer.causes) do
    if truth.causes[cause] or truth.also[cause] then return i == 1 and "first" or "three" end
  end
  if answer.healthy then return "silent" end
  return #answer.causes == 0 and "no cause" or "wrong"
end

local count = { n = 0, first = 0, three = 0, noticed = 0, m = 0, alarms = 0, errors = 0 }

local function add(mark, answer)
  count.n = count.n + 1
  if mark == "first" then count.first = count.first + 1 end
  if mark == "first" or mark == "three" then count.three = count.three + 1 end
  if not answer.error and not answer.healthy then count.noticed = count.noticed + 1 end
  if answer.error then count.errors = count.errors + 1 end
end

local function row(path, name)
  local truth, mark, given = head(path), "-", ""
  if not truth.causes.none then
    local answer = run(path, false)
    mark, given = mark_of(answer, truth), answer.error or table.concat(answer.causes, " ")
    if truth.reading then mark = "(" .. mark .. ")" else add(mark, answer) end
  end
  local fixed = run(path, true)
  count.m = count.m + 1
  if fixed.error then count.errors = count.errors + 1 end
  if not fixed.error and not fixed.healthy then count.alarms = count.alarms + 1 end
  local clean = fixed.error and "error" or fixed.healthy and "clean" or "alarm"
  print(("%-26s %-9s %-50s %-6s %s"):format(name, mark, given:sub(1, 50), clean, truth.text))
end

local names = lines_of("ls " .. quoted(folder))
print(("%-26s %-9s %-50s %-6s %s"):format("program", "mark", "answers", "fixed", "expected"))
for _, file in ipairs(names) do
  local name = file:match "^(.*)%.lua$"
  if name then row(folder .. "/" .. file, name) end
end
if count.errors > 0 then print(count.errors .. " runs ended without an answer") end
print(("loops: first %d/%d, three %d/%d, noticed %d/%d, alarms %d/%d"):format(count.first, count.n,
  count.three, count.n, count.noticed, count.n, count.alarms, count.m))
