--- How far logs alone carry: each program of the fault benchmark is trained here once and leaves a
-- history.json, nothing else; the command judges it as a user's, and is held against the truth.
--
--   lua5.4 spec/recorded/score_cases.lua DIR [LOGS]     LOGS: a folder for the logs, used again
--
-- `lossdbg` is looked for in the PATH (make env).
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. here .. "/../faultbench/?.lua;" .. package.path

local files = require "bench_files"
local json = require "lossdbg.support.json"

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

if arg[1] == "history" then -- one program, in a process of its own
  require("case_history").write(arg[2], arg[3], arg[4])
else
  score_cases(assert(arg[1], "usage: score_cases.lua DIR [LOGS]"), arg[2])
end
