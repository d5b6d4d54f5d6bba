-- An optimiser's state continues the training bit for bit.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local checks = require "optimizer_checks"

local start, gradient, fails = checks.start, checks.gradient, checks.fails

describe("state", function()
  for _, name in ipairs(ld.optim.names) do
    it("of " .. name .. " continues bit for bit", function()
      local function fresh()
        local w = start(1, "f32")
        return w, ld.optim[name] { { w }, lr = .01, use_ema = true,
          gradient_accumulation_steps = 2 }
      end
      local function advance(w, opt, from, to)
        for step = from, to do
          w.tensor.grad = gradient(1, step, "f32")
          opt:step()
        end
      end
      local w, opt = fresh()
      advance(w, opt, 1, 7)
      local other, twin = fresh()
      other.tensor:detach():copy_(w.tensor:detach())
      twin:load_state(opt:state())
      advance(w, opt, 8, 11)
      advance(other, twin, 8, 11)
      assert.same(w.tensor:totable(), other.tensor:totable())
      assert.same(opt:finalize() and w.tensor:totable(), twin:finalize() and other.tensor:totable())
    end)
  end

  it("with slots of another shape is refused", function()
    local opt = ld.optim.adafactor { { start(1, "f32") } }
    opt.list[1].tensor.grad = gradient(1, 1, "f32")
    opt:step()
    local state = opt:state()
    state.slots.a.row = ld.zeros { 4 }
    fails("slot 'row' of 'a' with shape [3]", opt.load_state, opt, state)
  end)
end)
