--- Running the plan of a model that is no simple chain: see nn.graph_build.
local core = require "lossdbg.core"
local layer = require "lossdbg.nn.layer"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local M = {}

local is_tensor, scope = core.tensor.is_tensor, core.autograd.scope

-- What a layer is called on: one tensor, or the list of them.
local function arguments(step, values)
  local from = step.from
  if #from == 1 then return values[from[1]] end
  local list = {}
  for i = 1, #from do list[i] = values[from[i]] end
  return list
end

-- The mask that goes with the inputs of a step: steps count where all of them do.
local function mask_of(step, masks)
  local mask
  for _, slot in ipairs(step.from) do
    local other = masks[slot]
    if mask and other and other ~= mask and table.concat(mask.shape, ",")
      == table.concat(other.shape, ",") then
      mask = mask:mul(other)
    end
    mask = mask or other
  end
  return mask
end

local function call(item, step, values, context)
  if not step.more then return item:forward(arguments(step, values), context) end
  local results = { item:forward(arguments(step, values), context) }
  for i, slot in ipairs(step.more) do values[slot] = results[i + 1] end
  return results[1]
end

---Computes the slots of steps. A mask that a layer leaves in the context goes along the edges to
---the layers that its output feeds.
---@param list lossdbg.Layer[]
---@param steps table[]
---@param values userdata[] slots; the inputs are filled
---@param context table
function M.steps(list, steps, values, context)
  local tap, see, activity = context.tap, context.see, context.activity
  local training = context.training
  local given = context.mask
  local masks = given and { given }
  for i = 1, #steps do
    local step = steps[i]
    local item = list[step.layer]
    scope(item.path)
    if training then context.call = step.call end -- masks of dropout differ from call to call
    if masks then context.mask = mask_of(step, masks) end
    local y = call(item, step, values, context)
    if context.mask then
      masks = masks or {}
      masks[step.to] = context.mask
      context.mask = nil
    end
    if tap then tap(item, "after", y) end
    if see then see(item, y) end
    if activity and item.options.activity_regularizer then activity(item, y) end
    values[step.to] = y
    for _, slot in ipairs(step.free) do values[slot] = nil end
  end
  context.mask = given -- what an embedding left there is no mask of the next input
  if training then context.call = nil end
end

---Applies a model that has a plan. The options are those of model:forward.
---@param model lossdbg.Model
---@param x userdata|userdata[] inputs, checked
---@param context table
---@return userdata|table
function M.forward(model, x, context)
  local plan, values = model.plan, {}
  for i, input in ipairs(plan.inputs) do
    local part = is_tensor(x) and x or x[i] or x[input.name]
    values[i] = part.dtype ~= model.dtype and part:cast(model.dtype) or part
  end
  M.steps(model.list, plan.steps, values, context)
  local outputs = plan.outputs
  if plan.single then return values[outputs[1]] end
  local result, names = {}, plan.output_names
  for i, slot in ipairs(outputs) do result[names and names[i] or i] = values[slot] end
  return result
end

local function names_of(plan)
  local list = {}
  for i, input in ipairs(plan.inputs) do list[i] = input.name end
  return list
end

local function check_names(plan, x)
  local known = names_of(plan)
  for key in pairs(x) do
    local found = math.type(key) == "integer" and key >= 1 and key <= #known
    for _, name in ipairs(known) do found = found or name == key end
    if not found then
      error(("lossdbg: model: argument 'x': unknown input %s%s"):format(options.show(key),
        options.hint(key, known)), source.level())
    end
  end
end

---Raises unless x holds one tensor of the right shape for every input.
---@param model lossdbg.Model
---@param x any
---@param shape_cause fun(expected: integer[], got: table): string
function M.check_input(model, x, shape_cause)
  local plan = model.plan
  if is_tensor(x) and #plan.inputs == 1 then
    x = { x }
  elseif type(x) ~= "table" or getmetatable(x) ~= nil and not x.several then
    options.fail("model", "x", ("a table of %d tensors: %s"):format(#plan.inputs,
      table.concat(names_of(plan), ", ")), x, nil, source.level())
  end
  if not x.several then check_names(plan, x) end
  local rows, first
  for i, input in ipairs(plan.inputs) do
    local part = x[i] or x[input.name]
    if not is_tensor(part) then
      options.fail("model", "x", ("a tensor for the input '%s'"):format(input.name), part,
        part == nil and "the input is missing" or "ld.tensor makes one from a table",
        source.level())
    end
    local shape = part.shape
    local fits = #shape == #input.shape + 1
    for axis = 1, #input.shape do fits = fits and shape[axis + 1] == input.shape[axis] end
    if not fits then
      local got = table.move(shape, 2, #shape, 1, {})
      got.batch = shape[1]
      layer.shape_error({ path = input.name, source = input.source },
        layer.shape_text(input.shape), got, shape_cause(input.shape, got))
    end
    rows, first = rows or shape[1], first or input.name
    if shape[1] ~= rows then
      error(("lossdbg: model: argument 'x': expected as many rows in every input, got %d of " ..
        "'%s' and %d of '%s'"):format(rows, first, shape[1], input.name), source.level())
    end
  end
end

return M
