--- One cell of the table: one workload with one number of threads, all systems in turns.
local child = require "spec.bench.child"
local child_systems = require "spec.bench.child_systems"
local clock = require("lossdbg.core").clock
local machine = require "lossdbg.cli.bench.machine"
local measure = require "lossdbg.cli.bench.measure"

local M = {}

-- On a machine shared with others, options.gate is a command that waits for its turn, says {} and
-- keeps the turn until it is told to quit; its word is "prepare" or "measure".
local function turn(options, word)
  if not options.gate then return { close = function() end } end
  local gate = child.start(options.gate .. " " .. word, options.folder, "gate " .. word)
  assert(gate:ready())
  return gate
end

local function start_all(list, folder)
  for i, system in ipairs(list) do
    system.child = child.start(system.command, folder, ("%d %s"):format(i, system.name))
  end
end

-- The first answers; who fails is a note.
local function wait_all(list, options, note)
  local alive = {}
  for _, system in ipairs(list) do
    local first, why = system.child:ready()
    local warm
    if first then warm, why = system.child:run(options.seconds) end
    if warm then
      system.first, system.us, system.last = first, {}, warm
      if first.note then note(system, first.note) end
      alive[#alive + 1] = system
    else
      note(system, why)
      system.child:close()
    end
  end
  return alive
end

-- Processor seconds that others used while these children took their turns, as processors in use.
local function foreign(alive, before, start)
  local busy, now = machine.busy(), clock()
  if not (busy and before) then return nil end
  local own = 0
  for _, system in ipairs(alive) do own = own + (system.last.cpu or 0) - (system.cpu or 0) end
  return math.max(0, (busy - before - own) / (now - start))
end

local function take_turns(alive, options, note)
  local before, start = machine.busy(), clock()
  for _, system in ipairs(alive) do system.cpu = system.last.cpu end
  for r = 1, options.repeats do
    for k = 1, #alive do
      local system = alive[(k + r) % #alive + 1]
      if not system.failed then
        local answer, why = system.child:run(options.seconds)
        if answer then
          system.us[#system.us + 1], system.last = answer.us, answer
        else
          system.failed = true
          note(system, why)
        end
      end
    end
  end
  local others = foreign(alive, before, start)
  for _, system in ipairs(alive) do system.child:close() end
  return others
end

---Whether two losses are the same calculation; near 0 they are compared on the scale of the first.
---@param a number
---@param b number
---@param tolerance number
---@param scale number
---@return boolean
function M.same(a, b, tolerance, scale)
  return math.abs(a - b) <= tolerance * math.max(math.abs(a), math.abs(b), 0.02 * scale)
end

local function middle(rows, key)
  local list = {}
  for _, row in ipairs(rows) do list[#list + 1] = row[key] end
  return #list > 0 and measure.spread(list).median or nil
end

---Rows whose losses are not those of the others.
---@param rows table[]
---@param chosen table the workload
---@return string[] complaints
function M.compare(rows, chosen)
  local first, last, complaints = middle(rows, "loss_first"), middle(rows, "loss_last"), {}
  for _, row in ipairs(rows) do
    local loose = chosen.why and chosen.tolerance or 1e-4
    if row.loss_first and not (M.same(row.loss_first, first, loose, first)
        and M.same(row.loss_last, last, chosen.tolerance, first)) then
      complaints[#complaints + 1] = ("%s, %d thread(s): %s computes something else: losses %.7g -> "
        .. "%.7g, the others %.7g -> %.7g"):format(row.workload, row.threads, row.system,
        row.loss_first, row.loss_last, first, last)
    end
  end
  return complaints
end

---Measures one cell.
---@param options table see run.lua
---@param chosen table
---@param threads integer
---@param installed table<string, boolean>
---@return table[] rows
---@return table[] notes
---@return string[] complaints
function M.run(options, chosen, threads, installed)
  local list = child_systems.list(options, chosen, threads, installed)
  local rows, notes = {}, {}
  local function note(system, text)
    notes[#notes + 1] = { workload = chosen.id, threads = threads, system = system.name,
      note = text }
  end
  local gate = turn(options, "prepare")
  start_all(list, options.folder)
  local alive = wait_all(list, options, note)
  gate:close()
  gate = turn(options, "measure")
  local others = take_turns(alive, options, note)
  gate:close()
  for _, system in ipairs(alive) do
    if #system.us > 0 then
      local spread = measure.spread(system.us)
      rows[#rows + 1] = { workload = chosen.id, threads = threads, system = system.name,
        median_us = spread.median, min_us = spread.min, max_us = spread.max,
        repeats = #system.us, rss_mb = system.last.rss_mb, loss_first = system.first.loss_first,
        loss_last = system.first.loss_last, version = system.first.version, date = options.date,
        products_us = system.last.products_us, update_us = system.last.update_us, foreign = others }
    end
  end
  return rows, notes, M.compare(rows, chosen)
end

return M
