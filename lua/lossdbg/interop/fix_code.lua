--- Fixes as code of the framework a program came from: every kind of patch is a row that renders as
-- lines to paste, with the user's names of layers. What a framework has no word for becomes a
-- comment that says so; nothing is left out in silence.
--   ld.interop.fix_code({ optimizer = { lr = 0.01 } }, "keras", experiment)
--     model.optimizer.learning_rate = 0.01
local fix_literal = require "lossdbg.interop.fix_literal"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local M = {}

local frameworks = {
  keras = require "lossdbg.interop.fix_keras",
  torch = require "lossdbg.interop.fix_torch",
}

---@class lossdbg.FixContext  what the lines refer to
---@field description table        of the experiment
---@field name fun(path: string): string  the user's name of a layer
---@field last string|nil          path of the last layer with weights
---@field layer fun(path: string): table  its description

local function context_of(experiment, names)
  local d = experiment:description()
  local by_path, last = {}, nil
  for _, layer in ipairs(d.layers) do
    by_path[layer.path] = layer
    if layer.kind == "dense" or layer.units then last = layer.path end
  end
  return { description = d, last = last, recipe = experiment.recipe,
    layer = function(path) return by_path[path] or {} end,
    name = function(path) return names[path] or path:match "[^/]+$" end }
end

local function in_order(patch)
  local keys = {}
  for key in pairs(patch) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

local function render(patch, rows, context, lines)
  if patch.patch then return render(patch.patch, rows, context, lines) end
  for _, one in ipairs(patch) do render(one, rows, context, lines) end
  for _, key in ipairs(in_order(patch)) do
    if type(key) == "string" then
      local row = rows[key]
      if not row then
        options.fail("interop.fix_code", "patch", "a patch of experiment:with", key, nil,
          source.level())
      end
      for line in (row(patch[key], context) .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = line end
    end
  end
end

---The code of a patch, a list of patches or a fix.
---@param patch table
---@param framework "lua"|"keras"|"torch"
---@param experiment lossdbg.Experiment that the patch is for
---@param names? table<string, string> path of a layer -> the user's name (program.names)
---@return string
function M.code(patch, framework, experiment, names)
  local where = "interop.fix_code"
  if type(patch) ~= "table" then
    options.fail(where, "patch", "a patch or a fix with one", patch, nil, source.level())
  end
  if framework == "lua" then
    return "experiment = experiment:with " .. fix_literal.lua(patch.patch or patch)
  end
  local rows = frameworks[framework]
  if not rows then
    options.fail(where, "framework", "\"lua\", \"keras\" or \"torch\"", framework, nil,
      source.level())
  end
  local lines = {}
  render(patch, rows, context_of(experiment, names or {}), lines)
  return table.concat(lines, "\n")
end

---Kinds of patches that a framework has a row for.
---@param framework "keras"|"torch"
---@return table<string, function>
function M.rows(framework) return frameworks[framework] end

return M
