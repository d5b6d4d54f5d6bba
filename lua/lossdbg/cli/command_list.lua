--- The commands, a row each. A command's module holds usage, about, options, examples and
-- `run(args, out, err)`, which returns a status.

local M = {}

---@type { name: string, module: string, summary: string }[]
M.rows = {
  { name = "diagnose", module = "lossdbg.cli.diagnose",
    summary = "what is wrong with a training: logs, a folder, a script" },
  { name = "watch", module = "lossdbg.cli.watch",
    summary = "follows a growing log and alarms once" },
  { name = "lint", module = "lossdbg.cli.lint",
    summary = "what a model file alone shows, without data" },
  { name = "inspect", module = "lossdbg.cli.inspect", summary = "what is in a file or folder" },
  { name = "compare", module = "lossdbg.cli.compare",
    summary = "runs beside each other, or against good ones" },
  { name = "equal", module = "lossdbg.cli.equal",
    summary = "where two runs or checkpoints first differ" },
  { name = "convert", module = "lossdbg.cli.convert",
    summary = "arrays from one file format to another" },
  { name = "explain", module = "lossdbg.cli.explain", summary = "what a rule or cause means" },
  { name = "lr-find", module = "lossdbg.cli.lr_find",
    summary = "a rate test of the experiment in a script" },
  { name = "bench", module = "lossdbg.cli.bench",
    summary = "speed of training steps on this machine" },
  { name = "help", module = "lossdbg.cli.help",
    summary = "help, the man page, completions, the JSON schema" },
}

local by_name = {}
for _, row in ipairs(M.rows) do by_name[row.name] = row end

---@param name string
---@return table|nil module
function M.load(name)
  return by_name[name] and require(by_name[name].module)
end

return M
