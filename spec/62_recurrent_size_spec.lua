-- The recurrent ops at sizes that fill no block of samples and no vector: against plain loops in
-- Lua, f32 gradients against f64's, samples against themselves alone.
local ld = require "lossdbg"
local core = require "lossdbg.core"
local op = core.op

local cells = {
  { name = "simple_rnn", gates = 1, states = 1 }, { name = "lstm", gates = 4, states = 2 },
  { name = "gru", gates = 3, states = 1, reset_after = true },
  { name = "gru", gates = 3, states = 1, reset_after = false },
}

local function noise(shape, stream, scale)
  return core.random.normal(ld.zeros(shape, "f64"), 11, stream, 0, scale)
end

local function sigmoid(x) return 1 / (1 + math.exp(-x)) end
local function tanh(x) return 2 * sigmoid(2 * x) - 1 end

-- Everything that a cell takes, in f64; a list in the order of the op's arguments.
local function inputs_of(cell, batch, time, features, units)
  local width = cell.gates * units
  local bias = cell.reset_after and { 2, width } or { width }
  local list = { noise({ batch, time, features }, 1, 1), noise({ features, width }, 2, 0.4),
    noise({ units, width }, 3, 0.4), noise(bias, 4, 0.4), noise({ batch, units }, 5, 0.5) }
  if cell.states == 2 then list[6] = noise({ batch, units }, 6, 0.5) end
  return list
end

local function call(cell, inputs, options)
  local x, w, u, b, h, c = table.unpack(inputs, 1, 6)
  local attributes = { reset_after = cell.reset_after, reverse = false }
  for key, value in pairs(options or {}) do attributes[key] = value end
  local mask = attributes.mask
  attributes.mask = nil
  if cell.states == 2 then return op.lstm(x, w, u, b, h, c, mask, attributes) end
  return op[cell.name](x, w, u, b, h, mask, attributes)
end

