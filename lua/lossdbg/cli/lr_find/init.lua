--- `lossdbg lr-find`: a rate test of a copy of the experiment in a script.
local cli = require "lossdbg.cli"
local user_script = require "lossdbg.cli.user_script"

local M = {
  usage = "lr-find [OPTION ...] SCRIPT.lua",
  about = "Trains copies of the experiment that the script returns with a rate that grows step by "
    .. "step, and tells where the loss falls best. The experiment itself is not touched.",
  options = {
    { name = "from", value = "a rate", number = true, doc = "first rate" },
    { name = "to", value = "a rate", number = true, doc = "last rate" },
    { name = "steps", value = "a number", integer = true, doc = "steps of a sweep" },
    { name = "seeds", value = "a number", integer = true, doc = "sweeps, whose median counts" },
    { name = "help", doc = "this text" },
  },
  examples = { "lossdbg lr-find train.lua --from 1e-6 --to 1" },
}

---@param args string[] "lr-find", ...
---@param out file*
---@return integer status 2 where the sweep shows no rate
function M.run(args, out)
  local given, words = cli.read(args, 2, M.options)
  if #words ~= 1 then cli.stop(cli.status.usage, "lr-find takes one script") end
  if given.from and given.to and given.to <= given.from then
    cli.stop(cli.status.usage, "--to must be above --from")
  end
  local experiment = user_script.experiment(words[1])
  local result = require("lossdbg").lr_find(experiment, { from = given.from, to = given.to,
    steps = given.steps, seeds = given.seeds })
  out:write(tostring(result), "\n")
  return result.suggestion and cli.status.ok or cli.status.unjudged
end

return M
