--- Reshape: another shape for every sample; one size may be -1.
local layer = require "lossdbg.nn.layer"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local function check(given, where)
  local open = 0
  for _, size in ipairs(given.shape) do
    if math.type(size) ~= "integer" or (size < 1 and size ~= -1) then
      options.fail(where, "shape", "positive integers, one of which may be -1", size, nil,
        source.level())
    end
    if size == -1 then open = open + 1 end
  end
  if #given.shape == 0 or open > 1 then
    error(("lossdbg: %s: argument 'shape': expected at least one size and at most one -1"):format(
      where), source.level())
  end
end

local function infer(self, input_shape)
  local size, fixed, open, shape = 1, 1, nil, {}
  for _, n in ipairs(input_shape) do size = size * n end
  for i, n in ipairs(self.options.shape) do
    if n == -1 then open = i else fixed = fixed * n end
    shape[i] = n
  end
  if open then shape[open] = size // fixed end
  if (open and size % fixed ~= 0) or (not open and fixed ~= size) then
    layer.shape_error(self, ("%s%d values a sample"):format(open and "a multiple of " or "", fixed),
      input_shape, ("%d values"):format(size))
  end
  return shape
end

---`nn.reshape { 28, 28, 1 }` or `nn.reshape { shape = { 28, 28, 1 } }`
local describe = layer.define {
  kind = "reshape",
  schema = { { name = "shape", type = "table", required = true, doc = "sizes of one sample" } },
  check = check,
  infer = infer,
  forward = function(self, x)
    return x:reshape { x.shape[1], table.unpack(self.output_shape) }
  end,
}

return function(given)
  if type(given) == "number" then given = { shape = { given } } end
  if type(given) == "table" and given[1] ~= nil then
    local named = { shape = table.move(given, 1, #given, 1, {}) }
    for key, value in pairs(given) do
      if type(key) ~= "number" then named[key] = value end
    end
    given = named
  end
  return describe(given)
end
