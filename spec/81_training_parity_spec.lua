-- Whole trainings against Keras 3 and PyTorch (parity/trainings.py): from their weights, with their
-- rows in their order, 100 steps in f32 give their loss curves within 1e-3 relative.
local ld = require "lossdbg"
local nn = ld.nn

local function block()
  return nn.residual { nn.layer_norm(), nn.multi_head_attention { 2, 8, causal = true } },
    nn.residual { nn.layer_norm(), nn.dense { 32, "gelu" }, nn.dense(16) }
end

local function transformer()
  local layers = { nn.embedding { 20, 16 }, nn.positional_embedding() }
  layers[3], layers[4] = block()
  layers[5], layers[6] = block()
  layers[7], layers[8] = nn.layer_norm(), nn.dense(20)
  return nn.sequential(layers)
end

local function mlp(output)
  return nn.sequential { nn.dense { 32, "relu" }, nn.dense { 16, "tanh" }, nn.dense { 3, output } }
end

local cases = {
  { name = "mlp", flavor = "keras", model = mlp "softmax", loss = "sparse_crossentropy" },
  { name = "cnn", flavor = "keras", loss = ld.loss.sparse_crossentropy { from_logits = true },
    model = nn.sequential {
      nn.conv2d { 6, 3, "tanh", padding = "same" }, nn.avg_pool2d(2),
      nn.conv2d { 12, 3, "gelu" }, nn.max_pool2d(2), nn.flatten(),
      nn.dense { 24, "relu" }, nn.dense(10),
    } },
  { name = "lstm", flavor = "keras", loss = "mse",
    model = nn.sequential { nn.lstm { 12, return_sequences = true }, nn.lstm(8), nn.dense(1) } },
  { name = "transformer", flavor = "keras", model = transformer(),
    loss = ld.loss.sparse_crossentropy { from_logits = true } },
  { name = "mlp_torch", flavor = "torch", model = mlp(),
    loss = ld.loss.sparse_crossentropy { from_logits = true } },
}

-- Name of the series to the optimiser, with the rate that the peer had.
local function optimizers(flavor, meta)
  local function lr(name) return tonumber(meta["lr_" .. name]) end
  return {
    sgd = ld.optim.sgd { lr = lr "sgd", momentum = 0.9, flavor = flavor },
    adam = ld.optim.adam { lr = lr "adam", flavor = flavor },
    rmsprop = ld.optim.rmsprop { lr = lr "rmsprop", flavor = flavor },
  }
end

local function load(case)
  return assert(ld.safetensors.load("spec/parity/trainings/" .. case.name .. ".safetensors"))
end

-- A model that starts from the peer's weights: all of them, and no other.
local function build(case, file)
  local state, shape = {}, file.x.shape
  local model = case.model:build { table.unpack(shape, 2) }
  for name in model:parameters() do
    state[#state + 1] = { name = name, tensor = assert(file[name], name .. " is not in the file") }
  end
  local weights = 0
  for name in pairs(file) do weights = weights + (name:find("/", 1, true) and 1 or 0) end
  assert.equal(weights, #state)
  return model:load_state(state)
end

local function replay(case, file, optimizer, batch)
  optimizer = optimizer:clone()
  local n = #file.x
  local run = ld.experiment {
    train = { file.x, file.y }, model = build(case, file), loss = case.loss, optimizer = optimizer,
    batch = batch, epochs = 1000 * batch // n, max_steps = 100, shuffle = false, metrics = {},
  }:fit { verbose = 0 }
  return run.steps.loss
end

-- The same without the experiment: the ops, the loss and the optimiser alone.
local function replay_by_hand(case, file, optimizer, batch)
  local model, n, losses = build(case, file), #file.x, {}
  optimizer = optimizer:clone():attach(model)
  local loss = type(case.loss) == "string" and ld.loss[case.loss]() or case.loss
  for step = 0, 99 do
    local first = step * batch % n + 1
    local value = loss(model(file.x:slice(1, first, first + batch - 1), { training = true }),
      file.y:slice(1, first, first + batch - 1))
    optimizer:zero_grad()
    value:backward()
    optimizer:step()
    losses[step + 1] = value:item()
  end
  return losses
end

local function follows(expected, got)
  assert.equal(100, #expected)
  assert.equal(100, #got)
  local worst, at = 0, 0
  for step, value in ipairs(expected) do
    local off = math.abs(got[step] - value) / math.abs(value)
    if not (off <= worst) then worst, at = off, step end
  end
  assert.is_true(worst <= 1e-3, ("off by %.2e at step %d"):format(worst, at))
  assert.is_true(expected[100] < 0.9 * expected[1], "the peer's own training learnt nothing")
end

for _, case in ipairs(cases) do
  local file, meta = load(case)
  local batch = math.tointeger(tonumber(meta.batch))
  describe(("a training of the %s, as in %s,"):format(case.name, case.flavor), function()
    local made = optimizers(case.flavor, meta)
    for _, name in ipairs { "sgd", "adam", "rmsprop" } do
      local expected, optimizer = file["losses_" .. name]:totable(), made[name]
      it("follows the peer with " .. name, function()
        follows(expected, replay_by_hand(case, file, optimizer, batch))
      end)
    end
    it("follows the peer inside an experiment", function()
      follows(file.losses_adam:totable(), replay(case, file, made.adam, batch))
    end)
  end)
end
