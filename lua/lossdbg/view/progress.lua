--- Progress of fit: one redrawn line on a terminal, one plain line per epoch elsewhere.
local metric = require "lossdbg.metric"
local number = require "lossdbg.support.number"
local text = require "lossdbg.support.text"

local M = {}

local io, os = io, os

local REDRAW = 0.05 -- seconds between two redraws, so at most 20 a second
local PLAIN_LINES = 30 -- about so many lines for a long training off the terminal
local BAR = 12

---@class lossdbg.progress
---@field epochs integer|nil
---@field steps integer|nil
local Progress = {}
Progress.__index = Progress

local function environment(name)
  return os and os.getenv and os.getenv(name) or nil
end

-- Linux says how a descriptor was opened: terminals read and write, pipes only write. Elsewhere
-- the question stays open (nil).
local function opened_read_write(fd)
  local file = io.open("/proc/self/fdinfo/" .. fd, "r")
  if not file then return nil end
  local content = file:read("a") or ""
  file:close()
  local flags = tonumber(content:match("flags:%s*(%d+)") or "", 8)
  if not flags then return nil end
  return flags % 4 == 2
end

--- Whether `stream` is probably a terminal. Without C this is a guess from TERM and CI, from
--- whether the stream can be positioned (files can), and on Linux from how it was opened.
---@param stream file*|nil
---@return boolean
function M.is_terminal(stream)
  if not (io and stream and (stream == io.stderr or stream == io.stdout)) then return false end
  local term, ci = environment("TERM"), environment("CI")
  if not term or term == "" or term == "dumb" then return false end
  if ci and ci ~= "" and ci ~= "false" and ci ~= "0" then return false end
  if stream:seek("cur") then return false end
  return opened_read_write(stream == io.stderr and 2 or 1) ~= false
end

--- Whether colours are wanted on `stream`: a terminal, and NO_COLOR unset or empty.
---@param stream file*|nil
---@return boolean
function M.wants_color(stream)
  local no = environment("NO_COLOR")
  return (no == nil or no == "") and M.is_terminal(stream)
end

-- Lua has processor time in fine steps and wall time in seconds. The finer one counts unless the
-- process mostly waits; never runs backwards.
local function default_clock()
  if not (os and os.clock and os.time) then return function() return 0 end end
  local processor, wall, latest = os.clock(), os.time(), 0
  return function()
    local fine, coarse = os.clock() - processor, os.time() - wall
    latest = math.max(latest, coarse > fine + 1 and coarse or fine)
    return latest
  end
end

local OPTIONS = { epochs = true, steps = true, stream = true, tty = true, clock = true,
  verbose = true, width = true, ascii = true, color = true, monitor = true }

---@class lossdbg.progress_options
---@field epochs integer|nil    epochs planned
---@field steps integer|nil     steps of one epoch
---@field stream {write:function}|nil  default io.stderr where there is an io
---@field tty boolean|nil       default M.is_terminal(stream)
---@field clock (fun():number)|nil  seconds; default from os where there is one
---@field verbose integer|nil   0: silent
---@field width integer|nil     default 80
---@field ascii boolean|nil     no box drawing, arrows or stars
---@field color boolean|nil     default false
---@field monitor string|nil    metric of the star, default "val_loss"; the best is the lowest,
---                             or the highest where more of it is better

--- A progress display. Call p:batch(epoch, step, logs) after a step, p:epoch(epoch, logs) after an
--- epoch, p:close() at the end; logs maps names to numbers ("loss", "val_loss", "lr", metrics).
---@param opts lossdbg.progress_options|nil
---@return lossdbg.progress
function M.new(opts)
  opts = opts or {}
  for name in pairs(opts) do
    if not OPTIONS[name] then
      error("lossdbg: progress.new: unknown option '" .. tostring(name) .. "'", 2)
    end
  end
  local stream = opts.stream
  if stream == nil and io then stream = io.stderr end
  if opts.verbose == 0 then stream = nil end
  local tty = opts.tty
  if tty == nil then tty = stream ~= nil and M.is_terminal(stream) end
  local clock = opts.clock or default_clock()
  local monitor = opts.monitor or "val_loss"
  return setmetatable({ epochs = opts.epochs, steps = opts.steps, stream = stream or nil, tty = tty,
    clock = clock, width = opts.width or 80, ascii = opts.ascii, monitor = monitor,
    higher = metric.direction(monitor) == "max", paint = text.painter(opts.color),
    every = math.max(1, math.ceil((opts.epochs or 1) / PLAIN_LINES)), previous = {},
    epoch_start = clock(), drawn_at = -math.huge, current = 0, skipped = nil }, Progress)
end

local ORDER = { loss = 1, val_loss = 2, lr = 9 }

