-- A training loop of your own, watched.
--
-- What you should see: the loop that you would write in PyTorch, on the 8 x 8 digits. Mean loss and
-- accuracy per epoch go from about 2 and 0.4 to 0.1 and 0.98. `ld.watch` looks on and measures what
-- `experiment:fit` would have measured; its diagnosis finds nothing wrong. Then the same loop
-- without `zero_grad`: the diagnosis names it.
--
-- expected: own loop: test accuracy 0%.9%d+, forgotten zero_grad named: yes

local ld = require "lossdbg"
local nn = ld.nn

local here = arg and arg[0]:match "^(.*/)" or "examples/"
local digits = assert(ld.data.idx(here .. "data/digits/digits-images-idx3-ubyte",
  here .. "data/digits/digits-labels-idx1-ubyte"))
local train, test = digits:map(function(x) return x / 16 end):split(0.8, { seed = 1 })

local loss = ld.loss.sparse_crossentropy { from_logits = true }
local accuracy = ld.metric.accuracy()

local function learn(epochs, forget)
  local model = nn.sequential { nn.flatten(), nn.dense { 64, "relu" }, nn.dense { 10 } }
    :build({ 8, 8 }, { seed = 1 })
  local opt = ld.optim.adam { model, lr = 3e-3 }
  local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = test, batch = 64 })

  for epoch = 1, epochs do
    local sum, rows = 0, 0
    accuracy:reset()
    for x, y in train:batches { 64, shuffle = true, seed = 1, epoch = epoch } do
      local logits = model(x, { training = true })
      local l = loss(logits, y)
      if not forget then opt:zero_grad() end
      l:backward()
      opt:step()
      watch:step(l)
      sum, rows = sum + l:item() * #x, rows + #x -- the last batch is shorter: weigh by its rows
      accuracy:update(logits, y)
    end
    print(("epoch %2d  loss %.4f  accuracy %.4f"):format(epoch, sum / rows, accuracy:value()))
  end
  return model, watch
end

local model, watch = learn(12)
local result = model:evaluate(test, { loss = loss, metrics = { "accuracy" } })
print(("test      loss %.4f  accuracy %.4f\n"):format(result.loss, result.accuracy))
print(watch:diagnose())

print "\nThe same without opt:zero_grad(): gradients of all steps add up.\n"
local _, careless = learn(6, true)
local diagnosis = careless:diagnose()
print(diagnosis)

local named = false
for _, finding in ipairs(diagnosis) do
  if finding.rule == "missing_zero_grad" then named = true end
end
print(("own loop: test accuracy %.3f, forgotten zero_grad named: %s"):format(result.accuracy,
  named and "yes" or "no"))
