--- Programs of other frameworks, brought here.
local M = {
  keras = require "lossdbg.interop.keras",
  recorded_program = require("lossdbg.interop.recorded_program").program,
}

return M
