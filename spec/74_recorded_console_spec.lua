-- Consoles, tables and JSON in forms that programs of others print, each with the numbers that a
-- reader of the text would take from it: five points of a training and a validation loss.
local ld = require "lossdbg"

local L, V = { 2.25, 1.5, 1.125, 0.75, 0.5 }, { 2.5, 1.75, 1.25, 1.0, 0.875 }

local function open(text, ending)
  local path = os.tmpname() .. (ending or ".txt")
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  local run, why = ld.open(path)
  os.remove(path)
  return run, why
end

-- Lines of a form: {i} counts from 0, {e} from 1, {l}, {v} are losses, {a}, {p} accuracies.
local function lines(form, head)
  local out = { head or "" }
  for i = 1, #L do
    local fill = { i = i - 1, e = i, l = L[i], v = V[i], a = i / 10, p = 10 * i,
      t = 20 * i }
    out[#out + 1] = form:gsub("{(%a)}", function(key) return tostring(fill[key]) end)
  end
  return table.concat(out)
end

local BAR = "\rEpoch {e}/5:  50%|#### | 1/2 [00:00<00:01, 9.1it/s, loss=9.5]"
  .. "\rEpoch {e}/5: 100%|#####| 2/2 [00:01<00:00, 9.1it/s, loss={l}]\n"
local RULE = "----------------------------\n"

-- what it is, the text, whether it has a validation loss, accuracies
local CONSOLES = {
  { "bars of tqdm, drawn over", lines(BAR) },
  { "values that PyTorch prints as tensors",
    lines "Epoch: {e}, Loss: tensor({l}, device='cuda:0', grad_fn=<MseLossBackward0>)\n" },
  { "values that NumPy prints as scalars",
    lines "epoch {e} loss np.float32({l}) val_loss np.float64({v})\n", true },
  { "the part in front", lines "[train] epoch {e} loss {l} acc {a}\n[valid] epoch {e} loss {v}\n",
    true, "accuracy" },
  { "the part before a colon",
    lines "Epoch {e} train: loss {l} acc {a} | val: loss {v} acc {a}\n", true, "val_accuracy" },
  { "a second accuracy behind the validation loss",
    lines "epoch {e} train loss {l} acc {a} val loss {v} acc {a}\n", true, "val_accuracy" },
  { "the part in parentheses", lines "Epoch {e}: loss (train) = {l}, loss (val) = {v}\n", true },
  { "nothing but the part", lines "epoch {e} train {l} val {v} lr 1e-3\n", true },
  { "short names", lines "Ep {e} | tr_loss={l} tr_acc={p}% | va_loss={v}\n", true, "accuracy" },
  { "an epoch that is glued to its number", lines "E00{e} loss/train={l} loss/val={v}\n", true },
  { "percent without a sign", lines "Epoch {e} Loss {l} Acc {p} Val Loss {v}\n", true,
    "accuracy" },
  { "several accuracies", lines "Epoch: [{e}/5]  Loss: {l} ({l})  Acc@1 {p} ({p})  Acc@5 99.5\n",
    false, "accuracy" },
  { "a prefix of glog", lines("I0312 10:22:0{i}.123456 140123 train.py:88] train epoch: {i}, "
    .. "loss: {l}\nI0312 10:22:0{i}.523456 140123 train.py:92] eval epoch: {i}, loss: {v}\n"),
    true },
  { "a prefix of logging", lines("2024-05-01 12:0{i}:13,123 - INFO - trainer - Epoch {e}: "
    .. "train_loss={l}, val_loss={v}, lr=1.0e-03\n"), true },
  { "counts of other things", lines(" iteration       {t}/  500000 | consumed samples:  {t} | "
    .. "time per iteration (ms): 12.5 | lm loss: {l} | number of nan iterations: 0 |\n") },
  { "sentences about the best", lines("Epoch {e}: loss = {l}, val_loss = {v}\n"
    .. "val_loss improved from 9.0 to 8.5, best_loss: 7.5, saving to best.pt\n"), true },
  { "possessives", lines "[{e}]\ttraining's binary_logloss: {l}\tvalid_1's binary_logloss: {v}\n",
    true },
  { "a first line that looks like a header", lines("Epoch {e}/5\n"
    .. "60/60 [=====] - 9s 148us/step - loss: {l} - val_loss: {v}\n",
    "Train on 60 samples, validate on 10 samples\n"), true },
  { "a table of the model above", lines("Epoch {i}: 100%|#| 2/2 [00:01<00:00, v_num=3, "
    .. "train_loss_epoch={l}, val_loss={v}]\n", "  | Name  | Type   | Params\n" .. RULE
    .. "0 | model | Linear | 7.9 K\n" .. RULE .. "7.9 K     Trainable params\n"), true },
}

local TABLES = {
  { "of fastai", lines("{i}         {l}    {v}    {a}  00:0{i}     \n",
    "epoch     train_loss  valid_loss  accuracy  time    \n"), true, "accuracy" },
  { "of a notebook of transformers", lines("{e}\t{l}\t{v}\t{a}\n",
    "[ 120/1200 01:00 < 03:00, 3.3 it/s]\nEpoch\tTraining Loss\tValidation Loss\tAccuracy\n"),
    true },
  { "in single blanks, with the header again and again",
    lines "  epoch loss val_loss\n    {e}/5 {l} {v}\n      Class Images\n    all 64\n", true },
  { "in Markdown", lines("| {i} | {l} | {v} |\n",
    "text\n\n| epoch | loss | val_loss |\n|---|---|---|\n"), true },
}

local JSON = {
  { "lines with objects within",
    lines '{"epoch": {i}, "train": {"loss": {l}, "acc": {a}}, "val": {"loss": {v}}}\n', true,
    "accuracy" },
  { "a list of records",
    "[" .. lines('{"epoch": {i}, "loss": {l}, "val_loss": {v}},'):sub(1, -2) .. "]", true },
  { "a list of records beside other things", '{"lr": 0.1, "log": ['
    .. lines('{"epoch": {i}, "train": {"loss": {l}}, "valid": {"loss": {v}}},'):sub(1, -2) .. "]}",
    true },
  { "lists by parts", ('{"train": {"loss": [%s]}, "val": {"loss": [%s]}}'):format(
    table.concat(L, ","), table.concat(V, ",")), true },
  { "a dictionary that Python printed", ("History {'loss': [np.float64(%s)], 'val_loss': [%s]}\n")
    :format(table.concat(L, "), np.float64("), table.concat(V, ", ")), true },
}

local FORMS = { ["a console with"] = CONSOLES, ["a table"] = TABLES, ["JSON as"] = JSON }

for what, cases in pairs(FORMS) do
  describe(what, function()
    for _, case in ipairs(cases) do
      it(case[1], function()
        local run = assert(open(case[2], what == "JSON as" and ".json"))
        assert.same(L, run.curves.loss.y)
        assert.same(case[3] and V or nil, run.curves.val_loss and run.curves.val_loss.y)
        if case[4] then
          for i, y in ipairs(run.curves[case[4]].y) do assert.near(0.1 * i, y, 1e-12) end
        end
      end)
    end
  end)
end

describe("a line of more than 20 000 bytes", function()
  it("is passed over: no training prints it, and reading it would take minutes", function()
    local form = "epoch {e} loss {l} val_loss {v}\n"
    local function with(bytes)
      local long = "epoch 9 loss 9.5" .. (" "):rep(bytes - 16) .. "\n"
      return #assert(open(lines(form) .. long)).curves.loss.y
    end
    assert.equal(6, with(20000))
    assert.equal(5, with(20001))
    for _, hostile in ipairs { "1 ", "word ", "loss: ", "tensor(", "epoch loss ", "|", "x" } do
      local run = assert(open(lines(form) .. hostile:rep(50000) .. "\n"))
      assert.same(L, run.curves.loss.y)
    end
  end)
end)

describe("numbers without a name", function()
  it("are the loss where nothing else is there, and that is told", function()
    for _, form in ipairs { "{t} {l}\n", "{t}, {l}\n", "{l}\n" } do
      local run = assert(open(lines(form)))
      assert.same(L, run.curves.loss.y)
      assert.matches("without a name", table.concat(run.recorded.files[1].notes), 1, true)
    end
    assert.is_nil(open "3 2.25\n2 1.5\n1 1.125\n0 0.75\n0 0.5\n") -- falling: no steps
    assert.is_nil(open(("1\n0\n2\n"):rep(9))) -- whole: labels
    assert.is_nil(open "0.5\n0.25\n0.125\n0.0625\n") -- too few to be sure
  end)

  it("are data in a folder", function()
    local root = os.tmpname()
    os.remove(root)
    assert(os.execute("mkdir " .. root))
    local file = assert(io.open(root .. "/targets.txt", "w"))
    file:write(lines "{l}\n")
    file:close()
    assert.is_nil(ld.open(root))
    os.execute("rm -r " .. root)
  end)
end)

describe("an accuracy", function()
  it("of 1 is a share, above it is in percent", function()
    local share = assert(open "epoch,loss,accuracy\n0,2,0.5\n1,1,1\n")
    assert.same({ 0.5, 1 }, share.history.accuracy)
    local percent = assert(open "epoch,loss,accuracy\n0,2,0.5\n1,1,1.5\n")
    assert.same({ 0.005, 0.015 }, percent.history.accuracy)
    assert.matches("in percent", table.concat(percent.recorded.files[1].notes), 1, true)
  end)
end)
