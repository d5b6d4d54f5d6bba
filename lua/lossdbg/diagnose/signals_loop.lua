--- What a watch measures of a loop of somebody's own; part of the signal catalogue.
local shown, closing = "experiment.watch.shown", "experiment.watch.closing"

-- prefix, producer (module), cost, { name = { unit, shape } }, who reads it besides rules
return {
  { "loop", shown, "free", {
    broken = { "contracts", "list of { id, step, last, count, line, layer }" },
    looks = { "steps", "integer" }, backwards = { "passes", "integer" },
    steps = { "updates", "integer" },
    ratio = { "loss over named loss", "number" }, altered = { "ratio of norms", "number" },
    clip = { "ratio of norms", "number" },
    silent_outputs = { "outputs", "list" }, output_width = { "outputs", "integer" },
    takes_logits = { "flag", "boolean" },
    detached = { "steps", "integer" }, named_lr = { "learning rate", "number" },
    put_back = { "times a step", "number" }, asked_again = { "calls", "integer" },
    failures = { "words", "list" },
    travelled = { "share of the way", "number" }, still_statistics = { "paths", "list" },
    ["redrawn.*"] = { "times", "integer" }, ["drawn.*"] = { "times", "integer" } },
    "diagnose experiment.watch.closing" },
  { "loop", closing, "forward", { twin_behind = { "skill", "number" },
    passes_differ = { "flag", "boolean" }, data_changed = { "flag", "boolean" } } },
  { "loop.passes", "experiment.watch.eyes", "free", {
    training = { "passes", "integer" }, training_as_evaluation = { "passes", "integer" },
    single_row = { "passes", "integer" } } },
  { "loop.between", "experiment.watch.look", "free", {
    nothing = { "looks", "integer" }, softmax = { "looks", "integer" },
    sigmoid = { "looks", "integer" }, relu = { "looks", "integer" },
    tanh = { "looks", "integer" }, over_batch = { "looks", "integer" } } },
  { "loop.evaluated", shown, "free", { moved = { "standard deviations", "number" },
    widened = { "ratio of standard deviations", "number" }, rows = { "rows", "integer" } } },
  { "loop.relation", "experiment.watch.look", "free", {
    same = { "looks", "integer" }, negative = { "looks", "integer" },
    softmax = { "looks", "integer" }, sigmoid = { "looks", "integer" },
    broadcast = { "looks", "integer" } }, "experiment.watch" },
  { "loop.rows", "experiment.watch.batch_rows", "free", {
    drawn = { "rows", "integer" }, seen = { "rows", "integer" }, expected = { "rows", "number" },
    of = { "rows", "integer" }, class_looks = { "looks", "integer" },
    one_class = { "share of the looks", "number" },
    batches = { "looks", "integer" }, batch = { "rows", "integer" },
    found = { "share", "number" }, targets_equal = { "share", "number" },
    moved = { "standard deviations", "number" },
    widened = { "ratio of standard deviations", "number" },
    targets = { "words", "map, merged, affine or mixed" }, mixed = { "rows", "integer" },
    jumps = { "share of the looks in twos", "number" } },
    "experiment.watch.closing" },
  { "loop.optimizers", shown, "free", {
    n = { "optimisers", "integer" }, steps = { "updates", "integer" },
    stateful = { "flag", "boolean" }, scale_free = { "flag", "boolean" } } },
  { "loop.law", "experiment.watch.loss_law", "backward", {
    broadcast = { "flag", "boolean" }, ignores_prediction = { "flag", "boolean" },
    double_softmax = { "flag", "boolean" }, away = { "share of entries", "number" },
    below_perfect = { "share of rows", "number" } },
    "experiment.watch" },
  { "contracts", "experiment.contract", "free", {
    broken = { "contracts", "list of { id, step, last, count, line, layer, text, value, says }" },
    kept = { "ids", "list" }, unasked = { "ids", "list" } } },
  { "outside", closing, "side_run", {
    gain = { "skill", "number" }, gap = { "share of the baseline", "number" },
    unfrozen_gain = { "skill", "number" } },
    "diagnose.lost diagnose.proof" },
  { "outside.reference", closing, "side_run", {
    skill = { "skill", "number" }, val_skill = { "skill", "number" },
    steps = { "steps", "integer" }, why = { "words", "text" },
    losses = { "loss", "list by order of the rows" } },
    "diagnose.proof experiment.watch.closing" },
  { "val_units", closing, "forward", { n = { "rows", "integer" } } },
  { "val_units.train|val_units.val", closing, "forward", {
    mean = { "target", "number" }, std = { "target", "number" },
    correlation = { "correlation", "number" } } },
  { "labels", "train.label_use", "forward", { ["recall.*"] = { "share", "number" } } },
  { "labels.ignored", "train.label_use", "forward", {
    class = { "id", "integer" }, share = { "share", "number" },
    inputs = { "share of places", "number" }, count = { "places", "integer" } } },
  { "labels.weights", "train.label_use", "forward", {
    often = { "id", "integer" }, rare = { "id", "integer" }, of_often = { "weight", "number" },
    of_rare = { "weight", "number" }, agree = { "share of pairs", "number" },
    imbalance = { "ratio", "number" } } },
  { "labels.padding", "train.label_use", "forward", {
    class = { "id", "integer" }, share = { "share", "number" },
    accuracy = { "share", "number" }, majority = { "share", "number" } } },
}
