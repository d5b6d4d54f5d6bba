--- Up-sampling: every cell repeated, or images interpolated between the centres of their cells.
local layer = require "lossdbg.nn.layer"
local tensors = require "lossdbg.tensor"
local window = require "lossdbg.nn.window"

-- x with axis `at` (2 or 3) repeated cell by cell
local function repeated(x, at, times)
  if times == 1 then return x end
  local shape = x.shape
  table.insert(shape, at + 1, 1)
  local wide = table.move(shape, 1, #shape, 1, {})
  wide[at + 1] = times
  x = x:reshape(shape):expand(wide)
  table.remove(shape, at + 1)
  shape[at] = shape[at] * times
  return x:reshape(shape)
end

---The matrix [times n, n] of linear interpolation between centres, clamped at the ends (Keras,
---TensorFlow and PyTorch with align_corners = false).
local function weights(n, times, dtype)
  local matrix = tensors.zeros({ n * times, n }, dtype)
  for i = 0, n * times - 1 do
    local at = math.min(math.max((i + 0.5) / times - 0.5, 0), n - 1)
    local low = math.floor(at)
    local high = math.min(low + 1, n - 1)
    matrix:set(1 - (at - low), i + 1, low + 1)
    if high > low then matrix:set(at - low, i + 1, high + 1) end
  end
  return matrix
end

local function interpolated(self, x)
  local shape, dtype = x.shape, x.dtype
  local batch, height, width, channels = table.unpack(shape)
  local matrices = self.matrices
  if not matrices or matrices.rows.dtype ~= dtype then
    matrices = { rows = weights(height, self.size[1], dtype),
      columns = weights(width, self.size[2], dtype) }
    self.matrices = matrices
  end
  height = height * self.size[1]
  x = matrices.rows:matmul(x:reshape { batch, shape[2], width * channels })
  x = matrices.columns:matmul(x:reshape { batch * height, width, channels })
  return x:reshape { batch, height, width * self.size[2], channels }
end

local function define(n)
  local kind = ("up_sampling%dd"):format(n)
  local schema = { { name = "size", type = n == 1 and "integer" or "integer|table",
    positional = 1, default = 2, doc = "how often each cell is repeated" } }
  if n == 2 then
    schema[2] = { name = "interpolation", type = "string", choices = { "nearest", "bilinear" },
      default = "nearest",
      doc = "how new cells are filled" }
  end
  return layer.define {
    kind = kind, schema = schema,
    check = function(given, where) window.sizes(given.size, n, where, "size", 1) end,
    infer = function(self, input_shape)
      window.check_rank(self, n, input_shape)
      self.size = window.sizes(self.options.size, n, "nn." .. kind, "size", 1)
      local shape = { table.unpack(input_shape) }
      for i = 1, n do shape[i] = shape[i] * self.size[i] end
      return shape
    end,
    forward = function(self, x)
      if self.options.interpolation == "bilinear" then return interpolated(self, x) end
      for i = 1, n do x = repeated(x, i + 1, self.size[i]) end
      return x
    end,
  }
end

---`nn.up_sampling1d(2)`, `nn.up_sampling2d { { 2, 3 } }`, `interpolation = "bilinear"`
return { up_sampling1d = define(1), up_sampling2d = define(2) }
