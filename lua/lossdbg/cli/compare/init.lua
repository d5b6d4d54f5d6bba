--- `lossdbg compare`: runs beside each other, or one against good ones.
local bands = require "lossdbg.diagnose.curve.bands"
local braille = require "lossdbg.view.braille"
local cli = require "lossdbg.cli"
local curve = require "lossdbg.diagnose.curve"
local number = require "lossdbg.support.number"
local report_options = require "lossdbg.cli.report_options"
local text_table = require "lossdbg.view.table"

local M = {
  usage = "compare [OPTION ...] RUN RUN ... [--baseline GOOD,GOOD,...]",
  about = "Two or more runs: their losses in one plot, first, best and last values, states, and "
    .. "what differs in what is known of their settings. With --baseline, each run is held against "
    .. "the bands that earlier good runs span, relative to their start; to leave them is a fault.",
  options = report_options.join({
    { name = "baseline", value = "runs", doc = "good runs, separated by commas" },
    { name = "loss", value = "a name", doc = "the loss, where a log holds several" },
  }, report_options.look),
  examples = { "lossdbg compare runs/7 runs/8",
    "lossdbg compare runs/9 --baseline runs/3,runs/5,runs/7" },
}

local function open(path, given)
  local run, why = require("lossdbg").open(path, { loss = given.loss })
  if not run then cli.stop(cli.status.unreadable, "%s", why) end
  return run
end

local function best_of(loss)
  local best
  for _, v in ipairs(loss) do
    if v == v and (not best or v < best) then best = v end
  end
  return best
end

local FACTS = { "loss", "family", "classes", "units", "activation", "lr", "variance" }

-- Settings that are not the same in all runs.
local function differences(runs)
  local rows = {}
  for _, name in ipairs(FACTS) do
    local row, same = { name }, true
    for i, run in ipairs(runs) do
      local value = run.facts[name]
      row[i + 1] = value == nil and "-" or type(value) == "number" and number.short(value)
        or tostring(value)
      same = same and row[i + 1] == row[2]
    end
    if not same then rows[#rows + 1] = row end
  end
  return rows
end

local function show_table(out, runs, names)
  local rows = {}
  for i, run in ipairs(runs) do
    local d, loss = curve.judge(run, run.facts), run.history.loss
    local val = run.curves.val_loss and run.curves.val_loss.y
    rows[i] = { names[i], ("%d %ss"):format(#loss, run.axis), number.format(loss[1]),
      number.format(best_of(loss) or 0 / 0), number.format(loss[#loss]),
      val and number.format(val[#val]) or "-", d.state }
  end
  out:write(text_table.render(rows, { header = { "run", "length", "first", "best", "last",
    "val last", "state" } }), "\n")
  local settings = differences(runs)
  if #settings > 0 then
    local header = { "differs" }
    table.move(names, 1, #names, 2, header)
    out:write("\n", text_table.render(settings, { header = header }), "\n")
  end
end

local function held(out, runs, names, given)
  local good = {}
  for path in given.baseline:gmatch "[^,]+" do
    good[#good + 1] = open(path, given).history.loss
  end
  if #good == 0 then cli.stop(cli.status.usage, "--baseline needs runs") end
  local limits, status = bands.learn(good), cli.status.ok
  for i, run in ipairs(runs) do
    local at, value, limit = bands.outside(limits, run.history.loss)
    if at then
      status = cli.status.fault
      out:write(("%s leaves the band of %d good runs at %s %d: %s of its start, at most %s\n")
        :format(names[i], #good, run.axis, at, number.short(value), number.short(limit)))
    else
      out:write(("%s stays within the band of %d good runs\n"):format(names[i], #good))
    end
  end
  return status
end

---@param args string[] "compare", ...
---@param out file*
---@return integer status
function M.run(args, out)
  local given, paths = cli.read(args, 2, M.options)
  if #paths < (given.baseline and 1 or 2) then
    cli.stop(cli.status.usage, "compare takes two runs, or one and --baseline")
  end
  local runs, curves = {}, {}
  for i, path in ipairs(paths) do
    runs[i] = open(path, given)
    curves[i] = { name = path, y = runs[i].history.loss }
  end
  if #curves <= 4 then
    out:write(braille.plot(curves, { title = "loss", color = report_options.color(given, out) }),
      "\n\n")
  end
  show_table(out, runs, paths)
  return given.baseline and held(out, runs, paths, given) or cli.status.ok
end

return M
