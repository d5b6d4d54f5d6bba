--- Run: what one training of an experiment left.
local file = require "lossdbg.support.file"
local metric = require "lossdbg.metric"
local json = require "lossdbg.support.json"
local options = require "lossdbg.support.options"
local reads = require "lossdbg.tensor.reads"
local source = require "lossdbg.support.source"
local upper = require "lossdbg.support.upper"

local M = {}

---@class lossdbg.Run
---@field description table    plain description of the experiment
---@field history table<string, number[]> per epoch: loss, data_loss (when there is a penalty),
---                            metrics, val_..., lr
---@field better table<string, "min"|"max"> which way each metric is better
---@field n_epochs integer
---@field n_steps integer
---@field steps table<string, number[]> per step: loss, grad_norm, lr, update_ratio
---@field signals table        what was measured
---@field seconds number|nil   nil when the host has no clock
---@field stopped "completed"|"early_stopping"|"nonfinite_loss"|"callback"|"max_steps"
---@field seed integer
---@field model lossdbg.Model  trained
---@field target_scale table|nil { mean, deviation } of standardised targets
---@operator len: integer

local Run = { __name = "lossdbg.run" }
Run.__index = Run
reads.kind(Run, { fields = { "model", "optimizer" } })

function Run:__len() return self.n_epochs end

function Run:__tostring()
  return upper.terminal.card(self)
end

---@param fields table
---@return lossdbg.Run
function M.new(fields)
  return setmetatable(fields, Run)
end

---True for runs, from here or recorded elsewhere.
function M.is_run(value)
  return type(value) == "table" and getmetatable(value) == Run
end

---Names of the histories, sorted.
---@return string[]
function Run:names()
  local names = {}
  for name in pairs(self.history) do names[#names + 1] = name end
  table.sort(names)
  return names
end

---The last value of a history.
---@param name string "loss", "val_loss", "accuracy", ...
---@return number|nil value nil when no epoch was finished
function Run:last(name)
  local list = self.history[name]
  if not list then
    error(("lossdbg: run:last: unknown history %s%s"):format(options.show(name),
      options.hint(name, self:names())), source.level())
  end
  return list[#list]
end

---The best value of a history and its epoch: the largest where more is
---better of the metric (accuracy, r2, auc, ...), else the smallest.
---@param name string
---@return number|nil value
---@return integer|nil epoch
function Run:best(name)
  self:last(name)
  local higher = metric.direction(name, self.better) == "max"
  local best, at
  for epoch, value in ipairs(self.history[name]) do
    if value == value and (not best or (higher and value > best)
      or (not higher and value < best)) then
      best, at = value, epoch
    end
  end
  return best, at
end

---Outputs of the trained model, in the units of the targets.
---@param x any tensor, nested table or data set
---@param given? { batch: integer }
---@return userdata
function Run:predict(x, given)
  local y = self.model:predict(x, given)
  local scale = self.target_scale
  if scale then y = y:mul(scale.deviation):add(scale.mean) end
  return y
end

---Writes the trained model with what predicting needs: the scale of standardised targets, the names
---of the classes, whether its outputs are logits. `ld.load` reads it.
---@param path string
---@return true|nil
---@return string? message
function Run:save(path)
  if type(path) ~= "string" then
    options.fail("run:save", "path", "where to write", path, nil, source.level())
  elseif not self.model then
    error("lossdbg: run:save: this run has no model (it was recorded elsewhere)", source.level())
  end
  local known = self.description
  return require("lossdbg.nn.model_file").save(self.model, path, { scale = self.target_scale,
    classes = known.classes, from_logits = known.loss and known.loss.from_logits })
end

local function default_curves(run)
  local names = {}
  for _, name in ipairs { "loss", "val_loss" } do
    if run.history[name] then names[#names + 1] = name end
  end
  return names
end

-- Names from the list part, plot options from the rest.
local function curves_of(run, given)
  local names, rest = {}, {}
  if type(given) == "string" then given = { given } end
  if given ~= nil and type(given) ~= "table" then
    options.fail("run:plot", "curves", "names of histories and plot options", given, nil,
      source.level())
  end
  for key, value in pairs(given or {}) do
    if math.type(key) == "integer" then names[key] = value else rest[key] = value end
  end
  if #names == 0 then names = default_curves(run) end
  local curves = {}
  for i, name in ipairs(names) do
    run:last(name)
    curves[i] = { name = name, y = run.history[name] }
  end
  rest.xlabel = rest.xlabel or "epoch"
  local baseline = run.signals and run.signals.baseline
  if not rest.levels and baseline and names[1] == "loss" then
    rest.levels = { { value = baseline, label = run.signals.baseline_name or "baseline" } }
  end
  return curves, rest
end

---Curves in braille.
---@param given? table names of histories in its list part, options of view.braille.plot
---@return string
function Run:plot(given)
  return upper.braille.plot(curves_of(self, given))
end

---Curves as an SVG file.
---@param path string
---@param given? table as for plot
---@return boolean|nil ok
---@return string|nil message
function Run:save_svg(path, given)
  local curves, rest = curves_of(self, given)
  return file.write(path, upper.svg.plot(curves, rest))
end

---The histories as CSV, in the format of Keras' CSVLogger.
---@param path string
---@return boolean|nil ok
---@return string|nil message
function Run:save_csv(path)
  local text = require("lossdbg.train.callback").internal.number_text
  local names = self:names()
  local lines = { "epoch," .. table.concat(names, ",") }
  for epoch = 1, self.n_epochs do
    local cells = { ("%d"):format(epoch - 1) }
    for i, name in ipairs(names) do
      local value = self.history[name][epoch]
      cells[i + 1] = value == nil and "NA" or text(value)
    end
    lines[#lines + 1] = table.concat(cells, ",")
  end
  return file.write(path, table.concat(lines, "\n") .. "\n")
end

---The histories as one JSON object a line, epochs from 1; NaN and infinity as Python writes them.
---@param path string
---@return boolean|nil ok
---@return string|nil message
function Run:save_jsonl(path)
  if type(path) ~= "string" then
    options.fail("run:save_jsonl", "path", "where to write", path, nil, source.level())
  end
  local names, lines = self:names(), {}
  for epoch = 1, self.n_epochs do
    local record = { event = "epoch", epoch = epoch }
    for _, name in ipairs(names) do record[name] = self.history[name][epoch] end
    lines[epoch] = json.encode(record, { nonfinite = "bare" }) .. "\n"
  end
  return file.write(path, table.concat(lines))
end

---The run as TensorBoard events in a folder.
---@param folder string
---@return boolean|nil ok
---@return string|nil message
function Run:save_tensorboard(folder)
  if type(folder) ~= "string" then
    options.fail("run:save_tensorboard", "folder", "where to write", folder, nil, source.level())
  end
  return require("lossdbg.train.callback.tensorboard").save(self, folder)
end

---The run as JSON: histories, steps, description, what was measured.
---@param path string
---@return boolean|nil ok
---@return string|nil message
function Run:save_json(path)
  return file.write(path, upper.record.run_json(self) .. "\n")
end

---The run as one HTML page.
---@param path string
---@return boolean|nil ok
---@return string|nil message
function Run:save_html(path)
  return file.write(path, upper.html.report(self))
end

---The card that print shows.
---@param given? table options of view.terminal
---@return string
function Run:card(given)
  if given ~= nil and type(given) ~= "table" then
    options.fail("run:card", "options", "a table of options", given, nil, source.level())
  end
  return upper.terminal.card(self, given)
end

return M
