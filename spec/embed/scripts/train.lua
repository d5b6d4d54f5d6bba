-- A small training by hand: layers, loss, optimiser; every loss is part of the text. The returned
-- function takes an optional callback, called after every step.
local ld = require "lossdbg"
local nn = ld.nn

return function(after_step)
  local x = ld.tensor({ { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } })
  local y = ld.tensor({ 0, 1, 1, 0 }, "i32")
  local layers = nn.sequential({ nn.dense({ 8, "tanh" }), nn.dense({ 2 }) })
  local model = layers:build({ 2 }, { seed = 3 })
  local loss = ld.loss.sparse_crossentropy({ from_logits = true })
  local optimizer = ld.optim.adam({ model, lr = 0.1 })
  local losses = {}
  for step = 1, 12 do
    local l = loss(model(x), y)
    optimizer:zero_grad()
    l:backward()
    optimizer:step()
    losses[step] = ("%.9g"):format(l:item())
    if after_step then
      after_step(step)
    end
  end
  return table.concat(losses, " ")
end
