--- How much work a training is, without a clock: so that a budget cuts the same trials on a fast
-- and on a slow machine.
--
-- Counted from the description alone: every step costs something by itself, every row of a batch
-- the multiplications of its layers (a parameter is used once a position) three times over,
-- forward and twice backward. The unit is the nominal second: what one core did in a second on the
-- machine where the two constants were fitted; only their ratio matters for what is cut.
local M = {}

local per_step, per_product = 1.2e-4, 3e-10

local recurrent = { lstm = true, gru = true, simple_rnn = true, rnn = true, bidirectional = true }

local function product(shape, last)
  local n = 1
  for i = 1, last or #shape do n = n * shape[i] end
  return n
end

-- Places where a layer applies its parameters.
local function positions(layer)
  local shape = recurrent[layer.kind] and layer.input_shape or layer.output_shape
  if type(shape) ~= "table" or type(shape[1]) ~= "number" then return 1 end
  return math.max(1, product(shape, #shape - 1))
end

--- Multiplications of one row.
---@param description table
---@return number
function M.products(description)
  local sum = 0
  for _, layer in ipairs(description.layers or {}) do
    local shape = layer.output_shape
    local outputs = type(shape) == "table" and type(shape[1]) == "number" and product(shape) or 1
    sum = sum + (layer.n_parameters or 0) * positions(layer) + 4 * outputs
  end
  return sum
end

--- Steps that a training makes.
---@param description table
---@param epochs? integer instead of its own
---@return integer
function M.steps(description, epochs)
  local steps = (epochs or description.epochs) * description.steps_per_epoch
  if description.max_steps and not (epochs and epochs < description.epochs) then
    steps = math.min(steps, description.max_steps)
  end
  return steps
end

--- Nominal seconds of a training.
---@param description table
---@param epochs? integer instead of its own
---@return number
function M.of(description, epochs)
  local rows = math.min(description.batch, description.n_train)
  return M.steps(description, epochs)
    * (per_step + 3 * rows * M.products(description) * per_product)
end

return M
