--- `lossdbg diagnose`: logs and folders of trainings, the program rebuilt where model and data lie
-- with them, scripts that return an experiment.
local cli = require "lossdbg.cli"
local core = require "lossdbg.core"
local curve = require "lossdbg.diagnose.curve"
local curve_report = require "lossdbg.view.curve_report"
local diagnosis_record = require "lossdbg.view.diagnosis_record"
local json = require "lossdbg.support.json"
local phrase = require "lossdbg.view.phrase"
local pasted = require "lossdbg.cli.diagnose.pasted"
local rebuilt = require "lossdbg.cli.diagnose.rebuilt"
local report_options = require "lossdbg.cli.report_options"
local user_script = require "lossdbg.cli.user_script"

local M = {
  usage = "diagnose [OPTION ...] PATH... | SCRIPT.lua | -",
  about = "Reads what a training left (Keras History, CSVLogger, TensorBoard, printed lines, "
    .. "JSON lines, Lightning, transformers, fastai), a file, a folder, or - for standard input, "
    .. "and says what its curves show, what speaks for which cause, and what to log next. Where "
    .. "model and data lie in the folder, the program is rebuilt, trained here and diagnosed. A "
    .. "script must return an experiment.",
  options = report_options.join(report_options.facts, {
    { name = "curve", doc = "judge the curves alone, even where model and data are there" },
    { name = "budget", value = "seconds", number = true,
      doc = "of computing for tests and trials (default 30)" },
    { name = "jobs", value = "processes", integer = true,
      doc = "worker processes for tests and trials (default 1); the answer is the same" },
    { name = "all", doc = "everything, not the likeliest alone" },
    { name = "brief", doc = "ten lines, for people in a hurry and for programs that read" },
    { name = "json", value = "a file", doc = "also write the result there; - is standard output "
      .. "instead of the text (its form: lossdbg help --schema)" },
    { name = "html", value = "a file", doc = "also write a report there" },
    { name = "sarif", value = "a file", doc = "also write SARIF 2.1.0 there; - as for --json" },
  }, pasted.options, report_options.look),
  examples = { "lossdbg diagnose runs/7", "python train.py | lossdbg diagnose -",
    "lossdbg diagnose history.json --counts 59,71,48 --brief",
    "lossdbg diagnose runs/7 --json - | jq .verdict", "lossdbg diagnose train.lua --budget 60" },
}

local function status_of(fault)
  if fault == nil or fault == json.null then return cli.status.unjudged end
  return fault and cli.status.fault or cli.status.ok
end

-- What helped first: a fix that was tried, its losses before and after.
local function brief_fix(record)
  for _, finding in ipairs(record.findings) do
    for _, fix in ipairs(finding.fixes) do
      local trial = fix.trial
      if fix.applicability == "verified" and trial and trial.before and trial.after then
        return ("fix: %s (verified: %s)"):format(fix.text, phrase.change(trial))
      end
    end
  end
end

