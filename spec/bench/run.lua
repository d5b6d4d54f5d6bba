-- The benchmark: run.lua [KEY=VALUE ...], see README.md beside it.
package.path = "./?.lua;" .. package.path
local catalogue = require "lossdbg.cli.bench.workload_list"
local cell = require "spec.bench.cell"
local child_systems = require "spec.bench.child_systems"
local ld = require "lossdbg"
local machine = require "lossdbg.cli.bench.machine"
local markdown = require "spec.bench.markdown"
local results = require "lossdbg.cli.bench.results"
local systems = require "lossdbg.cli.bench.systems"

local part_names = { "steps", "telemetry", "watch", "ops", "startup", "doctor", "scaling" }
local defaults = {
  workloads = "W1 W2 W3 W4 W5 W6 W7 W8 W9 W10", threads = "1 2", repeats = "5", seconds = "0.3",
  peers = "1", parts = table.concat(part_names, " "), out = "build/bench.json",
  folder = "build/bench", floor = "build/bench/floor", limit = "120", fresh = "0", gate = "",
  lua = os.getenv "LUA" or "lua5.4", python = os.getenv "PYTHON" or "python3",
}

local function usage(why)
  io.stderr:write("bench: ", why, "\nusage: spec/bench/run.lua [KEY=VALUE ...] with keys\n")
  local keys = {}
  for key in pairs(defaults) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do io.stderr:write(("  %-10s %s\n"):format(key, defaults[key])) end
  os.exit(64)
end

local function words(text)
  local list = {}
  for word in text:gmatch "[^%s,]+" do list[#list + 1] = word end
  return list
end

local function read_options(given)
  local o = {}
  for key, value in pairs(defaults) do o[key] = value end
  for _, word in ipairs(given) do
    local key, value = word:match "^(%l+)=(.*)$"
    if not (key and defaults[key]) then usage("what is '" .. word .. "'?") end
    if value ~= "" then o[key] = value end
  end
  o.repeats, o.seconds, o.limit = tonumber(o.repeats), tonumber(o.seconds), tonumber(o.limit)
  if not (o.repeats and o.seconds and o.limit and o.repeats >= 1 and o.seconds > 0) then
    usage "repeats, seconds and limit are numbers"
  end
  if o.gate == "" then o.gate = nil end
  o.peers, o.fresh = o.peers ~= "0", o.fresh ~= "0"
  local file = io.open(o.floor)
  if file then file:close() else o.floor = nil end
  local chosen = {}
  for i, id in ipairs(words(o.workloads)) do
    chosen[i] = catalogue.get(id) or usage("no workload '" .. id .. "'")
  end
  o.workloads, o.threads, o.parts = chosen, words(o.threads), words(o.parts)
  for i, n in ipairs(o.threads) do
    o.threads[i] = math.tointeger(tonumber(n)) or usage("threads '" .. n .. "' are no number")
  end
  return o
end

local function write_initial(options)
  for _, workload in ipairs(options.workloads) do
    assert(ld.safetensors.save(("%s/%s.safetensors"):format(options.folder, workload.id),
      systems.initial(workload)))
  end
end

local function say(...)
  io.stderr:write(string.format(...), "\n")
end

local options = read_options(arg)
options.date = os.date "!%Y-%m-%dT%H:%M:%SZ"
assert(os.execute("mkdir -p " .. options.folder))
local head = machine.describe()
local said = {} -- what was asked for, without what make adds
for _, word in ipairs(arg) do
  if not word:match "=$" and not word:match "^lua=" and not word:match "^floor=" then
    said[#said + 1] = word:find(" ", 1, true) and "'" .. word .. "'" or word
  end
end
head.command = table.concat({ "lua5.4 spec/bench/run.lua", table.unpack(said) }, " ")
local t = not options.fresh and results.read(options.out) or results.new(head)
t.head = head
local complaints = {}

local function steps()
  write_initial(options)
  local installed = options.peers and child_systems.installed(options.python) or {}
  for name, there in pairs(installed) do
    if not there then say("%s is not installed: left out", name) end
  end
  for _, workload in ipairs(options.workloads) do
    for _, threads in ipairs(options.threads) do
      if threads <= (child_systems.count() or threads) then
        local rows, notes, wrong = cell.run(options, workload, threads, installed)
        results.put_cell(t, rows, notes)
        results.write(t, options.out)
        for _, row in ipairs(rows) do
          say("%-4s %d thr. %-22s %12.2f us (%.2f .. %.2f)", row.workload, threads, row.system,
            row.median_us, row.min_us, row.max_us)
        end
        for _, n in ipairs(notes) do say("%-4s %d thr. %s: %s", n.workload, threads, n.system,
          n.note) end
        table.move(wrong, 1, #wrong, #complaints + 1, complaints)
      else
        say("%s with %d threads: not so many processors here", workload.id, threads)
      end
    end
  end
end

for _, part in ipairs(options.parts) do
  if part == "steps" then
    steps()
  else
    local ok, module = pcall(require, "spec.bench.part_" .. part)
    if not ok then usage("no part '" .. part .. "': " .. tostring(module):match "^[^\n]*") end
    local measures = module.run(options, say)
    for _, m in ipairs(measures) do m.date = options.date end
    results.put_part(t, part, measures)
    results.write(t, options.out)
  end
end

results.write(t, options.out)
local text = markdown.render(t)
local file = assert(io.open((options.out:gsub("%.json$", "") .. ".md"), "w"))
file:write(text)
file:close()
io.write(text)
for _, complaint in ipairs(complaints) do say("DIFFERENT: %s", complaint) end
os.exit(#complaints == 0 and 0 or 1)
