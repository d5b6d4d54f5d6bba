-- Training the same thing twice, eagerly and through ld.plan, and comparing every bit of what comes
-- of it: results of every step, parameters, statistics of layers, slots and statistics of the
-- optimiser, gradients, and the output in evaluation.
local core = require "lossdbg.core"
local ld = require "lossdbg"

local M = {}

---The values of a tensor as text that tells all bits apart (but those of NaN).
function M.bits(t)
  local flat = t:detach():contiguous():reshape { t.numel }:totable()
  for i, value in ipairs(flat) do
    flat[i] = value ~= value and "nan" or ("%a"):format(value)
  end
  return t.dtype .. "[" .. table.concat(t.shape, ",") .. "] " .. table.concat(flat, " ")
end

local function text(value)
  if ld.is_tensor(value) then return M.bits(value) end
  return type(value) == "number" and value ~= value and "nan" or tostring(value)
end

local function sorted(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

local function add(list, name, value) list[#list + 1] = { name, text(value) } end

local function add_optimizer(list, name, optimizer)
  local state = optimizer:state()
  add(list, name .. ".iterations", state.iterations)
  add(list, name .. ".lr", ("%a"):format(state.lr))
  for _, parameter in ipairs(sorted(state.slots)) do
    for _, slot in ipairs(sorted(state.slots[parameter])) do
      add(list, name .. " " .. parameter .. "." .. slot, state.slots[parameter][slot])
    end
  end
  for _, parameter in ipairs(sorted(optimizer.stats)) do
    local row = optimizer.stats[parameter]
    for _, key in ipairs(sorted(row)) do
      local value = row[key]
      add(list, ("%s.stats[%s].%s"):format(name, parameter, key),
        type(value) == "number" and ("%a"):format(value) or value)
    end
  end
  add(list, name .. ".clip_factor", optimizer.clip_factor)
end

---Everything that a training has changed, as a list of { name, text }.
function M.snapshot(made)
  local list = {}
  for m, model in ipairs(made.models or { made.model }) do
    for name, tensor in model:parameters() do
      add(list, m .. " " .. name, tensor)
      add(list, m .. " gradient of " .. name, tensor.grad)
    end
    for _, layer in ipairs(model.list) do add(list, layer.path .. ".calls", layer.calls) end
  end
  for i, tensor in ipairs(made.tensors or {}) do
    add(list, "tensor " .. i, tensor)
    add(list, "gradient of tensor " .. i, tensor.grad)
  end
  for i, optimizer in ipairs(made.optimizers or { made.optimizer }) do
    add_optimizer(list, "optimizer " .. i, optimizer)
  end
  if made.evaluate then add(list, "evaluation", made.evaluate()) end
  add(list, "next number drawn", ld.rand { 3 })
  return list
end

---Runs make().step over all of data. options.planned: through ld.plan; options.between(made, i,
---step) is called before step i.
---@return table list of { name, text }
---@return table made
---@return table step
function M.run(make, data, options)
  ld.seed(11)
  local made, list = make(), {}
  local step = options.planned and ld.plan(made.step) or made.step
  local planned = 0
  for i, arguments in ipairs(data) do
    if options.between then options.between(made, i, step) end
    local call = options.call and options.call(made, i, step) or step
    local results = table.pack(call(table.unpack(arguments, 1, arguments.n or #arguments)))
    if options.planned and call == step and step.planned then planned = planned + 1 end
    for k = 1, results.n do add(list, ("result %d of step %d"):format(k, i), results[k]) end
  end
  table.move(M.snapshot(made), 1, #M.snapshot(made), #list + 1, list)
  made.planned = planned
  return list, made, step
end

---Fails at the first difference.
function M.compare(eager, planned, what)
  what = what and what .. ": " or ""
  for i, entry in ipairs(eager) do
    local other = planned[i] or { "nothing", "" }
    if entry[1] ~= other[1] or entry[2] ~= other[2] then
      error(("%s%s differs:\n  eager   %s\n  planned %s (%s)"):format(what, entry[1],
        entry[2]:sub(1, 300), other[2]:sub(1, 300), other[1]), 0)
    end
  end
  assert(#eager == #planned, what .. "the plan left more values than the eager steps")
end

---Both ways over the same data; the last step must have been planned, unless options.reason says
---why not (a part of the text).
function M.same(make, data, options)
  options = options or {}
  local shared = { between = options.between, call = options.call }
  local eager = M.run(make, data, shared)
  shared.planned = true
  local planned, made, step = M.run(make, data, shared)
  if options.reason then
    assert(not step.planned, "planned, but it should not be")
    assert(step.reason:find(options.reason, 1, true), "reason: " .. tostring(step.reason))
  elseif not options.may_end_eagerly then
    assert(step.planned, ("not planned: %s"):format(step.reason))
  end
  M.compare(eager, planned, options.what)
  return made, step
end

---Normal numbers that depend on `stream` alone.
function M.noise(shape, stream, dtype)
  return core.random.normal(ld.zeros(shape, dtype or "f32"), 5, stream, 0, 1)
end

---Whole numbers 0 .. n - 1.
function M.ids(shape, n, stream)
  return core.random.uniform(ld.zeros(shape, "f32"), 5, stream, 0, n):floor():cast("i32")
end

---n steps of arguments: make(i) -> list of arguments.
function M.data(n, make)
  local list = {}
  for i = 1, n do list[i] = make(i) end
  return list
end

---A training step of a model: loss on (x, y), penalties when the model has any.
function M.training(model, optimizer, loss)
  loss = loss or ld.loss.mse()
  return function(x, y)
    optimizer:zero_grad()
    local output = model(x, { training = true })
    local total = loss(output, y)
    local penalty = model:penalty()
    if penalty then total = total:add(penalty) end
    total:backward()
    optimizer:step()
    return total, output
  end
end

return M
