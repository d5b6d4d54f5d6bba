--- Contracts: what every training loop keeps, exactly and without a threshold. One row each; `fit`
-- and a watch ask them in the first steps and then in samples, and what is broken names its step,
-- its layer and the line of Lua.
--   row.at       the event at which it is asked; several contracts share one
--   row.check(s, fact)  true: kept; a table { layer, line, text, value }: broken; nil: not asked
-- `s` is who asks: its model, parameters, optimisers and data, and what this step has shown.
local attempt = require "lossdbg.support.attempt"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local M = {}

---@class lossdbg.ContractRow
---@field id string
---@field at "begin"|"enter"|"pass"|"drawn"|"gradients"|"update"|"updated"|"turn"|"finish"
---@field cause string|nil what a loop that breaks it suffers from
---@field says string
---@field fix string
---@field check fun(s: table, fact: any): boolean|table|nil

local FILES = { "row_contracts", "weight_contracts", "gradient_contracts", "evaluation_contracts" }

local rows, by_event, by_id

local function load_rows()
  rows, by_event, by_id = {}, {}, {}
  for _, file in ipairs(FILES) do
    for _, row in ipairs(require("lossdbg.experiment.contract." .. file)) do
      rows[#rows + 1], by_id[row.id] = row, row
      local list = by_event[row.at] or {}
      by_event[row.at], list[#list + 1] = list, row
    end
  end
  return rows
end

---All contracts of the library.
---@return lossdbg.ContractRow[]
function M.rows() return rows or load_rows() end

---@param id string
---@return lossdbg.ContractRow|nil
function M.get(id)
  M.rows()
  return by_id[id]
end

-- ---- what was found -----------------------------------------------------------------------------

---@class lossdbg.ContractBook
---@field broken table<string, table> by id: { id, step, last, count, layer, line, text, value }
---@field asked table<string, integer> times, by id
local Book = {}
Book.__index = Book

---@return lossdbg.ContractBook
function M.book() return setmetatable({ broken = {}, asked = {}, failed = {} }, Book) end

---Takes down that a contract was broken.
---@param id string
---@param step integer
---@param found? { layer: string, line: string, text: string, value: number }
function Book:breaks(id, step, found)
  local known = self.broken[id]
  if not known then
    known = {}
    for key, value in pairs(found or {}) do known[key] = value end
    known.id, known.step, known.count = id, step, 0
    known.line = known.line or source.here()
    self.broken[id] = known
  end
  known.count, known.last = known.count + 1, step
end

local function by_step(a, b)
  if a.step ~= b.step then return a.step < b.step end
  return a.id < b.id
end

---@return table[] broken ones, the first step first
function Book:list()
  local list = {}
  for _, found in pairs(self.broken) do list[#list + 1] = found end
  table.sort(list, by_step)
  return list
end

---signals.contracts: what was broken, what was kept, what could not be asked.
---@param own? lossdbg.Contract[]
---@return { broken: table[], kept: string[], unasked: string[] }
function Book:report(own)
  local kept, unasked = {}, {}
  local function take(row)
    if self.broken[row.id] then return end
    local list = self.asked[row.id] and kept or unasked
    list[#list + 1] = row.id
  end
  for _, row in ipairs(M.rows()) do take(row) end
  for _, row in ipairs(own or {}) do take(row) end
  local broken = {}
  for i, found in ipairs(self:list()) do
    local row = by_id[found.id] or found.own
    broken[i] = { id = found.id, step = found.step, last = found.last, count = found.count,
      layer = found.layer, line = found.line, text = found.text, value = found.value,
      says = row and row.says, cause = found.cause or row and row.cause, fix = row and row.fix }
  end
  return { broken = broken, kept = kept, unasked = unasked }
end

-- ---- asking -------------------------------------------------------------------------------------

local function note(s, row, ok, found)
  local book = s.book
  if not ok then
    if not book.failed[row.id] then
      book.failed[row.id] = true
      s:failed(("contract %s: %s"):format(row.id, tostring(found)))
    end
  elseif found ~= nil then
    book.asked[row.id] = (book.asked[row.id] or 0) + 1
    if found ~= true then book:breaks(row.id, s.at + 1, found) end
  end
end

---Asks the contracts of an event.
---@param s table who asks: { book, at, failed(self, message), … }
---@param event string
---@param fact any
function M.ask(s, event, fact)
  if not rows then load_rows() end
  for _, row in ipairs(by_event[event] or {}) do
    note(s, row, attempt.call(row.check, s, fact))
  end
end

-- ---- contracts of a user's own ------------------------------------------------------------------

---@class lossdbg.Contract
---@field id string
---@field says string
---@field check fun(step: table): boolean|string|nil, string|nil
local Contract = { __name = "lossdbg.contract" }
Contract.__index = Contract

local schema = options.declare "contract" {
  { name = "id", type = "string", required = true,
    doc = "name of its own, for reports" },
  { name = "check", type = "function", required = true,
    doc = "fn(step): true or nil: kept; false and a text: broken" },
  { name = "says", type = "string", doc = "what is promised, in words" },
  { name = "fix", type = "string",
    doc = "what to do when it is broken, in words" },
}

---A contract of one's own, for `contracts = { … }` of a watch or an experiment. It is asked in the
---steps that are looked at, after the update; step = { step, model, optimizer, loss, x }. It may
---change nothing.
---@param given { id: string, check: fun(step: table): any, says: string|nil, fix: string|nil }
---@return lossdbg.Contract
function M.new(given)
  local o = options.check("contract", given, schema, source.level())
  if M.get(o.id) then
    options.fail("contract", "id", "a name of its own", o.id, "the library has one of this name",
      source.level())
  end
  o.says, o.fix = o.says or o.id, o.fix or "see the contract"
  o.source = source.here()
  return setmetatable(o, Contract)
end

---@param value any
---@return boolean
function M.is_contract(value) return getmetatable(value) == Contract end

---Checks a list of contracts.
---@param list any
---@param where string
---@return lossdbg.Contract[]
function M.check_list(list, where)
  for i, item in ipairs(list or {}) do
    if not M.is_contract(item) then
      options.fail(where, ("contracts[%d]"):format(i), "what ld.contract { … } returned", item, nil,
        source.level())
    end
  end
  return list or {}
end

---Asks contracts of a user's own about the step that is just done.
---@param s table
---@param own lossdbg.Contract[]
---@param step table
function M.ask_own(s, own, step)
  for _, contract in ipairs(own) do
    local ok, kept, text = attempt.call(contract.check, step)
    local found = true
    if ok and kept ~= nil and kept ~= true then
      found = { text = tostring(text or kept or contract.says), line = contract.source,
        own = contract }
    end
    if ok then note(s, contract, true, found) else note(s, contract, false, kept) end
  end
end

return M
