--- `lossdbg bench`: training steps on this machine, planned and as written, in turns. The peers and
-- the floor are measured in a checkout, by `make bench`.
local attempt = require "lossdbg.support.attempt"
local cli = require "lossdbg.cli"
local machine = require "lossdbg.cli.bench.machine"
local measure = require "lossdbg.cli.bench.measure"
local results = require "lossdbg.cli.bench.results"
local systems = require "lossdbg.cli.bench.systems"
local workload_list = require "lossdbg.cli.bench.workload_list"

local options = {
  { name = "threads", value = "a number", integer = true, doc = "of lossdbg (default 1)" },
  { name = "repeats", value = "a number", integer = true,
    doc = "whose median counts (default 5)" },
  { name = "seconds", value = "a number", number = true,
    doc = "length of one repeat (default 0.3)" },
  { name = "json", value = "a file", doc = "also write the results there" },
  { name = "against", value = "a file", doc = "compare with the results of an earlier run" },
  { name = "list", doc = "the workloads, and nothing else" },
  { name = "help", doc = "this text" },
}

local M = {
  usage = "bench [OPTION ...] [WORKLOAD ...]",
  about = "Microseconds a training step, planned and as written, in turns.",
  options = options, examples = { "lossdbg bench W1 W4 --threads 2" },
}

local function chosen_of(words)
  local list = {}
  for i, id in ipairs(words) do
    list[i] = workload_list.get(id:upper())
      or cli.stop(cli.status.usage, "no workload '%s' (see lossdbg bench --list)", id)
  end
  return #list > 0 and list or workload_list.all()
end

local function earlier_of(path)
  if not path then return {} end
  local earlier = results.read(path)
  if not earlier then
    cli.stop(cli.status.unreadable, "'%s' holds no results of a benchmark", path)
  end
  local medians = {}
  for _, row in ipairs(earlier.rows) do
    medians[row.workload .. row.threads .. row.system] = row.median_us
  end
  return medians
end

-- Both systems of one workload; who cannot run leaves a note.
local function cell(chosen, given, date)
  local open, fns, rows, notes = {}, {}, {}, {}
  for _, name in ipairs(systems.names) do
    local run, why = systems.open(chosen, given.threads, name)
    if run then
      open[#open + 1], fns[#fns + 1] = run, run.step
      run.name, why = name, run.note
    end
    if why then
      notes[#notes + 1] = { workload = chosen.id, threads = given.threads, system = name,
        note = why }
    end
  end
  for i, t in ipairs(measure.interleaved(fns, given.repeats, given.seconds)) do
    rows[i] = { workload = chosen.id, threads = given.threads, system = open[i].name,
      median_us = t.median, min_us = t.min, max_us = t.max, repeats = given.repeats, date = date,
      rss_mb = measure.peak_mb(), loss_first = open[i].loss_first, loss_last = open[i].loss_last,
      version = require("lossdbg")._VERSION }
  end
  return rows, notes
end

---@param args string[] "bench", ...
---@param out file*
---@return integer status
function M.run(args, out)
  local given, words = cli.read(args, 2, options)
  local chosen, earlier = chosen_of(words), earlier_of(given.against)
  if given.list then
    for _, workload in ipairs(chosen) do
      out:write(("%-4s %s\n"):format(workload.id, workload.title))
    end
    return cli.status.ok
  end
  given.threads, given.repeats = given.threads or 1, given.repeats or 5
  given.seconds = given.seconds or 0.3
  local head = machine.describe()
  head.command = "lossdbg " .. table.concat(args, " ")
  local t = results.new(head)
  out:write(("%s; %s; lossdbg %s\n"):format(head.cpu, head.blas, head.lossdbg))
  for _, workload in ipairs(chosen) do
    local rows, notes = cell(workload, given, head.date)
    results.put_cell(t, rows, notes)
    for _, row in ipairs(rows) do
      local before = earlier[row.workload .. row.threads .. row.system]
      out:write(("%-4s %d thr. %-14s %12.2f us (%.2f .. %.2f)%s\n"):format(row.workload,
        row.threads, row.system, row.median_us, row.min_us, row.max_us,
        before and ("  %.2f x before"):format(row.median_us / before) or ""))
    end
    for _, n in ipairs(notes) do
      out:write(("%-4s %d thr. %-14s %s\n"):format(n.workload, n.threads, n.system, n.note))
    end
  end
  if given.json then
    local ok, why = attempt.call(results.write, t, given.json)
    if not ok then cli.stop(cli.status.usage, "cannot write '%s': %s", given.json, why) end
  end
  return cli.status.ok
end

return M