-- One sample in plain loops: the outputs of all steps, then h, for lstm c.
local function by_hand(cell, inputs, sample, reverse)
  local x, w, u = inputs[1]:totable()[sample], inputs[2]:totable(), inputs[3]:totable()
  local bias, h = inputs[4]:totable(), inputs[5]:totable()[sample]
  local c = inputs[6] and inputs[6]:totable()[sample]
  local units, out = #u, {}
  local first, inner_bias = bias, nil
  if cell.reset_after then first, inner_bias = bias[1], bias[2] end
  local function dot(row, matrix, column)
    local sum = 0
    for i, value in ipairs(row) do sum = sum + value * matrix[i][column] end
    return sum
  end
  local function z(row, gate, j)
    local column = (gate - 1) * units + j
    return dot(row, w, column) + first[column], column
  end
  for s = 1, #x do
    local t = reverse and #x + 1 - s or s
    local next_h, next_c, gate = {}, {}, {}
    for g = 1, cell.gates do
      gate[g] = {}
      for j = 1, units do
        local value, column = z(x[t], g, j)
        local inner = dot(h, u, column) + (inner_bias and inner_bias[column] or 0)
        if cell.name == "gru" and g == 3 then
          local r = gate[2]
          if cell.reset_after then
            inner = r[j] * inner
          else
            local reset = {}
            for i = 1, units do reset[i] = r[i] * h[i] end
            inner = dot(reset, u, column)
          end
        end
        local plain = cell.name == "simple_rnn" or g == 3
        gate[g][j] = (plain and tanh or sigmoid)(value + inner)
      end
    end
    for j = 1, units do
      if cell.name == "simple_rnn" then
        next_h[j] = gate[1][j]
      elseif cell.name == "lstm" then
        next_c[j] = gate[2][j] * c[j] + gate[1][j] * gate[3][j]
        next_h[j] = gate[4][j] * tanh(next_c[j])
      else
        next_h[j] = gate[1][j] * h[j] + (1 - gate[1][j]) * gate[3][j]
      end
    end
    h, c = next_h, next_c
    out[t] = h
  end
  out[#x + 1] = h
  if cell.states == 2 then out[#x + 2] = c end
  return out
end

local function each(a, b, fn)
  if type(a) ~= "table" then return fn(a, b) end
  assert.equal(#a, #b)
  for i = 1, #a do each(a[i], b[i], fn) end
end

local function near(expected, got, tolerance, what)
  each(expected, got, function(a, b)
    if math.abs(a - b) > tolerance * (1 + math.abs(a)) then
      error(("%s: expected %.9g, got %.9g"):format(what, a, b))
    end
  end)
end

local function cast(inputs, dtype)
  local list = {}
  for i, tensor in ipairs(inputs) do
    list[i] = tensor:cast(dtype):clone()
    list[i].requires_grad = true
  end
  return list
end

-- Gradients of a weighted sum of everything that comes out.
local function gradients(cell, inputs, options)
  local y = call(cell, inputs, options)
  local weights = noise(y.shape, 9, 1):cast(y.dtype)
  op.sum(y * weights):backward()
  local list = {}
  for i, tensor in ipairs(inputs) do list[i] = tensor.grad:cast("f64"):totable() end
  return list
end

local sizes = {}
for _, batch in ipairs { 1, 5, 33 } do
  for _, units in ipairs { 1, 3, 17 } do sizes[#sizes + 1] = { batch, 3, 4, units } end
end
sizes[#sizes + 1] = { 1, 1, 1, 1 }
sizes[#sizes + 1] = { 2, 2, 70, 65 }

for _, cell in ipairs(cells) do
  local name = cell.name .. (cell.reset_after == false and " before" or "")

  describe(name, function()
    it("gives what plain loops give", function()
      for i, size in ipairs(sizes) do
        local what = name .. " " .. table.concat(size, " x ")
        local inputs = inputs_of(cell, table.unpack(size))
        local reverse = i % 2 == 0
        local f64 = call(cell, inputs, { reverse = reverse }):totable()
        local f32 = call(cell, cast(inputs, "f32"), { reverse = reverse }):detach():totable()
        for sample = 1, size[1], 4 do
          local expected = by_hand(cell, inputs, sample, reverse)
          near(expected, f64[sample], 1e-12, what .. " f64")
          near(expected, f32[sample], 2e-6, what .. " f32")
        end
      end
    end)

    it("has the same gradients in f32 as in f64", function()
      for i, size in ipairs(sizes) do
        local inputs = inputs_of(cell, table.unpack(size))
        local options = { reverse = i % 2 == 1 }
        if i % 3 == 0 then
          local mask = ld.ones({ size[1], size[2] }, "i32")
          for sample = 1, size[1], 2 do mask:set(0, sample, 1 + sample % size[2]) end
          options.mask = mask
        end
        if i % 5 == 0 then options.activation = "softsign" end
        local f64 = gradients(cell, cast(inputs, "f64"), options)
        local f32 = gradients(cell, cast(inputs, "f32"), options)
        for k = 1, #f64 do
          near(f64[k], f32[k], 3e-5, ("%s %s, input %d"):format(name, table.concat(size, " x "), k))
        end
      end
    end)

    it("treats a sample as if it were alone, bit for bit", function()
      local inputs = cast(inputs_of(cell, 33, 5, 6, 17), "f32")
      local all = call(cell, inputs):detach()
      for _, sample in ipairs { 1, 16, 17, 33 } do
        local alone = {}
        for i, tensor in ipairs(inputs) do
          local own = i == 1 or i > 4
          alone[i] = own and tensor:detach():slice(1, sample, sample):clone() or tensor:detach()
        end
        assert.same(all:slice(1, sample, sample):totable(), call(cell, alone):totable())
      end
    end)

    it("keeps NaN in its sample, forward and backward", function()
      local inputs = cast(inputs_of(cell, 19, 4, 3, 5), "f32")
      inputs[1].requires_grad = false
      inputs[1]:set(0 / 0, 18, 2, 1)
      inputs[1].requires_grad = true
      local y = call(cell, inputs)
      y:sum():backward()
      for sample = 1, 19 do
        local out = y:detach():select(1, sample):sum():item()
        local grad = inputs[1].grad:select(1, sample):sum():item()
        assert.equal(sample == 18, out ~= out)
        assert.equal(sample == 18, grad ~= grad)
      end
      local sum = inputs[2].grad:sum():item()
      assert.is_true(sum ~= sum)
    end)

    it("gives steps or states alone", function()
      local function parts(gives)
        local inputs = cast(inputs_of(cell, 18, 4, 3, 5), "f32")
        local y = call(cell, inputs, { gives = gives })
        return y, inputs
      end
      local all, from_all = parts "all"
      for _, gives in ipairs { "steps", "states" } do
        local y, inputs = parts(gives)
        local first, last = 1, 4
        if gives == "states" then first, last = 5, 4 + cell.states end
        local expected = all:slice(2, first, last)
        assert.same(expected:detach():totable(), y:detach():totable())
        y:square():sum():backward()
        for _, tensor in ipairs(from_all) do tensor.grad = nil end
        expected:square():sum():backward()
        for i = 1, #inputs do
          assert.same(from_all[i].grad:totable(), inputs[i].grad:totable())
        end
        all, from_all = parts "all"
      end
    end)
  end)
end
