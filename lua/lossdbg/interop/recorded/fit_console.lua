--- What Keras' fit prints, at verbose 1 (bars that are drawn over) and 2 (a line an epoch).
-- A bar's numbers are means since the epoch began; the last drawing of an epoch holds its means.

local log_text = require "lossdbg.interop.recorded.log_text"
local source_file = require "lossdbg.interop.recorded.source_file"

local M = { id = "keras_console", title = "Keras console" }

---@param text string without colours
---@return boolean
function M.fits(text)
  return text:find "Epoch %d+/%d+" ~= nil and text:find "%d+/%d+ [^\r\n]-%- [^\r\n]*%a: " ~= nil
end

-- { { name, value }, ... } of "loss: 0.69 - accuracy: 0.5"; times such as "ETA: 3s" have a unit.
local function measures(line)
  local list = {}
  for name, text, after in line:gmatch "([%a_][%w_%-/%.]*): ([^%s]+)()" do
    local y = source_file.number(text)
    local unit = line:match("^%a", after)
    if y and not unit then list[#list + 1] = { name, y } end
  end
  return list
end

local Reader = {}
Reader.__index = Reader

-- The numbers of the epoch that ends, where its bar was full.
function Reader:close()
  local drawn = self.drawn
  self.drawn = nil
  if not drawn then return end
  if drawn.done < drawn.all then
    self.source:note("epoch %d broke off at batch %d of %d: left out", self.epoch, drawn.done,
      drawn.all)
    return
  end
  for _, cell in ipairs(drawn.cells) do
    self.source:add(cell[1], self.epoch - 1, cell[2], nil, "epoch")
  end
end

function Reader:line(line)
  local epoch = line:match "^%s*Epoch (%d+)/%d+%s*$"
  if epoch then
    self:close()
    self.epoch = math.tointeger(tonumber(epoch))
    return
  end
  local done, all = line:match "^%s*(%d+)/(%w+) "
  if not done or not self.epoch then return end
  local cells = measures(line)
  if #cells > 0 then
    if self.drawn then self.bars = self.bars + 1 end
    done = tonumber(done)
    self.drawn = { done = done, all = tonumber(all) or done, cells = cells }
  end
end

---@param file { path: string, text: string }
---@return lossdbg.RecordedFile|nil
function M.read(file)
  local text = log_text.plain(file.text)
  if not M.fits(text) then return nil end
  local source = source_file.new(file.path, M.id)
  local reader = setmetatable({ source = source, bars = 0 }, Reader)
  for line in log_text.lines(text) do reader:line(line) end
  reader:close()
  source.digits = true
  if reader.bars > 0 then
    source:note("%d drawings within epochs left out: they are means since the epoch began",
      reader.bars)
  end
  return source
end

return M
