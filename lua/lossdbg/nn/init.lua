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
  batch_norm = require "lossdbg.nn.batch_norm",
  layer_norm = require "lossdbg.nn.layer_norm",
  group_norm = require "lossdbg.nn.group_norm",
  rms_norm = require "lossdbg.nn.rms_norm",
  embedding = require "lossdbg.nn.embedding",
  positional_embedding = require "lossdbg.nn.positional_embedding",
  multi_head_attention = require "lossdbg.nn.multi_head_attention",
  spatial_dropout = require "lossdbg.nn.spatial_dropout",
  gaussian_noise = require "lossdbg.nn.gaussian_noise",
  gaussian_dropout = require "lossdbg.nn.gaussian_dropout",
  alpha_dropout = require "lossdbg.nn.alpha_dropout",
  repeat_vector = require "lossdbg.nn.repeat_vector",
}

---Names of the activations that `dense` and `activation` know.
M.activations = activation.names

return M
