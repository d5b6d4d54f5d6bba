--- Programs of Keras, brought here to be trained and diagnosed.
--   local program = assert(ld.interop.keras.read("model.keras", { weights = "weights.npz" }))
--   print(program:experiment { train = train, epochs = 20 }:diagnose())
-- `read` and `parse` take what Keras writes (to_json, .keras); `experiment` takes a program in the
-- small JSON form of the fault benchmark, data and training loop included.
local case = require "lossdbg.interop.keras_case"
local program = require "lossdbg.interop.keras_program"

local M = {
  read = program.read,
  parse = program.parse,
  experiment = case.experiment,
}

return M
