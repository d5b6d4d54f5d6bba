local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "loss_activation_mismatch", cause = "wrong_loss", family = "configuration",
  needs = { "description.layers", "description.loss" }, cost = "free",

  doc = {
    what = "Task, last activation and loss do not belong together.",
    formula = "legal: several classes softmax + cross-entropy or linear + cross-entropy on logits;"
      .. " two classes sigmoid + binary cross-entropy or linear on logits; several labels sigmoid +"
      .. " binary cross-entropy; real targets linear + mse, mae, huber",
    source = "AutoTrainer and DeepDiagnosis flag every regression; the task is inferred first here",
    false_alarms = "squared error on probabilities works, slowly: a remark when it learns",
  },
}

local REGRESSION = { mse = true, mae = true, huber = true, log_cosh = true }
local CLASS = { categorical_crossentropy = true, sparse_crossentropy = true }
local HIDDEN = { relu = true, leaky_relu = true, elu = true, selu = true, gelu = true, tanh = true,
  softplus = true, relu6 = true, silu = true, swish = true }

local RIGHT = {
  multiclass = { activation = "softmax", loss = "sparse_crossentropy" },
  binary = { activation = "sigmoid", loss = "binary_crossentropy" },
  multilabel = { activation = "sigmoid", loss = "binary_crossentropy" },
  regression = { activation = "linear", loss = "mse" },
}

---Cause, words and class of the mismatch, or nil.
local function regression(loss, activation, units)
  if loss:find("crossentropy") then return "wrong_loss", "real targets under " .. loss,
    "measured" end
  if activation == "softmax" and (units or 2) > 1 then
    return "wrong_output_activation", "softmax output for real targets", "measured"
  end
  return nil
end

local function multiclass(loss, activation, units, logits)
  if REGRESSION[loss] and (units or 2) == 1 then
    return "wrong_loss", loss .. " on class ids with one output", "measured"
  end
  if REGRESSION[loss] then return "wrong_loss", loss .. " on classes", "suggestive" end
  if loss == "binary_crossentropy" and activation == "softmax" then
    return "wrong_loss", "binary cross-entropy over a softmax", "measured"
  end
  if CLASS[loss] and not logits and activation == "sigmoid" then
    return "wrong_output_activation", "independent sigmoids under " .. loss, "measured"
  end
  if CLASS[loss] and HIDDEN[activation] then
    return "wrong_output_activation", activation .. " output under " .. loss, "measured"
  end
  return nil
end

local function binary(loss, activation, units, logits)
  if CLASS[loss] and units == 1 then
    return "wrong_loss", loss .. " over a single unit", "exact"
  end
  if units and units > 1 then return multiclass(loss, activation, units, logits) end
  if loss == "binary_crossentropy" and HIDDEN[activation] then
    return "wrong_output_activation", activation .. " output under binary cross-entropy", "measured"
  end
  if loss:find("hinge") and activation == "sigmoid" then
    return "wrong_output_activation", "sigmoid output under " .. loss, "measured"
  end
  if REGRESSION[loss] and HIDDEN[activation] then
    return "wrong_output_activation", activation .. " output under " .. loss .. " on 0/1 labels",
      "measured"
  end
  if REGRESSION[loss] then return "wrong_loss", loss .. " on 0/1 labels", "suggestive" end
  return nil
end

local function multilabel(loss, activation)
  if activation == "softmax" then
    return "wrong_output_activation", "softmax for labels that do not exclude each other",
      "measured"
  end
  if CLASS[loss] then return "wrong_loss", loss .. " for several labels", "measured" end
  return nil
end

local CHECK = { regression = regression, multiclass = multiclass, binary = binary,
  multilabel = multilabel }

local function fixes_of(task, cause)
  local right = RIGHT[task]
  local patches = { { output = { activation = right.activation } } }
  if cause == "wrong_loss" then
    patches[2] = { loss = { name = right.loss, from_logits = false } }
  end
  return { { text = string.format("use %s with %s", right.activation, right.loss),
    patch = patches } }
end

function M.check(case)
  local facts, loss = case.facts, case.facts:loss()
  local task, name = facts.task, loss.name
  if not task or not CHECK[task] then return nil, "cannot tell: the task is not known" end
  if type(name) ~= "string" then return nil, "not applicable: a loss of one's own" end
  local units, activation = facts:units(), facts.net.output_activation
  if activation == "softmax" and units == 1 then return nil end
  local cause, words, class = CHECK[task](name, activation, units, loss.from_logits == true)
  if not cause then return nil end
  local right = RIGHT[task]
  return finding.new(M, {
    cause = cause, title = words, class = class,

    where = facts:where(facts.net.output and facts.net.output.path),
    evidence = { finding.evidence("task", task),
      finding.evidence("last activation", activation, right.activation),
      finding.evidence("loss", name, right.loss) },
    fixes = fixes_of(task, cause),
  })
end

return M
