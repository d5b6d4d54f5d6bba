--- One case: read, build, diagnose, and say what was found. Nothing here knows the truth.
local collect = require "lossdbg.diagnose.collect"
local files = require "bench_files"
local json = require "lossdbg.support.json"
local logs = require "bench_logs"
local loops = require "bench_loop"
local probability = require "lossdbg.diagnose.probability"
local record = require "lossdbg.view.record"

local M = {}

local grave = { error = true }

-- Highest resident size of this process so far, where the system tells.
local function peak_mb()
  local kb = (files.text "/proc/self/status" or ""):match "VmHWM:%s*(%d+) kB"
  return kb and tonumber(kb) / 1024 or nil
end

-- Causes in the order of the findings, each once, of the wanted severities.
local function causes_of(diagnosis, wanted)
  local list, seen = json.array(), {}
  for _, f in ipairs(diagnosis) do
    if f.cause and wanted[f.severity] and not seen[f.cause] then
      seen[f.cause] = true
      list[#list + 1] = { id = f.cause, class = f.class, severity = f.severity,
        rule = f.rule }
    end
  end
  return list
end

local function fixes_of(diagnosis)
  local list = json.array()
  for _, f in ipairs(diagnosis) do
    for _, fix in ipairs(grave[f.severity] and f.fixes or {}) do
      local trial = fix.trial or {}
      list[#list + 1] = { text = fix.text, patch = record.plain(fix.patch),
        verified = trial.verified or false, tried = fix.trial ~= nil,
        loss_before = trial.before, loss_after = trial.after, placebo_after = trial.placebo,
        reason = trial.reason }
    end
  end
  return list
end

-- What the probability of a finding is computed from, for those who fit it.
local function findings_of(diagnosis)
  local list = json.array()
  local known = probability.known(collect.status(diagnosis), diagnosis.signals.reference)
  for i, f in ipairs(diagnosis) do
    if f.cause then
      list[#list + 1] = { rank = i, cause = f.cause, rule = f.rule, severity = f.severity,
        probability = f.probability, features = probability.features(f, diagnosis, known) }
    end
  end
  return list
end

-- Learning programs get no cause; a program that fails for no reason that is grave gets what the
-- remarks say.
local function answer(d, result)
  result.verdict, result.state, result.probability = d.verdict, d.state, d.probability
  result.causes = causes_of(d, grave)
  result.remarks = causes_of(d, { warning = true })
  result.warnings = json.array()
  for i, cause in ipairs(result.remarks) do result.warnings[i] = cause.id end
  if d.healthy then
    result.causes = json.array()
  elseif #result.causes == 0 then
    result.causes = result.remarks
  end
  result.fixes, result.findings = fixes_of(d), findings_of(d)
end

-- The interpreter that runs this.
local function interpreter()
  local first = 0
  while arg and arg[first - 1] do first = first - 1 end
  return arg and arg[first] or "lua5.4"
end

-- A program with a loop of its own, which ends with
--   ANSWER cause cause … | healthy=true|false | …
local function written_in_lua(path, seed, result)
  local pipe = assert(io.popen(("%s %s %d 2>&1"):format(files.quoted(interpreter()),
    files.quoted(path), math.tointeger(seed or 1))))
  local given, healthy
  local text = pipe:read "a"
  pipe:close()
  for line in text:gmatch "[^\n]+" do
    local words, word = line:match "^ANSWER (.-) | healthy=(%a+)"
    if words then given, healthy = words, word == "true" end
  end
  if not given then error("no answer: " .. text:sub(1, 300), 0) end
  for id in given:gmatch "[%w_]+" do
    if not healthy then result.causes[#result.causes + 1] = { id = id } end
  end
  result.remarks, result.warnings = json.array(), json.array()
  result.verdict = given
end

---@param dir string
---@param id string
---@param o { budget: number, seeds: integer?, seed: integer? } seed: instead of the case's own
---@return table result as `--json` has it
function M.diagnose(dir, id, o)
  local started = os.clock()
  local result = { id = id, causes = json.array(), fixes = json.array() }
  local program = ("%s/cases/%s.lua"):format(dir, id)
  local case, why = files.json(("%s/cases/%s.json"):format(dir, id))
  if case == nil and files.text(program) then
    local ok, message = pcall(written_in_lua, program, o.seed, result)
    if not ok then result.error = tostring(message) end
  elseif case == nil then
    result.error = why
  else
    case.seed = o.seed and math.tointeger(o.seed) or case.seed
    local ok, message = pcall(function()
      local ld = require "lossdbg"
      if loops.wanted(case) then
        local log, after = logs.of_loop()
        local watch <close> = loops.train(case, dir .. "/cases", { after = after })
        result.log = log
        return answer(watch:diagnose(), result)
      end
      local experiment = ld.interop.keras.experiment(case, dir .. "/cases")
      local d = experiment:diagnose { budget = o.budget, seeds = o.seeds and math.max(3, o.seeds) }
      answer(d, result)
      result.log = logs.of_run(d.run)
      if o["random-search"] then
        local random = require "bench_random"
        result.doctor = random.doctor(d)
        result.random = random.control(experiment, d, { id = id, seed = o.seed, seeds = o.seeds })
      end
    end)
    if not ok then result.error = tostring(message) end
  end
  result.seconds, result.peak_mb = os.clock() - started, peak_mb()
  return result
end

return M
