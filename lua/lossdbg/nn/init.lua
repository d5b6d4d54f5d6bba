--- Layers. Each constructor returns a description (plain data) until a model is built.
local activation = require "lossdbg.nn.activation"
local sequential = require "lossdbg.nn.sequential"

local M = {
  sequential = sequential.describe,
  dense = require "lossdbg.nn.dense",
  activation = activation.layer,
  flatten = require "lossdbg.nn.flatten",
  reshape = require "lossdbg.nn.reshape",
  rescale = require "lossdbg.nn.rescale",
  dropout = require "lossdbg.nn.dropout",
  normalization = require "lossdbg.nn.normalization",
  lambda = require "lossdbg.nn.lambda",
}

---Names of the activations that `dense` and `activation` know.
M.activations = activation.names

return M
