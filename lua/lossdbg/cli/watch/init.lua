--- `lossdbg watch`: follows a growing log or folder, says what changes and alarms once.
local cli = require "lossdbg.cli"
local curve = require "lossdbg.diagnose.curve"
local number = require "lossdbg.support.number"
local report_options = require "lossdbg.cli.report_options"

local M = {
  usage = "watch [OPTION ...] PATH",
  about = "Reads a log or folder again and again while a training writes it, tells when its state "
    .. "changes, and alarms once, with a bell, when a fault shows. Ends when nothing was written "
    .. "for a while, with the status of what it saw last.",
  options = report_options.join(report_options.facts, {
    { name = "every", value = "seconds", number = true, doc = "between two looks (default 5)" },
    { name = "idle", value = "seconds", number = true,
      doc = "without a new point until it ends (default 600)" },
    { name = "stop", doc = "end at the alarm, with status 1" },
    { name = "help", doc = "this text" },
  }),
  examples = { "lossdbg watch logs/ --every 10",
    "lossdbg watch train.log --stop && echo fine || kill %1" },
}

-- Lua has no way to wait; the shell has. False where the user pressed Ctrl-C.
local function pause(seconds)
  local ok, what = os.execute(("sleep %.3f"):format(seconds):gsub(",", "."))
  return ok == true and what == "exit"
end

local function status_of(d)
  if not d or d.fault == nil then return cli.status.unjudged end
  return d.fault and cli.status.fault or cli.status.ok
end

local function line_of(run, d)
  return ("%d %ss  loss %s  %s"):format(#run.history.loss, run.axis,
    number.format(run.history.loss[#run.history.loss]), d.state)
end

local Watcher = {}
Watcher.__index = Watcher

-- One look; true when there was something new.
function Watcher:look()
  local run, why = require("lossdbg").open(self.path, self.o)
  if not run then
    if why ~= self.why then self.err:write("lossdbg: ", why, "\n") end
    self.why = why
    return false
  end
  local points = #run.history.loss
  if points == self.points then return false end
  self.points = points
  local d = curve.judge(run, run.facts)
  if not self.last or d.state ~= self.last.state then
    self.out:write(line_of(run, d), "\n")
  end
  self.last = d
  if d.fault and not self.alarmed then
    self.alarmed = true
    self.out:write("\aALARM  ", d.text, "\n")
    for i = 1, math.min(3, #d.causes) do
      local c = d.causes[i]
      self.out:write(("       %s%s\n"):format(c.cause, c.speaks and ": " .. c.speaks or ""))
    end
    self.out:write("       next: ", d.next, "\n")
  end
  if self.out.flush then self.out:flush() end
  return true
end

---@param args string[] "watch", ...
---@param out file*
---@param err file*
---@return integer status
function M.run(args, out, err)
  local given, paths = cli.read(args, 2, M.options)
  if #paths ~= 1 then cli.stop(cli.status.usage, "watch takes one path") end
  local every, idle = given.every or 5, given.idle or 600
  local watcher = setmetatable({ path = paths[1], o = report_options.open_options(given),
    out = out, err = err }, Watcher)
  local quiet = 0
  while true do
    quiet = watcher:look() and 0 or quiet + every
    if given.stop and watcher.alarmed then return cli.status.fault end
    if quiet >= idle then break end
    if not pause(every) then return cli.status.interrupted end
  end
  if not watcher.last then return cli.status.unreadable end
  return status_of(watcher.last)
end

return M
