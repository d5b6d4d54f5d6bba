--- Keras' History.history, written by Python's json: { "loss": [...], "val_loss": [...] }, also
-- with "history" or "params" around it. NaN and Infinity stand there bare.

local json = require "lossdbg.support.json"
local log_text = require "lossdbg.interop.recorded.log_text"
local names = require "lossdbg.interop.recorded.metric_names"
local source_file = require "lossdbg.interop.recorded.source_file"

local M = { id = "keras_history", title = "Keras History" }

local function is_list(value)
  return type(value) == "table" and value[1] ~= nil and source_file.number(value[1]) ~= nil
end

local function has_list(t)
  for key, value in pairs(t) do
    if type(key) == "string" and is_list(value) then return true end
  end
  return false
end

-- { "train": { "loss": [...] }, "val": { "loss": [...] } } as { "train/loss": [...], ... }
local function by_parts(t)
  local out, any = {}, false
  for part, lists in pairs(t) do
    if names.part(tostring(part)) and type(lists) == "table" and has_list(lists) then
      any = true
      for name, list in pairs(lists) do out[part .. "/" .. tostring(name)] = list end
    end
  end
  return any and out or nil
end

-- The object that maps names to lists.
local function inner(t)
  if type(t) ~= "table" then return nil end
  if has_list(t) then return t end
  if type(t.history) == "table" and has_list(t.history) then return t.history end
  return by_parts(t)
end

local function read_list(source, name, list)
  local count = 0
  for _ in pairs(list) do count = count + 1 end
  for i = 1, count do
    local y = source_file.number(list[i])
    if y then
      source:add(name, i - 1, y, nil, "epoch")
    elseif list[i] ~= json.null then
      source:leave_out(name)
      return
    end
  end
end

---@param file { path: string, text: string, value: any } value: the decoded text
---@return lossdbg.RecordedFile|nil
function M.read(file)
  local history = inner(file.value)
  if not history then return nil end
  local source = source_file.new(file.path, M.id)
  local sorted = {}
  for name in pairs(history) do sorted[#sorted + 1] = tostring(name) end
  table.sort(sorted)
  for _, name in ipairs(sorted) do
    if is_list(history[name]) then
      read_list(source, name, history[name])
    else
      source:leave_out(name)
    end
  end
  return source
end

-- Lists of numbers with their names; a number at the very end of a text may be cut.
local function take_lists(source, text, pattern)
  for name, list in text:gmatch(pattern) do
    local i = 0
    for cell in list:gmatch "([^,%s%]]+)%s*%f[,%]]" do
      local y = source_file.number(cell)
      if not y then break end
      source:add(name, i, y, nil, "epoch")
      i = i + 1
    end
  end
  return source
end

---The lists of a text that is no whole JSON; a number at its very end may be cut and is left out.
---@param file { path: string, text: string }
---@return lossdbg.RecordedFile
function M.salvage(file)
  return take_lists(source_file.new(file.path, M.id), file.text,
    '"([^"]+)"%s*:%s*%[([^%]%[{}]*%]?)')
end

---History.history as Python prints it: {'loss': [0.69, 0.41], 'val_loss': [...]}.
---@type lossdbg.RecordedFormat
M.printed = { id = M.id, title = M.title }

---@param file { path: string, text: string }
---@return lossdbg.RecordedFile|nil
function M.printed.read(file)
  if not file.text:find "['\"][%w_]*loss['\"]%s*:%s*%[" then return nil end
  local text = log_text.bare_values(log_text.plain(file.text))
  return take_lists(source_file.new(file.path, M.id), text,
    "['\"]([%w_/%.%- ]+)['\"]%s*:%s*%[([^%]%[{}]*%]?)")
end

return M
