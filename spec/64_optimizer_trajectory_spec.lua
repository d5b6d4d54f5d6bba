-- Known trajectories of five steps; ten steps of every optimiser and its options are a suite of
-- spec/parity.
local ld = require "lossdbg"

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
