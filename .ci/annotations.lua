-- Writes lua/lossdbg/optim/annotations.lua: the optimisers and their options for editors, from the
-- rows of the core. Run as `make annotations`; a spec fails while the file is older than the rows.
local kinds = require "lossdbg.optim.kinds"
local common = require "lossdbg.optim.common"

local function class_name(name) return "lossdbg." .. name:gsub("^%l", string.upper) .. "Options" end

local function add_option(out, option, default)
  local line = ("---@field %s? %s"):format(option.name, option.type or "any")
  local text = default and ("default %s"):format(default) or nil
  if option.doc then text = text and option.doc .. "; " .. text or option.doc end
  out[#out + 1] = text and line .. " " .. text or line
end

local function generate()
  local out = {
    "--- The optimisers and their options, for editors; `make annotations` writes this from the",
    "-- rows of the core.",
    "---@meta",
    "",
    "---@class lossdbg.OptimizerOptions options that every optimiser has; place 1: the model",
  }
  for _, option in ipairs(common.schema { schema = {} }) do
    if option.name ~= "model" and option.name ~= "lr" and option.name ~= "weight_decay" then
      add_option(out, option)
    end
  end
  for _, name in ipairs(kinds.names) do
    local kind = kinds.by_name[name]
    out[#out + 1] = ""
    out[#out + 1] = ("---@class %s: lossdbg.OptimizerOptions"):format(class_name(name))
    local _, shown = kinds.describe(name)
    local by_name = {}
    for _, text in ipairs(shown) do
      local key, default = text:match "^(%S+) = (.*)$"
      by_name[key] = default
    end
    add_option(out, { name = "lr", type = "number|table|fun(step: integer): number" }, by_name.lr)
    add_option(out, { name = "weight_decay", type = "number" }, by_name.weight_decay)
    for _, option in ipairs(kind.schema) do add_option(out, option, by_name[option.name]) end
  end
  out[#out + 1] = ""
  out[#out + 1] = "---@class lossdbg.Optim"
  for _, name in ipairs(kinds.names) do
    local line = "---"
    for word in kinds.describe(name):gmatch("%S+") do
      if #line + #word > 96 then
        out[#out + 1] = line
        line = "---"
      end
      line = line == "---" and line .. word or line .. " " .. word
    end
    out[#out + 1] = line
    out[#out + 1] = ("---@field %s fun(given?: %s): lossdbg.Optimizer"):format(name,
      class_name(name))
  end
  out[#out + 1] = ""
  out[#out + 1] = "return {}"
  return table.concat(out, "\n") .. "\n"
end

local path = "lua/lossdbg/optim/annotations.lua"
if arg and arg[0] and arg[0]:match "annotations%.lua$" then
  local file = assert(io.open(path, "w"))
  file:write(generate())
  file:close()
end

return { path = path, generate = generate }
