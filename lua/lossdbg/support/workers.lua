--- A pool of worker processes. A task is a function and a name; in a worker it sees all that this
-- program had when it was started and changes nothing here: what counts is the plain data that it
-- returns, which are the same bits as if it had been called here, or the error that it raises.
--
-- What comes next may be told with what is wanted now: idle workers begin with it. So the order in
-- which results are asked for, and with it everything that follows from them, does not depend on
-- the number of workers. A worker that is killed, crashes or takes too long is told of, and its
-- task tried once more; then it counts as an error of the task.
local core = require "lossdbg.core"
local options = require "lossdbg.support.options"
local parcel = require "lossdbg.support.parcel"
local source = require "lossdbg.support.source"

local process = core.process

local M = {}

local look = 0.004 -- seconds between two looks at what else may have happened
local attempts = 2

local signals = { [4] = "illegal instruction", [6] = "abort", [7] = "bus error",
  [8] = "arithmetic", [9] = "killed", [11] = "segmentation fault", [15] = "terminated" }
local no_memory = 3 -- exit code of a worker in which not even an error could be told

---Option of whoever takes workers, for its schema.
M.option = { name = "jobs", type = "integer", min = 1, default = 1,
  doc = "worker processes; results are the same for every number of them" }

---Checks that a number of workers can be had here.
---@param where string the function that takes the option
---@param jobs integer
---@return integer jobs
function M.check(where, jobs)
  if jobs == 1 then return jobs end
  local most, why = process.most()
  if not most or jobs > most then
    options.fail(where, "jobs", most and ("at most %d"):format(most) or "1", jobs, why,
      source.level())
  end
  return jobs
end

---@class lossdbg.Workers
---@field told string[] what happened to workers, a line each
---@field seconds number computing time of the workers
local Pool = {}
Pool.__index = Pool

---@param o { jobs: integer, timeout?: number } timeout: seconds a task may take
---@return lossdbg.Workers
function M.pool(o)
  return setmetatable({ jobs = o.jobs, timeout = o.timeout, running = {}, done = {}, told = {},
    seconds = 0 }, Pool)
end

-- The worker's side: what is sent is made there, and so is the text of what cannot be sent.
local function answer(fn)
  local ok, value = pcall(fn)
  local seconds = os and os.clock and os.clock() or 0
  local sent, bytes = pcall(parcel.wrap, { ok, value, seconds })
  if sent then return bytes end
  return parcel.wrap { false, ok and bytes or tostring(value), seconds }
end

local function handles(self)
  local list = {}
  for i, item in ipairs(self.running) do list[i] = item.worker end
  return list
end

local function start(self, item)
  local worker, why = process.start(function() return answer(item.fn) end, handles(self))
  if not worker then return nil, why end
  item.worker, item.chunks, item.began = worker, {}, core.clock()
  table.insert(self.running, item)
  self.running[item.name] = item
  return true
end

local function leave(self, item)
  for i, other in ipairs(self.running) do
    if other == item then table.remove(self.running, i) break end
  end
  self.running[item.name] = nil
end

local function ended(how, code)
  if how == "signal" then
    return ("its worker process was ended by signal %d%s"):format(code,
      signals[code] and (" (%s)"):format(signals[code]) or "")
  end
  return how == "exit" and code ~= 0 and ("its worker process ended with status %d"):format(code)
end

-- The task of a worker that is lost: once more, or an error.
local function lost(self, item, why)
  item.tries = item.tries + 1
  self.told[#self.told + 1] = ("%s: %s%s"):format(item.name, why,
    item.tries <= attempts and "; tried once more" or ", twice")
  if item.tries <= attempts and start(self, item) then return end
  self.done[item.name] = { false, why }
end

local function settle(self, item)
  leave(self, item)
  local how, code = process.reap(item.worker)
  local whole, result = parcel.open(table.concat(item.chunks))
  if whole then
    self.seconds = self.seconds + result[3]
    self.done[item.name] = result
  elseif how == "exit" and code == no_memory then
    self.done[item.name] = { false, "not enough memory" }
  else
    lost(self, item, ended(how, code) or result)
  end
end

local function pump(self, item)
  while true do
    local bytes = process.read(item.worker)
    if not bytes then return settle(self, item) end
    if bytes == "" then break end
    table.insert(item.chunks, bytes)
  end
  if self.timeout and core.clock() - item.began > self.timeout then
    leave(self, item)
    process.kill(item.worker)
    lost(self, item, ("its worker process took longer than %g s"):format(self.timeout))
  end
end

local function wait(self)
  process.await(handles(self), look)
  for _, item in ipairs(table.move(self.running, 1, #self.running, 1, {})) do pump(self, item) end
end

local function known(self, name) return self.done[name] or self.running[name] end

-- Gives idle workers what comes next.
local function fill(self, ahead)
  if not ahead or #self.running >= self.jobs then return end
  for _, task in ipairs(ahead()) do
    if #self.running >= self.jobs then return end
    if not known(self, task[1]) then
      local item = { name = task[1], fn = task[2], tries = 1 }
      if not start(self, item) then return end
    end
  end
end

local function begin(self, name, fn)
  while not known(self, name) do
    local item, why = { name = name, fn = fn, tries = 1 }, nil
    if #self.running < self.jobs then
      local ok
      ok, why = start(self, item)
      if ok then return end
    end
    if #self.running == 0 then -- none can be had now: worked here, to the same bits
      self.told[#self.told + 1] = ("%s: %s; worked in this process"):format(name, why)
      self.done[name] = { true, fn() }
      return
    end
    wait(self)
  end
end

---The result of a task; what it raised is raised here.
---@param name string the same name, the same task
---@param fn fun(): any plain data and tensors
---@param ahead? fun(): table[] tasks { name, fn } that are likely to be wanted next, in that order
---@return any
function Pool:call(name, fn, ahead)
  begin(self, name, fn)
  fill(self, ahead)
  while not self.done[name] do
    wait(self)
    fill(self, ahead)
  end
  fill(self, ahead)
  local result = self.done[name]
  if not result[1] then error(result[2], 0) end
  return result[2]
end

---Ends all workers at once.
function Pool:close()
  for _, item in ipairs(self.running) do process.kill(item.worker) end
  self.running = {}
end

Pool.__close = Pool.close

---Tasks by index, each in a worker of its own; a result { ok =, value = } for each. An error is the
---value of its task; a wish to stop is raised.
---@param n integer
---@param fn fun(i: integer): any
---@param o { jobs: integer, timeout?: number, name?: (fun(i: integer): string),
---  done?: fun(i: integer, result: table) } done: called when a task is through, in their order
---@return { ok: boolean, value: any }[]
---@return string[] told
function M.map(n, fn, o)
  local attempt = require "lossdbg.support.attempt"
  local pool <close> = M.pool(o)
  local tasks, results = {}, {}
  for i = 1, n do
    tasks[i] = { o.name and o.name(i) or ("task %d"):format(i), function() return fn(i) end }
  end
  for i = 1, n do
    local function ahead() return table.move(tasks, i + 1, n, 1, {}) end
    local ok, value = attempt.spare(pool.call, pool, tasks[i][1], tasks[i][2], ahead)
    results[i] = { ok = ok, value = value }
    pool.done[tasks[i][1]] = true -- its result is out: one copy is enough
    if o.done then o.done(i, results[i]) end
  end
  return results, pool.told
end

return M
