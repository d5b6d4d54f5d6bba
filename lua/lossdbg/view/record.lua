--- Runs and diagnoses as plain data for other programs: what JSON and the HTML report carry.
local json = require "lossdbg.support.json"

local M = {
  --- Version of the form of a run; a new number whenever a field changes its meaning or vanishes.
  schema = 1,
}

-- Numbers, texts and tables of them; functions, userdata (tensors) and metatables stay behind, and
-- so does a table inside itself.
local function plain(value, open)
  local kind = type(value)
  if kind == "number" or kind == "string" or kind == "boolean" then return value end
  if kind ~= "table" or open[value] then return nil end
  open[value] = true
  local out = {}
  for k, v in next, value do
    if type(k) == "string" or (type(k) == "number" and k == k) then out[k] = plain(v, open) end
  end
  open[value] = nil
  return out
end

--- Data only: numbers, texts, booleans and tables of them.
---@param value any
---@return any
function M.plain(value) return plain(value, {}) end

local RUN = { "name", "description", "history", "n_epochs", "n_steps", "steps", "signals",
  "seconds", "stopped", "seed", "environment" }

--- A run as plain data: schema, kind = "run" and the fields of the run that are data.
---@param run table
---@return table
function M.run(run)
  local out = { schema = M.schema, kind = "run" }
  for _, name in ipairs(RUN) do out[name] = plain(run[name], {}) end
  return out
end

--- A diagnosis as plain data, in the one form that other programs read (view/diagnosis_schema.lua).
---@param diagnosis table
---@return table
function M.diagnosis(diagnosis)
  return require("lossdbg.view.diagnosis_record").full(diagnosis)
end

--- JSON text of a diagnosis; NaN and infinities are null, keys sorted.
---@param diagnosis table
---@param opts lossdbg.json.encode_options|nil
---@return string
function M.diagnosis_json(diagnosis, opts)
  return json.encode(M.diagnosis(diagnosis), opts)
end

--- JSON text of a run; NaN and infinities are null, keys sorted.
---@param run table
---@param opts lossdbg.json.encode_options|nil
---@return string
function M.run_json(run, opts)
  return json.encode(M.run(run), opts)
end

return M
