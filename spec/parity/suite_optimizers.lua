-- Cases of optimizers.lua: weights after one, five and ten steps of three tensors.
local ld = require "lossdbg"
local measure = require "measure"

local shapes, names = { { 3, 4 }, { 5 }, { 2, 3, 2 } }, { "a", "b", "c" }
local kept = { [1] = 1, [5] = 2, [10] = 3 }

local function size(k)
  local n = 1
  for _, m in ipairs(shapes[k]) do n = n * m end
  return n
end

local function make(k, dtype, value)
  local list = {}
  for i = 1, size(k) do list[i] = value(i) end
  return ld.tensor(list, "f64"):reshape(shapes[k]):cast(dtype):contiguous()
end

local function start(k, dtype)
  local w = make(k, dtype, function(i) return math.sin(1.5 * i + k - 1) end)
  w.requires_grad = true
  return { name = names[k], tensor = w }
end

local function gradient(k, step, dtype)
  return make(k, dtype, function(i)
    if i == 1 and step % 4 == 0 then return 0 end
    return math.cos(0.7 * i * step + k - 1) * (0.1 + step % 3)
  end)
end

local function optimizer(row, parameters)
  local given = { flavor = row.flavor }
  for key, value in pairs(row.options) do given[key] = value end
  local made = ld.optim[row.name](given)
  if row.schedule then made = ld.optim.scheduled(made, row.schedule) end
  return made:attach(parameters)
end

local function check(row, dtype, near)
  local parameters, weights = {}, {}
  for k = 1, 3 do
    parameters[k] = start(k, dtype)
    weights[k] = parameters[k].tensor
  end
  local opt = optimizer(row, parameters)
  for step = 1, 10 do
    for k, entry in ipairs(parameters) do entry.tensor.grad = gradient(k, step, dtype) end
    opt:step()
    if kept[step] then near("weights of step " .. step, row.kept[kept[step]], weights) end
  end
  if row.kept[4] then
    opt:finalize()
    near("average of the weights", row.kept[4], weights)
  end
end

return function(golden)
  local cases = {}
  for i, row in ipairs(golden) do
    cases[i] = {
      title = ("%s %s%s"):format(row.name, measure.text(row.options),
        row.schedule and " with a schedule" or ""),
      peers = row.flavor, covers = { "optimizer " .. row.name },
      limits = { f64 = 1e-10, f32 = 1e-4 }, -- ten steps add up
      check = function(dtype, near) check(row, dtype, near) end,
    }
  end
  return cases
end
