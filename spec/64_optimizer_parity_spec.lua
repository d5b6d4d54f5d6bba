-- Ten steps of every optimiser against Keras 3 and PyTorch 2, whose weights are in
-- parity/optimizers.lua (see parity/optimizers.py), and the golden trajectory of five steps.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local checks = require "optimizer_checks"
local golden = dofile "spec/parity/optimizers.lua"

local start, gradient, compare = checks.start, checks.gradient, checks.compare

local function label(row)
  local function text(value)
    if type(value) ~= "table" then return tostring(value) end
    local parts = {}
    for key, item in pairs(value) do parts[#parts + 1] = tostring(key) .. "=" .. text(item) end
    table.sort(parts)
    return "{" .. table.concat(parts, " ") .. "}"
  end
  return ("%s %s %s%s"):format(row.name, row.flavor, text(row.options),
    row.schedule and " with a schedule" or "")
end

local function optimizer(row, parameters)
  local given = { flavor = row.flavor }
  for key, value in pairs(row.options) do given[key] = value end
  local made = ld.optim[row.name](given)
  if row.schedule then made = ld.optim.scheduled(made, row.schedule) end
  return made:attach(parameters)
end

local kept = { [1] = 1, [5] = 2, [10] = 3 }

describe("ten steps in f64 and f32", function()
  for _, row in ipairs(golden) do
    it(label(row), function()
      for dtype, tolerance in pairs { f64 = 1e-10, f32 = 1e-4 } do
        local parameters = { start(1, dtype), start(2, dtype), start(3, dtype) }
        local opt = optimizer(row, parameters)
        for step = 1, 10 do
          for k, entry in ipairs(parameters) do entry.tensor.grad = gradient(k, step, dtype) end
          opt:step()
          local at = kept[step]
          if at then
            compare(row.kept[at], parameters, tolerance, ("%s, step %d"):format(dtype, step))
          end
        end
        if row.kept[4] then
          opt:finalize()
          compare(row.kept[4], parameters, tolerance, dtype .. ", average")
        end
      end
    end)
  end
end)

-- Start (1, -0.5), defaults; the PyTorch numbers were printed by PyTorch 1.13 in f64 (NAdam by its
-- foreach path), the Keras numbers are the source's formulas in f64.
local gradients = { { .1, -.2 }, { .3, .05 }, { -.4, .7 }, { .02, -.01 }, { .5, .5 } }
local trajectories = {
  { "adadelta", "keras", .999996271262, -.500002619612 },
  { "adadelta", "torch", .991696560186, -.505862427602 },
  { "adamax", "keras", .998144929717, -.499515597069 },
  { "adamax", "torch", .996289857167, -.499031193150 },
  { "nadam", "keras", .997845433568, -.500933345913 },
  { "nadam", "torch", .995554336567, -.502145395753 },
  { "radam", "torch", .999603025308, -.500331588956 },
  { "lion", "keras", .997, -.503 },
}

describe("five steps of a pair", function()
  for _, row in ipairs(trajectories) do
    it(row[1] .. " " .. row[2], function()
      local w = ld.tensor({ 1, -.5 }, "f64")
      w.requires_grad = true
      local opt = ld.optim[row[1]] { { w }, flavor = row[2] }
      for _, g in ipairs(gradients) do
        w.grad = ld.tensor(g, "f64")
        opt:step()
      end
      assert.near(row[3], w[1], 1e-11)
      assert.near(row[4], w[2], 1e-11)
    end)
  end
end)
