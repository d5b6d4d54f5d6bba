-- An optimiser is a row of the core: what is told of it, what is checked and what is kept for each
-- parameter follow from the row.
local core = require "lossdbg.core"
local kinds = require "lossdbg.optim.kinds"
local ld = require "lossdbg"

local rules = core.train.rules()

-- Defaults as the constructors of Keras 3 and of PyTorch 2 have them.
local known = {
  adadelta = { keras = { lr = 1e-3, rho = 0.95, epsilon = 1e-7 },
    torch = { lr = 1, rho = 0.9, epsilon = 1e-6 } },
  adafactor = { keras = { lr = 1e-3, beta2_decay = -0.8, epsilon_1 = 1e-30, epsilon_2 = 1e-3,
    clip_threshold = 1 }, torch = { lr = 1e-2, beta2_decay = -0.8, epsilon_2 = 1e-3,
    clip_threshold = 1 } },
  adagrad = { keras = { lr = 1e-3, initial_accumulator = 0.1, epsilon = 1e-7 },
    torch = { lr = 1e-2, initial_accumulator = 0, epsilon = 1e-10, lr_decay = 0 } },
  adam = { keras = { lr = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7, amsgrad = false },
    torch = { lr = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, amsgrad = false } },
  adamax = { keras = { lr = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 },
    torch = { lr = 2e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } },
  adamw = { keras = { lr = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7, weight_decay = 4e-3 },
    torch = { lr = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 1e-2 } },
  lamb = { keras = { lr = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 } },
  lion = { keras = { lr = 1e-3, beta1 = 0.9, beta2 = 0.99 } },
  nadam = { keras = { lr = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 },
    torch = { lr = 2e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, momentum_decay = 4e-3 } },
  radam = { torch = { lr = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } },
  rmsprop = { keras = { lr = 1e-3, rho = 0.9, momentum = 0, epsilon = 1e-7, centered = false },
    torch = { lr = 1e-2, rho = 0.99, momentum = 0, epsilon = 1e-8, centered = false } },
  sgd = { keras = { lr = 1e-2, momentum = 0, nesterov = false },
    torch = { lr = 1e-3, momentum = 0, dampening = 0, nesterov = false } },
}

local function weight(shape)
  local t = ld.ones(shape)
  t.requires_grad = true
  t.grad = ld.ones(shape)
  return t
end

-- What may not stand there, of a hyperparameter.
local function wrong_values(hyper)
  if hyper.type == "boolean" then return { 1, "x" } end
  local list = { "x", 0 / 0, math.huge, true }
  if hyper.min then list[#list + 1] = hyper.min - 1e-9 end
  if hyper.open_min then list[#list + 1] = hyper.open_min end
  if hyper.max then list[#list + 1] = hyper.max + 1e-9 end
  if hyper.open_max then list[#list + 1] = hyper.open_max end
  return list
end

for _, row in ipairs(rules) do
  describe("the row of " .. row.name, function()
    it("has the defaults of both libraries", function()
      for flavor, want in pairs(known[row.name]) do
        local made = ld.optim[row.name] { flavor = flavor }
        assert.equal(want.lr, made.lr)
        assert.equal(want.weight_decay or 0, made.options.weight_decay)
        for name, value in pairs(want) do
          if name ~= "lr" then assert.equal(value, made.options[name], name) end
        end
      end
      assert.equal(row.keras, known[row.name].keras ~= nil)
      assert.equal(row.torch, known[row.name].torch ~= nil)
    end)

    it("gives the core the same defaults as Lua", function()
      for flavor in pairs(known[row.name]) do
        local a, b = weight { 2, 3 }, weight { 2, 3 }
        local optimizer = ld.optim[row.name] { { a }, flavor = flavor, lr = 0.5 }
        optimizer:step()
        local slots = kinds.by_name[row.name].slots(optimizer.options, b)
        for name, slot in pairs(slots) do
          local start = type(slot) == "table" and slot[1] or slot
          slots[name] = core.tensor.full(type(slot) == "table" and slot.shape or { 2, 3 }, start)
        end
        core.train[row.name](b, b.grad, slots, 0.5, { flavor = flavor })
        assert.same(a:totable(), b:totable())
      end
    end)

    it("refuses what is outside its limits, in the core and in Lua", function()
      local flavor = row.torch and "torch" or "keras"
      for _, hyper in ipairs(row.hypers) do
        for _, value in ipairs(wrong_values(hyper)) do
          local w = weight { 2, 3 }
          local expected = "argument '" .. hyper.name .. "'"
          local ok, message = pcall(ld.optim[row.name], { flavor = flavor, [hyper.name] = value })
          assert.is_false(ok, hyper.name)
          assert.matches(expected, message, 1, true)
          ok, message = pcall(core.train[row.name], w, w.grad, {}, 0.1,
            { flavor = flavor, [hyper.name] = value })
          assert.is_false(ok, hyper.name)
          assert.matches(expected, message, 1, true)
        end
        for _, alias in ipairs { (hyper.aliases or ""):match "%S+" } do
          local at = hyper.min or hyper.max or hyper.open_min + 1
          assert.equal(at, ld.optim[row.name] { flavor = flavor, [alias] = at }.options[hyper.name])
        end
      end
    end)

    it("makes the slots that it names", function()
      local flavor = row.torch and "torch" or "keras"
      local given = { flavor = flavor }
      for _, slot in ipairs(row.slots) do
        if slot.needs then given[slot.needs] = slot.needs == "momentum" and 0.5 or true end
      end
      local w = weight { 2, 3 }
      given[1] = { w }
      local optimizer = ld.optim[row.name](given):step()
      local made, n = optimizer:state().slots.parameter_1, 0
      for _ in pairs(made) do n = n + 1 end
      assert.equal(#row.slots, n)
      local shapes = { like = { 2, 3 }, rows = { 2 }, columns = { 3 } }
      for _, slot in ipairs(row.slots) do assert.same(shapes[slot.shape], made[slot.name].shape) end
    end)
  end)
end

describe("the rows of optimisers", function()
  it("are all known to this spec", function()
    local n = 0
    for _ in pairs(known) do n = n + 1 end
    assert.equal(n, #rules)
    assert.equal(n, #ld.optim.names)
  end)

  it("are what the annotations for editors say (make annotations)", function()
    local annotations = dofile ".ci/annotations.lua"
    local file = assert(io.open(annotations.path))
    local text = file:read("a")
    file:close()
    assert.equal(annotations.generate(), text)
  end)

  it("carry Nadam's momenta from any step to any other", function()
    local beta1 = 0.9
    for _, step in ipairs { 1, 2, 7, 3, 3, 8 } do
      local w, product = ld.ones({ 1 }, "f64"), 1
      core.train.nadam(w, ld.ones({ 1 }, "f64"), { m = ld.zeros({ 1 }, "f64"),
        v = ld.zeros({ 1 }, "f64") }, 1, { epsilon = 0 }, step)
      local function mu(t) return beta1 * (1 - 0.5 * 0.96 ^ t) end
      for t = 1, step do product = product * mu(t) end
      local m, v = 1 - beta1, 1 - 0.999
      local d = (mu(step + 1) * m / (1 - product * mu(step + 1)) + (1 - mu(step)) / (1 - product))
        / math.sqrt(v / (1 - 0.999 ^ step))
      assert.near(1 - d, w[1], 1e-9, "step " .. step)
    end
  end)
end)
