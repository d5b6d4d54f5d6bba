-- Logs of training programs as text: each form as such programs print it, with the numbers that a
-- reader of the text would take from it.
local ld = require "lossdbg"

local function open(text, given)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  local run, why = ld.open(path, given)
  os.remove(path)
  if why then why = why:gsub(path, "FILE", 1) end
  return run, why
end

local NAN = "nan"
local function shown(list)
  local out = {}
  for i, x in ipairs(list) do out[i] = x ~= x and NAN or x end
  return out
end

local function notes(run) return table.concat(run.recorded.files[1].notes, "\n") end

describe("JSON", function()
  it("of a History has bare NaN and Infinity", function()
    local run = assert(open '{"loss": [0.5, NaN, Infinity], "val_loss": [1, 2, 3], "params": {}}')
    assert.same({ 0.5, NAN, math.huge }, shown(run.history.loss))
    assert.same({ 1, 2, 3 }, run.history.val_loss)
    assert.equal("keras_history", run.recorded.files[1].format)
  end)

  it("that is cut keeps what stands before, and tells where", function()
    local run = assert(open '{"loss": [0.5, 0.25, 0.125], "val_loss": [1, 2')
    assert.same({ 0.5, 0.25, 0.125 }, run.history.loss)
    assert.same({ 1 }, run.curves.val_loss.y) -- 2 may be the beginning of 23
    assert.matches("line 1, column", run.recorded.files[1].damage, 1, true)
  end)

  it("of a Trainer has steps, and a summary that is no point of a curve", function()
    local run = assert(open [[{"epoch": 2.0, "log_history": [
      {"epoch": 0.5, "loss": 3.0, "grad_norm": 0.8, "learning_rate": 3e-05, "step": 10},
      {"epoch": 1.0, "eval_loss": 2.5, "eval_runtime": 0.1, "step": 20},
      {"epoch": 1.5, "loss": 2.0, "grad_norm": 0.7, "learning_rate": 2e-05, "step": 30},
      {"epoch": 2.0, "train_loss": 2.6, "train_runtime": 12.0, "step": 40}]}]])
    assert.same({ 3.0, 2.0 }, run.history.loss)
    assert.same({ x = { 10, 30 }, y = { 3.0, 2.0 } },
      { x = run.curves.loss.x, y = run.curves.loss.y })
    assert.same({ 20 }, run.curves.val_loss.x)
    assert.same({ 0.8, 0.7 }, run.steps.grad_norm)
    assert.same({ 3e-05, 2e-05 }, run.steps.lr)
  end)

  it("a line is one record a line, also when the last is cut", function()
    local lines = '{"step": 1, "loss": 3.5, "lr": 0.1}\r\n{"step": 2, "loss": NaN, "lr": 0.1}\n'
    local run = assert(open(lines .. '{"step": 3, "lo'))
    assert.same({ 3.5, NAN }, shown(run.history.loss))
    assert.matches("last line is cut", notes(run), 1, true)
    run = assert(open(lines .. "garbage\n" .. lines))
    assert.equal(2, #run.history.loss)
    assert.matches("^byte " .. #lines .. ": ", run.recorded.files[1].damage)
  end)

  it("of a model is no log", function()
    local run, why = open '{"class_name": "Sequential", "config": {"layers": []}}'
    assert.is_nil(run)
    assert.equal("FILE: no log of a training", why)
  end)
end)

describe("CSV", function()
  it("of CSVLogger, Lightning and fastai", function()
    local run = assert(open "epoch,accuracy,loss,val_loss\r\n0,0.5,0.7,NA\r\n1,0.6,nan,0.8\r\n")
    assert.same({ 0.7, NAN }, shown(run.history.loss))
    assert.same({ x = { 1 }, y = { 0.8 }, axis = "epoch" }, { x = run.curves.val_loss.x,
      y = run.curves.val_loss.y, axis = run.curves.val_loss.axis })
    run = assert(open [[epoch,step,train_loss_epoch,train_loss_step,val_loss
0,9,,2.1,
0,15,,,1.5
0,15,1.9,,
1,19,,1.1,
1,31,,,0.7
1,31,0.9,,
]])
    assert.same({ 1.9, 0.9 }, run.history.loss)
    assert.same({ 1.5, 0.7 }, run.history.val_loss)
    assert.same({ 2.1, 1.1 }, run.steps.loss)
    run = assert(open("epoch,train_loss,valid_loss,accuracy,time\n0,0.9,0.8,0.5,00:12\n"
      .. "1,0.7,0.75,0.6,00:12\n"))
    assert.same({ 0.9, 0.7 }, run.history.loss)
    assert.same({ 0.8, 0.75 }, run.history.val_loss)
    assert.same({ "time" }, run.recorded.files[1].left_out)
  end)

  it("with other separators, quotes, mixed line ends and a byte-order mark", function()
    for _, text in ipairs { "\xEF\xBB\xBFepoch;loss\n1;0.5\r\n2;0.25\r3;0.125\n",
      '"epoch"\t"loss"\n1\t"0.5"\n2\t0.25\n3\t 0.125 \n' } do
      local run = assert(open(text))
      assert.same({ 0.5, 0.25, 0.125 }, run.history.loss)
      assert.same({ 1, 2, 3 }, run.curves.loss.x)
    end
  end)

  it("of one row a layer is no curve", function()
    local run, why = open "step,layer,gradient_norm\n1,dense,0.5\n1,dense_1,0.25\n"
    assert.is_nil(run)
    assert.equal("FILE: no log of a training", why)
  end)

  it("without a name 'loss' takes what stands for it, or the one that was asked for", function()
    local run = assert(open "epoch,mse,mae\n0,4,2\n1,1,1\n")
    assert.same({ 4, 1 }, run.history.loss)
    assert.equal("mse", run.recorded.loss_name)
    run = assert(open("epoch,mse,mae\n0,4,2\n1,1,1\n", { loss = "mae" }))
    assert.same({ 2, 1 }, run.history.loss)
    local _, why = open("epoch,mse\n0,4\n1,3\n", { loss = "nll" })
    assert.equal("FILE: nothing is logged as 'nll'", why)
    _, why = open "epoch,speed\n0,4\n1,3\n"
    assert.matches("^FILE: no l", why)
  end)

  it("ends at a row of another length, and tells its byte", function()
    local head = "epoch,loss,val_loss\n0,0.5,0.6\n1,0.4,0.5\n"
    local run = assert(open(head .. "2,0.3\n3,0.2,0.3\n"))
    assert.same({ 0.5, 0.4 }, run.history.loss)
    assert.equal(("byte %d: 2 cells where the header has 3"):format(#head),
      run.recorded.files[1].damage)
    run = assert(open(head .. "2,0.3,"))
    assert.same({ 0.5, 0.4 }, run.history.loss)
    assert.matches("still be being written", notes(run), 1, true)
  end)

  it("that begins again is one training when the loss goes on, else the newest", function()
    local run = assert(open "epoch,loss\n0,8\n1,4\n2,2\n0,1.9\n1,1\n")
    assert.same({ 8, 4, 2, 1.9, 1 }, run.history.loss)
    assert.same({ 0, 1, 2, 3, 4 }, run.curves.loss.x)
    assert.matches("taken for one training", notes(run), 1, true)
    run = assert(open "epoch,loss,val_loss\n0,8,9\n1,4,5\n2,2,3\n0,7.9,8.5\n1,3,4\n")
    assert.same({ 7.9, 3 }, run.history.loss)
    assert.same({ 8.5, 4 }, run.history.val_loss)
    assert.matches("an earlier training, left out", notes(run), 1, true)
    run = assert(open "step,loss\n0,8\n10,4\n20,2\n10,3.9\n20,1\n")
    assert.same({ 8, 3.9, 1 }, run.history.loss)
    assert.matches("a restart", notes(run), 1, true)
  end)
end)

describe("what a program prints", function()
  -- text, losses, validation losses, their places
  local cases = {
    { "Epoch [1/2], Loss: 2.25, Val Loss: 2.11\nEpoch [2/2], Loss: 1.5, Val Loss: 0.76\n",
      { 2.25, 1.5 }, { 2.11, 0.76 }, { 1, 2 } },
    { "step    20 | loss 2.25\nstep    40 | loss nan\n", { 2.25, NAN }, nil, { 20, 40 } },
    { "Epoch 1: train loss = 5e-1, val loss = 4.0E+0\nEpoch 2: train loss = -.25, val loss = 3\n",
      { 0.5, -0.25 }, { 4, 3 }, { 1, 2 } },
    { "Train Epoch: 1 [0/60000 (0%)]\tLoss: 2.25\nTrain Epoch: 1 [640/60000 (1%)]\tLoss: 1.5\n"
      .. "\nTest set: Average loss: 0.0487, Accuracy: 9850/10000 (98%)\n", { 2.25, 1.5 },
      { 0.0487 }, nil, { "accuracy", "test", 0.985 } },
    { "[1,  2000] loss: 2.25\n[1,  4000] loss: 1.5\n", { 2.25, 1.5 }, nil, { 2000, 4000 } },
    { "Epoch 1\n-----\nloss: 2.25  [   64/60000]\nloss: 2.2  [ 6464/60000]\nTest Error: \n"
      .. " Accuracy: 42.5%, Avg loss: 2.1 \n\nEpoch 2\n-----\nloss: 2.0  [   64/60000]\n"
      .. "loss: 1.9  [ 6464/60000]\nTest Error: \n Accuracy: 50.0%, Avg loss: 1.8 \n",
      { 2.25, 2.2, 2.0, 1.9 }, { 2.1, 1.8 } },
    { "step 0: train loss 4.25, val loss 4.5\nstep 500: train loss 2.5, val loss 2.75\n",
      { 4.25, 2.5 }, { 4.5, 2.75 }, { 0, 500 } },
    { "2026-02-11 01:08:34,123 [INFO] epoch=1 step=10 loss=0.5 lr=1e-4 12.5 it/s\n"
      .. "2026-02-11 01:08:35,999 [INFO] epoch=1 step=20 loss=0.25 lr=1e-4 12.5 it/s\n",
      { 0.5, 0.25 }, nil, { 10, 20 } },
    { "[0]\ttrain-logloss:0.625\tvalidation_0-logloss:0.75\n"
      .. "[1]\ttrain-logloss:0.5\tvalidation_0-logloss:0.5\n", { 0.625, 0.5 }, { 0.75, 0.5 },
      { 0, 1 } },
    { "\27[1mEPOCH: 1/10\27[0m\n > TRAINING \n\27[1m --> STEP: 0/9 -- GLOBAL_STEP: 50\27[0m\n"
      .. "   | > loss: 0.5 (0.75)\n --> STEP: 5/9 -- GLOBAL_STEP: 100\n   | > loss: 0.4 (0.6)\n"
      .. " > EVALUATION\n   | > avg_loss: 4.5 (+0)\n", { 0.5, 0.4 }, { 4.5 }, { 50, 100 } },
    { "{'loss': 3.5, 'grad_norm': 0.5, 'epoch': 0.5}\n{'eval_loss': '3.25', 'epoch': '1'}\n"
      .. "{'loss': '3.0', 'grad_norm': '0.25', 'epoch': '1.5'}\n"
      .. "{'train_runtime': '9.5', 'train_loss': '3.2', 'epoch': '2'}\n", { 3.5, 3.0 }, { 3.25 },
      { 0.5, 1.5 } },
    { "Epoch 0: 50%|## | 1/2 [00:00<00:01, loss=0.9]\rEpoch 0: 100%|#| 2/2 [00:01<00:00, loss=0.75]"
      .. "\rEpoch 1: 50%|## | 1/2 [00:00<00:01, loss=0.7]\r"
      .. "Epoch 1: 100%|#| 2/2 [00:01<00:00, loss=0.5]\n", { 0.75, 0.5 }, nil, { 0, 1 } },
    { "Epoch 1/3\n9/9 - 0s - 4ms/step - accuracy: 0.5 - loss: 0.75 - val_loss: 0.5\n"
      .. "Epoch 2/3\n9/9 - 0s - 4ms/step - accuracy: 0.5 - loss: 0.5 - val_loss: 0.25\n"
      .. "Epoch 3/3\n\r 5/9 [====>...] - ETA: 3s - loss: 0.4", { 0.75, 0.5 }, { 0.5, 0.25 },
      { 0, 1 } },
    { "Epoch 1/2\n60/60 [==============================] - 2s 3ms/step - loss: nan\n"
      .. "Epoch 2/2\n60/60 [==============================] - 1s 3ms/step - loss: nan\n",
      { NAN, NAN }, nil, { 0, 1 } },
  }
  for i, case in ipairs(cases) do
    it(("is read in form %d: %s"):format(i, case[1]:match "[^\n]*"), function()
      local run = assert(open(case[1]))
      assert.same(case[2], shown(run.curves.loss.y))
      if case[3] then
        local val = run.curves.val_loss or run.curves.test_loss
        assert.same(case[3], val.y)
      else
        assert.is_nil(run.curves.val_loss)
      end
      if case[4] then assert.same(case[4], run.curves.loss.x) end
      if case[5] then
        assert.equal(case[5][3], run.curves[case[5][2] .. "_" .. case[5][1]].y[1])
      end
    end)
  end

  it("may be UTF-16, as PowerShell redirects it", function()
    local text = "step 1 loss 0.5\r\nstep 2 loss 0.25\r\n"
    local wide = "\xFF\xFE" .. text:gsub(".", "%0\0")
    local run = assert(open(wide))
    assert.same({ 0.5, 0.25 }, run.history.loss)
    assert.matches("UTF-16", notes(run), 1, true)
    assert.same({ 0.5, 0.25 }, assert(open("\xFE\xFF" .. text:gsub(".", "\0%0"))).history.loss)
  end)

  it("without a loss, or nothing, is refused by name", function()
    for _, text in ipairs { "", "\n\n", "hello\n", "epoch 1\nepoch 2\n", "\0\1\2\3", "{", "[1,2",
      "PK\3\4", "loss", "loss: \n", "epoch,loss\n" } do
      local run, why = open(text)
      assert.is_nil(run, text)
      assert.matches("^FILE: .", why)
    end
    local run, why = ld.open "no/such/path"
    assert.is_nil(run)
    assert.matches("no/such/path", why, 1, true)
  end)
end)

describe("a folder", function()
  local root
  local function write(name, text)
    assert(os.execute(("mkdir -p '%s'"):format((root .. "/" .. name):match "^(.*)/")))
    local file = assert(io.open(root .. "/" .. name, "wb"))
    file:write(text)
    file:close()
  end
  before_each(function()
    root = os.tmpname()
    os.remove(root)
  end)
  after_each(function() os.execute(("rm -r '%s'"):format(root)) end)

  it("with two runs names them", function()
    write("a/log.csv", "epoch,loss\n0,1\n1,0.5\n")
    write("b/log.csv", "epoch,loss\n0,2\n1,0.5\n")
    local run, why, roots = ld.open(root)
    assert.is_nil(run)
    assert.equal(root .. ": 2 runs lie here (a, b): name one of them", why)
    assert.same({ "a", "b" }, roots)
    assert.equal(2, assert(ld.open(root .. "/b")).history.loss[1])
  end)

  it("keeps the files that are no logs for whoever wants the model and the data", function()
    write("log.csv", "epoch,loss\n0,1\n1,0.5\n")
    write("model.json", '{"class_name": "Sequential"}')
    write("x.npy", "\x93NUMPY")
    local run = assert(ld.open(root))
    assert.same({ root .. "/model.json", root .. "/x.npy" }, run.recorded.companions)
  end)

  it("takes the more exact of two sources, and tells where another differs", function()
    write("console.txt", "Epoch 1 loss 0.5002\nEpoch 2 loss 0.25\nEpoch 3 loss 0.9\n")
    write("log.csv", "epoch,loss\n1,0.50021\n2,0.25001\n3,0.125\n")
    local run = assert(ld.open(root .. "/"))
    assert.same({ 0.50021, 0.25001, 0.125 }, run.history.loss)
    local a = run.recorded.agree[1]
    assert.same({ 2, 3, 0.125, 0.9 }, { a.same, a.differs_at, a.a, a.b })
  end)

  it("tells of a file that it cannot read, and reads the rest", function()
    write("log.csv", "epoch,loss\n0,1\n1,0.5\n")
    write("broken.json", '{"a": ')
    local run = assert(ld.open(root))
    assert.matches("broken.json: json: line 1", run.recorded.troubles[1], 1, true)
  end)

  it("without a log says so", function()
    write("x.bin", "x")
    local run, why = ld.open(root)
    assert.is_nil(run)
    assert.equal(root .. ": no log of a training in 1 files", why)
  end)
end)

describe("open", function()
  it("raises on misuse", function()
    assert.error_matches(function() ld.open() end, "argument 'path'")
    assert.error_matches(function() ld.open("x", { clases = 3 }) end, "did you mean 'classes'")
  end)
end)
