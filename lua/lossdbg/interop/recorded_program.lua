--- From the folder that a training left to the trial: its model, data and settings as an experiment
-- that is trained here, and how close that comes to the recorded curve.
--   local program = assert(ld.interop.recorded_program "run")
--   print(program:replay())                       recorded 0.1156, replayed 0.1178 (...)
--   print(program.experiment:diagnose())
local attempt = require "lossdbg.support.attempt"
local options = require "lossdbg.support.options"
local recorded_files = require "lossdbg.interop.recorded_files"
local recorded_replay = require "lossdbg.interop.recorded_replay"
local recorded_settings = require "lossdbg.interop.recorded_settings"
local source = require "lossdbg.support.source"

local M = {}

---@class lossdbg.RecordedProgram
---@field experiment lossdbg.Experiment
---@field framework "keras"|"torch"
---@field history table<string, number[]> as recorded, by epoch
---@field names table<string, string>     our path of a layer -> its name in the user's program
---@field took string[]    which file was taken for what
---@field notices string[] what was guessed, left out or could not be read
local Program = { __name = "lossdbg.recorded_program" }
Program.__index = Program

local schema = options.declare "interop.recorded_program" {
  { name = "x", type = "string", doc = "path of the inputs (.npy), where not in the folder" },
  { name = "y", type = "string", doc = "path of the targets (.npy)" },
  { name = "history", type = "table", doc = "recorded curves, where they were read already" },
  { name = "batch", type = "integer", min = 1,
    doc = "rows a step; default: as recorded" },
  { name = "epochs", type = "integer", min = 1,
    doc = "default: as recorded" },
  { name = "seed", type = "integer", min = 0, default = 0,
    doc = "of weights, order and noise" },
  { name = "backend", type = "string", choices = { "tensorflow", "jax", "torch" },
    doc = "of Keras; default: as recorded, else tensorflow" },
  { name = "weights", type = "boolean", default = true,
    doc = "false: starts from fresh weights even where the first ones were recorded" },
}

local function build(folder, o)
  local took = recorded_files.read(folder, o)
  local settings = recorded_settings.of(took, o)
  local made = took.program:experiment(settings)
  return setmetatable({ experiment = made, framework = took.framework, history = took.history,
    program = took.program, took = took.took, notices = took.notices,
    names = took.program.names or {}, folder = folder }, Program)
end

---The program that a folder holds: a model (model.json, model.keras, model.onnx, ...), data (x.npy,
---y.npy) and, where they were recorded, settings (lossdbg.json), first weights and curves.
---@param folder string
---@param given? table x, y, history, batch, epochs, seed, backend, weights
---@return lossdbg.RecordedProgram|nil
---@return string|nil message what is missing
function M.program(folder, given)
  if type(folder) ~= "string" then
    options.fail("interop.recorded_program", "folder", "the path of a folder", folder, nil,
      source.level())
  end
  local o = options.check("interop.recorded_program", given, schema, source.level())
  local ok, made = attempt.call(build, folder, o)
  if ok then return made end
  if type(made) == "table" and made.unreadable then
    return nil, folder .. ": " .. made.unreadable
  end
  if type(made) ~= "string" or not made:find("lossdbg: ", 1, true) then error(made, 0) end
  return nil, folder .. ": " .. made:gsub("^.-lossdbg: ", "", 1)
end

---Trains the program and holds the result against the recorded curve.
---@param given? { seeds: integer, verbose: any } default 3 seeds
---@return lossdbg.Replay
function Program:replay(given) return recorded_replay.run(self, given) end

---@param given? table as experiment:diagnose
---@return table diagnosis
function Program:diagnose(given) return self.experiment:diagnose(given) end

function Program:__tostring()
  local lines = { "a recorded program of " .. self.framework, tostring(self.experiment) }
  for _, text in ipairs(self.took) do lines[#lines + 1] = "  " .. text end
  for _, text in ipairs(self.notices) do lines[#lines + 1] = "  note: " .. text end
  return table.concat(lines, "\n")
end

return M
