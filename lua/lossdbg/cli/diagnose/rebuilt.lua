--- A recorded program that was rebuilt: the recorded curve tells what happened, the replay whether
-- it happens here too, and the diagnosis of the replay why.
local curve_report = require "lossdbg.view.curve_report"
local diagnosis_record = require "lossdbg.view.diagnosis_record"
local json = require "lossdbg.support.json"
local pasted = require "lossdbg.cli.diagnose.pasted"
local text = require "lossdbg.support.text"

local M = {}

-- Companions of a log that make a program of it.
local MODELS = { "model.json", "model.keras", "model.fx.json", "model.onnx" }
local INPUTS = { "x.npy", "x_0.npy", "x_train.npy" }

local function any(names, list)
  for _, name in ipairs(list) do
    if names[name] then return true end
  end
  return false
end

---The program of a folder; nil where the folder holds too little of one.
---@param path string
---@param run lossdbg.Run recorded
---@return table|nil program
---@return string|nil why not, where model and data are there
function M.program(path, run)
  local names = {}
  for _, companion in ipairs(run.recorded.companions) do
    names[companion:match "[^/]+$"] = true
  end
  if not (any(names, MODELS) and any(names, INPUTS)) then return nil end
  return require("lossdbg.interop").recorded_program(path)
end

-- Lines of ours that built its layers tell a user nothing.
local function without_places(diagnosis)
  for _, finding in ipairs(diagnosis) do
    if type(finding.where) == "table" then finding.where.source = nil end
  end
end

---Whether something is wrong. The curve says what it can show; the diagnosis of a replay that goes
---another way says nothing of the recorded run.
---@param curve_fault boolean|nil
---@param healthy boolean of the replay's diagnosis
---@param within boolean|nil the replay goes as the recorded run
---@return boolean|nil
function M.fault(curve_fault, healthy, within)
  if curve_fault or (within and not healthy) then return true end
  if curve_fault == nil and not within then return nil end
  return false
end

local function replay_record(replay)
  local function number(x)
    return type(x) == "number" and x == x and math.abs(x) < math.huge and x or nil
  end
  return { seeds = #replay.runs, recorded = number(replay.recorded),
    replayed = number(replay.replayed), least = number(replay.least), most = number(replay.most),
    within = replay.within }
end

local function merge(record, judged, healthy, replay, run)
  local fault = M.fault(judged.fault, healthy, replay.within)
  local own = diagnosis_record.curve(run, judged)
  record.verdict = { state = judged.state, text = judged.text, movement = judged.shape.verdict,
    fault = fault == nil and json.null or fault }
  record.read, record.levels, record.next = own.read, own.levels, own.next
  record.replay = replay_record(replay)
  -- What the curve speaks for stands where the replay shows no error.
  if healthy or not replay.within then
    for _, finding in ipairs(own.findings) do
      record.findings[#record.findings + 1] = finding
    end
  end
  return record
end

---@param program table of M.program
---@param run lossdbg.Run recorded
---@param judged lossdbg.CurveDiagnosis
---@param given table options of the command
---@param look table
---@return { record: table, text: string, subject: table }
function M.diagnose(program, run, judged, given, look)
  local replay = program:replay()
  local diagnosis = program:diagnose { budget = given.budget, jobs = given.jobs }
  without_places(diagnosis)
  local record = merge(diagnosis_record.full(diagnosis), judged, diagnosis.healthy, replay, run)
  local fault = record.verdict.fault
  local exit = fault == json.null and 2 or fault and 1 or 0
  local head = curve_report.text(run, judged, { color = look.color, width = look.width,
    short = true })
  local line = tostring(replay)
  if not replay.within then line = line .. "; what follows holds for the replay" end
  line = table.concat(text.wrap(line, look.width or 80, "  replay  ", "          "), "\n")
  return { record = record, subject = diagnosis, text = table.concat({ head, line, "",
    diagnosis:text { color = look.color, width = look.width, all = given.all,
      name = run.recorded.path, exit = exit } },
    "\n") .. pasted.text(diagnosis, program.experiment, given, program) }
end

return M
