-- What there is to compare: every op, layer, loss, optimiser, schedule, initialiser and constraint
-- that lossdbg has, asked of lossdbg itself, and which golden cases each of them has.
local ld = require "lossdbg"
local core = require "lossdbg.core"
local excused = require "parity_exceptions"

local M = {}

local kinds = { "op", "layer", "loss", "optimizer", "schedule", "initializer" }
local titles = { op = "Ops", layer = "Layers", loss = "Losses", optimizer = "Optimisers",
  schedule = "Schedules", initializer = "Initialisers" }

local function functions_of(module, without)
  local list = {}
  for name, value in pairs(module) do
    if type(value) == "function" and not without[name] then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

local function set(...)
  local s = {}
  for _, name in ipairs { ... } do s[name] = true end
  return s
end

-- Names that are functions of a module but no primitive of their own.
local helpers = {
  loss = set("custom", "get", "resolve"), schedule = set("custom", "from", "is_schedule"),
  initializer = set("fans", "gain", "get"),
}

--- All primitives by kind.
---@return table<string, string[]>
function M.all()
  local ops = {}
  for i, row in ipairs(core.op_rows()) do ops[i] = row.name end
  -- An alias makes the loss or initialiser that it stands for and says so.
  local losses, inits = {}, {}
  for _, name in ipairs(functions_of(ld.loss, helpers.loss)) do
    if ld.loss[name]().name == name then losses[#losses + 1] = name end
  end
  for _, name in ipairs(functions_of(ld.init, helpers.initializer)) do
    inits[#inits + 1] = name
  end
  return { op = ops, layer = functions_of(ld.nn, {}), loss = losses,
    optimizer = ld.optim.names, schedule = functions_of(ld.schedule, helpers.schedule),
    initializer = inits }
end

--- Notes that a case of a primitive ran.
---@param seen table
---@param name string kind and name
---@param peers string
---@param row { f64?: number, f32?: number }
function M.record(seen, name, peers, row)
  local entry = seen[name] or { count = 0, peers = {}, f64 = 0, f32 = 0 }
  seen[name] = entry
  entry.count = entry.count + 1
  if peers == "both" then
    entry.peers.keras, entry.peers.torch = true, true
  else
    entry.peers[peers] = true
  end
  for _, dtype in ipairs { "f64", "f32" } do
    if row[dtype] then
      entry[dtype] = math.max(entry[dtype], row[dtype])
      entry["has_" .. dtype] = true
    end
  end
end

--- Adds a failure for every primitive without a case and without a reason, and for every reason
--- that is none any more.
---@param seen table
---@param failures string[]
function M.missing(seen, failures)
  local known = {}
  for _, kind in ipairs(kinds) do
    for _, name in ipairs(M.all()[kind]) do
      local id = kind .. " " .. name
      known[id] = true
      if seen[id] and excused[id] then
        failures[#failures + 1] = id .. " has golden cases: take it out of parity_exceptions.lua"
      elseif not seen[id] and not excused[id] then
        failures[#failures + 1] = id .. " has no golden case"
      end
    end
  end
  for id in pairs(excused) do
    if not known[id] then
      failures[#failures + 1] = "parity_exceptions.lua names " .. id .. ", which is no primitive"
    end
  end
end

local function peers_of(entry)
  local p = entry.peers
  if p.keras and p.torch then return "both" end
  return p.keras and "Keras" or p.torch and "PyTorch" or "500 digits"
end

-- Rounded up to a power of ten, so that the table is the same on every machine and BLAS.
local function size(entry, dtype)
  if not entry["has_" .. dtype] then return "–" end
  local value = entry[dtype]
  if value == 0 then return "exact" end
  if value == math.huge then return "not equal" end
  return ("≤ 1e%d"):format(math.max(math.ceil(math.log(value, 10)), dtype == "f64" and -14 or -6))
end

local function rows_of(kind, names, seen)
  local lines = { "", "## " .. titles[kind], "",
    "| name | cases | parity with | f64 | f32 |", "|---|---:|---|---|---|" }
  for _, name in ipairs(names) do
    local id = kind .. " " .. name
    local entry = seen[id]
    lines[#lines + 1] = entry
        and ("| %s | %d | %s | %s | %s |"):format(name, entry.count, peers_of(entry),
          size(entry, "f64"), size(entry, "f32"))
      or ("| %s | 0 | %s | | |"):format(name, excused[id] or "no case")
  end
  return lines
end

--- The table of PARITY.md.
---@param state { seen: table, suites: table[], count: integer, notes: string[] }
---@return string
function M.table(state)
  local lines = { "<!-- Written by spec/parity/run.lua (make parity-golden); not by hand. -->",
    "# Parity with Keras 3 and PyTorch 2", "",
    ("%d golden cases: results and gradients, or weights after ten steps. An error is relative to"):
      format(state.count),
    "the scale of the tensor; the limits are 1e-10 in f64 and 2e-5 in f32 (1e-4 after ten steps of",
    "an optimiser). A case may count for two primitives, such as a layer and the op that it calls.",
    "", "| suite | cases | what |", "|---|---:|---|" }
  for _, item in ipairs(state.suites) do
    lines[#lines + 1] = ("| %s | %d | %s |"):format(item.suite.name, item.count, item.suite.about)
  end
  local all = M.all()
  for _, kind in ipairs(kinds) do
    table.move(rows_of(kind, all[kind], state.seen), 1, 1000, #lines + 1, lines)
  end
  table.move(state.notes, 1, #state.notes, #lines + 1, lines)
  return table.concat(lines, "\n") .. "\n"
end

return M
