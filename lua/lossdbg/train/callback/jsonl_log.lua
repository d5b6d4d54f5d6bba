--- A log with one JSON object a line: every epoch, and every n steps when asked.
local json = require "lossdbg.support.json"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local schema = options.declare "callback.jsonl_log" {
  { name = "path", type = "string", positional = 1, required = true,
    doc = "of the file" },
  { name = "append", type = "boolean", default = false,
    doc = "go on with a file that is there" },
  { name = "every", type = "integer", min = 1, doc = "also a line every so many steps" },
}

local JsonlLog = { __name = "lossdbg.jsonl_log" }
JsonlLog.__index = JsonlLog

function JsonlLog:on_train_begin()
  if not (io and io.open) then
    error("lossdbg: callback.jsonl_log: this host gives no access to files (no io library)", 0)
  end
  local file, why = io.open(self.path, self.append and "a" or "w")
  if not file then error(("lossdbg: callback.jsonl_log: cannot write: %s"):format(why), 0) end
  self.file = file
end

-- JSON has no NaN and no infinity: they are written as text.
local function line(self, event, logs)
  local record = { event = event }
  for key, value in pairs(logs) do
    if value ~= value then
      value = "NaN"
    elseif value == math.huge or value == -math.huge then
      value = value > 0 and "Infinity" or "-Infinity"
    end
    record[key] = value
  end
  self.file:write(json.encode(record), "\n")
  self.file:flush()
end

function JsonlLog:on_step_end(_, logs)
  if self.every and logs.step % self.every == 0 then line(self, "step", logs) end
end

function JsonlLog:on_epoch_end(_, logs) line(self, "epoch", logs) end

function JsonlLog:on_train_end()
  if self.file then self.file:close() end
  self.file = nil
end

---Writes lines such as {"epoch":1,"event":"epoch","loss":0.5,...}; epochs and steps count from 1,
---numbers read back bit for bit, what is not finite is "NaN", "Infinity" or "-Infinity".
---@param given { path: string, append: boolean|nil, every: integer|nil }|string
---@return lossdbg.Callback
return function(given)
  local self = options.check("callback.jsonl_log", given, schema, source.level())
  return setmetatable(self, JsonlLog)
end
