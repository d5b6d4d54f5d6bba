--- What log-only tools say of the same runs: their curves go into a folder, log_tools.py asks the
-- tools that are installed there, and a table shows them beside ours.
local files = require "bench_files"
local grid = require "lossdbg.view.table"
local json = require "lossdbg.support.json"

local M = {}

---@class lossdbg.bench.Log
---@field epochs table<string, number[]> by name
---@field steps table<string, number[]>

---The curves of a run as a program would have written them.
---@param run lossdbg.Run
---@return lossdbg.bench.Log
function M.of_run(run)
  local epochs = {}
  for name, list in pairs(run.history) do
    epochs[name == "lr" and "learning_rate" or name] = list
  end
  return { epochs = epochs, steps = { loss = run.steps.loss, grad_norm = run.steps.grad_norm,
    learning_rate = run.steps.lr } }
end

---Curves of a loop of its own: `after` is told of every step.
---@return lossdbg.bench.Log
---@return fun(epoch: integer, loss: number, rows: integer) after
function M.of_loop()
  local log = { epochs = { loss = {} }, steps = { loss = {} } }
  local sums, counts = {}, {}
  return log, function(epoch, loss, rows)
    sums[epoch], counts[epoch] = (sums[epoch] or 0) + loss * rows, (counts[epoch] or 0) + rows
    log.epochs.loss[epoch] = sums[epoch] / counts[epoch]
    log.steps.loss[#log.steps.loss + 1] = loss
  end
end

local function write_rows(path, columns, counter)
  local file = assert(io.open(path, "wb"))
  for i = 1, #columns.loss do
    local row = { [counter] = i }
    for name, list in pairs(columns) do row[name] = list[i] end
    file:write(json.encode(row, { nonfinite = "bare" }), "\n")
  end
  file:close()
end

local function ask(python, script, folder)
  local command = ("%s %s %s 2>/dev/null"):format(files.quoted(python), files.quoted(script),
    files.quoted(folder))
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  pipe:close()
  return json.decode(text)
end

---What the tools say.
---@param results table[] with `log`, which is taken out
---@param script string path of log_tools.py
---@return table<string, table>? answers by tool; nil where there is no Python
function M.answers(results, script)
  local folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir " .. files.quoted(folder)))
  for _, r in ipairs(results) do
    if r.log and #r.log.epochs.loss > 0 then
      write_rows(("%s/%s.epochs.jsonl"):format(folder, r.id), r.log.epochs, "epoch")
      write_rows(("%s/%s.steps.jsonl"):format(folder, r.id), r.log.steps, "step")
    end
    r.log = nil
  end
  local answers = ask(os.getenv "PYTHON" or "python3", script, folder)
  os.execute("rm -r " .. files.quoted(folder))
  return answers
end

local function count(ids, noticed)
  local n = 0
  for _, id in ipairs(ids) do n = n + (noticed(id) and 1 or 0) end
  return ("%d/%d"):format(n, #ids)
end

---The table.
---@param answers table<string, table>? of M.answers
---@param faulty string[] ids
---@param sound string[]
---@param ours { faulty: string, sound: string }
---@return string
function M.text(answers, faulty, sound, ours)
  if not answers then return "log-only tools: no Python to run them with" end
  local rows, names, asked = {}, {}, {}
  for name in pairs(answers) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local a = answers[name]
    if a == json.null then
      rows[#rows + 1] = { name, "not installed", "", "" }
    else
      local function noticed(id) return type(a.cases[id]) == "table" and #a.cases[id] > 0 end
      local failed = 0
      for _, said in pairs(a.cases) do failed = failed + (said == json.null and 1 or 0) end
      asked[#asked + 1] = noticed
      rows[#rows + 1] = { name .. " " .. a.version, count(faulty, noticed), count(sound, noticed),
        failed }
    end
  end
  if #asked > 1 then
    local function any(id)
      for _, noticed in ipairs(asked) do
        if noticed(id) then return true end
      end
    end
    rows[#rows + 1] = { "any of them", count(faulty, any), count(sound, any), "" }
  end
  rows[#rows + 1] = { "lossdbg (names the cause, tries the fix)", ours.faulty, ours.sound, "" }
  return grid.render(rows, { width = 110, header = { "log-only tools on the same runs",
    "faulty, noticed", "sound, alarms", "failed" } })
end

return M
