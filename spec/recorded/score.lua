-- Scores `lossdbg diagnose` on a folder of recorded runs whose truth is known.
--
--   lua5.4 spec/recorded/score.lua DIR [ARGUMENT ...]     more arguments go to each command
--
-- DIR/truth.json has, by the name of each run's folder, `acceptable` (states), `sound` and `cause`.
-- What a curve cannot show is no miss of the alarm: the runs whose acceptable states hold none that
-- is a fault are left out of its count, and named.
local cli = require "lossdbg.cli"
local json = require "lossdbg.support.json"

local function sink()
  local kept = { parts = {} }
  function kept:write(...)
    for _, text in ipairs { ... } do self.parts[#self.parts + 1] = text end
    return self
  end
  return kept
end

local FAULT = { constant = true, diverging = true, ["nan"] = true, overfitting = true,
  oscillating = true, too_slow = true, plateau_after_progress = true }

local function shows_fault(truth)
  for _, state in ipairs(truth.acceptable) do
    if not FAULT[state] then return false end
  end
  return true
end

local function has(list, value)
  for _, v in ipairs(list) do
    if v == value then return true end
  end
  return false
end

local function judge(path, more)
  local out, err = sink(), sink()
  local status = cli.main({ "diagnose", path, "--json", "-", table.unpack(more) }, out, err)
  local text = table.concat(out.parts)
  if text == "" then return { state = "unread", status = status, why = table.concat(err.parts) } end
  local told = assert(json.decode(text))
  return { state = told.verdict.state, status = status, fault = told.verdict.fault,
    cause = told.findings[1] and told.findings[1].cause }
end

local dir = arg[1] or ""
local file, why = io.open(dir .. "/truth.json")
if not file then
  io.stderr:write("usage: make runs DIR=/folder with runs and their truth.json: ", why, "\n")
  os.exit(64)
end
local truth = assert(json.decode(file:read "a"))
local names = {}
for name, one in pairs(truth) do
  if type(one) == "table" and one.acceptable then names[#names + 1] = name end
end
table.sort(names)

local n = { all = #names, acceptable = 0, cannot = 0, sound = 0, alarms = 0, shown = 0, seen = 0,
  cause = 0, faulty = 0, any = 0 }
local function count(key, yes) n[key] = n[key] + (yes and 1 or 0) end
for _, name in ipairs(names) do
  local is = truth[name]
  local told = judge(dir .. "/" .. name, table.pack(table.unpack(arg, 2)))
  local alarm = told.fault == true
  local good = has(is.acceptable, told.state)
  count("acceptable", good)
  count("cannot", told.state == "cannot_tell")
  count("sound", is.sound)
  count("alarms", is.sound and alarm)
  count("faulty", not is.sound)
  count("any", not is.sound and alarm)
  local shown = not is.sound and shows_fault(is)
  count("shown", shown)
  count("seen", shown and alarm)
  count("cause", not is.sound and told.cause == is.cause)
  print(("%-10s %-28s %s %-22s of %-36s %s %s / %s %s"):format(name, is.name or "",
    good and " " or "X", told.state, table.concat(is.acceptable, ","),
    is.sound and (alarm and "FALSE" or "sound") or (alarm and "alarm" or "quiet"),
    told.cause or "-", is.cause or "-", told.why or ""))
end
print(("runs: acceptable %d/%d, cannot tell %d/%d, alarms on sound %d/%d, on faulty %d/%d, "
  .. "on faulty that show it %d/%d, first cause %d/%d"):format(n.acceptable, n.all, n.cannot,
  n.all, n.alarms, n.sound, n.any, n.faulty, n.seen, n.shown, n.cause, n.faulty))
