--- Building models whose layers are not simply one behind the other: graphs, and lists that hold
-- residual blocks or graphs. The result is a list of layers and a plan, plain data that the model
-- follows (nn.graph_run):
--   plan = { inputs = { { name, shape, source } }, outputs = { slot }, output_names = { name }|nil,
--            steps = { { layer = place in the list, from = { slot }, to = slot, free = { slot },
--                        more = { slot }|nil, call = 0, 1, ... of a shared layer } },
--            last = place|nil }
-- Blocks are dissolved: their layers carry paths such as "residual_1/dense_1".
local graph_run = require "lossdbg.nn.graph_run"
local layer = require "lossdbg.nn.layer"
local model = require "lossdbg.nn.model"
local options = require "lossdbg.support.options"
local sequential = require "lossdbg.nn.sequential"
local source = require "lossdbg.support.source"
local tensors = require "lossdbg.tensor"

local M = {}

-- The rows that reach some slots, for a layer that learns statistics; nil without rows.
local function adapt_source(state, from)
  local rows, steps = state.rows, table.move(state.steps, 1, #state.steps, 1, {})
  if not rows then return nil end
  return function()
    return tensors.no_grad(function()
      local values = table.move(rows, 1, #rows, 1, {})
      graph_run.steps(state.list, steps, values, { training = false })
      return values[from[1]]
    end)
  end
end

local function same(a, b)
  local left, right = {}, {}
  for i, shape in ipairs(a) do left[i] = table.concat(shape, ",") end
  for i, shape in ipairs(b) do right[i] = table.concat(shape, ",") end
  return table.concat(left, ";") == table.concat(right, ";")
end

local function text_of(shapes)
  local parts = {}
  for i, shape in ipairs(shapes) do parts[i] = layer.shape_text(shape) end
  return table.concat(parts, ", ")
end

-- The built layer at a path: made on the first call, checked on the others.
local function obtain(state, description, path, from, trainable)
  local shapes = {}
  for i, slot in ipairs(from) do shapes[i] = state.shapes[slot] end
  local known = state.places[path]
  if known then
    if not same(state.list[known].input_shapes, shapes) then
      error(("lossdbg: layer '%s' is shared: its first call gives it %s, another %s (use a " ..
        "layer of its own for that)"):format(path, text_of(state.list[known].input_shapes),
        text_of(shapes)), source.level())
    end
    state.calls[path] = state.calls[path] + 1
    return known
  end
  state.context.adapt = adapt_source(state, from)
  local range = layer.kinds[description.kind].inputs
  local shape = shapes[1]
  if #shapes > 1 or (range and range[1] > 1) then shape = shapes end
  local made = layer.create(description, path, shape, state.context, trainable)
  local place = #state.list + 1
  made.index, made.input_shapes = place, shapes
  state.list[place], state.places[path], state.calls[path] = made, place, 0
  return place
end

local emit

local function emit_layer(state, item, path, from, trainable)
  local place = obtain(state, item, path, from, trainable)
  local made, slots = state.list[place], {}
  for i, shape in ipairs(made.output_shapes or { made.output_shape }) do
    slots[i] = #state.shapes + 1
    state.shapes[slots[i]] = shape
  end
  state.steps[#state.steps + 1] = { layer = place, from = from, to = slots[1], free = {},
    more = #slots > 1 and table.move(slots, 2, #slots, 1, {}) or nil, call = state.calls[path] }
  return slots
end

local function chain(state, items, paths, from, trainable)
  for i, item in ipairs(items) do
    if i > 1 and not sequential.is_block(items[i - 1]) then
      from = { from[1] } -- as in a flat list: states behind the output are left
    elseif #from ~= 1 then
      error(("lossdbg: layer '%s' follows a graph with %d outputs: join them first (nn.concat, " ..
        "nn.add) or use nn.graph"):format(paths[i], #from), source.level())
    end
    from = emit(state, item, paths[i], from, trainable)
  end
  return from
end

-- What a list of layers returns: of a last layer with states behind its output, the output.
local function ends(items, slots)
  return sequential.is_block(items[#items]) and slots or { slots[1] }
end

local emitters = {}

function emitters.sequential(state, item, path, from, trainable)
  return ends(item, chain(state, item, sequential.paths_of(item, path .. "/"), from, trainable))
end

function emitters.residual(state, item, path, from, trainable)
  local items, paths = item:parts(path .. "/")
  local main = chain(state, table.move(item, 1, #item, 1, {}), paths, from, trainable)
  local around = from
  if item.shortcut then
    around = emit(state, item.shortcut, paths[#item + 1], from, trainable)
  end
  return emit(state, items[#items], paths[#items], { main[1], around[1] }, trainable)
end

function emitters.graph(state, item, path, from, trainable)
  local prefix, values = path == "" and "" or path .. "/", {}
  if #from ~= #item.inputs then
    error(("lossdbg: graph '%s' has %d inputs and cannot stand in a sequential"):format(path,
      #item.inputs), source.level())
  end
  for i, input in ipairs(item.inputs) do
    if not same({ input.shape }, { state.shapes[from[i]] }) then
      layer.shape_error({ path = prefix .. input.name, source = input.source },
        layer.shape_text(input.shape), state.shapes[from[i]])
    end
    values[input.id] = from[i]
  end
  local paths = item:paths(prefix)
  for _, call in ipairs(item.calls) do
    local slots = {}
    for i, id in ipairs(call.from) do slots[i] = values[id] end
    local made = emit(state, item.layers[call.layer], paths[call.layer], slots, trainable)
    for i, id in ipairs(call.to) do values[id] = made[i] end
  end
  local result = {}
  for i, output in ipairs(item.outputs) do result[i] = values[output.id] end
  return result
end

---Adds the steps of a layer or block; returns the slots of its outputs.
function emit(state, item, path, from, trainable)
  if not sequential.is_block(item) then return emit_layer(state, item, path, from, trainable) end
  return emitters[item.kind](state, item, path, from, trainable and item.options.trainable)
end

-- ---- the finished plan -------------------------------------------------------------------------

-- Slots that no later step reads are given back, so that evaluation holds no more than it needs.
local function note_last_use(steps, outputs, n_inputs)
  local kept, seen = {}, {}
  for _, slot in ipairs(outputs) do kept[slot] = true end
  for i = #steps, 1, -1 do
    local step = steps[i]
    for _, slot in ipairs(step.from) do
      if not seen[slot] and not kept[slot] and slot > n_inputs then
        step.free[#step.free + 1] = slot
      end
      seen[slot] = true
    end
  end
end

-- The layer whose output is the model's one output and nothing else, called once.
local function last_layer(steps, outputs)
  if #outputs ~= 1 then return nil end
  local found
  for _, step in ipairs(steps) do
    if step.to == outputs[1] then found = step.layer end
    for _, slot in ipairs(step.from) do
      if slot == outputs[1] then return nil end
    end
  end
  for _, step in ipairs(steps) do
    if step.layer == found and step.to ~= outputs[1] then return nil end
  end
  return found
end

-- One behind the other, each called once: what a sequential model is, and it runs as one.
local function is_chain(steps, n_inputs)
  if n_inputs ~= 1 then return false end
  for i, step in ipairs(steps) do
    if step.layer ~= i or #step.from ~= 1 or step.from[1] ~= i or step.more then return false end
  end
  return true
end

local function finish(state, inputs, outputs, names, description)
  local steps, context = state.steps, state.context
  local last = last_layer(steps, outputs)
  local plan
  if names.input or names.output or not is_chain(steps, #inputs) or outputs[1] ~= #steps + 1 then
    note_last_use(steps, outputs, #inputs)
    plan = { inputs = inputs, outputs = outputs, output_names = names.output,
      named_inputs = names.input, steps = steps, last = last,
      single = #outputs == 1 and not names.output }
  end
  local made = model.new(state.list, inputs[1].shape, context.dtype, context.seed, description,
    plan)
  if plan then
    made.input_shapes, made.output_shapes = {}, {}
    for i, input in ipairs(inputs) do made.input_shapes[i] = input.shape end
    for i, slot in ipairs(outputs) do made.output_shapes[i] = state.shapes[slot] end
    made.output_shape = made.output_shapes[1]
  end
  return made
end

local function start(inputs, context)
  local state = { context = context, list = {}, steps = {}, shapes = {}, places = {}, calls = {} }
  for i, input in ipairs(inputs) do state.shapes[i] = input.shape end
  local rows = context.adapt
  if options.is_tensor(rows) then rows = { rows } end
  if rows then
    state.rows = {}
    for i, input in ipairs(inputs) do
      local part = rows[i] or rows[input.name]
      state.rows[i] = part.dtype ~= context.dtype and part:cast(context.dtype) or part
    end
  end
  return state
end

---A list of layers and blocks, one behind the other.
---@param list table
---@param input_shape integer[]
---@param context table checked build options
---@return lossdbg.Model
function M.sequential(list, input_shape, context)
  local inputs = { { name = "input_1", shape = input_shape } }
  local state = start(inputs, context)
  local items = table.move(list, 1, #list, 1, {})
  local outputs = ends(items, chain(state, items, sequential.paths_of(list, ""), { 1 }, true))
  return finish(state, inputs, outputs, {}, list)
end

-- Shapes of data as a list in the order of the inputs; nil when none are given.
local function given_shapes(graph, shape)
  if shape == nil then return nil end
  if #graph.inputs == 1 and not (type(shape) == "table" and type(shape[1]) == "table") then
    return { shape[graph.inputs[1].name] or sequential.check_shape(shape) }
  end
  local list = {}
  for i, input in ipairs(graph.inputs) do
    local one = type(shape) == "table" and (shape[i] or shape[input.name])
    if type(one) ~= "table" then
      error(("lossdbg: build: argument 'input_shape': the model has %d inputs, there is no " ..
        "shape for '%s'"):format(#graph.inputs, input.name), source.level())
    end
    list[i] = one
  end
  return list
end

---@param graph lossdbg.Graph
---@param input_shape integer[]|integer[][]|nil
---@param given table|nil
---@return lossdbg.Model
function M.graph(graph, input_shape, given)
  local context = options.check("build", given, sequential.build_schema, source.level())
  local inputs, from = {}, {}
  local shapes = given_shapes(graph, input_shape)
  for i, input in ipairs(graph.inputs) do
    inputs[i] = { name = input.name, shape = input.shape, source = input.source }
    from[i] = i
    if shapes and not same({ shapes[i] }, { input.shape }) then
      layer.shape_error({ path = input.name, source = input.source },
        layer.shape_text(input.shape), shapes[i], model.shape_cause(input.shape, shapes[i]))
    end
  end
  local state = start(inputs, context)
  local outputs = emit(state, graph, "", from, true)
  local names
  if graph.named_outputs then
    names = {}
    for i, output in ipairs(graph.outputs) do names[i] = output.name end
  end
  return finish(state, inputs, outputs, { input = graph.named_inputs, output = names }, graph)
end

return M
