--- Grid: experiments that differ in one option.
local options = require "lossdbg.support.options"
local run_parcel = require "lossdbg.experiment.run_parcel"
local source = require "lossdbg.support.source"
local upper = require "lossdbg.support.upper"
local workers = require "lossdbg.support.workers"

local M = {}

---@class lossdbg.Grid
---@field name string
---@field values any[]
---@field [integer] lossdbg.Experiment
---@field runs lossdbg.Run[] after fit
---@field told string[] after fit: what happened to worker processes
---@operator len: integer

local Grid = { __name = "lossdbg.grid" }
Grid.__index = Grid

-- The patch that sets one name: options of the optimiser and of dense layers by their own names.
local function patch_for(name, value)
  local inner = name:match("^optimizer%.(.+)$")
  if inner then return { optimizer = { [inner] = value } } end
  if name == "lr" or name == "learning_rate" or name == "momentum" or name == "weight_decay" then
    return { optimizer = { [name == "learning_rate" and "lr" or name] = value } }
  end
  inner = name:match("^layers%.(.+)$")
  if not inner and (name == "units" or name == "activation" or name == "l1" or name == "l2") then
    inner = name
  end
  if inner then
    return { layers = { kind = "dense", hidden = true, options = { [inner] = value } } }
  end
  if name == "patch" then return value end
  return { [name] = value }
end

---@param experiment lossdbg.Experiment
---@param name string
---@param values any[]
---@return lossdbg.Grid
function M.new(experiment, name, values)
  if type(name) ~= "string" then
    options.fail("experiment:vary", "name", "the name of an option", name, nil, source.level())
  elseif type(values) ~= "table" or #values == 0 then
    options.fail("experiment:vary", "values", "a list of values", values, nil, source.level())
  end
  local self = { name = name, values = values, base = experiment }
  for i, value in ipairs(values) do self[i] = experiment:with(patch_for(name, value)) end
  return setmetatable(self, Grid)
end

-- What callbacks do in another process is lost: with them the runs are made in this one.
local function has_callbacks(self, given)
  return given.on_step ~= nil or #(given.callbacks or {}) > 0 or #(given.contracts or {}) > 0
    or #self.base.recipe.callbacks > 0
end

local function fit_apart(self, given, jobs)
  local results, told = workers.map(#self, function(i)
    return run_parcel.close(self[i]:fit(given))
  end, { jobs = jobs, name = function(i) return ("experiment %d"):format(i) end })
  self.told = told
  for i, result in ipairs(results) do
    if not result.ok then error(result.value, 0) end
    self.runs[i] = run_parcel.open(self[i], result.value)
  end
end

local function jobs_of(given)
  local jobs = given.jobs == nil and 1 or given.jobs
  if math.type(jobs) ~= "integer" or jobs < 1 then
    options.fail("grid:fit", "jobs", "a number of worker processes from 1", jobs, nil,
      source.level())
  end
  return workers.check("grid:fit", jobs)
end

---Trains all of them.
---@param given? table options of experiment:fit, and `jobs`: worker processes, to the same bits;
---  with callbacks of your own all runs are made in this process
---@return lossdbg.Grid self, with runs; print shows the table
function Grid:fit(given)
  local quiet = {}
  for key, value in pairs(given or {}) do quiet[key] = value end
  if quiet.verbose == nil then quiet.verbose = 0 end
  local jobs = jobs_of(quiet)
  quiet.jobs, self.runs, self.told = nil, {}, {}
  if jobs > 1 and not has_callbacks(self, quiet) then
    fit_apart(self, quiet, jobs)
    return self
  end
  for i, experiment in ipairs(self) do self.runs[i] = experiment:fit(quiet) end
  return self
end

---The run with the lowest validation loss (training loss without validation data).
---@return lossdbg.Run|nil run
---@return integer|nil index
function Grid:best()
  local best, at
  for i, run in ipairs(self.runs or {}) do
    local loss = run.history.val_loss and run:last "val_loss" or run:last "loss"
    if loss and loss == loss and (not best or loss < best) then best, at = loss, i end
  end
  if at then return self.runs[at], at end
end

local function row_of(value, run, names)
  local row = { type(value) == "table" and (value.name or "#") or value }
  for _, name in ipairs(names) do row[#row + 1] = run.history[name] and run:last(name) or "-" end
  row[#row + 1] = run.stopped
  return row
end

function Grid:__tostring()
  if not self.runs then
    return ("grid over %s: %d experiments, not trained yet (call :fit())"):format(self.name, #self)
  end
  local names, rows = {}, {}
  for _, name in ipairs(self.runs[1]:names()) do
    if name ~= "lr" then names[#names + 1] = name end
  end
  for i, run in ipairs(self.runs) do rows[i] = row_of(self.values[i], run, names) end
  local header = { self.name, table.unpack(names) }
  header[#header + 1] = "ended"
  return upper.table.render(rows, { header = header })
end

return M
