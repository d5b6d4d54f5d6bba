--- The fault benchmark: every case is built with the public interface, diagnosed without a look at
-- the truth, and scored afterwards.
--
--   lua5.4 spec/faultbench/run.lua DIR [--truth FILE] [--json OUT] [--only ID] [--jobs N]
--     [--seeds N] [--seed N] [--budget SECONDS] [--floors FILE] [--train-only] [--random-search]
--
-- DIR holds cases/*.json, their data, and causes.json (and check.json for --train-only). Each case
-- has a process of its own: a crash or a timeout is a miss of that case and nothing else. With
-- --floors (a Lua table of counts) the scores are held against them, and the exit code says so.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. package.path

local files = require "bench_files"
local pool = require "bench_pool"

local usage = "usage: lua5.4 " .. arg[0] .. " DIR [--truth FILE] [--json OUT] [--only ID] " ..
  "[--jobs N] [--seeds N] [--seed N] [--budget SECONDS] [--floors FILE] [--train-only] " ..
  "[--random-search]"

local takes = { truth = "text", json = "text", only = "text", jobs = "number", seeds = "number",
  seed = "number",
  budget = "number", floors = "text", ["train-only"] = "flag", ["random-search"] = "flag" }

local function stop(message)
  io.stderr:write("faultbench: ", message, "\n", usage, "\n")
  os.exit(2)
end

local function read_options(list)
  local o, i = { jobs = 2, budget = 10 }, 1
  while i <= #list do
    local name = list[i]:match "^%-%-(.+)$"
    local kind = name and takes[name]
    if name and not kind then stop("unknown option '" .. list[i] .. "'") end
    if kind == "flag" then
      o[name] = true
    elseif name then
      i = i + 1
      local value = list[i]
      if kind == "number" then value = tonumber(value) end
      if value == nil then stop("option '--" .. name .. "' needs a " .. kind) end
      o[name] = value
    elseif o.dir then
      stop("two folders: '" .. o.dir .. "' and '" .. list[i] .. "'")
    else
      o.dir = list[i]
    end
    i = i + 1
  end
  if not o.dir then stop "a folder with cases is needed" end
  o.dir = o.dir:gsub("(.)/+$", "%1")
  for _, name in ipairs { "jobs", "seeds", "seed" } do
    if o[name] and (o[name] < 1 or math.tointeger(o[name]) == nil) then
      stop("option '--" .. name .. "' needs a whole number from 1")
    end
  end
  if o.floors and not o.truth then stop "option '--floors' needs '--truth'" end
  if o.budget <= 0 then stop "option '--budget' needs a number above 0" end
  return o
end

local function machine()
  local cpu = (files.text("/proc/cpuinfo") or ""):match "model name%s*:%s*([^\n]+)"
  local config = require("lossdbg").config()
  return { cpu = cpu, lua = _VERSION, lossdbg = config.version, blas = config.blas }
end

local function main(o)
  local ids = files.case_ids(o.dir, o.only)
  if #ids == 0 then
    stop(("no case %sin '%s/cases'"):format(o.only and "'" .. o.only .. "' " or "", o.dir))
  end
  local one = o["train-only"] and require("bench_train").case or require("bench_case").diagnose
  local results = pool.run(ids, math.tointeger(o.jobs), function(id) return one(o.dir, id, o) end)
  local answers = not o["train-only"] and o.truth
    and require("bench_logs").answers(results, here .. "/log_tools.py") or nil
  for _, r in ipairs(results) do r.log = nil end
  if o.json then
    local ok, why = files.write_json(o.json, { schema = "lossdbg.faultbench", version = 1,
      machine = machine(), cases = results })
    if not ok then stop(why) end
  end
  local text
  local truth = o.truth and files.need_json(o.truth)
  local causes = files.json(o.dir .. "/causes.json") or {}
  if o["train-only"] then
    text = require("bench_train").report(results, o.dir)
  else
    text = require("bench_report").text(results, truth, causes, answers)
  end
  io.stdout:write(text, "\n")
  if o.floors then
    local counts = require("bench_report").counts(results, truth, causes)
    local lines, failed = require("bench_floors").compare(counts, assert(loadfile(o.floors, "t"))())
    io.stdout:write("\n", table.concat(lines, "\n"), "\n")
    os.exit(failed == 0 and 0 or 1)
  end
end

local o = read_options(arg)
main(o)
