-- lua replay.lua FOLDER SEEDS: the last losses of a replay as JSON, for replays.py.
local json = require "lossdbg.support.json"
local ld = require "lossdbg"

local program = assert(ld.interop.recorded_program(arg[1]))
local replay = program:replay { seeds = tonumber(arg[2]) }

local function number(x) return x and x == x and math.abs(x) < math.huge and x or json.null end
print(json.encode { batch = program.experiment.batch, epochs = program.experiment.epochs,
  replayed = number(replay.replayed), least = number(replay.least), most = number(replay.most),
  recorded = number(replay.recorded), within = replay.within })
