-- Tensors, views, autograd, coroutines and a custom op; returns a function that gives one text.
local ld = require "lossdbg"

return function()
  local x = ld.arange(1, 13, 1, "f64"):reshape({ 3, 4 })
  local w = ld.linspace(-1, 1, 8, "f64"):reshape({ 4, 2 })
  w.requires_grad = true
  local y = (x:matmul(w) + ld.tensor({ 0.5, -0.5 }, "f64")):tanh()
  local part = y:slice(1, 2, 3):transpose():contiguous()
  local loss = (part * part):sum() + y:mean()
  loss:backward()

  -- a coroutine that holds a view while the rest goes away
  local co = coroutine.wrap(function()
    local view = ld.ones({ 2, 3 }):mul(2):slice(2, -2, -1)
    coroutine.yield(view)
    return view:sum():item()
  end)
  local view = co()
  local kept = view:clone()
  kept:set(7, 1, 1)

  local parts = {
    loss:item(), w.grad:sum():item(), w.grad:get(2, 1), kept:sum():item(), co(),
    ld.eye(3):slice(1, 1, 2):sum():item(), tostring(ld.tensor({ { 1, 2 }, { 3, 4 } }, "i32")),
    #x:totable(), x:softmax():max():item(),
  }
  for i, part_ in ipairs(parts) do
    parts[i] = type(part_) == "number" and ("%.12g"):format(part_) or part_
  end
  return table.concat(parts, " ")
end
