-- Cases of layers.lua: dense layers, activations and layers that reshape or scale, in a model.
local ld = require "lossdbg"
local core = require "lossdbg.core"
local draw = require "draw"
local measure = require "measure"

local nn = ld.nn

-- The layers that say what a model does when it trains do nothing when it is evaluated.
local noise = { dropout = true, spatial_dropout = true, gaussian_noise = true,
  gaussian_dropout = true, alpha_dropout = true }

local function model_of(row, dtype)
  local made = nn[row.layer](row.options)
  local model = row.layer == "sequential" and made or nn.sequential { made }
  return model:build({ table.unpack(row.shape, 2) }, { dtype = dtype })
end

local function check(row, dtype, near)
  local model, leaves = model_of(row, dtype), {}
  leaves[1] = draw(row.shape, row.seed + 1, dtype)
  leaves[1].requires_grad = true
  for _, parameter in model:parameters() do
    local i = #leaves
    if not row.weights[i] then break end
    near("shape of weight " .. i, row.weights[i], parameter.shape)
    ld.no_grad(function() parameter:copy_(draw(parameter.shape, row.seed + 1 + i, dtype)) end)
    leaves[i + 1] = parameter
  end
  near("number of weights", #row.weights, #leaves - 1)
  local y = model(leaves[1])
  near("shape", row.out, y.shape)
  near("result", row.y, y);
  (y * draw(row.out, row.seed + 9, dtype)):sum():backward()
  for i, gradient in ipairs(row.g) do near("gradient " .. i, gradient, leaves[i].grad) end
end

return function(golden)
  local ops, cases = {}, {}
  for _, row in ipairs(core.op_rows()) do ops[row.name] = true end
  for i, row in ipairs(golden) do
    local covers = { "layer " .. row.layer }
    if row.layer == "dense" then covers[2] = "op dense" end
    if row.layer == "activation" and ops[row.options] then covers[2] = "op " .. row.options end
    cases[i] = {
      title = ("%s %s of %s%s"):format(row.layer, measure.text(row.options),
        measure.text(row.shape), noise[row.layer] and ", evaluation" or ""),
      peers = row.peer, covers = covers,
      check = function(dtype, near) check(row, dtype, near) end,
    }
  end
  return cases
end
