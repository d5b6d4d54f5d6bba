-- What there is to compare: every op, layer, loss, optimiser, schedule, initialiser and constraint
-- that lossdbg has, asked of lossdbg itself, and which golden cases each of them has.
local ld = require "lossdbg"
local core = require "lossdbg.core"
local excused = require "parity_exceptions"

local M = {}

local kinds = { "op", "layer", "loss", "optimizer", "schedule", "initializer", "constraint",
  "metric" }
local titles = { op = "Ops", layer = "Layers", loss = "Losses", optimizer = "Optimisers",
  schedule = "Schedules", initializer = "Initialisers",
  constraint = "Constraints", metric = "Metrics" }

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
  loss = set("custom", "get", "resolve"), constraint = set("extend", "of", "read", "resolve"),
  metric = set("direction", "mean", "resolve", "get"), schedule = set("custom", "from", "is_schedule"),
  initializer = set("fans", "gain", "get"),
}

-- Without aliases: what an alias makes has the name that it stands for.
local function own(module, without)
  local list = {}
  for _, name in ipairs(functions_of(module, without)) do
    if module[name]().name == name then list[#list + 1] = name end
  end
  return list
end

--- All primitives by kind.
---@return table<string, string[]>
function M.all()
  local ops = {}
  for i, row in ipairs(core.op_rows()) do ops[i] = row.name end
  return { op = ops, layer = functions_of(ld.nn, {}), loss = own(ld.loss, helpers.loss),
    optimizer = ld.optim.names, schedule = functions_of(ld.schedule, helpers.schedule),
    initializer = own(ld.init, helpers.initializer),
    constraint = functions_of(ld.constraint, helpers.constraint),
    metric = own(ld.metric, helpers.metric) }
end

--- Notes that a case of a primitive ran.
---@param seen table
---@param name string kind and name
---@param peers string
---@param limits table<string, number> of the float types that were compared
function M.record(seen, name, peers, limits)
  local entry = seen[name] or { count = 0, peers = {}, f64 = {}, f32 = {} }
  seen[name] = entry
  entry.count = entry.count + 1
  if peers == "both" then
    entry.peers.keras, entry.peers.torch = true, true
  else
    entry.peers[peers] = true
  end
  for dtype, limit in pairs(limits) do
    local kept = entry[dtype]
    kept[limit] = (kept[limit] or 0) + 1
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

-- The limit that most cases are held to, and how many have a wider one, up to which.
local function held(kept)
  local usual, count, wider, most = nil, 0, 0, 0
  for limit, n in pairs(kept) do
    if n > count or n == count and limit < usual then usual, count = limit, n end
  end
  if not usual then return "–" end
  for limit, n in pairs(kept) do
    if limit > usual then wider, most = wider + n, math.max(most, limit) end
  end
  local text = ("%.0e"):format(usual)
  return wider == 0 and text or ("%s, %d up to %.0e"):format(text, wider, most)
end

local function rows_of(kind, names, seen)
  local lines = { "", "## " .. titles[kind], "",
    "| name | cases | parity with | f64 | f32 |", "|---|---:|---|---|---|" }
  for _, name in ipairs(names) do
    local id = kind .. " " .. name
    local entry = seen[id]
    lines[#lines + 1] = entry
        and ("| %s | %d | %s | %s | %s |"):format(name, entry.count, peers_of(entry),
          held(entry.f64), held(entry.f32))
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
    ("%d golden cases: results and gradients, or weights after ten steps. The columns f64 and f32"):
      format(state.count),
    "tell the limits of the error that the cases are held to, relative to the scale of the tensor:",
    "1e-10 in f64, 2e-5 in f32, 1e-4 in f32 after ten steps of an optimiser. A wider one stands where",
    "the problem is ill-conditioned (twice what PyTorch's own f32 is off from its f64, 1e-3 at most,",
    "and that in the finer steps of f64) or the peer computes in f32 itself. A case may count for two",
    "primitives, such as a layer and the op that it calls. Random numbers differ between libraries:",
    "dropout and noise are compared in evaluation, and by their laws in the specs; initialisers draw",
    "by the law and the parameters that the peer gave its own generator (Kolmogorov-Smirnov and 1 % of",
    "variance at 1e5 draws, then the exact ratio of scales between the shapes of kernels).",
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
