--- Do head, loss and coding of the targets belong together? One verdict on a program, from one
-- closed table (head_table); the configuration rules are its readers, each for one kind of
-- mismatch.
local finding = require "lossdbg.diagnose.finding"
local fixes = require "lossdbg.diagnose.heads.head_fix"
local heads = require "lossdbg.diagnose.heads.head_table"
local numfmt = require "lossdbg.diagnose.numfmt"
local read = require "lossdbg.diagnose.heads.head_read"

local M = {}

local by_id = { sparse = true, sparse_logits = true, nll = true }

-- Whether ids are what a loss on ids can count with.
local function ids_are_bad(c)
  return c.integral == false or (c.min ~= nil and c.min < 0)
end

-- Classes of targets that are ids, where the output has a unit for each.
local function classes_of(r)
  local c = r.coding
  if not by_id[r.loss] and r.width ~= 1 then return nil end
  if c.name == "ids" and c.max and not ids_are_bad(c) then
    -- Ids 1..K behind K outputs are counted from one: the coding is at fault, not the width.
    if c.min == 1 and c.max == r.width and c.classes == r.width then return r.width end
    return math.tointeger(c.max) and math.tointeger(c.max) + 1
  end
end

-- Values of one sample's output: an image has more of them than its last axis is long.
local function values_of(case, width)
  local shape, n = case.description.output_shape, 1
  if type(shape) ~= "table" or #shape < 2 or shape[#shape] ~= width then return width end
  for _, size in ipairs(shape) do n = n * size end
  return n
end

local function units_needed(r, case)
  if r.task == "multiclass" then
    local k = classes_of(r)
    if k and r.width and r.width < k then return k end
  end
  local c = r.coding
  local per_row = by_id[r.loss] or (c.name == "ids" and r.width ~= 1)
  local total = values_of(case, r.width)
  if not per_row and c.width and total and c.width ~= total then
    local need = r.width * c.width // total
    return need >= 1 and need ~= r.width and need or c.width
  end
  return r.width
end

local function labels_are_bad(r)
  local c = r.coding
  if r.task == "multiclass" and by_id[r.loss] then
    return ids_are_bad(c) or (r.width ~= nil and c.max ~= nil and c.max >= r.need)
  end
  local binary = r.task == "binary" or r.task == "multilabel"
  return binary and (r.loss == "bce" or r.loss == "bce_logits") and c.min ~= nil
    and (c.min < 0 or c.max > 1)
end

---What the table is asked about a case.
---@param case table
---@return table|nil
---@return string|nil why it cannot be asked
function M.read(case)
  local description = case.description
  if not description.layers or #description.layers == 0 then
    return nil, "cannot tell: the layers are not known"
  end
  local loss = heads.loss_group(description.loss or {})
  if not loss then return nil, "not applicable: a loss of one's own" end
  local coding = read.coding(case)
  if not coding then return nil, "cannot tell: the targets were not measured" end
  local r = { loss = loss, head = read.head(case), coding = coding, width = read.width(case),
    told = case.facts.task }
  r.task = read.task(case, loss, coding, r.width)
  if not heads.triples[r.task or ""] then return nil, "cannot tell: the task is not known" end
  r.need = units_needed(r, case)
  r.bad_labels = labels_are_bad(r)
  return r
end

-- ---- kinds of mismatch, in the order in which they are asked for --------------------------------

local harmful_inner = { rectified = true, sigmoid = true, signed = true, softmax = true }

local function inner_group(r)
  local group = r.head.inner and heads.head_of[r.head.inner]
  return harmful_inner[group or ""] and group or nil
end

local far = 0.3 -- share of the targets' range that no outliers make up

local kinds = {}

