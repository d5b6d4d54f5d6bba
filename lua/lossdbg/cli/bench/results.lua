--- build/bench.json: what it must look like, and how a new run joins what is there.
-- spec/bench/README.md describes every field.
local json = require "lossdbg.support.json"

local M = { version = 1 }

local head = { cpu = "string", system = "string", blas = "string", lossdbg = "string",
  lua = "string", compiler = "string", governor = "string", date = "string",
  cores = "number?", foreign_load = "number?", commit = "string?", systems = "table",
  threads = "table", command = "string" }
local row = { workload = "string", threads = "number", system = "string", median_us = "number",
  min_us = "number", max_us = "number", repeats = "number", date = "string", rss_mb = "number?",
  loss_first = "number?", loss_last = "number?", version = "string?", products_us = "number?",
  update_us = "number?", foreign = "number?" }
local measure = { part = "string", name = "string", value = "number", unit = "string",
  date = "string", min = "number?", max = "number?", workload = "string?", threads = "number?",
  limit = "number?" }
local note = { workload = "string", threads = "number", system = "string", note = "string" }

local function check(entry, fields, where)
  if type(entry) ~= "table" then return where .. " is no object" end
  for name, kind in pairs(fields) do
    local value = entry[name]
    local missing = value == nil or value == json.null
    if missing and not kind:match "%?$" then return where .. "." .. name .. " is missing" end
    if not missing and type(value) ~= kind:match "%a+" then
      return ("%s.%s is a %s, not a %s"):format(where, name, type(value), kind:match "%a+")
    end
  end
  for name in pairs(entry) do
    if not fields[name] then return where .. "." .. tostring(name) .. " is unknown" end
  end
end

---Whether a decoded file is what README.md says.
---@param t any
---@return boolean|nil ok
---@return string|nil what is wrong first
function M.validate(t)
  if type(t) ~= "table" then return nil, "no object" end
  if t.schema ~= "lossdbg-bench" then return nil, "schema is not lossdbg-bench" end
  if t.version ~= M.version then return nil, "version is not " .. M.version end
  local why = check(t.head, head, "head")
  for list, fields in pairs { rows = row, measures = measure, notes = note } do
    if type(t[list]) ~= "table" then why = why or list .. " is missing" end
    for i, entry in ipairs(type(t[list]) == "table" and t[list] or {}) do
      why = why or check(entry, fields, ("%s[%d]"):format(list, i))
    end
  end
  for i, r in ipairs(not why and t.rows or {}) do
    if not (r.min_us <= r.median_us and r.median_us <= r.max_us and r.min_us > 0) then
      why = why or ("rows[%d]: min, median and max are not in order"):format(i)
    end
  end
  if why then return nil, why end
  return true
end

---An empty result.
---@param description table of the machine
---@return table
function M.new(description)
  return { schema = "lossdbg-bench", version = M.version, head = description, rows = {},
    measures = {}, notes = {} }
end

---What an earlier run left, or nil.
---@param path string
---@return table|nil
function M.read(path)
  local file = io.open(path)
  if not file then return nil end
  local text = file:read "a"
  file:close()
  local t = json.decode(text)
  return M.validate(t) and t or nil
end

local function without(list, drop)
  local kept = {}
  for _, entry in ipairs(list) do
    if not drop(entry) then kept[#kept + 1] = entry end
  end
  return kept
end

---Takes over the rows of a cell; what other cells and other systems left stays.
---@param t table
---@param rows table[]
---@param notes table[]
function M.put_cell(t, rows, notes)
  local new, cell = {}, rows[1] or notes[1]
  for _, entry in ipairs(rows) do new[entry.system] = true end
  for _, entry in ipairs(notes) do new[entry.system] = true end
  local function stale(entry)
    return cell and entry.workload == cell.workload and entry.threads == cell.threads
      and new[entry.system]
  end
  t.rows, t.notes = without(t.rows, stale), without(t.notes, stale)
  table.move(rows, 1, #rows, #t.rows + 1, t.rows)
  table.move(notes, 1, #notes, #t.notes + 1, t.notes)
end

---Takes over the measures of a part.
---@param t table
---@param part string
---@param measures table[]
function M.put_part(t, part, measures)
  local new = {}
  for _, m in ipairs(measures) do new[m.name .. (m.workload or "") .. (m.threads or "")] = true end
  t.measures = without(t.measures, function(m)
    return m.part == part and new[m.name .. (m.workload or "") .. (m.threads or "")]
  end)
  for _, m in ipairs(measures) do
    m.part = part
    t.measures[#t.measures + 1] = m
  end
end

---Writes the file, after its own check.
---@param t table
---@param path string
function M.write(t, path)
  local systems, threads = {}, {}
  for _, r in ipairs(t.rows) do
    if r.version then systems[r.system] = r.version end
    threads[tostring(r.threads)] = true
  end
  t.head.systems, t.head.threads = json.object(systems), json.array {}
  for n in pairs(threads) do t.head.threads[#t.head.threads + 1] = tonumber(n) end
  table.sort(t.head.threads)
  for _, name in ipairs { "rows", "measures", "notes" } do json.array(t[name]) end
  assert(M.validate(t))
  local file = assert(io.open(path .. ".new", "w"))
  file:write(json.encode(t), "\n")
  file:close()
  assert(os.rename(path .. ".new", path))
end

return M
