-- Work on two threads, on which even the least piece is shared: started, used, failed in between,
-- used again, stopped. Every sum is part of the text; it is the same on one thread.
local core = require "lossdbg.core"
local ld = require "lossdbg"

local function work()
  ld.seed(4)
  local x, w = ld.rand({ 6, 9, 9, 4 }), ld.rand({ 3, 3, 4, 5 })
  w.requires_grad = true
  local y = core.op.dropout(core.op.conv2d(x, w), { rate = 0.5, seed = 2 })
  local z = y:reshape({ 6, -1 }):matmul(ld.rand({ 245, 70 }))
  local h = core.op.lstm(z:reshape({ 6, 7, 10 }), ld.rand({ 10, 32 }), ld.rand({ 8, 32 }))
  h:sum():backward()
  return ("%.9g %.9g"):format(h:sum():item(), w.grad:sum():item())
end

return function(n)
  local expected = work()
  core.threads(n or 2, 0)
  local first = work()
  local failed, message = pcall(ld.ones({ 3, 4 }).matmul, ld.ones({ 3, 4 }), ld.ones({ 3, 4 }))
  if not failed and (message:find("not enough memory", 1, true)
      or message:find("memory limit", 1, true)) then
    error(message, 0)
  end
  local second = work()
  local shared = core.shared_runs() > 0
  if not n then core.threads(1) end
  return table.concat({ expected, first == expected and "same" or first,
    second == expected and "same" or second, tostring(failed), tostring(shared) }, " ")
end
