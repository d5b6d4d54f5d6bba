--- Dictionaries that Python prints, one a line: {'loss': 0.5, 'epoch': 1.0}, as the Trainer of
-- transformers does; its version 5 prints the values as text.

local log_text = require "lossdbg.interop.recorded.log_text"
local source_file = require "lossdbg.interop.recorded.source_file"
local trainer_state = require "lossdbg.interop.recorded.trainer_state"

local M = { id = "trainer_console", title = "printed dictionaries" }

local LINE = "^[^{]*(%b{})"

-- 'name': value or 'name': 'value'
local function record_of(text)
  local record, n = {}, 0
  for name, value in text:gmatch "['\"]([%w_/%.%- ]+)['\"]:%s*['\"]?([^,'\"}]+)" do
    local y = source_file.number(value)
    if y then record[name], n = y, n + 1 end
  end
  return n > 0 and record or nil
end

---@param text string without colours
---@return boolean
function M.fits(text)
  return text:find "{['\"][^}\n]*loss['\"]:%s*['\"]?[%d%+%-ni]" ~= nil
end

---@param file { path: string, text: string }
---@return lossdbg.RecordedFile|nil
function M.read(file)
  local text = log_text.plain(file.text)
  if not M.fits(text) then return nil end
  local source = source_file.new(file.path, M.id)
  local count = 0
  for line in log_text.lines(text) do
    local record = record_of(line:match(LINE) or "")
    if record then
      count = count + 1
      -- epochs are fractions here: they order train and validation records alike
      local at = record.step or record.epoch or count
      trainer_state.take(source, record, at)
      source.epochs = record.epoch or source.epochs
    end
  end
  source.digits = true
  return source
end

return M
