--- gamma and beta of the layers that normalise.
local initializer = require "lossdbg.nn.initializer"
local regularizer = require "lossdbg.nn.regularizer"
local source = require "lossdbg.support.source"

local M = {}

---The options of a layer with gamma and beta, in front of its own.
---@param own lossdbg.option[]
---@param center? boolean false: gamma only
---@return lossdbg.option[]
function M.schema(own, center)
  local schema = table.move(own, 1, #own, 1, {})
  local function add(option) schema[#schema + 1] = option end
  if center ~= false then
    add { name = "center", type = "boolean", default = true, doc = "add beta" }
    add { name = "beta_init", alias = "beta_initializer", default = "zeros",
      doc = "initialiser of beta" }
    add { name = "beta_regularizer", type = "string|table",
      doc = "penalty on beta" }
  end
  add { name = "scale", type = "boolean", default = true, doc = "multiply by gamma" }
  add { name = "gamma_init", alias = "gamma_initializer", default = "ones",
    doc = "initialiser of gamma" }
  add { name = "gamma_regularizer", type = "string|table",
    doc = "penalty on gamma" }
  return schema
end

---Checks these options.
---@param given table
---@param where string
function M.check(given, where)
  for _, name in ipairs { "gamma", "beta", "moving_mean", "moving_variance" } do
    local init = given[name .. "_init"]
    if init ~= nil then initializer.get(init, source.level()) end
    local key = name .. "_regularizer"
    if given[key] ~= nil then given[key] = regularizer.internal.resolve(given[key], where, key) end
  end
end

---Makes the parameters that the options ask for.
---@param self lossdbg.Layer
---@param context table
---@param shape integer[]
function M.create(self, context, shape)
  local given = self.options
  if given.scale then
    self:add_parameter(context, "gamma", shape, given.gamma_init, given.gamma_regularizer)
  end
  if given.center then
    self:add_parameter(context, "beta", shape, given.beta_init, given.beta_regularizer)
  end
end

return M