-- Ten lines of a record, with the one on the status.
local function brief(record, name)
  local lines = { "run: " .. name, "fault: " .. (record.verdict.fault == json.null
    and "cannot judge" or record.verdict.fault and "yes" or "no"),
    "state: " .. tostring(record.verdict.state), "verdict: " .. record.verdict.text }
  for i = 1, math.min(3, #record.findings) do
    local f = record.findings[i]
    lines[#lines + 1] = ("%s: %s - %s"):format(f.severity, f.cause or f.rule, f.title)
  end
  lines[#lines + 1] = brief_fix(record)
  if record.next then lines[#lines + 1] = "next: " .. record.next end
  return table.concat(lines, "\n")
end

local function of_diagnosis(diagnosis, name, given, look)
  local record = diagnosis_record.full(diagnosis)
  local text = given.brief and brief(record, name) or diagnosis:text { color = look.color,
    width = look.width, all = given.all, name = name, exit = status_of(record.verdict.fault) }
  return { record = record, text = text, subject = diagnosis }
end

-- A recorded curve in the form of a diagnosis, for the HTML report.
local function page_subject(run, d, record)
  local subject = { verdict = d.text, state = d.state, healthy = d.fault == false, run = run,
    mood = d.fault and "bad" or d.fault == false and "good" or "warn",
    checked = record.checked, unjudged = {}, to_table = function() return record end }
  for i, u in ipairs(record.unjudged) do subject.unjudged[i] = { rule = u.what, why = u.why } end
  for i, f in ipairs(record.findings) do
    subject[i] = { rule = f.cause, cause = f.cause, title = f.title, evidence = {}, fixes = {},
      severity = f.severity }
  end
  return subject
end

local function of_curve(run, judged, given, look)
  local record = diagnosis_record.curve(run, judged)
  local text = given.brief and curve_report.brief(run, judged)
    or curve_report.text(run, judged, { color = look.color, width = look.width, all = given.all })
  return { record = record, text = text, subject = page_subject(run, judged, record) }
end

local function of_path(path, given, look)
  if path:find "%.lua$" then
    local value = user_script.run(path)
    if type(value) == "table" and value.to_table and value.verdict then
      return of_diagnosis(value, path, given, look)
    elseif type(value) == "table" and type(value.diagnose) == "function" then
      local diagnosis = value:diagnose { budget = given.budget, jobs = given.jobs }
      local result = of_diagnosis(diagnosis, path, given, look)
      if not given.brief then result.text = result.text .. pasted.text(diagnosis, value, given) end
      return result
    end
    cli.stop(cli.status.usage, "%s: expected a script that returns an experiment, it returned %s",
      path, type(value))
  end
  local run, why, roots = require("lossdbg").open(path, report_options.open_options(given))
  if not run then return nil, why, roots end
  local judged = curve.judge(run, run.facts)
  local program, missing
  if not given.curve and path ~= "-" then program, missing = rebuilt.program(path, run) end
  if program then
    local result = rebuilt.diagnose(program, run, judged, given, look)
    if given.brief then result.text = brief(result.record, path) end
    return result
  end
  local result = of_curve(run, judged, given, look)
  if missing then
    table.insert(result.record.unjudged, { what = "the program", why = missing })
    result.text = result.text .. "\n  not rebuilt: " .. missing
  end
  return result
end

-- Several runs in a folder are judged one by one.
local function all_of(paths, given, look, err)
  local results, status = {}, cli.status.ok
  local function take(path)
    local result, why, roots = of_path(path, given, look)
    if result then
      results[#results + 1] = result
      status = report_options.worse(status, status_of(result.record.verdict.fault))
    elseif roots then
      for _, root in ipairs(roots) do take(path:gsub("/+$", "") .. "/" .. root) end
    else
      err:write("lossdbg: ", why, "\n")
      status = report_options.worse(status, cli.status.unreadable)
    end
  end
  for _, path in ipairs(paths) do take(path) end
  return results, status
end

local MEANS = { [0] = "sound", [1] = "a fault was found", [2] = "cannot judge",
  [66] = "unreadable" }

local function write_files(results, given, out)
  local records = {}
  for i, result in ipairs(results) do records[i] = result.record end
  if given.json then
    local value = #records == 1 and records[1] or json.array(records)
    report_options.save(given.json, json.encode(value, { indent = 2 }) .. "\n", out)
  end
  if given.sarif then
    local log = require("lossdbg.view.sarif").log(records, require("lossdbg")._VERSION)
    report_options.save(given.sarif, json.encode(log, { indent = 2 }) .. "\n", out)
  end
  if given.html then
    if #results > 1 then
      cli.stop(cli.status.usage, "--html takes one run, here are %d", #results)
    end
    report_options.save(given.html, require("lossdbg.view.html").report(results[1].subject), out)
  end
end

local function check_jobs(jobs)
  local most, why = core.process.most()
  if jobs > (most or 1) then
    cli.stop(cli.status.usage, "--jobs: at most %d%s", most or 1, why and " (" .. why .. ")" or "")
  end
end

---@param args string[] "diagnose", ...
---@param out file*
---@param err file*
---@return integer status
function M.run(args, out, err)
  local given, paths = cli.read(args, 2, M.options)
  if #paths == 0 then cli.stop(cli.status.usage, "diagnose what? (see lossdbg diagnose --help)") end
  check_jobs(given.jobs or 1)
  local look = { color = report_options.color(given, out), width = report_options.width(out) }
  local results, status = all_of(paths, given, look, err)
  if #results == 0 then return status end
  local quiet = given.json == "-" or given.sarif == "-" or given.html == "-"
  for i, result in ipairs(quiet and {} or results) do
    out:write(i > 1 and "\n" or "", result.text, "\n")
  end
  if not quiet then out:write(("status: %d (%s)\n"):format(status, MEANS[status])) end
  write_files(results, given, out)
  return status
end

return M
