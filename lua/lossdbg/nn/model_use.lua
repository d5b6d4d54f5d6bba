--- What one does with a built model besides calling it: predict, evaluate, penalty, summary.
local core = require "lossdbg.core"
local inputs = require "lossdbg.data.inputs"
local tensors = require "lossdbg.tensor"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"
local upper = require "lossdbg.support.upper"

local M = {}

local use_schema = options.declare "model:predict" {
  { name = "batch", type = "integer", min = 1, default = 256, doc = "rows computed at a time" },
}

local function to_tensor(x, where, dtype, plan)
  if options.is_tensor(x) then return x end
  if plan and type(x) == "table" then
    local data = inputs.is_several(x) and x or x.x or x
    if not inputs.looks_several(data) then return to_tensor(data, where, dtype) end
    return inputs.read(data, function(part) return to_tensor(part, where, dtype) end)
  end
  if type(x) == "table" and options.is_tensor(x.x) then return x.x end
  if type(x) == "table" and x[1] ~= nil then return tensors.tensor(x, dtype) end
  options.fail(where, "x", "a tensor, a table of numbers or a data set", x, nil, source.level())
end

-- One tensor of many batches.
local function join(parts)
  while #parts > 1 do
    local joined = {}
    for i = 1, #parts, 8 do
      local eight = table.move(parts, i, math.min(i + 7, #parts), 1, {})
      joined[#joined + 1] = core.op.concat(eight, 1)
    end
    parts = joined
  end
  return parts[1]
end

-- A single row of a model with one input, as a batch of one.
local function as_batch(model, x)
  local shape = model.input_shape
  if model.plan or not options.is_tensor(x) or x.rank ~= #shape or #shape == 0 then return x end
  for i, size in ipairs(shape) do
    if x.shape[i] ~= size then return x end
  end
  return x:reshape { 1, table.unpack(shape) }, true
end

local function in_batches(self, x, batch)
  local n, parts = inputs.count(x), {}
  if n <= batch then return self(x) end
  for first = 1, n, batch do
    parts[#parts + 1] = self(inputs.slice(x, first, math.min(first + batch - 1, n)))
  end
  if options.is_tensor(parts[1]) then return join(parts) end
  local result = {}
  for key in pairs(parts[1]) do
    local list = {}
    for i, part in ipairs(parts) do list[i] = part[key] end
    result[key] = join(list)
  end
  return result
end

---Outputs for many rows, batch by batch, outside training and without a graph. A model that was
---loaded answers in the units of the targets that it was trained on.
---@param x any tensor, nested table or data set; a single row of a model with one input; for
---  several inputs a list or table by name
---@param given? { batch: integer } default 256
---@return userdata|table [rows, ...], or [...] for a single row; for several outputs as the graph
---  lists them
function M:predict(x, given)
  local batch = options.check("model:predict", given, use_schema, source.level()).batch
  local rows, single = as_batch(self, to_tensor(x, "model:predict", self.dtype, self.plan))
  return tensors.no_grad(function()
    local y = in_batches(self, rows, batch)
    if single then y = y:reshape(self.output_shape) end
    if self.serving then y = require("lossdbg.nn.model_file").unscaled(self, y) end
    return y
  end)
end

---Loss and metrics on a data set, outside training.
---@param data any data set or `{ x, y }`
---@param given { loss: any, metrics: any, batch: integer }
---@return table<string, number> results: loss and one number per metric
function M:evaluate(data, given)
  return upper.evaluate.model(self, data, given)
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

---Which layers (or inputs) a layer is fed by, one list per call.
---@return table<string, string[][]> by path
---@return table<string, true> is_output paths of the layers that make outputs of the model
function M:connections()
  local plan, from, by_path = self.plan, {}, {}
  if not plan then
    for i, item in ipairs(self.list) do
      by_path[item.path] = { { i > 1 and self.list[i - 1].path or "input_1" } }
    end
    return by_path, { [self.list[#self.list].path] = true }
  end
  for i, input in ipairs(plan.inputs) do from[i] = input.name end
  for _, step in ipairs(plan.steps) do
    local path, names = self.list[step.layer].path, {}
    for i, slot in ipairs(step.from) do names[i] = from[slot] end
    by_path[path] = by_path[path] or {}
    table.insert(by_path[path], names)
    from[step.to] = path
    for _, slot in ipairs(step.more or {}) do from[slot] = path end
  end
  local is_output = {}
  for _, slot in ipairs(plan.outputs) do is_output[from[slot]] = true end
  return by_path, is_output
end

-- "dense_1, dense_2; dense_3": calls of a shared layer are apart by ";"
local function connected_text(calls)
  local parts = {}
  for i, names in ipairs(calls) do parts[i] = table.concat(names, ", ") end
  return table.concat(parts, "; ")
end

---Rows of the summary: one per input of a graph, one per layer.
---@return { layer: string, kind: string, output: string, parameters: integer, note: string,
---  connected: string|nil }[]
function M:summary_rows()
  local rows, from = {}, nil
  if self.plan then from = self:connections() end
  for i, input in ipairs(self.plan and self.plan.inputs or {}) do
    rows[i] = { layer = input.name, kind = "input", output = shape_cell(input.shape),
      parameters = 0, note = "", connected = "" }
  end
  for _, item in ipairs(self.list) do
    local note = item.options.activation
    if type(note) == "table" then note = note.name or note[1] end
    if type(note) == "function" then note = "function" end
    if not item.trainable and #item.parameters > 0 then note = (note or "") .. " frozen" end
    rows[#rows + 1] = { layer = item.path, kind = item.kind, note = note or "",
      output = shape_cell(item.output_shape), parameters = item:count(),
      connected = from and connected_text(from[item.path]) }
  end
  return rows
end

---A table of layers, output shapes and parameter counts.
---@return string
function M:summary()
  local rows = {}
  for i, row in ipairs(self:summary_rows()) do
    rows[i] = { row.layer, row.note, row.output, row.parameters, row.connected }
  end
  local header = { "layer", "activation", "output", "parameters" }
  if self.plan then header[5] = "connected to" end
  local text = upper.table.render(rows,
    { header = header, width = self.plan and 100 or nil })
  local all, trainable = self:count(), self:count(true)
  return ("%s\n%d parameters, %d trainable, %s"):format(text, all, trainable,
    self.dtype)
end

M.__tostring = M.summary

return M