kinds[#kinds + 1] = function(r)
  if r.head.group ~= "softmax" or r.head.width ~= 1 or r.head.measured then return nil end
  return { rule = "softmax_single_unit", cause = "softmax_single_unit",
    title = "softmax over a single unit always answers 1" }
end

kinds[#kinds + 1] = function(r)
  if r.need == r.width then return nil end
  return { rule = "wrong_output_units", cause = "wrong_output_units",
    title = ("the output has %d unit%s, the targets need %d"):format(r.width,
      r.width == 1 and "" or "s", r.need) }
end

kinds[#kinds + 1] = function(r)
  if not r.bad_labels then return nil end
  return { rule = "wrong_label_encoding", cause = "wrong_label_encoding",
    title = ("labels reach from %s to %s, which %s cannot take"):format(
      numfmt.number(r.coding.min), numfmt.number(r.coding.max), heads.loss_patch[r.loss].name) }
end

kinds[#kinds + 1] = function(r)
  local twice = r.loss:find "_logits$" and (r.head.group == "softmax" or r.head.group == "sigmoid")
  if not twice or not heads.takes(r.task, r.loss, r.coding.name) then return nil end
  local same = (r.head.group == "sigmoid") == (r.loss == "bce_logits")
  return { rule = r.head.group == "softmax" and "double_softmax" or "double_sigmoid",
    cause = same and "double_softmax" or "wrong_output_activation",
    title = ("%s in the last layer, and %s takes what comes before it"):format(r.head.activation,
      heads.loss_patch[r.loss].name) }
end

kinds[#kinds + 1] = function(r)
  local probabilities = r.loss == "bce" or r.loss == "ce" or r.loss == "sparse" or r.loss == "kl"
  if not probabilities or r.head.group ~= "linear"
    or not heads.takes(r.task, r.loss, r.coding.name) then
    return nil
  end
  return { rule = "missing_output_activation", cause = "missing_output_activation",
    title = ("raw scores reach %s, which expects probabilities"):format(
      heads.loss_patch[r.loss].name) }
end

kinds[#kinds + 1] = function(r)
  local group = inner_group(r)
  if not group then return nil end
  local class = (group == "rectified" or group == "softmax") and "exact" or "measured"
  return { rule = "final_layer_nonlinear", class = class, cause = "wrong_output_activation",
    title = ("%s stands between the last weights and the %s"):format(r.head.inner,
      r.head.activation) }
end

kinds[#kinds + 1] = function(r)
  if r.task ~= "regression" or not heads.takes(r.task, r.loss, r.coding.name) then return nil end
  local share = heads.outside(r.head.group, r.coding)
  if share == 0 then return nil end
  local range = heads.range[r.head.group]
  return { rule = "target_range_unreachable", cause = "output_range_mismatch",
    class = share > far and "exact" or "measured", strength = share / heads.beyond,
    title = ("%s answers %s to %s, the targets reach from %s to %s"):format(r.head.activation,
      numfmt.number(range[1]), numfmt.number(range[2]), numfmt.number(r.coding.min),
      numfmt.number(r.coding.max)) }
end

local task_words = { multiclass = "classes", binary = "two classes", multilabel = "several labels",
  regression = "real targets" }

kinds[#kinds + 1] = function(r)
  local fits = heads.takes(r.task, r.loss, r.coding.name)
  local known = r.head.group ~= nil and r.head.group ~= "log_sigmoid"
  local name = heads.loss_patch[r.loss].name
  if fits and not known then return nil end
  if fits and r.head.group then
    return { rule = "loss_activation_mismatch", cause = "wrong_output_activation",
      title = ("%s output under %s"):format(r.head.activation, name) }
  end
  return { rule = "loss_activation_mismatch", cause = "wrong_loss",
    title = ("%s under %s"):format(task_words[r.task], name) }
end

---@class lossdbg.HeadVerdict
---@field grade "right"|"usable"|"wrong"
---@field rule string|nil the rule that reports it
---@field cause string|nil
---@field title string|nil
---@field class "exact"|"measured"|"suggestive"|nil
---@field strength number|nil
---@field fixes { text: string, patch: table }[]
---@field read table head, loss, coding, task, width, need

-- It works, but the table has a row that one would write instead.
local function usable(r)
  local same = heads.right_head(r.task, r.loss, r.coding)
  local class = r.coding.name == "distribution" and same and "measured" or "suggestive"
  return { grade = "usable", class = class, rule = "loss_activation_mismatch",
    cause = same and "wrong_output_activation" or "wrong_loss",
    title = ("%s behind %s for %s"):format(heads.loss_patch[r.loss].name,
      r.head.activation == "linear" and "a linear output" or r.head.activation,
      task_words[r.task]) }
end

local function judge(r)
  local grade = r.head.group and heads.grade(r.task, r.loss, r.head.group, r.coding)
  local sound = grade and r.need == r.width and not r.bad_labels and not inner_group(r)
    and not (r.head.group == "softmax" and r.head.width == 1 and not r.head.measured)
  if sound then
    return grade == "right" and { grade = "right" } or usable(r)
  end
  for _, kind in ipairs(kinds) do
    local verdict = kind(r)
    if verdict then
      verdict.grade, verdict.class = "wrong", verdict.class or "exact"
      return verdict
    end
  end
  return { grade = "right" } -- nothing is known against it
end

local function verdict_on(case)
  local r, why = M.read(case)
  if not r then return nil, why end
  local verdict = judge(r)
  verdict.read = r
  verdict.fixes = verdict.grade == "right" and {} or fixes.of(r)
  return verdict
end

---The verdict on a case; asked for by many rules, found once.
---@param case table
---@return lossdbg.HeadVerdict|nil
---@return string|nil why there is none
function M.judge(case)
  local facts = case.facts
  if not facts.head_asked then
    facts.head_asked, facts.head, facts.head_why = true, verdict_on(case)
  end
  return facts.head, facts.head_why
end

---What a rule says about a case, when the mismatch is of its kind. What every such rule returns.
---@param rule table
---@param case table
---@return table|nil finding
---@return string|nil why it does not judge
function M.finding(rule, case)
  local verdict, why = M.judge(case)
  if not verdict then return nil, why end
  if verdict.rule ~= rule.id then return nil end
  local r = verdict.read
  return finding.new(rule, {
    title = verdict.title, cause = verdict.cause, class = verdict.class,
    strength = verdict.strength, where = case.facts:where(r.head.layer and r.head.layer.path),
    evidence = {
      finding.evidence("task", r.task),
      finding.evidence("last activation", r.head.inner and r.head.inner .. ", then "
        .. r.head.activation or r.head.activation or "unknown"),
      finding.evidence("loss", case.facts:loss().name),
      finding.evidence("targets", r.coding.name),
      finding.evidence("output units", r.width or "unknown", r.need and tostring(r.need)),
    },
    fixes = verdict.fixes,
  })
end

return M
