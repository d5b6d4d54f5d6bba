-- Calls that fail on purpose: their messages are the result, and nothing that they touched changes.
local ld = require "lossdbg"

-- Running out of memory inside the call is passed on, so that it is not taken for the message.
local function message(fn, ...)
  local ok, text = pcall(fn, ...)
  if ok then
    error "the call should have failed"
  end
  text = tostring(text)
  if text:find("not enough memory", 1, true) or text:find("memory limit", 1, true) then
    error(text, 0)
  end
  return (text:gsub("^[^:]*:%d+: ", ""))
end

return function()
  local t = ld.tensor({ { 1, 2, 3 }, { 4, 5, 6 } })
  local texts = {
    message(t.matmul, t, t),
    message(t.reshape, t, { 4, 2 }),
    message(ld.tensor, { { 1, 2 }, { 3 } }),
    message(ld.zeros, { -1 }),
    message(ld.zeros, { 1 << 40, 1 << 40 }),
    message(t.get, t, 3, 1),
    message(ld.tensor, { 1 }, "f16"),
    message(error, setmetatable({}, { __tostring = function() return "an object" end })),
    ("%.6g"):format(t:sum():item()),
  }
  return table.concat(texts, "\n")
end
