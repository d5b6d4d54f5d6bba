--- Arrays with names: NumPy's .npz (a ZIP of .npy members that are stored, as np.savez writes them)
-- and safetensors.
local core = require "lossdbg.core"

local M = {}

local function bytes_of(bytes, member)
  if member.method ~= 0 then
    return nil, ("'%s' is compressed: write the archive without compression (np.savez, not " ..
      "np.savez_compressed)"):format(member.name)
  end
  return bytes:sub(member.offset, member.offset + member.size - 1)
end

--- One member of a ZIP archive.
---@param bytes string
---@param name string
---@return string|nil bytes
---@return string|nil message
function M.member(bytes, name)
  local list, why = core.io.zip(bytes)
  if not list then return nil, why end
  for _, member in ipairs(list) do
    if member.name == name then return bytes_of(bytes, member) end
  end
  return nil, ("the archive has no '%s'"):format(name)
end

local function npz(bytes)
  local list, why = core.io.zip(bytes)
  if not list then return nil, why end
  local out = {}
  for i, member in ipairs(list) do
    local content, tensor
    content, why = bytes_of(bytes, member)
    if not content then return nil, why end
    tensor, why = core.io.npy(content)
    if not tensor then return nil, member.name .. ": " .. why end
    local name = member.name:gsub("%.npy$", "")
    out[i] = { name = name, tensor = tensor }
  end
  return out
end

local function safetensors(bytes)
  local tensors, why = require("lossdbg.data.safetensors").decode(bytes)
  if not tensors then return nil, why end
  local out = {}
  for name, tensor in pairs(tensors) do out[#out + 1] = { name = name, tensor = tensor } end
  table.sort(out, function(a, b) return a.name < b.name end)
  return out
end

--- The arrays of an .npz or safetensors file. Those of .npz keep their order.
---@param bytes string
---@return { name: string, tensor: userdata }[]|nil
---@return string|nil message
function M.arrays(bytes)
  if bytes:sub(1, 2) == "PK" then return npz(bytes) end
  return safetensors(bytes)
end

return M
