--- Diagnoses as data for other programs, in the published form (view/diagnosis_schema.lua): of a
-- run that was trained here, and of a recorded curve. What is not finite is null.

local json = require "lossdbg.support.json"
local record = require "lossdbg.view.record"
local verdicts = require "lossdbg.view.verdict"

local M = { schema = "lossdbg-diagnosis", version = 1 }

local function list(items, each)
  local out = json.array()
  for i, item in ipairs(items or {}) do out[i] = each and each(item, i) or record.plain(item) end
  return out
end

local function is_finite(x) return type(x) == "number" and x == x and math.abs(x) < math.huge end

-- Files of a recording: what each was taken for, what was left out, where it broke off.
local function read_of(run)
  local recorded = run and run.recorded
  if not recorded then return nil end
  local agree = list(recorded.agree, function(a)
    return { measure = a.what, kept = a.kept, other = a.other, same = a.same,
      differs_at = a.differs_at }
  end)
  return {
    path = recorded.path, loss = recorded.loss_name, loss_path = recorded.loss_path,
    points = #run.history.loss, axis = run.axis,
    files = list(recorded.files, function(file)
      return { path = file.path, format = file.format, series = list(file.series),
        left_out = list(file.left_out), notes = list(file.notes), damage = file.damage }
    end),
    companions = list(recorded.companions), unread = list(recorded.troubles), agree = agree,
  }
end

local function evidence_of(causes)
  local out = json.array()
  for i, text in ipairs(causes) do out[i] = { text = text } end
  return out
end

-- Candidates of a curve: suggestive, none with a probability, as none was measured.
local function curve_findings(d)
  return list(d.causes, function(c, i)
    local severity = d.fault and i == 1 and "error" or c.speaks and "warning" or "info"
    return { rule = "curve_" .. d.state, cause = c.cause, severity = severity,
      class = "suggestive", title = c.speaks or "possible: " .. c.cause,
      evidence = evidence_of { c.speaks },
      fixes = json.array() }
  end)
end

---@param run lossdbg.Run recorded
---@param d lossdbg.CurveDiagnosis
---@return table
function M.curve(run, d)
  return {
    schema = M.schema, version = M.version,
    verdict = { state = d.state, text = d.text, fault = d.fault == nil and json.null or d.fault,
      movement = d.shape.verdict },
    findings = curve_findings(d), read = read_of(run),
    levels = list(d.levels, function(level)
      return { name = level.name, text = level.text, value = level.value, classes = level.classes }
    end),
    checked = json.array { "movement of the loss", "validation beside training loss",
      "known levels" },
    unjudged = json.array { { what = d.undecided, why = "the curve alone does not show it" } },
    next = d.next,
  }
end

local function fix_of(fix)
  local trial = type(fix.trial) == "table" and fix.trial
  return { text = fix.text, patch = record.plain(fix.patch),
    applicability = trial and trial.verified and "verified" or fix.patch and "likely" or "idea",
    trial = trial and record.plain(trial) or nil }
end

local function finding_of(f, rank)
  local out = { rank = rank, evidence = list(f.evidence), fixes = list(f.fixes, fix_of),
    explains = list(f.explains), explained_by = list(f.explained_by), role = f.role or "cause" }
  for _, name in ipairs { "rule", "cause", "family", "severity", "class", "part", "proved", "title",
    "where" } do
    out[name] = record.plain(f[name])
  end
  out.probability = is_finite(f.probability) and f.probability or nil
  return out
end

local function fault_of(diagnosis)
  if diagnosis.state == "cannot_tell" then
    return diagnosis.healthy == false and true or json.null
  end
  return diagnosis.healthy == false
end

---@param diagnosis lossdbg.Diagnosis or a table of its fields
---@return table
function M.full(diagnosis)
  local signals = diagnosis.signals or {}
  return {
    schema = M.schema, version = M.version,
    verdict = { state = diagnosis.state, text = diagnosis.verdict, fault = fault_of(diagnosis),
      probability = is_finite(diagnosis.probability) and diagnosis.probability or nil },
    exit_code = verdicts.exit_code(diagnosis), findings = list(diagnosis, finding_of),
    read = read_of(diagnosis.run), checked = list(diagnosis.checked),
    unjudged = list(diagnosis.unjudged, function(u) return { what = u.rule, why = u.why } end),
    skipped = list(diagnosis.skipped, function(u) return { what = u.rule, why = u.why } end),
    missing_tests = list(diagnosis.missing_tests), trials = list(diagnosis.trials),
    baseline = is_finite(diagnosis.baseline) and diagnosis.baseline or nil,
    task_skill = record.plain(signals.task_skill), reference = record.plain(signals.reference),
    run = diagnosis.run and record.run(diagnosis.run) or nil,
    seconds = is_finite(diagnosis.seconds) and diagnosis.seconds or nil,
  }
end

return M
