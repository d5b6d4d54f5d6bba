--- Programs of other frameworks, brought here.
local M = {
  keras = require "lossdbg.interop.keras",
}

return M
