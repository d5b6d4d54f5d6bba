--- Contracts about rows and targets.
local core = require "lossdbg.core"

local is_tensor = core.tensor.is_tensor

-- The ids of a data set with one class a row, and how many classes the outputs have; nil where
-- targets are no class ids. Targets of many places a row may hold padding, which is no class.
local function classes(s)
  local y, loss = s.data and s.data.y, s.named_loss
  if not (y and loss) or loss.parts or not is_tensor(y) or y.dtype ~= "i32" then return nil end
  local shape = s.model.output_shape
  local width = shape[#shape]
  if loss.family == "custom" or width < 2 or y.numel ~= y.shape[1] then return nil end
  local seen = {}
  for _, id in ipairs(y:reshape({ y.numel }):totable()) do seen[id] = (seen[id] or 0) + 1 end
  return seen, width
end

local function labels_cover(s)
  local seen, width = classes(s)
  if not seen then return nil end
  local missing = {}
  for id = 0, width - 1 do
    if not seen[id] then missing[#missing + 1] = id end
  end
  if #missing == 0 then return true end
  return { value = #missing, text = ("%d of the %d outputs stand for classes that no row has, the "
    .. "first is %d"):format(#missing, width, missing[1]) }
end

local function ignored_outside(s)
  local id = s.named_loss and s.named_loss.ignore_class
  local seen = id and classes(s)
  if not seen then return nil end
  if not seen[id] then return true end
  return { value = seen[id], text = ("the loss leaves out class %d, which %d rows carry"):format(id,
    seen[id]) }
end

local function targets_of_data(_, fact)
  local pair = fact.pair
  if not pair or pair.moved then return nil end
  if pair.equal then return true end
  return { value = pair.unequal, text = ("%d targets of the batch are not those of its rows in "
    .. "data"):format(pair.unequal) }
end

local function rows_belong(_, fact)
  local pair = fact.pair
  if not pair then return nil end
  if not pair.moved then return true end
  return { value = pair.unequal, text = "the batch holds the targets of its rows in another order" }
end

local function batches_differ(_, fact)
  local rows = fact.rows
  if not rows or not rows.n or rows.batch >= rows.n then return nil end
  if not fact.again then return true end
  return { value = rows.batch, text = ("the %d rows of the step before, of %d"):format(rows.batch,
    rows.n) }
end

local function state_follows_rows(s, fact)
  if fact.jump == nil then return nil end
  if not fact.jump then return true end
  return { layer = s.stateful or nil,
    text = "a state is carried to rows that do not follow those it is of" }
end

return {
  { id = "labels_cover", at = "begin", cause = "wrong_output_units", check = labels_cover,
    says = "labels cover the classes of the outputs",
    fix = "as many outputs as classes, ids from 0" },
  { id = "ignored_outside", at = "begin", cause = "class_ignored_by_loss", check = ignored_outside,
    says = "the id that the loss leaves out is no class of the data",
    fix = "mark what is to be left out by an id outside the classes" },
  { id = "targets_of_data", at = "turn", cause = "wrong_label_encoding", check = targets_of_data,
    says = "targets of a batch are those of `data`",
    fix = "hand the loss the targets as they come with their rows" },
  { id = "rows_belong", at = "turn", cause = "misaligned_labels", check = rows_belong,
    says = "inputs and targets of a batch are rows that belong together",
    fix = "shuffle and reshape inputs and targets alike" },
  { id = "batches_differ", at = "turn", cause = "repeated_batch", check = batches_differ,
    says = "batches of an epoch are distinct",
    fix = "make the iterator over the batches once an epoch, and follow it to its end" },
  { id = "state_follows_rows", at = "turn", cause = "state_over_shuffled_rows",
    check = state_follows_rows, says = "a recurrent state goes on with the rows that follow",
    fix = "reset_state() before each batch, or feed rows in their order" },
}
