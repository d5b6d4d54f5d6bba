-- Cases of constraints.lua: constraints applied once and after each of five steps, the orthogonal
-- regulariser and its gradient, fans of kernels.
local ld = require "lossdbg"
local measure = require "measure"

local function once(row)
  return function(dtype, near)
    near("weights", row.after, ld.constraint[row.name](row.options)(ld.tensor(row.before, dtype)))
  end
end

local function in_training(row)
  return function(dtype, near)
    local w = ld.tensor(row.before, dtype)
    w.requires_grad = true
    local opt = ld.optim.sgd { { { name = "w", tensor = w,
      constraint = ld.constraint[row.name](row.options) } }, lr = 0.1 }
    for _ = 1, 5 do
      w.grad = w:detach():add(1)
      opt:step()
    end
    near("weights after five steps", row.after, w)
  end
end

local function orthogonal(row)
  return function(dtype, near)
    local w = ld.tensor(row.weights, dtype)
    w.requires_grad = true
    local penalty = ld.regularizer.orthogonal { row.factor, mode = row.mode }(w)
    near("penalty", row.value, penalty)
    penalty:backward()
    near("gradient", row.gradient, w.grad)
  end
end

return function(golden)
  local cases = {}
  local function add(title, covers, check, dtypes)
    cases[#cases + 1] = { title = title, peers = "keras", covers = covers, check = check,
      dtypes = dtypes }
  end
  for _, row in ipairs(golden.constraints) do
    add(row.name .. " " .. measure.text(row.options), { "constraint " .. row.name }, once(row))
  end
  for _, row in ipairs(golden.training) do
    add(row.name .. " in training " .. measure.text(row.options), { "constraint " .. row.name },
      in_training(row))
  end
  for _, row in ipairs(golden.orthogonal) do
    add(("orthogonal regulariser %g by %s"):format(row.factor, row.mode), {}, orthogonal(row))
  end
  for _, row in ipairs(golden.fans) do
    add("fans of " .. measure.text(row[1]), {}, function(_, near)
      near("fans", { row[2], row[3] }, { ld.init.fans(row[1]) })
    end, { "f64" })
  end
  return cases
end
