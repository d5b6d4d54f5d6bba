--- A recorded program trained here, and how close its loss comes to the recorded one. The seeds of
-- other frameworks cannot be drawn again, so that a few of ours show how far seeds part.
local number = require "lossdbg.support.number"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local M = {}

-- Share of the way that the recorded loss went by which a replay may miss it, whatever the seeds:
-- the order of rows in the last epochs moves a loss by as much.
local SAME = 0.02

---@class lossdbg.Replay
---@field runs lossdbg.Run[]
---@field recorded number|nil  last recorded loss
---@field replayed number      median of the last losses
---@field least number|nil     of the seeds; nil where all ended without a finite loss
---@field most number|nil
---@field apart number|nil     |replayed - recorded| over how far the recorded loss moved (at least
---                            1 % of it); 0 when both are not finite
---@field within boolean|nil   the recorded loss lies among those of the seeds, or as near as they
---                            are to each other, or at most 2 % of its way apart
local Replay = { __name = "lossdbg.replay" }
Replay.__index = Replay

local schema = options.declare "program:replay" {
  { name = "seeds", type = "integer", min = 1, max = 99, default = 3,
    doc = "how many trainings; their median is compared" },
  { name = "verbose", type = "integer|boolean", default = 0,
    doc = "0: silent" },
}

local function finite(x) return x ~= nil and x == x and math.abs(x) < math.huge end

local function last_loss(run)
  local loss = run.history.loss
  if run.stopped == "nonfinite_loss" then return 0 / 0 end
  return loss[#loss]
end

local function judge(self, list, first)
  local recorded = self.recorded
  table.sort(list)
  self.least, self.most = list[1], list[#list]
  self.replayed = list[(#list + 1) // 2] or 0 / 0
  if recorded == nil then return end
  if not finite(recorded) or #list == 0 then
    self.within = not finite(recorded) and #list == 0
    self.apart = self.within and 0 or math.huge
    return
  end
  local moved = finite(first) and math.abs(first - recorded) or 0
  self.apart = math.abs(self.replayed - recorded)
    / math.max(moved, 0.01 * math.abs(recorded), 1e-12)
  local spread = self.most - self.least
  self.within = self.apart <= SAME
    or recorded >= self.least - spread and recorded <= self.most + spread
end

---@param program lossdbg.RecordedProgram
---@param given? { seeds: integer, verbose: any }
---@return lossdbg.Replay
function M.run(program, given)
  local o = options.check("program:replay", given, schema, source.level())
  local losses = program.history.loss or {}
  local self = setmetatable({ runs = {}, recorded = losses[#losses] }, Replay)
  local list = {}
  for i = 1, o.seeds do
    local twin = i == 1 and program.experiment
      or program.experiment:with { seed = program.experiment.seed + i - 1 }
    self.runs[i] = twin:fit { verbose = o.verbose }
    local loss = last_loss(self.runs[i])
    if finite(loss) then list[#list + 1] = loss end
  end
  judge(self, list, losses[1])
  return self
end

local function text(x) return finite(x) and number.raw("%.4g", x) or "NaN" end

function Replay:__tostring()
  local seeds = #self.runs == 1 and "one seed"
    or ("%d seeds: %s"):format(#self.runs, self.least and text(self.least) .. " .. "
      .. text(self.most) or "none finite")
  local replayed = ("replayed %s (%s)"):format(text(self.replayed), seeds)
  if self.recorded == nil then return replayed .. "; there is no recorded loss to compare with" end
  return ("recorded loss %s, %s: %s"):format(text(self.recorded), replayed, self.within
    and "as the recorded run" or ("%s of the recorded way apart"):format(text(self.apart)))
end

return M
