--- `lossdbg lint`: static rules on model files, without data.
local cli = require "lossdbg.cli"

local M = {
  usage = "lint MODEL ...",
  about = "What the configuration of a model alone shows: rules on layers, output, loss and "
    .. "optimiser of .keras, model.json (to_json) and .onnx files; no data, no weights. Layers "
    .. "that are not known are named and the rest is linted.",
  options = { { name = "help", doc = "this text" } },
  examples = { "lossdbg lint model.keras", "lossdbg lint model.json model.onnx" },
}

local function show(out, path, lint)
  out:write(path, "\n")
  for _, f in ipairs(lint.findings) do
    out:write(("  %s: %s (%s)\n"):format(f.severity, f.title, f.rule))
    for _, fix in ipairs(f.fixes or {}) do out:write("    fix: ", fix.text, "\n") end
  end
  for _, text in ipairs(lint.problems) do out:write("  not known: ", text, "\n") end
  for _, text in ipairs(lint.notices) do out:write("  note: ", text, "\n") end
  out:write(("  %d rules found nothing; rules on data and training need a run\n"):format(
    #lint.checked))
end

local function status_of(lint)
  for _, f in ipairs(lint.findings) do
    if f.severity ~= "info" then return cli.status.fault end
  end
  return #lint.problems > 0 and cli.status.unjudged or cli.status.ok
end

---@param args string[] "lint", ...
---@param out file*
---@param err file*
---@return integer status
function M.run(args, out, err)
  local _, paths = cli.read(args, 2, M.options)
  if #paths == 0 then cli.stop(cli.status.usage, "lint what? (see lossdbg lint --help)") end
  local worse = require("lossdbg.cli.report_options").worse
  local status = cli.status.ok
  for _, path in ipairs(paths) do
    local lint, why = require("lossdbg.interop.lint").file(path)
    if lint then
      show(out, path, lint)
      status = worse(status, status_of(lint))
    else
      err:write("lossdbg: ", why, "\n")
      status = worse(status, cli.status.unreadable)
    end
  end
  return status
end

return M
