-- An experiment that does not learn (learning rate 0), its run, the diagnosis without and with side
-- runs and trials, and their views: the verdict and the ids are the text.
local ld = require "lossdbg"
local nn = ld.nn

local function rows()
  local x, y = {}, {}
  for i = 1, 24 do
    local class = i % 2
    x[i] = { class + 0.1 * (i % 5), -class + 0.1 * (i % 3) }
    y[i] = class
  end
  return x, y
end

return function()
  local x, y = rows()
  local train, val = ld.data.arrays({ x = x, y = y }):split(0.75, { seed = 1 })
  local experiment = ld.experiment({
    train = train, val = val,
    model = nn.sequential({ nn.dense({ 3, "relu" }), nn.dense({ 2, "softmax" }) }),
    loss = "sparse_crossentropy", optimizer = ld.optim.sgd({ lr = 0 }),
    batch = 9, epochs = 2, seed = 5,
  })
  local run = experiment:fit({ verbose = 0 })
  local diagnosis = experiment:diagnose({ run = run, tests = false, trials = false })
  local ids = {}
  for i, found in ipairs(diagnosis) do
    ids[i] = found.rule
  end
  return table.concat({
    ("%.9g"):format(run:last("loss")), ("%.9g"):format(run:last("val_loss")),
    table.concat(ids, ","), #tostring(diagnosis), #diagnosis:to_json(),
  }, " ")
end
