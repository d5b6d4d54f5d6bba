--- Where what is public is annotated: families of the façade, functions, classes that users hold.
local M = {}

-- Modules of the façade, with the files that hold their annotations.
M.families = {
  { name = "nn", title = "layers and models", modules = { "nn.init", "nn.sequential", "nn.graph",
    "nn.residual", "nn.symbolic", "nn.merge" } },
  { name = "data", title = "data sets", modules = { "data.csv", "data.idx", "data.npy",
    "data.arrays", "data.dataset" } },
  { name = "loss", title = "losses", modules = { "loss.init" }, aliases = "lossdbg.loss" },
  { name = "optim", title = "optimisers", modules = { "optim.init" } },
  { name = "schedule", title = "learning-rate schedules", modules = { "optim.schedule.init",
    "optim.schedule.reduce_on_plateau" } },
  { name = "init", title = "initialisers", modules = { "nn.initializer" } },
  { name = "metric", title = "metrics", modules = { "metric.init", "metric.auc", "metric.counts",
    "metric.likelihood" } },
  { name = "callback", title = "callbacks of fit", modules = { "train.callback.init",
    "train.callback.csv_log", "train.callback.jsonl_log", "train.callback.tensorboard",
    "train.callback.rate_control" } },
  { name = "regularizer", title = "penalties on weights", modules = { "nn.regularizer" } },
  { name = "constraint", title = "constraints on weights", modules = { "nn.constraint" } },
  { name = "rules", title = "the registry of rules", modules = { "diagnose.registry" } },
  { name = "safetensors", title = "weights in files", modules = { "data.safetensors" } },
  { name = "interop", title = "programs and models of others", modules = {} },
  { name = "interop.keras", title = "programs of Keras", modules = { "interop.keras",
    "interop.keras_program", "interop.keras_case" } },
  { name = "interop.onnx", title = "models in ONNX files", modules = { "interop.onnx",
    "interop.onnx_export", "interop.onnx_build" } },
  { name = "ops", title = "ops on tensors", modules = {} },
}

-- Functions of the façade itself, and those of families whose annotation has another name: the file
-- of the annotation and the name there.
M.functions = {
  experiment = { "experiment.init", "new" }, open = { "interop.recorded.init", "open" },
  watch = { "experiment.watch.init", "new" }, contract = { "experiment.contract.init", "new" },
  op = { "tensor.custom_op", "new" }, gradcheck = { "train.gradient_check", "check" },
  landscape = { "experiment.landscape", "of" }, lr_find = { "experiment.lr_find", "find" },
  explain = { "diagnose.explain", "text" },
  plan = { "train.step", "new" }, load = { "nn.model_file", "load" },
  config = { "init", "config" }, threads = { "init", "threads" }, help = { "view.help", "text" },
}
M.elsewhere = {
  ["interop.lint"] = { "interop.lint", "file" },
  ["interop.fix_code"] = { "interop.fix_code", "code" },
  ["interop.recorded_program"] = { "interop.recorded_program", "program" },
  ["data.csv"] = { "data.csv", "load" }, ["data.csv_bytes"] = { "data.csv", "parse" },
  ["data.idx"] = { "data.idx", "load" }, ["data.idx_bytes"] = { "data.idx", "parse" },
  ["data.npy"] = { "data.npy", "load" }, ["data.npy_bytes"] = { "data.npy", "parse" },
  ["data.read_npy"] = { "data.npy", "read" }, ["data.write_npy"] = { "data.npy", "write" },
  ["data.arrays"] = { "data.arrays", "new" }, ["nn.graph"] = { "nn.graph", "describe" },
  ["nn.sequential"] = { "nn.sequential", "describe" },
  ["nn.residual"] = { "nn.residual", "describe" },
  ["schedule.reduce_on_plateau"] = { "optim.schedule.reduce_on_plateau", "new" },
  ["callback.csv_log"] = { "train.callback.csv_log", "new" },
  ["callback.tensorboard"] = { "train.callback.tensorboard", "new" },
  ["callback.jsonl_log"] = { "train.callback.jsonl_log", "new" },
}

-- Classes that users hold: the files and the local names of the class in them.
M.classes = {
  { name = "tensor", title = "methods of tensors, beside ld.ops", parts = {
    { "tensor.init", "methods" } } },
  { name = "dataset", title = "methods of data sets", parts = { { "data.dataset", "Dataset" },
    { "data.partition", "Part" }, { "data.overview", "Part" } } },
  { name = "model", title = "methods of built models", parts = { { "nn.model", "Model" },
    { "nn.model_use", "M" }, { "nn.model_state", "methods" } } },
  { name = "optimizer", title = "methods of optimisers", parts = {
    { "optim.optimizer", "methods" } } },
  { name = "experiment", title = "methods of experiments", parts = {
    { "experiment.init", "Experiment" } } },
  { name = "run", title = "methods of runs", parts = { { "experiment.run", "Run" } } },
  { name = "watch", title = "methods of watches", parts = {
    { "experiment.watch.init", "Watch" } } },
  { name = "landscape", title = "methods of landscapes", parts = {
    { "experiment.landscape", "Landscape" } } },
  { name = "diagnosis", title = "methods of diagnoses", parts = {
    { "diagnose.diagnosis", "Diagnosis" } } },
}

-- Options of methods, and of functions whose messages have a shorter name.
M.schemas = { ["experiment:fit"] = "fit", ["experiment:diagnose"] = "diagnose",
  ["dataset:split"] = "split", ["dataset:batches"] = "batches",
  ["model:evaluate"] = "experiment:evaluate" }

return M
