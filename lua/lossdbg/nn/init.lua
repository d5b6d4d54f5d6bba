--- Layers. Each constructor returns a description (plain data) until a model is built.
local activation = require "lossdbg.nn.activation"
local merge = require "lossdbg.nn.merge"
local sequential = require "lossdbg.nn.sequential"
local symbolic = require "lossdbg.nn.symbolic"

local M = {
  sequential = sequential.describe,
  residual = require("lossdbg.nn.residual").describe,
  graph = require("lossdbg.nn.graph").describe,
  input = symbolic.input,
  add = merge.add,
  subtract = merge.subtract,
  multiply = merge.multiply,
  average = merge.average,
  maximum = merge.maximum,
  minimum = merge.minimum,
  concat = merge.concat,
  dot = merge.dot,
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
  conv1d = require "lossdbg.nn.conv1d",
  conv2d = require "lossdbg.nn.conv2d",
  depthwise_conv1d = require "lossdbg.nn.depthwise_conv1d",
  depthwise_conv2d = require "lossdbg.nn.depthwise_conv2d",
  separable_conv1d = require "lossdbg.nn.separable_conv1d",
  separable_conv2d = require "lossdbg.nn.separable_conv2d",
  conv1d_transpose = require "lossdbg.nn.conv1d_transpose",
  conv2d_transpose = require "lossdbg.nn.conv2d_transpose",
  max_pool1d = require "lossdbg.nn.max_pool1d",
  max_pool2d = require "lossdbg.nn.max_pool2d",
  avg_pool1d = require "lossdbg.nn.avg_pool1d",
  avg_pool2d = require "lossdbg.nn.avg_pool2d",
  global_avg_pool1d = require "lossdbg.nn.global_avg_pool1d",
  global_avg_pool2d = require "lossdbg.nn.global_avg_pool2d",
  global_max_pool1d = require "lossdbg.nn.global_max_pool1d",
  global_max_pool2d = require "lossdbg.nn.global_max_pool2d",
  zero_padding1d = require("lossdbg.nn.zero_padding").zero_padding1d,
  zero_padding2d = require("lossdbg.nn.zero_padding").zero_padding2d,
  up_sampling1d = require("lossdbg.nn.up_sampling").up_sampling1d,
  up_sampling2d = require("lossdbg.nn.up_sampling").up_sampling2d,
}

---Names of the activations that `dense` and `activation` know.
M.activations = activation.names

return M
