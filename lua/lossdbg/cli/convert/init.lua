--- `lossdbg convert`: arrays from one file format to another.
local cli = require "lossdbg.cli"
local weights_file = require "lossdbg.interop.weights_file"

local M = {
  usage = "convert IN OUT",
  about = "Weights and arrays from .npz, .npy, .safetensors, .keras, .h5 or .onnx to "
    .. ".safetensors, or one of them to .npy (--name says which). A model that model:save or "
    .. "run:save wrote, as .onnx.",
  options = { { name = "name", value = "NAME", doc = "the array for a .npy" },
    { name = "help", doc = "this text" } },
  examples = { "lossdbg convert model.keras weights.safetensors",
    "lossdbg convert weights.npz kernel.npy --name dense/kernel",
    "lossdbg convert wine.safetensors wine.onnx" },
}

local function to_onnx(from, to)
  local model, why = require("lossdbg").load(from)
  if not model then return nil, why end
  return require("lossdbg.interop.onnx").save(model, to)
end

---@param args string[] "convert", ...
---@param out file*
---@param err file*
---@return integer status
function M.run(args, out, err)
  local given, paths = cli.read(args, 2, M.options)
  if #paths ~= 2 then cli.stop(cli.status.usage, "convert IN OUT (see lossdbg convert --help)") end
  if paths[2]:find "%.onnx$" then
    local ok, why = to_onnx(paths[1], paths[2])
    if ok then out:write(paths[2], ": a model\n") else err:write("lossdbg: ", why, "\n") end
    return ok and cli.status.ok or cli.status.unreadable
  end
  local arrays, why = weights_file.read(paths[1])
  if arrays then
    local written
    written, why = weights_file.write(paths[2], arrays, given.name)
    if written then
      out:write(("%s: %d array%s\n"):format(paths[2], written, written == 1 and "" or "s"))
      return cli.status.ok
    end
  end
  err:write("lossdbg: ", why, "\n")
  return cli.status.unreadable
end

return M
