-- Cases of initializers.lua: the distribution that a peer draws from, parameters and all, against
-- the numbers drawn here: Kolmogorov-Smirnov, variance, extremes; or the values themselves.
local ld = require "lossdbg"
local core = require "lossdbg.core"
local measure = require "measure"

local op = core.op

local function phi(x) return op.erf(x * math.sqrt(0.5)) * 0.5 + 0.5 end

-- Distribution function at a tensor of arguments, standard deviation, lowest and highest value.
local function law(row)
  if row.kind == "uniform" then
    local width = row.high - row.low
    return function(x) return (x - row.low) / width end, width / math.sqrt(12), row.low, row.high
  elseif row.kind == "normal" then
    return function(x) return phi((x - row.mean) / row.std) end, row.std, -math.huge, math.huge
  end
  local tail = phi(ld.tensor({ -2 }, "f64"))[1]
  return function(x) return (phi((x - row.mean) / row.std) - tail) / (1 - 2 * tail) end,
    row.std * ld.init.TRUNCATED_STD, row.mean - 2 * row.std, row.mean + 2 * row.std
end

-- The fans are those of the row's shape, the tensor holds 1e5 draws.
local draws = 100000
local function check_law(row, made, near)
  local fan_in, fan_out = ld.init.fans(row.shape)
  local t = made(ld.zeros({ draws }, "f64"), 11, nil, fan_in, fan_out)
  local cdf, std, low, high = law(row)
  local values = t:totable()
  table.sort(values)
  local at = cdf(ld.tensor(values, "f64"))
  local rank = ld.arange(0, draws, 1, "f64") / draws
  local distance = math.max((at - rank):abs():max():item(),
    (rank + 1 / draws - at):abs():max():item())
  -- 1.95 / sqrt(n): a true hypothesis is this far off once in a thousand.
  near("no Kolmogorov-Smirnov distance over 1.95 / sqrt(n), got " .. distance, 0,
    distance < 1.95 / math.sqrt(draws) and 0 or 1, 1)
  local ratio = op.var(t):item() / std ^ 2
  near("variance within 1 %, ratio " .. ratio, 0, math.abs(ratio - 1) < 0.01 and 0 or 1, 1)
  near("bounds", 0, values[1] >= low and values[draws] <= high and 0 or 1, 1)
end

local function check_values(row, dtype, made, near)
  local t = made(ld.full(row.shape, 7, dtype), 11)
  if row.kind == "gram" then
    local q = t:reshape { -1, row.shape[#row.shape] }
    local tall = q.shape[1] >= q.shape[2]
    t = op.matmul(q, q, { transpose_a = tall, transpose_b = not tall })
  end
  near("values", row.values, t)
end

return function(golden)
  local cases, once = {}, {}
  for i, row in ipairs(golden) do
    local drawn = row.kind ~= "values" and row.kind ~= "gram"
    -- Equal parameters give equal numbers: they are drawn once.
    local function check(dtype, near)
      local made = ld.init[row.name](row.options)
      if not drawn then return check_values(row, dtype, made, near) end
      local _, std, low, high = law(row)
      local fan_in, fan_out = ld.init.fans(row.shape)
      local own = made(ld.zeros({ 64 }, "f64"), 3, nil, fan_in, fan_out)
      -- The same uniform or normal numbers, scaled: their ratio to those of another shape is exact.
      local key = row.name .. measure.text(row.options)
      local first = once[key]
      if not first then
        once[key] = { own = own, std = std }
        return check_law(row, made, near)
      end
      near("scale", own, first.own * (std / first.std))
      near("bounds", 0, own:min():item() >= low and own:max():item() <= high and 0 or 1, 1)
    end
    cases[i] = {
      title = ("%s %s of %s"):format(row.name, measure.text(row.options), measure.text(row.shape)),
      peers = row.peer, covers = { "initializer " .. row.name }, check = check,
      dtypes = drawn and { "f64" } or nil,
    }
  end
  return cases
end
