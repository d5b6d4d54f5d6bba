--- Which layer of ours a class of Keras is, and which of its keys are read.
local weighted = "activation use_bias kernel_initializer bias_initializer kernel_regularizer " ..
  "bias_regularizer activity_regularizer kernel_constraint bias_constraint"
local convolution = "filters kernel_size strides padding dilation_rate " .. weighted
local depthwise = "kernel_size strides padding dilation_rate depth_multiplier activation " ..
  "use_bias depthwise_initializer bias_initializer depthwise_regularizer bias_regularizer " ..
  "activity_regularizer depthwise_constraint bias_constraint"
local recurrent = "units return_sequences go_backwards stateful dropout recurrent_initializer " ..
  "recurrent_regularizer recurrent_constraint zero_output_for_mask " .. weighted
local normalizing = "axis epsilon center scale beta_initializer gamma_initializer " ..
  "beta_regularizer gamma_regularizer beta_constraint gamma_constraint"

-- Keras' class in snake_case = { ours, keys that it reads }
return {
  dense = { "dense", "units " .. weighted },
  flatten = { "flatten", "" }, reshape = { "reshape", "target_shape" },
  repeat_vector = { "repeat_vector", "n" }, rescaling = { "rescale", "scale offset" },
  permute = { "permute", "dims" }, masking = { "masking", "mask_value" },
  dropout = { "dropout", "rate" }, gaussian_noise = { "gaussian_noise", "stddev" },
  gaussian_dropout = { "gaussian_dropout", "rate" }, alpha_dropout = { "alpha_dropout", "rate" },
  spatial_dropout1d = { "spatial_dropout", "rate" },
  spatial_dropout2d = { "spatial_dropout", "rate" },
  batch_normalization = { "batch_norm", "momentum moving_mean_initializer " ..
    "moving_variance_initializer " .. normalizing },
  layer_normalization = { "layer_norm", normalizing },
  rms_normalization = { "rms_norm", "axis epsilon" },
  group_normalization = { "group_norm", "groups " .. normalizing },
  normalization = { "normalization", "axis mean variance" },
  embedding = { "embedding", "input_dim output_dim embeddings_initializer " ..
    "embeddings_regularizer embeddings_constraint mask_zero" },
  conv1d = { "conv1d", "groups " .. convolution }, conv2d = { "conv2d", "groups " .. convolution },
  conv1d_transpose = { "conv1d_transpose", "output_padding " .. convolution },
  conv2d_transpose = { "conv2d_transpose", "output_padding " .. convolution },
  depthwise_conv1d = { "depthwise_conv1d", depthwise },
  depthwise_conv2d = { "depthwise_conv2d", depthwise },
  separable_conv1d = { "separable_conv1d", "filters pointwise_initializer " ..
    "pointwise_regularizer pointwise_constraint " .. depthwise },
  separable_conv2d = { "separable_conv2d", "filters pointwise_initializer " ..
    "pointwise_regularizer pointwise_constraint " .. depthwise },
  max_pooling1d = { "max_pool1d", "pool_size strides padding" },
  max_pooling2d = { "max_pool2d", "pool_size strides padding" },
  average_pooling1d = { "avg_pool1d", "pool_size strides padding" },
  average_pooling2d = { "avg_pool2d", "pool_size strides padding" },
  global_average_pooling1d = { "global_avg_pool1d", "keepdims" },
  global_average_pooling2d = { "global_avg_pool2d", "keepdims" },
  global_max_pooling1d = { "global_max_pool1d", "keepdims" },
  global_max_pooling2d = { "global_max_pool2d", "keepdims" },
  zero_padding1d = { "zero_padding1d", "padding" },
  zero_padding2d = { "zero_padding2d", "padding" },
  up_sampling1d = { "up_sampling1d", "size" },
  up_sampling2d = { "up_sampling2d", "size interpolation" },
  lstm = { "lstm", "recurrent_activation unit_forget_bias " .. recurrent },
  gru = { "gru", "recurrent_activation reset_after " .. recurrent },
  simple_rnn = { "simple_rnn", recurrent },
  add = { "add", "" }, subtract = { "subtract", "" }, multiply = { "multiply", "" },
  average = { "average", "" }, maximum = { "maximum", "" }, minimum = { "minimum", "" },
  concatenate = { "concat", "axis" }, dot = { "dot", "axes normalize" },
  multi_head_attention = { "multi_head_attention", "num_heads key_dim value_dim dropout " ..
    "use_bias " ..
    "kernel_initializer bias_initializer kernel_regularizer bias_regularizer" },
}
