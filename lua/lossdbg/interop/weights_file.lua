--- Named arrays of any file that holds some, and written again as safetensors or NPY.
local archive = require "lossdbg.interop.archive"
local core = require "lossdbg.core"
local file = require "lossdbg.support.file"
local hdf5 = require "lossdbg.interop.hdf5"
local onnx_file = require "lossdbg.interop.onnx_file"
local read_file = require "lossdbg.data.read_file"
local safetensors = require "lossdbg.data.safetensors"

local M = {}

local function of_keras(bytes)
  local npz = archive.member(bytes, "model.weights.npz")
  if npz then return archive.arrays(npz) end
  local h5, why = archive.member(bytes, "model.weights.h5")
  if not h5 then return nil, why end
  return hdf5.arrays(h5)
end

local function of_onnx(bytes)
  local graph, why = onnx_file.read(bytes)
  if not graph then return nil, why end
  local list = {}
  for name, tensor in pairs(graph.constants) do
    list[#list + 1] = { name = name, tensor = tensor }
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

local function of_npy(bytes)
  local tensor, why = core.io.npy(bytes)
  return tensor and { { name = "array", tensor = tensor } }, why
end

local readers = { keras = of_keras, h5 = hdf5.arrays, hdf5 = hdf5.arrays, onnx = of_onnx,
  npy = of_npy, npz = archive.arrays, safetensors = archive.arrays }

local function ending(path) return (path:match "%.(%w+)$" or ""):lower() end

---@param path string
---@return { name: string, tensor: userdata }[]|nil
---@return string|nil message
function M.read(path)
  local read = readers[ending(path)]
  if not read then
    return nil, path .. ": expected .npz, .npy, .safetensors, .keras, .h5 or .onnx"
  end
  local bytes, why = read_file(path)
  if not bytes then return nil, why end
  local arrays
  arrays, why = read(bytes)
  if not arrays then return nil, path .. ": " .. why end
  return arrays
end

local function one_of(arrays, name)
  if not name and #arrays == 1 then return arrays[1].tensor end
  for _, array in ipairs(arrays) do
    if array.name == name then return array.tensor end
  end
end

---@param path string .safetensors or .npy
---@param arrays { name: string, tensor: userdata }[]
---@param name? string the array for a .npy
---@return integer|nil written
---@return string|nil message
function M.write(path, arrays, name)
  local bytes, n
  if ending(path) == "safetensors" then
    local by_name = {}
    for _, array in ipairs(arrays) do by_name[array.name] = array.tensor end
    bytes, n = safetensors.encode(by_name), #arrays
  elseif ending(path) == "npy" then
    local tensor = one_of(arrays, name)
    if not tensor then
      return nil, name and ("there is no array '%s'"):format(name)
        or ("%d arrays: --name says which goes into a .npy"):format(#arrays)
    end
    bytes, n = core.io.npy_encode(tensor:contiguous()), 1
  else
    return nil, path .. ": expected .safetensors or .npy"
  end
  local ok, why = file.write(path, bytes)
  if not ok then return nil, why end
  return n
end

return M
