rockspec_format = "3.0"
package = "lossdbg"
version = "0.1.0-1"
source = {
  url = "git+https://github.com/lossdbg/lossdbg.git",
  tag = "v0.1.0",
}
description = {
  summary = "Finds out why a neural network's loss does not fall, and tries the fix",
  detailed = [[
An embeddable Lua 5.4 module with a C11 core on OpenBLAS: tensors, autograd, layers, training, and a
diagnosis of training runs that names the cause with numbers and verifies its fixes by trial.
Needs OpenBLAS with its headers (Debian: libopenblas-dev); found by pkg-config or OPENBLAS_DIR.]],
  homepage = "https://github.com/lossdbg/lossdbg",
  license = "MIT",
  labels = { "neural-network", "machine-learning", "debugging", "autograd" },
}
dependencies = { "lua >= 5.4, < 5.5" }
build = {
  type = "make",
  build_target = "rock",
  -- ROCKS_*: a name of its own, because an empty OPENBLAS_DIR or LuaRocks' -O2 on make's command
  -- line would hide the environment's value and the Makefile's -O3.
  build_variables = {
    CC = "$(CC)",
    ROCKS_CFLAGS = "$(CFLAGS)",
    LIBFLAG = "$(LIBFLAG)",
    LUA_INCDIR = "$(LUA_INCDIR)",
    ROCKS_OPENBLAS_DIR = "$(OPENBLAS_DIR)",
  },
  install_pass = false,
  install = {
    lib = { ["lossdbg.core"] = "build/rock/lossdbg/core.so" },
    -- written by `make rockspecs`
    lua = {
      ["lossdbg.nn.activation"] = "lua/lossdbg/nn/activation.lua",
      ["lossdbg.nn.dense"] = "lua/lossdbg/nn/dense.lua",
      ["lossdbg.nn.dropout"] = "lua/lossdbg/nn/dropout.lua",
      ["lossdbg.nn.flatten"] = "lua/lossdbg/nn/flatten.lua",
      ["lossdbg.nn.lambda"] = "lua/lossdbg/nn/lambda.lua",
      ["lossdbg.nn.layer"] = "lua/lossdbg/nn/layer.lua",
      ["lossdbg.nn.moments"] = "lua/lossdbg/nn/moments.lua",
      ["lossdbg.nn.normalization"] = "lua/lossdbg/nn/normalization.lua",
      ["lossdbg.nn.rescale"] = "lua/lossdbg/nn/rescale.lua",
      ["lossdbg.nn.reshape"] = "lua/lossdbg/nn/reshape.lua",
      ["lossdbg.options"] = "lua/lossdbg/options.lua",
      ["lossdbg.regularizer"] = "lua/lossdbg/regularizer.lua",
      ["lossdbg.source"] = "lua/lossdbg/source.lua",
      ["lossdbg.view.json"] = "lua/lossdbg/view/json.lua",
      ["lossdbg.view.json_reader"] = "lua/lossdbg/view/json_reader.lua",
      ["lossdbg.view.number"] = "lua/lossdbg/view/number.lua",
      ["lossdbg.view.series"] = "lua/lossdbg/view/series.lua",
      ["lossdbg.view.text"] = "lua/lossdbg/view/text.lua",
    },
  },
}
test = { type = "command", command = "make test" }
