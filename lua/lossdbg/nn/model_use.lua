--- What one does with a built model besides calling it: predict, evaluate, penalty, summary.
local core = require "lossdbg.core"
local tensors = require "lossdbg.tensor"
local options = require "lossdbg.options"
local source = require "lossdbg.source"

local M = {}

local use_schema = { { name = "batch", type = "integer", min = 1, default = 256 } }

local function to_tensor(x, where, dtype)
  if options.is_tensor(x) then return x end
  if type(x) == "table" and options.is_tensor(x.x) then return x.x end
  if type(x) == "table" and x[1] ~= nil then return tensors.tensor(x, dtype) end
  options.fail(where, "x", "a tensor, a table of numbers or a data set", x, nil, source.level())
end

---Outputs for many rows, batch by batch, outside training and without a graph.
---@param x any tensor, nested table or data set
---@param given? { batch: integer } default 256
---@return userdata [rows, ...]
function M:predict(x, given)
  local batch = options.check("model:predict", given, use_schema, source.level()).batch
  x = to_tensor(x, "model:predict", self.dtype)
  return tensors.no_grad(function()
    local n, parts = x.shape[1] or 0, {}
    if n <= batch then return self(x) end
    for first = 1, n, batch do
      parts[#parts + 1] = self(x:slice(1, first, math.min(first + batch - 1, n)))
    end
    while #parts > 1 do
      local joined = {}
      for i = 1, #parts, 8 do
        local eight = table.move(parts, i, math.min(i + 7, #parts), 1, {})
        joined[#joined + 1] = core.op.concat(eight, 1)
      end
      parts = joined
    end
    return parts[1]
  end)
end

---Loss and metrics on a data set, outside training.
---@param data any data set or `{ x, y }`
---@param given { loss: any, metrics: any, batch: integer }
---@return table<string, number> results: loss and one number per metric
function M:evaluate(data, given)
  return require("lossdbg.evaluate").model(self, data, given)
end

---Sum of the weight penalties, a scalar tensor, or nil when there is none.
---@return userdata|nil
function M:penalty()
  local total
  for _, item in ipairs(self.list) do
    for _, parameter in ipairs(item.parameters) do
      if parameter.regularizer then
        local part = parameter.regularizer(parameter.tensor)
        total = total and total:add(part) or part
      end
    end
  end
  return total
end

local function shape_cell(shape)
  return "[" .. table.concat(shape, ", ") .. "]"
end

---Rows of the summary: one per layer, then totals.
---@return { layer: string, kind: string, output: string, parameters: integer, note: string }[]
function M:summary_rows()
  local rows = {}
  for i, item in ipairs(self.list) do
    local note = item.options.activation
    if type(note) == "table" then note = note.name or note[1] end
    if type(note) == "function" then note = "function" end
    if not item.trainable and #item.parameters > 0 then note = (note or "") .. " frozen" end
    rows[i] = { layer = item.path, kind = item.kind, output = shape_cell(item.output_shape),
      parameters = item:count(), note = note or "" }
  end
  return rows
end

---A table of layers, output shapes and parameter counts.
---@return string
function M:summary()
  local rows = {}
  for i, row in ipairs(self:summary_rows()) do
    rows[i] = { row.layer, row.note, row.output, row.parameters }
  end
  local text = require("lossdbg.view.table").render(rows,
    { header = { "layer", "activation", "output", "parameters" } })
  local all, trainable = self:count(), self:count(true)
  return ("%s\n%d parameters, %d trainable, %s"):format(text, all, trainable,
    self.dtype)
end

M.__tostring = M.summary

return M