local function sorted_names(logs)
  local names = {}
  for name, value in pairs(logs) do
    if type(name) == "string" and type(value) == "number" then names[#names + 1] = name end
  end
  table.sort(names, function(a, b)
    local x, y = ORDER[a] or 5, ORDER[b] or 5
    if x ~= y then return x < y end
    -- A metric stands before its validation value: accuracy, val_accuracy.
    local p, q = a:gsub("^val_", ""), b:gsub("^val_", "")
    if p ~= q then return text.before(p, q) end
    return #a < #b
  end)
  return names
end

-- "loss 0.412 ↓": the loss with its direction since the last epoch; a star at the best so far.
local function piece(self, name, value)
  if name == "lr" then return "lr " .. number.short(value) end
  local label = (name == "val_loss" and "val" or name):gsub("^val_", "val "):gsub("accuracy", "acc")
  local shown = label .. " " .. number.format(value, 3)
  if not number.is_finite(value) then return self.paint(shown, "red") end
  local mark = ""
  if name == self.monitor and self.is_best then
    mark = self.ascii and " *" or " ★"
  elseif name == "loss" and self.previous.loss and value ~= self.previous.loss then
    local falls = value < self.previous.loss
    mark = self.ascii and (falls and " v" or " ^") or (falls and " ↓" or " ↑")
  end
  return shown .. mark
end

local function pieces(self, logs)
  local out = {}
  for _, name in ipairs(sorted_names(logs)) do out[#out + 1] = piece(self, name, logs[name]) end
  return out
end

local function bar(self, step)
  if not self.steps or self.steps < 1 then return nil end
  local full = math.min(BAR, BAR * step // self.steps)
  if self.ascii then return ("="):rep(full) .. ("."):rep(BAR - full) end
  local rest = full < BAR and self.paint(("─"):rep(BAR - full), "dim") or ""
  return (full > 0 and self.paint(("━"):rep(full), "green") or "") .. rest
end

-- One line of at most `width`: pieces that do not fit are left out, the last ones first.
local function compose(self, epoch, step, seconds, logs)
  local total = self.epochs and number.raw("%.0f", self.epochs) or nil
  local head = "ep " .. (total and text.pad(tostring(epoch), #total, "right") .. "/" .. total
    or tostring(epoch))
  local left = { head }
  if self.tty then left[#left + 1] = bar(self, step) end
  local time = number.clock(seconds)
  if step > 0 then time = time .. " " .. number.clock(seconds / step) .. "/step" end
  left[#left + 1] = time
  local line = table.concat(left, " ")
  for _, p in ipairs(pieces(self, logs)) do
    if text.width(line) + 2 + text.width(p) <= self.width - (self.tty and 1 or 0) then
      line = line .. "  " .. p
    end
  end
  return line
end

local function draw(self, line)
  local blank = math.max(0, (self.shown or 0) - text.width(line))
  self.stream:write("\r", line, (" "):rep(blank))
  if self.stream.flush then self.stream:flush() end
  self.shown = text.width(line)
end

--- After a training step; on a terminal redraws at most 20 times a second.
---@param epoch integer
---@param step integer  of this epoch, from 1
---@param logs table<string, number>
function Progress:batch(epoch, step, logs)
  if epoch ~= self.current then
    self.current, self.first_step = epoch, step
    if step > 1 then self.epoch_start = self.clock() end
  end
  self.last_step = step
  if not (self.stream and self.tty) then return end
  local now = self.clock()
  if now - self.drawn_at < REDRAW then return end
  self.drawn_at = now
  self.is_best = false
  draw(self, compose(self, epoch, step, now - self.epoch_start, logs))
end

local function better(self, value)
  if not number.is_finite(value) then return false end
  if not self.best then return true end
  if self.higher then return value > self.best end
  return value < self.best
end

--- After an epoch: the finished line on a terminal, a plain line elsewhere (every k-th epoch when
--- there are many, always the first, the last and one whose loss is not finite).
---@param epoch integer
---@param logs table<string, number>
function Progress:epoch(epoch, logs)
  local now = self.clock()
  self.is_best = logs[self.monitor] ~= nil and better(self, logs[self.monitor])
  if self.is_best then self.best = logs[self.monitor] end
  if self.stream then
    local step = self.last_step or self.steps or 0
    local line = compose(self, epoch, step, now - self.epoch_start, logs)
    local due = self.tty or epoch == 1 or epoch == self.epochs or epoch % self.every == 0
      or (logs.loss ~= nil and not number.is_finite(logs.loss))
    if self.tty then
      draw(self, line)
      self.stream:write("\n")
    elseif due then
      self.stream:write(line, "\n")
    end
    self.pending = not due and line or nil
    self.shown = nil
  end
  if number.is_finite(logs.loss) then self.previous.loss = logs.loss end
  self.epoch_start, self.last_step, self.drawn_at = now, nil, -math.huge
end

--- Ends the display: finishes an open line, or prints the last epoch when it had been left out.
function Progress:close()
  if self.stream then
    if self.shown then
      self.stream:write("\n")
    elseif self.pending then
      self.stream:write(self.pending, "\n")
    end
    if self.stream.flush then self.stream:flush() end
  end
  self.shown, self.pending, self.stream = nil, nil, nil
end

return M
