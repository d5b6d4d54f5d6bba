-- lua fixes.lua FRAMEWORK: JSON list of { kind, code } for every kind of patch, for fixes.py. The
-- program is the one there: first, drop, second, out (PyTorch: 0 to 6).
local json = require "lossdbg.support.json"
local ld = require "lossdbg"
local nn = ld.nn

local framework = arg[1]
local names = framework == "torch" and { first = "0", first_act = "1", drop = "2", second = "3",
  second_act = "4", out = "5", softmax = "6" } or {}

local layers = framework == "keras" and {
  nn.dense { 8, "relu", name = "first" }, nn.dropout { 0.5, name = "drop" },
  nn.dense { 8, "relu", name = "second" }, nn.dense { 2, "softmax", name = "out" },
} or {
  nn.dense { 8, name = "first" }, nn.activation { "relu", name = "first_act" },
  nn.dropout { 0.5, name = "drop" }, nn.dense { 8, name = "second" },
  nn.activation { "relu", name = "second_act" }, nn.dense { 2, name = "out" },
  nn.activation { "softmax", name = "softmax" },
}
local experiment = ld.experiment { train = { ld.randn { 64, 6 }, ld.zeros(64, "i32") },
  model = layers, loss = "sparse_crossentropy", optimizer = { "sgd", lr = 0.1 }, batch = 32,
  epochs = 15, metrics = { "accuracy" } }

local patches = {
  { kind = "optimizer", patch = { optimizer = { lr = 0.1 } } },
  { kind = "optimizer new", patch = { optimizer = { name = "adam", lr = 0.01 } } },
  { kind = "init", patch = { init = "he_normal" } },
  { kind = "bias_init", patch = { bias_init = "zeros" } },
  { kind = "insert normalization", patch = { insert = { at = 1, layer = "normalization" } } },
  { kind = "insert rescale",
    patch = { insert = { at = 1, layer = { kind = "rescale", scale = 0.001 } } } },
  { kind = "insert", patch = { insert = { after = "second",
    layer = { kind = "dropout", rate = 0.1 } } } },
  { kind = "remove", patch = { remove = { path = "drop" } } },
  { kind = "layer", patch = { layer = { path = "first", options = { activation = "relu" } } } },
  { kind = "layers", patch = { layers = { kind = "dense", hidden = true,
    options = { activation = "relu" } } } },
  { kind = "output", patch = { output = { activation = "softmax" } } },
  { kind = "output units", patch = { output = { units = 2, activation = "softmax" } } },
  { kind = "loss", patch = { { output = { activation = "linear" } },
    { loss = { from_logits = true } } } },
  { kind = "regularizer", patch = { regularizer = "none" } },
  { kind = "regularizer l2", patch = { regularizer = { l2 = 1e-4 } } },
  { kind = "dropout", patch = { dropout = 0.1 } },
  { kind = "trainable", patch = { trainable = true } },
  { kind = "target", patch = { target = "standardize" } },
  { kind = "data", patch = { data = "drop_nonfinite" } },
  { kind = "data drop_outlying", patch = { data = "drop_outlying" } },
  { kind = "data fill_gaps", patch = { data = "fill_gaps" } },
  { kind = "data match_val", patch = { data = "match_val" } },
  { kind = "data shuffle_split", patch = { data = "shuffle_split" } },
  { kind = "data pad_front", patch = { data = "pad_front" } },
  { kind = "labels", patch = { labels = "index" } },
  { kind = "clip_norm", patch = { clip_norm = 1 } },
  { kind = "clip_value", patch = { clip_value = 0.5 } },
  { kind = "global_clip_norm", patch = { global_clip_norm = 1 } },
  { kind = "schedule", patch = { schedule = { "exponential", lr = 0.1, steps = 10, rate = 0.9 } } },
  { kind = "schedule off", patch = { schedule = false } },
  { kind = "batch", patch = { batch = 8 } }, { kind = "epochs", patch = { epochs = 30 } },
  { kind = "max_steps", patch = { max_steps = 3 } },
  { kind = "shuffle", patch = { shuffle = true } }, { kind = "seed", patch = { seed = 7 } },
  { kind = "metrics", patch = { metrics = { "accuracy" } } },
  { kind = "class_weight", patch = { class_weight = { [0] = 1, [1] = 2 } } },
  { kind = "early_stopping", patch = { early_stopping = { monitor = "loss", patience = 2 } } },
  { kind = "terminate_on_nan", patch = { terminate_on_nan = true } },
  { kind = "loop", patch = { loop = false } },
}
local plain = { "verbose", "name", "task", "fuse", "callbacks", "loss_weights", "train", "val",
  "model" }
for _, kind in ipairs(plain) do
  local value = kind == "verbose" and 0 or kind == "loss_weights" and { 1 } or "x"
  patches[#patches + 1] = { kind = kind, patch = { [kind] = value } }
end

local out = {}
for i, one in ipairs(patches) do
  out[i] = { kind = one.kind,
    code = ld.interop.fix_code(one.patch, framework, experiment, names) }
end
print(json.encode(out))
