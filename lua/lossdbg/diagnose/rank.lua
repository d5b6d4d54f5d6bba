--- Causal ranking: what brings about the rest comes first.
---
--- 1. Edges. Finding i explains finding j when the causal graph leads from i's node to j's
---    (causal.lua). The graph has no cycle, so neither has this.
--- 2. Role. A rule declared as a symptom stays one. Of the others, a finding that somebody may
---    explain is a consequence, the rest are causes. A suggestion explains no measurement, and a
---    remark no error: a smell in a run that learns must not hide what was measured.
--- 3. Order. Buckets: causes at error; warned causes that may explain an error; consequences at
---    error; (warned causes, where nothing stands in the first two buckets); symptoms at error;
---    warned causes, consequences, symptoms; infos likewise. Inside a bucket: class of evidence,
---    then how much of what was found it explains, then the first step at which a loop broke it,
---    then its place in the graph, then how far beyond its limit it is, then the order given.
---    Nothing depends on the order of tables.
local causal = require "lossdbg.diagnose.causal"
local severity = require "lossdbg.diagnose.severity"

local LADDER, CLASS = severity.LADDER, severity.CLASS

local M = {}

---Edges between findings as adjacency lists by index.
---@param findings table[]
---@return integer[][] out
---@return integer[][] into
function M.edges(findings)
  local out, into = {}, {}
  for i in ipairs(findings) do out[i], into[i] = {}, {} end
  for i, f in ipairs(findings) do
    for j, g in ipairs(findings) do
      if causal.explains(f, g) then
        table.insert(out[i], j)
        table.insert(into[j], i)
      end
    end
  end
  return out, into
end

---Whether the finding g is sure and grave enough to explain f.
local function may_explain(g, f)
  return g.role ~= "symptom"
    and (CLASS[g.class] >= CLASS.measured or CLASS[f.class] < CLASS.measured)
    and (LADDER[g.severity] >= LADDER.warning or LADDER[f.severity] <= LADDER.warning)
end

local function assign_roles(findings, into)
  for j, f in ipairs(findings) do
    local by = {}
    for _, i in ipairs(into[j]) do
      local g = findings[i]
      if may_explain(g, f) then by[#by + 1] = g.rule end
    end
    f.explained_by = by
  end
  for _, f in ipairs(findings) do
    if f.role ~= "symptom" then f.role = #f.explained_by > 0 and "consequence" or "cause" end
  end
end

local BUCKET = {
  error = { cause = 1, consequence = 3, symptom = 5 },
  warning = { cause = 6, consequence = 7, symptom = 8 },
  info = { cause = 9, consequence = 10, symptom = 11 },
}

-- A warned cause that may explain an error stands before that error.
local function leads_to_error(findings, out, i)
  local f = findings[i]
  for _, j in ipairs(out[i]) do
    local g = findings[j]
    if g.severity == "error" and may_explain(f, g) then return true end
  end
  return false
end

local function buckets(findings, out)
  local bucket, found = {}, false
  for i, f in ipairs(findings) do
    bucket[i] = BUCKET[f.severity][f.role]
    if bucket[i] == 6 and leads_to_error(findings, out, i) then bucket[i] = 2 end
    found = found or bucket[i] <= 2
  end
  if not found then
    for i in ipairs(findings) do
      if bucket[i] == 6 then bucket[i] = 4 end
    end
  end
  return bucket
end

---How much of what was found a finding explains: measured and exact findings count.
local function support(findings, out)
  local count = {}
  for i in ipairs(findings) do
    count[i] = 0
    for _, j in ipairs(out[i]) do
      if CLASS[findings[j].class] >= CLASS.measured then count[i] = count[i] + 1 end
    end
  end
  return count
end

-- The first step that broke what a loop keeps; later ones may follow from it.
local function first_step(f) return f.family == "loop" and f.where and f.where.step or math.huge end

---Puts findings in causal order; fills role and explained_by.
---@param findings table[] as registry.evaluate returns them (the tables are changed)
---@return table[] a new array
function M.order(findings)
  local out, into = M.edges(findings)
  assign_roles(findings, into)
  local bucket, explained, order = buckets(findings, out), support(findings, out), {}
  for i in ipairs(findings) do order[i] = i end
  table.sort(order, function(a, b)
    local f, g = findings[a], findings[b]
    if bucket[a] ~= bucket[b] then return bucket[a] < bucket[b] end
    local ca, cb = CLASS[f.class], CLASS[g.class]
    if ca ~= cb then return ca > cb end
    if explained[a] ~= explained[b] then return explained[a] > explained[b] end
    local sa, sb = first_step(f), first_step(g)
    if sa ~= sb then return sa < sb end
    local pa, pb = causal.place(causal.node(f)), causal.place(causal.node(g))
    if pa ~= pb then return pa < pb end
    if f.strength ~= g.strength then return f.strength > g.strength end
    return a < b
  end)
  local ranked = {}
  for k, i in ipairs(order) do ranked[k] = findings[i] end
  return ranked
end

return M
