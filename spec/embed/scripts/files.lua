-- Bytes of files in, tensors out, and back: CSV, IDX, NPY; good ones and damaged ones.
local core = require "lossdbg.core"
local ld = require "lossdbg"

local csv = "a,b,label\n1,2.5,x\n3,,y\n-4e-3,6,x\n"
local idx = "\0\0\8\2\0\0\0\2\0\0\0\3" .. "\1\2\3\4\5\6"

return function()
  local npy = core.io.npy_encode(ld.tensor({ { 1, 2 }, { 3, 4 } }, "f64"))
  local parts = {
    core.io.idx(idx):sum():item(),
    core.io.npy(npy):sum():item(),
    select(2, core.io.npy(npy:sub(1, -2))),
    select(2, core.io.idx(idx:sub(1, -2))),
    type(core.io.csv(csv)),
    select(2, core.io.csv('a,b\n"open')) or "no error",
    core.io.format_number(0.1),
    core.io.parse_number("1e-3"),
  }
  for i, part in ipairs(parts) do
    parts[i] = tostring(part)
  end
  return table.concat(parts, "\n")
end
