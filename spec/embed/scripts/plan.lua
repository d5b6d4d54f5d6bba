-- A step that is captured and replayed: losses, weights, slots and what was planned are the text.
-- The second model makes the same steps eagerly; a difference would show in the text, too.
local ld = require "lossdbg"
local nn = ld.nn

local function make()
  local model = nn.sequential({ nn.dense({ 3, "tanh" }), nn.dropout(0.3), nn.dense(1) })
    :build({ 2 }, { seed = 5 })
  local optimizer = ld.optim.adam({ model, lr = 0.01, global_clip_norm = 0.5 })
  local mse = ld.loss.mse()
  return model, optimizer, function(x, y)
    optimizer:zero_grad()
    local loss = mse(model(x, { training = true }), y)
    loss:backward()
    optimizer:step()
    return loss
  end
end

local function sum(model, optimizer)
  local total = optimizer.stats["dense_1/kernel"].grad_norm
  for _, tensor in model:parameters() do
    total = total + tensor:abs():sum():item() + tensor.grad:abs():sum():item()
  end
  return ("%.9g"):format(total)
end

return function()
  local x = ld.tensor({ { 1, 2 }, { -1, 0.5 }, { 0, 1 } })
  local y = ld.tensor({ { 1 }, { 0 }, { -1 } })
  local model, optimizer, fn = make()
  local step, parts = ld.plan(fn), {}
  for i = 1, 5 do parts[i] = ("%.9g"):format(step(x, y):item()) end
  step:run(3, x, y)
  parts[#parts + 1] = sum(model, optimizer)
  local other, its_optimizer, eager = make()
  for _ = 1, 8 do eager(x, y) end
  parts[#parts + 1] = sum(other, its_optimizer)
  parts[#parts + 1] = tostring(optimizer.iterations)
  return table.concat(parts, " ")
end
