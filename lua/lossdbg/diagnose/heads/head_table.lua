--- The closed table of heads, losses and codings: which last activation goes with which loss and
-- which targets, for each task. What is not in it does not belong together.
local M = {}

local function words(text)
  local list = {}
  for word in text:gmatch "%S+" do list[#list + 1] = word end
  return list
end

local function groups(members)
  local of = {}
  for group, list in pairs(members) do
    for _, name in ipairs(words(list)) do of[name] = group end
  end
  return of
end

--- Activations that behave alike behind the last weights.
M.head_of = groups {
  linear = "linear", softmax = "softmax", log_softmax = "log_softmax",
  sigmoid = "sigmoid hard_sigmoid", log_sigmoid = "log_sigmoid", signed = "tanh softsign",
  rectified = "relu relu6", positive = "softplus exponential",
  leaky = "leaky_relu prelu elu celu selu gelu silu swish hard_silu hard_swish mish",
}

local loss_of = groups {
  distance = "mse mae huber smooth_l1 log_cosh", relative = "mape msle", poisson = "poisson",
  cosine = "cosine_similarity", kl = "kl", hinge = "hinge squared_hinge", nll = "nll",
  categorical_hinge = "categorical_hinge", bce = "binary_crossentropy binary_focal",
  ce = "categorical_crossentropy categorical_focal",
  sparse = "sparse_crossentropy sparse_categorical_crossentropy",
}

--- The group of a loss: cross-entropies on logits are groups of their own.
---@param loss { name: string?, from_logits: boolean? }
---@return string|nil nil for losses that are functions of the user
function M.loss_group(loss)
  local group = loss_of[loss.name or ""]
  if loss.from_logits and (group == "bce" or group == "ce" or group == "sparse") then
    return group .. "_logits"
  end
  return group
end

--- What a patch writes for a group.
M.loss_patch = {
  distance = { name = "mse" }, poisson = { name = "poisson" }, kl = { name = "kl" },
  hinge = { name = "hinge" }, categorical_hinge = { name = "categorical_hinge" },
  nll = { name = "nll" }, relative = { name = "msle" }, cosine = { name = "cosine_similarity" },
  bce = { name = "binary_crossentropy", from_logits = false },
  bce_logits = { name = "binary_crossentropy", from_logits = true },
  ce = { name = "categorical_crossentropy", from_logits = false },
  ce_logits = { name = "categorical_crossentropy", from_logits = true },
  sparse = { name = "sparse_crossentropy", from_logits = false },
  sparse_logits = { name = "sparse_crossentropy", from_logits = true },
}

-- Losses that no fix leads to: they answer another question than the targets pose.
local never_first = { relative = true, cosine = true }

---Whether a fix may lead to this loss where the program does not have it.
---@return boolean
function M.may_lead_to(loss) return not never_first[loss] end

--- The activation that a patch writes for a group of heads.
M.activation = { linear = "linear", softmax = "softmax", log_softmax = "log_softmax",
  sigmoid = "sigmoid", signed = "tanh", positive = "softplus" }

local any_head = "linear sigmoid signed positive leaky softmax"
local any_coding = "real shares flags signs ids counts one_hot"

-- { loss groups, heads, codings, "usable" where it works but is not what one would write }.
-- The first row of a task that fits the coding is the one that fixes lead to.
local rows = {
  multiclass = {
    { "sparse", "softmax", "ids" },
    { "ce", "softmax", "one_hot distribution" },
    { "sparse_logits", "linear log_softmax", "ids" },
    { "ce_logits", "linear log_softmax", "one_hot distribution" },
    { "nll", "log_softmax", "ids" },
    { "kl", "softmax", "one_hot distribution" },
    { "categorical_hinge", "linear", "one_hot" },
    { "bce", "sigmoid", "one_hot distribution", "usable" }, -- each class against the others
    { "bce_logits", "linear", "one_hot distribution", "usable" },
    { "bce", "softmax", "one_hot distribution", "usable" },
    { "distance", "softmax sigmoid linear rectified", "one_hot distribution", "usable" },
    { "hinge", "linear signed", "one_hot signs", "usable" },
    { "categorical_hinge", "signed", "one_hot", "usable" },
    { "sparse_logits", "leaky", "ids", "usable" },
    { "ce_logits", "leaky", "one_hot distribution", "usable" },
  },
  binary = {
    { "bce", "sigmoid", "flags shares" },
    { "bce_logits", "linear", "flags shares" },
    { "hinge", "linear signed", "flags signs" },
    { "distance", "sigmoid linear rectified", "flags shares", "usable" },
    { "distance", "linear signed", "signs", "usable" },
    { "bce_logits", "leaky", "flags shares", "usable" },
  },
  multilabel = {
    { "bce", "sigmoid", "flags shares one_hot distribution" },
    { "bce_logits", "linear", "flags shares one_hot distribution" },
    { "hinge", "linear signed", "flags signs", "usable" },
    { "distance", "sigmoid linear rectified", "flags shares one_hot distribution", "usable" },
    { "distance", "linear signed", "signs", "usable" },
  },
  regression = {
    { "distance", any_head, any_coding },
    { "distance", "rectified", any_coding, "usable" }, -- a dead unit answers a constant
    { "distance", "softmax linear", "distribution" },
    { "distance", "sigmoid rectified positive", "distribution", "usable" },
    { "relative", any_head, any_coding .. " distribution" },
    { "cosine", any_head, any_coding .. " distribution" },
    { "bce", "sigmoid", "shares flags one_hot distribution" },
    { "bce_logits", "linear", "shares flags one_hot distribution" },
    { "ce", "softmax", "one_hot distribution" },
    { "ce_logits", "linear log_softmax", "one_hot distribution" },
    { "kl", "softmax", "one_hot distribution" },
    { "poisson", "positive", "counts shares flags ids" },
    { "poisson", "rectified linear leaky sigmoid", "counts shares flags ids", "usable" },
    { "hinge", "linear signed", "flags signs" },
  },
}

--- The table, a row for each triple: M.triples[task] = list of { loss, head, coding, grade }.
M.triples = {}
local grades = {}
for task, list in pairs(rows) do
  M.triples[task], grades[task] = {}, {}
  for _, row in ipairs(list) do
    for _, head in ipairs(words(row[2])) do
      for _, coding in ipairs(words(row[3])) do
        local grade = row[4] or "right"
        table.insert(M.triples[task], { loss = row[1], head = head, coding = coding,
          grade = grade })
        grades[task][row[1] .. " " .. head .. " " .. coding] = grade
      end
    end
  end
end

--- Closed range of the values of a head.
M.range = { sigmoid = { 0, 1 }, softmax = { 0, 1 }, signed = { -1, 1 },
  rectified = { 0, math.huge }, positive = { 0, math.huge } }

--- Share of the targets' range that may lie outside that of the head: single outliers do.
M.beyond = 0.05

--- Share of the range of the targets that a head cannot answer.
---@param head string
---@param coding { min: number?, max: number? }
---@return number
function M.outside(head, coding)
  local range, low, high = M.range[head], coding.min, coding.max
  if not range or not low or not (high > low) then return 0 end
  local missed = math.max(0, range[1] - low) + math.max(0, high - range[2])
  return math.min(1, missed / (high - low))
end

-- Losses of real answers, for which the range of the head decides.
local ranged = { distance = true, relative = true, poisson = true }

--- Whether head, loss and coding belong together in a task.
---@param task string
---@param loss string group
---@param head string group
---@param coding { name: string, min: number?, max: number? }
---@return "right"|"usable"|nil
function M.grade(task, loss, head, coding)
  local grade = grades[task] and grades[task][loss .. " " .. head .. " " .. coding.name]
  if grade and task == "regression" and ranged[loss] and M.outside(head, coding) > M.beyond then
    return nil
  end
  return grade
end

--- A head that is right before this loss for targets of this coding, if there is one.
---@return string|nil
function M.right_head(task, loss, coding)
  for _, triple in ipairs(M.triples[task] or {}) do
    if triple.loss == loss and triple.coding == coding.name
      and M.grade(task, loss, triple.head, coding) == "right" then
      return triple.head
    end
  end
end

--- Whether a loss takes targets of this coding in this task, behind any head.
---@return boolean
function M.takes(task, loss, coding)
  for _, triple in ipairs(M.triples[task] or {}) do
    if triple.loss == loss and triple.coding == coding then return true end
  end
  return false
end

return M
