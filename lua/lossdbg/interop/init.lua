--- Programs of other frameworks, brought here.
local M = {
  keras = require "lossdbg.interop.keras",
  lint = function(path) return require("lossdbg.interop.lint").file(path) end,
  onnx = require "lossdbg.interop.onnx",
  fix_code = require("lossdbg.interop.fix_code").code,
  recorded_program = require("lossdbg.interop.recorded_program").program,
}

return M
