--- Joint patches for what does not belong together: activation, loss, units and coding in one, and
-- only such as the closed table calls right afterwards.
local heads = require "lossdbg.diagnose.heads.head_table"

local M = {}

-- Coding that a task's losses can take, out of one that none takes.
local function recoded(r)
  local name = r.coding.name
  if r.task == "binary" or r.task == "multilabel" then
    if name == "signs" then return "zero_one", "flags" end
    if name == "ids" or name == "real" or name == "counts" then return "zero_one", "flags" end
  elseif r.task == "multiclass" and name ~= "one_hot" and name ~= "distribution" then
    return "index", "ids"
  end
end

-- A head that no fix keeps: one that is always 1, or that may die.
local function barred(head, units)
  return head == "rectified" or (head == "softmax" and units == 1)
end

-- Whether a row of the table is one that a fix may lead to, under what is given of it.
local function fits(r, triple, want)
  return triple.coding == want.coding and triple.grade == "right"
    and (not want.loss or triple.loss == want.loss)
    and (not want.head or triple.head == want.head)
    and not barred(triple.head, r.need)
    and (triple.loss == r.loss or heads.may_lead_to(triple.loss))
end

-- The first of them for a task.
local function row(r, want)
  local coding = { name = want.coding, min = want.min, max = want.max }
  for _, triple in ipairs(heads.triples[r.task] or {}) do
    if fits(r, triple, want)
      and heads.grade(r.task, triple.loss, triple.head, coding) == "right" then
      return triple
    end
  end
end

local function units_needed(r)
  if r.task == "binary" and (r.width or 1) > 1 then return 1 end
  return r.need
end

local function loss_words(group)
  local patch = heads.loss_patch[group]
  return patch.name .. (patch.from_logits and " on logits" or "")
end

-- Only from_logits differs: options of the loss stay as they are.
local function same_loss(a, b)
  return heads.loss_patch[a] and heads.loss_patch[b]
    and heads.loss_patch[a].name == heads.loss_patch[b].name
end

local function loss_part(r, group)
  if group == r.loss then return nil end
  if same_loss(r.loss, group) then
    return { loss = { from_logits = heads.loss_patch[group].from_logits } }
  end
  return { loss = heads.loss_patch[group] }
end

local function listed(parts)
  if #parts < 2 then return parts[1] end
  return table.concat(parts, ", ", 1, #parts - 1) .. " and " .. parts[#parts]
end

local function text_of(r, to, units, labels)
  local parts = {}
  if units then
    parts[#parts + 1] = ("%d output unit%s"):format(units, units == 1 and "" or "s")
  end
  if to.head ~= r.head.group or r.head.inner then
    parts[#parts + 1] = to.head == "linear" and "a linear output" or heads.activation[to.head]
  end
  if to.loss ~= r.loss then parts[#parts + 1] = loss_words(to.loss) end
  local text = #parts > 0 and "use " .. listed(parts) or nil
  if labels then
    local code = labels == "index" and "code the labels as class ids 0..K-1"
      or "code the labels as 0 and 1"
    text = text and text .. " and " .. code or code
  end
  return text
end

local function fix_to(r, to, labels)
  local units = units_needed(r)
  if units == r.width then units = nil end
  local patch, output = {}, {}
  if to.head ~= r.head.group or r.head.inner or units then
    output.activation = heads.activation[to.head]
    output.units = units
    patch[1] = { output = output }
  end
  patch[#patch + 1] = loss_part(r, to.loss)
  if labels then patch[#patch + 1] = { labels = labels } end
  if #patch == 0 then return nil end
  if r.told and r.told ~= r.task then patch[#patch + 1] = { task = r.task } end
  return { text = text_of(r, to, units, labels), patch = #patch == 1 and patch[1] or patch }
end

local function add(list, seen, fix)
  if fix and not seen[fix.text] then
    seen[fix.text] = true
    list[#list + 1] = fix
  end
end

-- Size of targets that a fresh network's answers, about 1, take long to reach.
local far = 5

-- Where real targets are far: the same behind a linear output, with standardised targets.
local function standardised(r, coding)
  local c = r.coding
  if r.task ~= "regression" or not c.min or math.max(math.abs(c.min), math.abs(c.max)) <= far then
    return nil
  end
  local to = row(r, { coding = coding, loss = "distance", head = "linear" })
  local fix = to and fix_to(r, to)
  if not fix then return nil end
  local patch = fix.patch[1] and fix.patch or { fix.patch }
  patch[#patch + 1] = { target = "standardize" }
  return { text = fix.text .. " and standardise the targets", patch = patch }
end

---Fixes, the smallest change first: the loss told what it gets, the head for the loss, the loss for
---the head, both.
---@param r table what heads.read gives
---@return { text: string, patch: table }[]
function M.of(r)
  local list, seen = {}, {}
  local coding, labels = r.coding.name, nil
  if r.bad_labels or not row(r, { coding = coding, min = r.coding.min, max = r.coding.max }) then
    labels, coding = recoded(r)
    coding = coding or r.coding.name
  end
  add(list, seen, standardised(r, coding))
  local function try(loss, head)
    local to = row(r, { coding = coding, loss = loss, head = head, min = r.coding.min,
      max = r.coding.max })
    if to then add(list, seen, fix_to(r, to, labels)) end
  end
  local whole = r.need == r.width and not r.head.inner
  local head = r.head.group
  if whole and head then
    local twin = r.loss:find("_logits$") and r.loss:gsub("_logits$", "") or r.loss .. "_logits"
    try(twin, head)
    if not heads.takes(r.task, r.loss, coding) then try(nil, head) end
  end
  try(r.loss, nil)
  if whole and head then try(nil, head) end
  try(nil, nil)
  return table.move(list, 1, math.min(#list, 3), 1, {})
end

return M
