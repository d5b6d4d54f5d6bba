--- What a benchmark ran on.
local ld = require "lossdbg"

local M = {}

local function read(path)
  local file = io.open(path)
  if not file then return nil end
  local text = file:read "a"
  file:close()
  return text
end

local function first_line(command)
  local pipe = io.popen(command .. " 2>/dev/null")
  local line = pipe and pipe:read "l"
  if pipe then pipe:close() end
  return line and line ~= "" and line or nil
end

-- Busy and all time of the processors since the start, in ticks.
local function ticks()
  local text = read "/proc/stat"
  local busy, all, i = 0, 0, 0
  for n in (text and text:match "^cpu +([%d ]+)" or ""):gmatch "%d+" do
    i = i + 1
    all = all + tonumber(n)
    if i ~= 4 and i ~= 5 then busy = busy + tonumber(n) end -- idle, waiting for a disk
  end
  return busy, all
end

---Seconds that processors were busy since the start; nil where the system does not say.
---@return number|nil
function M.busy()
  local busy, all = ticks()
  return all > 0 and busy / 100 or nil
end

-- Share of all processors' time that was not idle, over half a second in which we sleep.
local function load_share()
  local busy, all = ticks()
  if all == 0 or not os.execute "sleep 0.5" then return nil end
  local later, total = ticks()
  return total > all and (later - busy) / (total - all) or nil
end

---The head of the results.
---@return table
function M.describe()
  local info = read "/proc/cpuinfo" or ""
  local config = ld.config()
  return {
    cpu = info:match "model name%s*:%s*([^\n]+)"
      or first_line "sysctl -n machdep.cpu.brand_string" or "unknown",
    cores = tonumber(first_line "nproc || sysctl -n hw.ncpu") or nil,
    system = first_line "uname -srm" or "unknown",
    blas = config.blas,
    lossdbg = config.version,
    commit = first_line "git rev-parse --short HEAD",
    lua = _VERSION,
    compiler = first_line((os.getenv "CC" or "cc") .. " --version") or "unknown",
    governor = (read "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor" or "")
      :match "%S+" or "not visible",
    foreign_load = load_share(),
    date = os.date "!%Y-%m-%dT%H:%M:%SZ",
  }
end

return M
