--- How far logs alone carry: the command is called as a user calls it, and its answers are held
-- against the truth afterwards.
--
--   lua5.4 spec/recorded/score_logs.lua runs DIR     recorded trainings: DIR/ID/..., DIR/truth.json
--   lua5.4 spec/recorded/score_logs.lua cases DIR [LOGS]  programs of the fault benchmark: each is
--     trained here once and leaves a history.json under LOGS (kept when given), nothing else
--
-- `lossdbg` is looked for in the PATH (make env).
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. here .. "/../faultbench/?.lua;" .. package.path

local files = require "bench_files"
local json = require "lossdbg.support.json"

local usage = "usage: lua5.4 " .. arg[0] .. " runs DIR | cases DIR [LOGS]"

local function stop(message)
  io.stderr:write("score_logs: ", message, "\n", usage, "\n")
  os.exit(2)
end

---@return { state: string, status: integer, text: string, record: table|nil }
local function asked(path, options)
  local pipe = assert(io.popen(("lossdbg diagnose %s --json - %s"):format(files.quoted(path),
    options or "")))
  local text = pipe:read "a"
  local _, _, status = pipe:close()
  local record, why = json.decode(text)
  if record == nil then return { state = "unread", status = status, text = why or "" } end
  return { state = record.verdict.state, status = status, text = record.verdict.text,
    record = record }
end

local function contains(list, value)
  for _, x in ipairs(list) do if x == value then return true end end
  return false
end

local function share(hits, all) return ("%d of %d"):format(hits, all) end

-- A faulty run whose best answer is a state of trouble is one whose curve can show it.
local CALM = { healthy = true, still_falling = true, cannot_tell = true }

local function score_runs(dir)
  local truth = files.need_json(dir .. "/truth.json")
  local ids, n = {}, { all = 0, fit = 0, unsure = 0, sound = 0, alarm = 0, faulty = 0, seen = 0,
    showable = 0, shown = 0 }
  for id in pairs(truth) do ids[#ids + 1] = id end
  table.sort(ids)
  for _, id in ipairs(ids) do
    local t = truth[id]
    local a = asked(dir .. "/" .. id)
    local fits = contains(t.acceptable, a.state)
    n.all, n.fit = n.all + 1, n.fit + (fits and 1 or 0)
    n.unsure = n.unsure + (a.state == "cannot_tell" and 1 or 0)
    local alarm = a.status == 1 and 1 or 0
    if t.sound then
      n.sound, n.alarm = n.sound + 1, n.alarm + alarm
    else
      n.faulty, n.seen = n.faulty + 1, n.seen + alarm
      if not CALM[t.verdict] then n.showable, n.shown = n.showable + 1, n.shown + alarm end
    end
    if not fits or (alarm == 1) == t.sound then
      print(("%-8s %-22s wanted %-24s got %-24s status %d  %s"):format(id, t.kind, t.verdict,
        a.state, a.status, a.text))
    end
  end
  print(("recorded runs: verdict acceptable %s, cannot tell %s; alarms: sound %s, faulty %s, "
    .. "faulty whose curve can show it %s"):format(share(n.fit, n.all), share(n.unsure, n.all),
    share(n.alarm, n.sound), share(n.seen, n.faulty), share(n.shown, n.showable)))
end

local function logs_of(dir, ids, logs)
  for i, id in ipairs(ids) do
    local path = ("%s/%s/history.json"):format(logs, id)
    if not files.text(path) then
      assert(os.execute("mkdir -p " .. files.quoted(logs .. "/" .. id)))
      local ok = os.execute(("lua5.4 %s history %s %s %s"):format(files.quoted(arg[0]),
        files.quoted(dir), id, files.quoted(path)))
      if not ok then io.stderr:write("no log of ", id, "\n") end
    end
    io.stderr:write(("\r%d/%d"):format(i, #ids))
  end
  io.stderr:write "\n"
end

-- A true side remark about a sound program is no false alarm.
local function tolerates(t, record)
  local first = record.findings[1]
  return first ~= nil and contains(t.tolerated or {}, first.cause)
end

local function score_cases(dir, logs)
  local truth = files.need_json(dir .. "/truth.json")
  local ids = {}
  for _, id in ipairs(files.case_ids(dir)) do
    if truth[id] and truth[id].scored ~= false then ids[#ids + 1] = id end
  end
  local kept = logs ~= nil
  if not kept then
    logs = os.tmpname()
    os.remove(logs)
  end
  logs_of(dir, ids, logs)
  local n = { faulty = 0, seen = 0, sound = 0, alarm = 0 }
  for _, id in ipairs(ids) do
    local t, a = truth[id], asked(("%s/%s/history.json"):format(logs, id))
    local alarm = a.status == 1 and not (t.healthy and tolerates(t, a.record)) and 1 or 0
    if t.healthy then
      n.sound, n.alarm = n.sound + 1, n.alarm + alarm
    else
      n.faulty, n.seen = n.faulty + 1, n.seen + alarm
    end
    if (alarm == 1) == t.healthy then
      print(("%s %-6s %-24s %-22s %s"):format(id, t.healthy and "sound" or "faulty",
        t.healthy and "-" or t.causes[1], a.state, a.text))
    end
  end
  if not kept then os.execute("rm -r " .. files.quoted(logs)) end
  print(("history.json alone: alarms: sound %s, faulty %s"):format(share(n.alarm, n.sound),
    share(n.seen, n.faulty)))
end

local what, dir = arg[1], arg[2]
if not dir then stop "a folder is needed" end
if what == "runs" then
  score_runs(dir)
elseif what == "cases" then
  score_cases(dir, arg[3])
elseif what == "history" then
  require("case_history").write(dir, arg[3], arg[4])
else
  stop("neither runs nor cases: " .. what)
end
