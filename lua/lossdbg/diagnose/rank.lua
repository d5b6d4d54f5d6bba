--- Causal ranking by explaining away.
---
--- 1. Edges. Finding i explains finding j when i's `explains` names j's rule or cause (or "*":
---    everything that is measured on the running network, not data or configuration findings).
---    An edge that would close a cycle is dropped (the weaker explainer yields).
--- 2. Role. A rule declared as a symptom stays one. Of the others, a finding that somebody
---    explains with confidence >= 0.5 is a consequence, the rest are causes. A remark explains
---    no error: a smell in a run that learns must not hide what was measured.
--- 3. Score. With own confidence c and explained findings j (direct or through others):
---      cause        score = 1 - (1 - c) * prod_j (1 - 0.25 c_j)        noisy-or of its support
---      consequence  score = c * (1 - 0.5 max_i score_i)                explained away
---      symptom      score = c * (1 - 0.5 max_i score_i), 0 taken where nobody explains it
--- 4. Severity. A cause with c >= 0.5 is at least as severe as the gravest consequence that it
---    may explain (not more than "err"): the root of an error is an error.
--- 5. Order. Buckets: causes err/crit; warn causes that explain an err/crit finding;
---    consequences err/crit; (warn causes, where nothing stands in the first two buckets);
---    symptoms err/crit; warn causes, consequences, symptoms; info likewise. Inside a bucket:
---    severity, then score, then number explained, then distance from the root, then the order
---    given. Nothing depends on table iteration order, so the result is deterministic.
local LADDER = require("lossdbg.diagnose.facts").LADDER

local M = {}

local STATIC = { data = true, configuration = true }
local SUPPORT, AWAY, BELIEVED = 0.25, 0.5, 0.5

local function names(set)
  local has = {}
  for _, name in ipairs(set or {}) do has[name] = true end
  return has
end

local function explains(a, b, has)
  if a == b then return false end
  if has[b.rule] or (b.cause and has[b.cause] and b.cause ~= a.cause) then return true end
  return has["*"] == true and not STATIC[b.family]
end

local function reaches(out, from, to, seen)
  if from == to then return true end
  if seen[from] then return false end
  seen[from] = true
  for _, nxt in ipairs(out[from]) do
    if reaches(out, nxt, to, seen) then return true end
  end
  return false
end

---Edges between findings as adjacency lists by index; strongest explainers are entered first.
---@param findings table[]
---@return integer[][] out
---@return integer[][] into
function M.edges(findings)
  local out, into, order, has = {}, {}, {}, {}
  for i, f in ipairs(findings) do
    out[i], into[i], order[i], has[i] = {}, {}, i, names(f.explains)
  end
  table.sort(order, function(a, b)
    local ca, cb = findings[a].confidence, findings[b].confidence
    if ca ~= cb then return ca > cb end
    return a < b
  end)
  for _, i in ipairs(order) do
    for j, g in ipairs(findings) do
      if explains(findings[i], g, has[i]) and not reaches(out, j, i, {}) then
        table.insert(out[i], j)
        table.insert(into[j], i)
      end
    end
  end
  return out, into
end

local function descendants(out, i, seen)
  for _, j in ipairs(out[i]) do
    if not seen[j] then
      seen[j] = true
      descendants(out, j, seen)
    end
  end
  return seen
end

---Whether the finding g is sure and grave enough to explain f.
local function may_explain(g, f)
  return g.role ~= "symptom" and g.confidence >= BELIEVED
    and (LADDER[g.severity] >= LADDER.warn or LADDER[f.severity] <= LADDER.warn)
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

local function sorted_keys(set)
  local list = {}
  for k in pairs(set) do list[#list + 1] = k end
  table.sort(list)
  return list
end

local function score_causes(findings, out)
  local reach, grave = {}, {}
  for i, f in ipairs(findings) do
    reach[i] = sorted_keys(descendants(out, i, {}))
    local doubt = 1 - f.confidence
    grave[i] = 0
    for _, j in ipairs(reach[i]) do
      local g = findings[j]
      doubt = doubt * (1 - SUPPORT * g.confidence)
      if g.role ~= "symptom" and LADDER[g.severity] > LADDER[f.severity] then
        local name = g.severity == "crit" and "err" or g.severity
        if f.role == "cause" and may_explain(f, g) then f.severity = name end
      end
      grave[i] = math.max(grave[i], LADDER[g.severity])
    end
    f.score = 1 - doubt
  end
  return reach, grave
end

local function score_explained(findings, into)
  for j, f in ipairs(findings) do
    if f.role ~= "cause" then
      local best = 0
      for _, i in ipairs(into[j]) do
        local g = findings[i]
        if g.role == "cause" then best = math.max(best, g.score) end
      end
      if best == 0 and f.role == "consequence" then best = f.confidence end
      f.score = f.confidence * (1 - AWAY * best)
    end
  end
end

local function depths(findings, into)
  local depth = {}
  local function of(j)
    if depth[j] then return depth[j] end
    depth[j] = 0
    local d = 0
    for _, i in ipairs(into[j]) do d = math.max(d, of(i) + 1) end
    depth[j] = d
    return d
  end
  for j in ipairs(findings) do of(j) end
  return depth
end

local BUCKET = {
  err = { cause = 1, consequence = 3, symptom = 5 },
  warn = { cause = 6, consequence = 7, symptom = 8 },
  info = { cause = 9, consequence = 10, symptom = 11 },
}

local function buckets(findings, grave)
  local bucket, found = {}, false
  for i, f in ipairs(findings) do
    local class = f.severity == "crit" and "err" or f.severity
    bucket[i] = BUCKET[class][f.role]
    if bucket[i] == 6 and grave[i] >= LADDER.err and f.confidence >= BELIEVED then
      bucket[i] = 2
    end
    found = found or bucket[i] <= 2
  end
  if not found then
    for i in ipairs(findings) do
      if bucket[i] == 6 then bucket[i] = 4 end
    end
  end
  return bucket
end

---Puts findings in causal order; fills role, explained_by and score and may raise severities.
---@param findings table[] as registry.evaluate returns them (the tables are changed)
---@return table[] a new array
function M.order(findings)
  local out, into = M.edges(findings)
  assign_roles(findings, into)
  local reach, grave = score_causes(findings, out)
  score_explained(findings, into)
  local depth, bucket = depths(findings, into), buckets(findings, grave)
  local order = {}
  for i in ipairs(findings) do order[i] = i end
  table.sort(order, function(a, b)
    local f, g = findings[a], findings[b]
    if bucket[a] ~= bucket[b] then return bucket[a] < bucket[b] end
    local sa, sb = LADDER[f.severity], LADDER[g.severity]
    if sa ~= sb then return sa > sb end
    if f.score ~= g.score then return f.score > g.score end
    if depth[a] ~= depth[b] then return depth[a] < depth[b] end
    if #reach[a] ~= #reach[b] then return #reach[a] > #reach[b] end
    return a < b
  end)
  local ranked = {}
  for k, i in ipairs(order) do ranked[k] = findings[i] end
  return ranked
end

return M
