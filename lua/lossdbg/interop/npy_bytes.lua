--- Numbers as they lie in files of others, as the bytes of an NPY file: there is one reader of
-- arrays, and it checks sizes and types.
local core = require "lossdbg.core"

---@param descr string of NumPy, "<f4"
---@param shape integer[]
---@param data string
---@return userdata|nil tensor
---@return string|nil message
return function(descr, shape, data)
  local sizes = table.concat(shape, ", ") .. (#shape == 1 and "," or "")
  local header = ("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }"):format(descr, sizes)
  header = header .. (" "):rep(-(#header + 11) % 64) .. "\n"
  return core.io.npy("\x93NUMPY\1\0" .. string.pack("<I2", #header) .. header .. data)
end
