--- trainer_state.json of transformers: log_history, a list of records with step and epoch.

local json = require "lossdbg.support.json"
local source_file = require "lossdbg.interop.recorded.source_file"

local M = { id = "trainer_state", title = "transformers trainer_state" }

---One record of the trainer into a source. The last one sums the training up: its train_loss is a
---mean over all steps and belongs to no curve.
---@param source lossdbg.RecordedFile
---@param record table<string, any>
---@param at number where the record carries no step
function M.take(source, record, at)
  if record.train_runtime ~= nil then
    source:leave_out "the summary at the end (train_loss is a mean over the training)"
    return
  end
  local step = source_file.number(record.step) or at
  local sorted = {}
  for name in pairs(record) do sorted[#sorted + 1] = tostring(name) end
  table.sort(sorted)
  for _, name in ipairs(sorted) do
    if name ~= "step" and name ~= "epoch" then
      local y = source_file.number(record[name])
      if y then source:add(name, step, y, nil, "step") else source:leave_out(name) end
    end
  end
end

---@param file { path: string, value: any }
---@return lossdbg.RecordedFile|nil
function M.read(file)
  local list = type(file.value) == "table" and file.value.log_history
  if type(list) ~= "table" then return nil end
  local source = source_file.new(file.path, M.id)
  for i, record in ipairs(list) do
    if type(record) == "table" then M.take(source, record, i) end
  end
  source.epochs = source_file.number(file.value.epoch)
  return source
end

---The whole records of a text that is no whole JSON.
---@param file { path: string, text: string }
---@return lossdbg.RecordedFile|nil
function M.salvage(file)
  local at = file.text:match '"log_history"%s*:%s*%[()'
  if not at then return nil end
  local source = source_file.new(file.path, M.id)
  local i = 0
  for text in file.text:sub(at):gmatch "%b{}" do
    local record = json.decode(text)
    if type(record) ~= "table" then break end
    i = i + 1
    M.take(source, record, i)
  end
  return source
end

return M
